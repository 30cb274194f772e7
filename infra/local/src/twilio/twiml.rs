//! Judges what a call was told to do.

use http::header::CONTENT_TYPE;
use http::{Response, header::HeaderMap};
use quick_xml::Reader;
use quick_xml::events::Event;

/// What became of the instructions for an answered call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Twiml {
    /// No instructions were needed, or not yet.
    NotAsked,
    /// Valid, with something to say or do.
    Speaks,
    /// Valid, and over at once.
    HangsUp,
    /// The answer was not TwiML: the person called hears an error message.
    Invalid,
    /// There was no answer, or not a 200: the person called hears an error message.
    Unreachable,
}

/// The verbs that may stand directly in a response.
const VERBS: [&str; 21] = [
    "Connect", "Dial", "Echo", "Enqueue", "Gather", "Hangup", "Leave", "Message", "Pause", "Pay",
    "Play", "Prompt", "Queue", "Record", "Redirect", "Refer", "Reject", "Say", "Sms", "Start",
    "Stop",
];

/// Judges the answer of the address that was asked for instructions.
pub(super) fn judge(response: &Response<bytes::Bytes>) -> Twiml {
    if !response.status().is_success() {
        return Twiml::Unreachable;
    }
    match std::str::from_utf8(response.body()) {
        Ok(text) if is_xml(response.headers()) => judge_text(text),
        Ok(_) | Err(_) => Twiml::Invalid,
    }
}

/// Judges instructions that came with the request.
pub(super) fn judge_text(text: &str) -> Twiml {
    match first_verb(text) {
        Some(Some(verb)) if verb == "Hangup" => Twiml::HangsUp,
        Some(None) => Twiml::HangsUp,
        Some(Some(_)) => Twiml::Speaks,
        None => Twiml::Invalid,
    }
}

fn is_xml(headers: &HeaderMap) -> bool {
    let media_type = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let media_type = media_type
        .and_then(|value| value.split(';').next())
        .map(str::trim);
    matches!(media_type, Some("text/xml" | "application/xml"))
}

/// The name of the first verb, if there is one; `None` if this is not TwiML at all.
fn first_verb(text: &str) -> Option<Option<String>> {
    let mut reader = Reader::from_str(text.trim_start());
    let mut first = None;
    let mut depth = 0_u32;
    let mut has_root = false;
    // Each event uses up at least one byte of the text.
    loop {
        match reader.read_event().ok()? {
            Event::Start(tag) => {
                open(depth, &mut has_root, &mut first, tag.name().as_ref())?;
                depth += 1;
            }
            Event::Empty(tag) => open(depth, &mut has_root, &mut first, tag.name().as_ref())?,
            Event::End(_) => depth = depth.checked_sub(1)?,
            Event::Text(text) if depth < 2 && !text.trim_ascii().is_empty() => return None,
            Event::CData(_) | Event::GeneralRef(_) if depth < 2 => return None,
            Event::DocType(_) => return None,
            Event::Eof => return (has_root && depth == 0).then_some(first),
            Event::Text(_)
            | Event::CData(_)
            | Event::GeneralRef(_)
            | Event::Comment(_)
            | Event::Decl(_)
            | Event::PI(_) => {}
        }
    }
}

/// Takes note of an opened element; `None` if it may not stand here.
fn open(depth: u32, has_root: &mut bool, first: &mut Option<String>, name: &str) -> Option<()> {
    match depth {
        0 if *has_root || name != "Response" => return None,
        0 => *has_root = true,
        1 if !VERBS.contains(&name) => return None,
        1 => _ = first.get_or_insert_with(|| name.to_owned()),
        _ => {}
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Twiml) {
        assert_eq!(judge_text(text), expected, "{text}");
    }

    #[test]
    fn twiml_is_told_from_other_xml() {
        check(
            "<Response><Say language=\"he-IL\">שלום &amp; ברכה</Say></Response>",
            Twiml::Speaks,
        );
        check(
            "<?xml version=\"1.0\"?>\n<Response>\n<Hangup/>\n</Response>\n",
            Twiml::HangsUp,
        );
        check("<Response/>", Twiml::HangsUp);
        check(
            "<Response><Connect><Stream url=\"wss://a.example/\"><Parameter name=\"a\" value=\"b\"/>\
             </Stream></Connect></Response>",
            Twiml::Speaks,
        );
        check("<Response><Shout>hey</Shout></Response>", Twiml::Invalid);
        check("<Response><Say>hey</Response>", Twiml::Invalid);
        check("<Response><Say>hey</Say>", Twiml::Invalid);
        check("<Response/><Response/>", Twiml::Invalid);
        check("<html></html>", Twiml::Invalid);
        check("hello", Twiml::Invalid);
        check("", Twiml::Invalid);
    }
}
