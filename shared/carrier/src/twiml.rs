//! Tells Twilio what happens in a call, in its XML.
//!
//! Whatever stands in a lead's name or variables, the answer is well-formed and
//! within Twilio's limits. Asking twice gives the same answer and changes nothing.

use std::collections::BTreeMap;
use std::io;

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};
use ringfence_flows::carrier::Script;
use ringfence_flows::records::Lead;

use crate::call_flow::{CallFlow, PARAMETER_CHARS_MAX, SAY_CHARS_MAX};

/// The media type of the answer.
pub const CONTENT_TYPE: &str = "text/xml; charset=utf-8";

/// Twilio's limit for what is sent along with the request for a call. It is said in characters
/// and counted in bytes here, which are never fewer, however Twilio counts.
///
/// <https://www.twilio.com/docs/voice/api/call-resource#create-a-call-resource>
pub const SENT_BYTES_MAX: usize = 4_000;

/// What is known of the lead that is being called.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Variables {
    pub name: String,
    /// The further columns of the list that the lead came from.
    pub others: BTreeMap<String, String>,
}

impl Variables {
    /// `name` means the lead's name, whatever columns there are.
    fn get(&self, variable: &str) -> &str {
        if variable == "name" {
            &self.name
        } else {
            self.others.get(variable).map_or("", String::as_str)
        }
    }
}

impl From<&Lead> for Variables {
    fn from(lead: &Lead) -> Self {
        Self {
            name: lead.name.clone(),
            others: lead.variables.clone(),
        }
    }
}

/// Renders a call flow for one lead.
pub fn twiml(flow: &CallFlow, variables: &Variables) -> String {
    let mut writer = Writer::new(Vec::new());
    render(&mut writer, flow, variables).expect("writing to memory succeeds");
    String::from_utf8(writer.into_inner()).expect("everything written is UTF-8")
}

/// What is sent along with the request for a call, unless it is too long for that.
pub fn script(flow: &CallFlow, variables: &Variables) -> Option<Script> {
    let text = twiml(flow, variables);
    (text.len() <= SENT_BYTES_MAX).then(|| Script::new(text))
}

fn render(writer: &mut Writer<Vec<u8>>, flow: &CallFlow, variables: &Variables) -> io::Result<()> {
    writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    writer
        .create_element("Response")
        .write_inner_content(|writer| {
            match flow {
                CallFlow::Say {
                    text,
                    language,
                    voice,
                } => {
                    let text: String = fill_in(text, variables)
                        .chars()
                        .take(SAY_CHARS_MAX)
                        .collect();
                    let mut say = writer.create_element("Say");
                    say = say.with_attribute(("language", printable(language).as_str()));
                    if let Some(voice) = voice {
                        say = say.with_attribute(("voice", printable(voice).as_str()));
                    }
                    // An empty one is an error to Twilio.
                    if !text.is_empty() {
                        say.write_text_content(BytesText::new(&text))?;
                    }
                }
                CallFlow::Play { url } => {
                    writer
                        .create_element("Play")
                        .write_text_content(BytesText::new(url.as_str()))?;
                }
                CallFlow::Stream { url, parameters } => {
                    writer
                        .create_element("Connect")
                        .write_inner_content(|writer| {
                            let stream = writer.create_element("Stream");
                            let stream = stream.with_attribute(("url", url.as_str()));
                            stream.write_inner_content(|writer| {
                                for (name, value) in parameters {
                                    write_parameter(writer, name, &fill_in(value, variables))?;
                                }
                                Ok(())
                            })?;
                            Ok(())
                        })?;
                }
                CallFlow::Redirect { url } => {
                    let redirect = writer
                        .create_element("Redirect")
                        .with_attribute(("method", "POST"));
                    redirect.write_text_content(BytesText::new(url.as_str()))?;
                }
            }
            Ok(())
        })?;
    Ok(())
}

fn write_parameter(writer: &mut Writer<Vec<u8>>, name: &str, value: &str) -> io::Result<()> {
    let name = printable(name);
    let room = PARAMETER_CHARS_MAX.saturating_sub(name.chars().count());
    let value: String = value.chars().take(room).collect();
    let parameter = writer.create_element("Parameter");
    let parameter = parameter.with_attribute(("name", name.as_str()));
    parameter
        .with_attribute(("value", value.as_str()))
        .write_empty()?;
    Ok(())
}

/// Replaces each `{{variable}}` once; what a variable contains is not looked at again.
/// An unknown one is replaced by nothing.
fn fill_in(template: &str, variables: &Variables) -> String {
    let mut filled = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        let Some((variable, after)) = after.split_once("}}") else {
            break;
        };
        filled.push_str(before);
        filled.push_str(variables.get(variable.trim()));
        rest = after;
    }
    filled.push_str(rest);
    printable(filled.trim())
}

