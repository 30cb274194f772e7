//! Call flows and the lead's name, in two lines: what is taken is stored as itself, and becomes
//! well-formed TwiML that the name cannot break out of.

#![no_main]

use std::collections::BTreeMap;

use libfuzzer_sys::fuzz_target;
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use ringfence_carrier::call_flow::CallFlow;
use ringfence_carrier::twiml::{Variables, twiml};
use ringfence_fuzz::bounds::{Bounds, bounded};
use ringfence_fuzz::opinion::parts;

/// A longest name can be asked for in every eighth letter of a longest text.
const BOUNDS: Bounds = Bounds {
    memory_bytes: 16 << 20,
    memory_bytes_per_byte: 64,
    nanos_per_byte: 2_000,
};

/// As long as the name of a lead may be.
const NAME_BYTES_MAX: usize = 4_000;

fuzz_target!(|input: &[u8]| bounded(input, BOUNDS, check));

fn check(input: &[u8]) {
    let [name, json] = parts(input);
    let (Ok(name), Ok(json)) = (std::str::from_utf8(name), std::str::from_utf8(json)) else {
        return;
    };
    if name.len() > NAME_BYTES_MAX {
        return;
    }
    let Ok(flow) = CallFlow::parse(json) else {
        return;
    };
    assert_eq!(CallFlow::parse(&flow.to_json()).as_ref(), Ok(&flow));
    let variables = Variables {
        name: name.to_owned(),
        others: BTreeMap::from([("city".to_owned(), name.chars().rev().collect())]),
    };
    let written = twiml(&flow, &variables);
    assert_eq!(twiml(&flow, &variables), written);
    check_twiml(&written, &flow);
}

fn check_twiml(written: &str, flow: &CallFlow) {
    let allowed: &[&str] = match flow {
        CallFlow::Say { .. } => &["Response", "Say"],
        CallFlow::Play { .. } => &["Response", "Play"],
        CallFlow::Stream { .. } => &["Response", "Connect", "Stream", "Parameter"],
        CallFlow::Redirect { .. } => &["Response", "Redirect"],
    };
    let is_allowed = |element: &BytesStart<'_>| {
        let mut attributes = element.attributes();
        allowed.contains(&element.name().as_ref()) && attributes.all(|attribute| attribute.is_ok())
    };
    let is_char = |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..);
    assert!(written.chars().all(is_char));
    let (mut reader, mut depth) = (Reader::from_str(written), 0_u32);
    loop {
        match reader.read_event().expect("TwiML is well-formed") {
            Event::Start(element) => {
                assert!(is_allowed(&element));
                depth += 1;
            }
            Event::Empty(element) => assert!(is_allowed(&element)),
            Event::End(_) => depth -= 1,
            Event::Text(_) | Event::GeneralRef(_) => assert!(depth > 1),
            Event::Decl(_) => assert_eq!(depth, 0),
            Event::Eof => break,
            other => panic!("TwiML has no {other:?}"),
        }
    }
    assert_eq!(depth, 0);
}
