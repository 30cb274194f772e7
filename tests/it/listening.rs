//! Reads the logs of every story: what they never contain, however much is written down.

use std::any::Any;
use std::cell::Cell;
use std::io;
use std::sync::{Arc, Mutex};
use std::thread;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::FmtSpan;
use tracing_subscriber::fmt::writer::BoxMakeWriter;
use tracing_subscriber::util::SubscriberInitExt;
use uuid::Uuid;

/// Every line of our own at its most talkative, and what `LOG_LEVEL=debug` shows of the rest.
pub(crate) const FILTER: &str = "debug,authorizer=trace,business=trace,fill=trace,leads=trace,\
    start=trace,status=trace,stop=trace,sweep=trace,webhook=trace,ringfence_carrier=trace,\
    ringfence_core=trace,ringfence_flows=trace,ringfence_ledger=trace,ringfence_local=trace,\
    ringfence_shell=trace";

/// As production has it by default: more of the SDK's own would take longer than the stories.
const STORY_FILTER: &str = "info,authorizer=debug,business=debug,fill=debug,leads=debug,\
    start=debug,status=debug,stop=debug,sweep=debug,webhook=debug,ringfence_carrier=debug,\
    ringfence_core=debug,ringfence_flows=debug,ringfence_ledger=debug,ringfence_local=debug,\
    ringfence_shell=debug";

thread_local! {
    /// Whether a test keeps this thread's log, and looks through it itself.
    static IS_KEPT: Cell<bool> = const { Cell::new(false) };
}

/// Texts that several tasks add to.
#[derive(Clone, Default)]
pub(crate) struct Notes(Arc<Mutex<Vec<u8>>>);

impl Notes {
    pub(crate) fn text(&self) -> String {
        let bytes = self.0.lock().expect("nobody panicked").clone();
        String::from_utf8(bytes).expect("logs are UTF-8")
    }
}

impl io::Write for Notes {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("nobody panicked").extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Keeps everything that happens in this thread from now on, as production writes it.
pub(crate) fn listen(filter: &str) -> (Notes, impl Sized) {
    let notes = Notes::default();
    let writer = notes.clone();
    IS_KEPT.set(true);
    let guard = hear(
        filter,
        FmtSpan::FULL,
        BoxMakeWriter::new(move || writer.clone()),
    );
    (notes, guard)
}

/// Keeps no more than what production writes down.
pub(crate) fn listen_as_deployed(filter: &str) -> (Notes, impl Sized) {
    let notes = Notes::default();
    let writer = notes.clone();
    IS_KEPT.set(true);
    let guard = hear(
        filter,
        FmtSpan::NONE,
        BoxMakeWriter::new(move || writer.clone()),
    );
    (notes, guard)
}

fn hear(filter: &str, events: FmtSpan, writer: BoxMakeWriter) -> impl Sized + use<> {
    // While there is only one subscriber in the process, `tracing` decides whether a log line
    // is ever written by asking the thread that comes to it first. This makes them two.
    let spare = tracing_subscriber::registry().set_default();
    let guard = tracing_subscriber::fmt()
        .json()
        .without_time()
        .with_env_filter(EnvFilter::new(filter))
        .with_span_events(events)
        .with_writer(writer)
        .set_default();
    (guard, spare)
}

/// Fails the story that it belongs to if a line of its log holds a number or a secret.
pub(crate) struct Watch {
    found: Found,
    _guard: Option<Box<dyn Any>>,
}

#[derive(Clone, Default)]
struct Found(Arc<Mutex<Option<String>>>);

impl Watch {
    pub(crate) fn begin() -> Self {
        let found = Found::default();
        let writer = found.clone();
        let guard = (!IS_KEPT.get()).then(|| -> Box<dyn Any> {
            let writer = BoxMakeWriter::new(move || writer.clone());
            Box::new(hear(STORY_FILTER, FmtSpan::FULL, writer))
        });
        Self {
            found,
            _guard: guard,
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let found = self.found.0.lock().expect("nobody panicked").take();
        if !thread::panicking() {
            assert_eq!(found, None, "a line of the log holds what it must not");
        }
    }
}

impl io::Write for Found {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let line = String::from_utf8_lossy(bytes);
        if holds_number(&line) || holds_secret(&line) {
            *self.0.lock().expect("nobody panicked") = Some(line.into_owned());
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Whether there is a whole phone number, international or Israel's own.
fn holds_number(line: &str) -> bool {
    let texts = line.split(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '+' | '-'));
    // The last group of a random one may look like a number.
    let texts = texts.filter(|text| Uuid::parse_str(text).is_err());
    let words = texts.flat_map(|text| text.split('-'));
    words
        .filter(|word| {
            word.trim_start_matches('+')
                .bytes()
                .all(|c| c.is_ascii_digit())
        })
        .any(|word| {
            let is_own = word.starts_with('0') && matches!(word.len(), 9 | 10);
            let is_international = word.starts_with('+') || word.starts_with("972");
            is_own || is_international && matches!(word.len(), 9..=16)
        })
}

/// Whether there is an API key, the carrier's token, or one of its signatures.
fn holds_secret(line: &str) -> bool {
    let is_hex = |text: &str| text.bytes().all(|c| c.is_ascii_hexdigit());
    let holds_key = line.match_indices("rf_").any(|(at, _)| {
        let secret = line.get(at + 20..at + 84);
        secret.is_some_and(is_hex)
    });
    // The base64 of twenty bytes.
    let holds_signature = line.match_indices('=').any(|(at, _)| {
        let text = at.checked_sub(27).and_then(|from| line.get(from..at));
        let is_base64 = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'+' | b'/');
        text.is_some_and(|text| text.bytes().all(is_base64))
    });
    holds_key
        || holds_signature
        || line.contains("simulated-auth-token")
        || line.contains("Bearer ")
}

#[test]
fn numbers_and_secrets_in_a_line_are_noticed() {
    for line in [
        r#"{"to":"+972555000001"}"#,
        "to=972555000001,",
        "called 0555000001.",
        "+12125550100",
    ] {
        assert!(holds_number(line), "{line}");
    }
    let key = format!("rf_{}_{}", "0".repeat(16), "a".repeat(64));
    for line in [
        key.as_str(),
        "authorization: Bearer x",
        "token simulated-auth-token",
        r#"{"signature":"0/KCTR6DLpKmkAf8muzZqo1nDgQ="}"#,
    ] {
        assert!(holds_secret(line), "{line}");
    }
    assert!(holds_number("call-972555000001"));
    let harmless = "now=1760000000000 to=…0001 id=0199c5b4-0000-7000-8000-972555000001 rf_00112233";
    assert!(!holds_number(harmless) && !holds_secret(harmless));
}

#[test]
#[should_panic(expected = "a line of the log holds what it must not")]
fn a_story_that_writes_a_number_down_fails() {
    let _watch = Watch::begin();
    tracing::info!("placed a call to +972555000001");
}