/// Leaves out what XML 1.0 cannot contain, not even escaped.
///
/// <https://www.w3.org/TR/xml/#charsets>
fn printable(text: &str) -> String {
    let is_allowed = |c: char| match c {
        '\t' | '\n' | '\r' => true,
        '\u{FFFE}' | '\u{FFFF}' => false,
        _ => c >= ' ',
    };
    text.chars().filter(|c| is_allowed(*c)).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use quick_xml::Reader;

    use super::*;

    fn lead(name: &str) -> Variables {
        let others = [
            ("city".to_owned(), "חיפה".to_owned()),
            ("x".to_owned(), "{{name}}".to_owned()),
        ];
        Variables {
            name: name.to_owned(),
            others: others.into(),
        }
    }

    fn say(text: &str) -> CallFlow {
        CallFlow::Say {
            text: text.to_owned(),
            language: "he-IL".to_owned(),
            voice: None,
        }
    }

    #[track_caller]
    fn check(flow: &CallFlow, name: &str, expected: &str) {
        let head = r#"<?xml version="1.0" encoding="UTF-8"?><Response>"#;
        assert_eq!(
            twiml(flow, &lead(name)),
            format!("{head}{expected}</Response>")
        );
    }

    #[test]
    fn a_text_is_said_with_the_lead_in_it() {
        check(
            &say("שלום {{name}} מ{{ city }}{{unknown}}!"),
            "דנה",
            r#"<Say language="he-IL">שלום דנה מחיפה!</Say>"#,
        );
        let voice = Some("Google.he-IL-Wavenet-A".to_owned());
        let flow = CallFlow::Say {
            text: "x".to_owned(),
            language: "he-IL".to_owned(),
            voice,
        };
        check(
            &flow,
            "",
            r#"<Say language="he-IL" voice="Google.he-IL-Wavenet-A">x</Say>"#,
        );
    }

    #[test]
    fn a_recording_is_played_and_a_redirect_followed() {
        let url = || "https://h/a?b=1&c='2'".parse().unwrap();
        check(
            &CallFlow::Play { url: url() },
            "",
            "<Play>https://h/a?b=1&amp;c=%272%27</Play>",
        );
        check(
            &CallFlow::Redirect { url: url() },
            "",
            r#"<Redirect method="POST">https://h/a?b=1&amp;c=%272%27</Redirect>"#,
        );
    }

    #[test]
    fn a_stream_gets_its_parameters() {
        let parameters = [("lead", "{{name}}"), ("plan", "a&b")];
        let flow = CallFlow::Stream {
            url: "wss://ai.example/call".parse().unwrap(),
            parameters: parameters.map(|(n, v)| (n.to_owned(), v.to_owned())).into(),
        };
        check(
            &flow,
            "\"דנה\"",
            "<Connect><Stream url=\"wss://ai.example/call\">\
             <Parameter name=\"lead\" value=\"&quot;דנה&quot;\"/>\
             <Parameter name=\"plan\" value=\"a&amp;b\"/></Stream></Connect>",
        );
    }

    #[test]
    fn a_name_cannot_break_out_of_the_text() {
        check(
            &say("{{name}}"),
            "</Say><Dial>+1</Dial>\u{0}\u{FFFE}\u{1b}&",
            r#"<Say language="he-IL">&lt;/Say&gt;&lt;Dial&gt;+1&lt;/Dial&gt;&amp;</Say>"#,
        );
    }

    #[test]
    fn a_variable_is_not_looked_into() {
        check(
            &say("{{x}}"),
            "דנה",
            r#"<Say language="he-IL">{{name}}</Say>"#,
        );
    }

    #[test]
    fn nothing_is_said_when_nothing_is_left_to_say() {
        check(&say("{{name}} {{unknown}}"), " ", "");
    }

    #[test]
    fn braces_that_do_not_close_are_said() {
        check(
            &say("{{name}} {{name"),
            "דנה",
            r#"<Say language="he-IL">דנה {{name</Say>"#,
        );
    }

    #[test]
    fn a_text_that_grew_too_long_is_cut_between_characters() {
        let xml = twiml(&say("א{{name}}"), &lead(&"ב".repeat(5000)));
        assert!(xml.contains(&format!(">א{}<", "ב".repeat(SAY_CHARS_MAX - 1))));
    }

    #[test]
    fn a_parameter_that_grew_too_long_is_cut() {
        let flow = CallFlow::Stream {
            url: "wss://h".parse().unwrap(),
            parameters: [("n".to_owned(), "{{name}}".to_owned())].into(),
        };
        let xml = twiml(&flow, &lead(&"ב".repeat(5000)));
        assert!(xml.contains(&format!("\"{}\"", "ב".repeat(PARAMETER_CHARS_MAX - 1))));
    }

    proptest! {
        #[test]
        fn any_name_is_said_as_it_is(name in any::<String>()) {
            let xml = twiml(&say("<{{name}}>"), &lead(&name));
            let mut said = String::new();
            let mut reader = Reader::from_str(&xml);
            loop {
                match reader.read_event().unwrap() {
                    Event::Text(text) => said.push_str(&text),
                    Event::GeneralRef(name) => {
                        said.push_str(&quick_xml::escape::unescape(&format!("&{};", &*name)).unwrap());
                    }
                    Event::Eof => break,
                    _ => {}
                }
            }
            prop_assert_eq!(said, printable(&format!("<{name}>")));
        }
    }
}
