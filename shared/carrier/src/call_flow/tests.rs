use super::*;

#[track_caller]
fn check_bad(json: &str, expected: &str) {
    assert_eq!(
        CallFlow::parse(json).unwrap_err().to_string(),
        expected,
        "{json}"
    );
}

#[test]
fn every_kind_is_stored_and_read_back() {
    for json in [
        r#"{"kind":"say","text":"שלום {{name}}","language":"he-IL"}"#,
        r#"{"kind":"say","text":"Hi","language":"en-US","voice":"Polly.Joanna"}"#,
        r#"{"kind":"play","url":"https://cdn.example/a.mp3?v=1"}"#,
        r#"{"kind":"stream","url":"wss://ai.example/call","parameters":{"lead":"{{name}}"}}"#,
        r#"{"kind":"redirect","url":"https://flows.example/x"}"#,
    ] {
        assert_eq!(CallFlow::parse(json).unwrap().to_json(), json);
    }
}

#[test]
fn hebrew_is_spoken_unless_another_language_is_named() {
    let flow = CallFlow::parse(r#"{"kind":"say","text":" שלום "}"#).unwrap();
    let expected = CallFlow::Say {
        text: "שלום".to_owned(),
        language: "he-IL".to_owned(),
        voice: None,
    };
    assert_eq!(flow, expected);
}

#[test]
fn what_could_not_be_said_is_refused() {
    let say = |text: &str| format!(r#"{{"kind":"say","text":"{text}"}}"#);
    assert!(CallFlow::parse(&say(&"ש".repeat(SAY_CHARS_MAX))).is_ok());
    assert!(CallFlow::parse(&say(&format!("  {}  ", "ש".repeat(SAY_CHARS_MAX)))).is_ok());
    check_bad(
        &say(&"ש".repeat(SAY_CHARS_MAX + 1)),
        "text is longer than 4096 characters",
    );
    check_bad(&say("  "), "text is empty");
    check_bad(
        r#"{"kind":"say","text":"x","language":"<he>"}"#,
        "language is not a name that Twilio could know",
    );
    check_bad(
        r#"{"kind":"say","text":"x","voice":""}"#,
        "voice is not a name that Twilio could know",
    );
}

#[test]
fn what_could_not_be_reached_safely_is_refused() {
    check_bad(
        r#"{"kind":"play","url":"http://h/a.mp3"}"#,
        "url must be https",
    );
    check_bad(
        r#"{"kind":"redirect","url":"javascript:alert(1)"}"#,
        "url must be https",
    );
    check_bad(r#"{"kind":"redirect","url":"/x"}"#, "url is not a URL");
    check_bad(
        r#"{"kind":"redirect","url":"https://u:p@h/"}"#,
        "url must not contain credentials",
    );
    check_bad(
        r#"{"kind":"redirect","url":"https://h/{{name}}"}"#,
        "url must not contain {{variables}}",
    );
    check_bad(r#"{"kind":"stream","url":"https://h/"}"#, "url must be wss");
    check_bad(
        r#"{"kind":"stream","url":"wss://h/?a=1"}"#,
        "url must not have a query; use parameters",
    );
    let long = format!(
        r#"{{"kind":"play","url":"https://h/{}"}}"#,
        "x".repeat(URL_BYTES_MAX)
    );
    check_bad(&long, "url is longer than 2048 bytes");
    // The parser adds a slash, and what is stored must be read again.
    let host = "https://a.example?";
    let query = "0".repeat(URL_BYTES_MAX - host.len());
    let grows = format!("{{\"kind\":\"redirect\",\"url\":\"{host}{query}\"}}");
    check_bad(&grows, "url is longer than 2048 bytes");
}

#[test]
fn parameters_are_few_and_short() {
    let stream = |name: &str, value: &str| {
        format!(r#"{{"kind":"stream","url":"wss://h","parameters":{{"{name}":"{value}"}}}}"#)
    };
    assert!(CallFlow::parse(&stream("n", &"v".repeat(498))).is_ok());
    check_bad(
        &stream("n", &"v".repeat(499)),
        "parameters must be shorter than 500 characters each, name and value together",
    );
    check_bad(&stream("", "v"), "parameters must have names");
    let many: BTreeMap<_, _> = (0..33).map(|i| (i.to_string(), String::new())).collect();
    let wire = CallFlowWire::Stream {
        url: "wss://h".to_owned(),
        parameters: many,
    };
    assert_eq!(
        CallFlow::try_from(wire).unwrap_err().problem,
        "are more than 32"
    );
}

#[test]
fn what_is_no_call_flow_is_refused() {
    for json in [
        "",
        "null",
        "[]",
        r#"{"kind":"hang"}"#,
        r#"{"text":"x"}"#,
        r#"{"kind":"say"}"#,
        r#"{"kind":"say","text":5}"#,
        r#"{"kind":"say","text":"x","url":"https://h"}"#,
    ] {
        check_bad(json, "call_flow is not a call flow");
    }
}
