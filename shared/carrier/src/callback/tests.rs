use proptest::prelude::*;
use ringfence_core::ids::RunId;
use url::Url;

use super::*;

const QUERY: &str = "b=shop-7&c=01932c07-a5d4-7000-8000-000000000000&l=5&r=12&i=34";
const BODY: &str = "AccountSid=ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\
    &CallSid=CAbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb&CallStatus=completed&CallDuration=37&Duration=1\
    &Timestamp=Sun%2C+24+Aug+2025+13%3A49%3A54+%2B0000&From=%2B97231234567&To=%2B972501234567\
    &CallbackSource=call-progress-events&SequenceNumber=3&ToCity=";
const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

fn host() -> PublicHost {
    "https://calls.example".parse().unwrap()
}

fn read(query: &str, body: &str) -> Result<Callback, BadCallback> {
    Callback::parse(query, &Form::parse(body.as_bytes()).unwrap(), NOW)
}

#[track_caller]
fn check_bad(query: &str, body: &str, expected: &str) {
    assert_eq!(read(query, body).unwrap_err().to_string(), expected);
}

#[test]
fn the_end_of_a_call_is_a_report() {
    let callback = read(QUERY, BODY).unwrap();
    assert_eq!(callback.tag.business.as_str(), "shop-7");
    assert_eq!(callback.account_sid, "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
    assert_eq!(
        callback.report(),
        Some(Report {
            call: "01932c07-a5d4-7000-8000-000000000000".parse().unwrap(),
            job: Job::OfRun {
                run: RunId::new(12).unwrap(),
                index: 34
            },
            lead: LeadId::new(5).unwrap(),
            sid: "CAbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb".parse().unwrap(),
            status: CallStatus::Completed,
            at: Timestamp::from_millis(1_756_043_394_000),
            duration_seconds: Some(37),
        })
    );
}

#[test]
fn only_an_answered_call_has_a_duration() {
    let callback = read(QUERY, &BODY.replace("=completed", "=no-answer")).unwrap();
    assert_eq!(callback.report().unwrap().duration_seconds, None);
}

#[test]
fn an_unknown_status_is_no_report_and_no_error() {
    let callback = read(QUERY, &BODY.replace("=completed", "=on-hold")).unwrap();
    assert_eq!(callback.status, StatusWord::Unknown("on-hold".to_owned()));
    assert_eq!(callback.report(), None);
}

#[test]
fn a_report_survives_an_unreadable_date_and_duration() {
    let body = BODY
        .replace("Sun%2C", "Someday")
        .replace("CallDuration=37", "CallDuration=long");
    let report = read(QUERY, &body).unwrap().report().unwrap();
    assert_eq!((report.at, report.duration_seconds), (NOW, None));
}

#[test]
fn a_call_outside_any_run_has_no_run_in_its_address() {
    let callback = read("b=1&c=01932c07-a5d4-7000-8000-000000000000&l=5", BODY).unwrap();
    assert_eq!(
        callback.tag.job,
        Job::Direct {
            lead: LeadId::new(5).unwrap()
        }
    );
}

#[test]
fn what_is_needed_must_be_there_once() {
    check_bad(
        &QUERY.replace("b=shop-7", ""),
        BODY,
        "callback parameter b is missing",
    );
    check_bad(
        &QUERY.replace("shop-7", "Shop"),
        BODY,
        "callback parameter b is malformed",
    );
    check_bad(
        &QUERY.replace("c=0", "c=x"),
        BODY,
        "callback parameter c is malformed",
    );
    check_bad(
        &QUERY.replace("l=5", "l=0"),
        BODY,
        "callback parameter l is malformed",
    );
    check_bad(
        &QUERY.replace("&r=12", ""),
        BODY,
        "callback parameter r is missing",
    );
    check_bad(
        &QUERY.replace("&i=34", ""),
        BODY,
        "callback parameter i is missing",
    );
    check_bad(
        &QUERY.replace("i=34", "i=-1"),
        BODY,
        "callback parameter i is malformed",
    );
    check_bad(
        &format!("{QUERY}&b=2"),
        BODY,
        "callback parameter b is repeated",
    );
    check_bad(
        &"x".repeat(4096),
        BODY,
        "callback parameter query is too long",
    );
    check_bad(
        QUERY,
        &BODY.replace("CallStatus", "X"),
        "callback parameter CallStatus is missing",
    );
    check_bad(
        QUERY,
        &BODY.replace("AccountSid", "X"),
        "callback parameter AccountSid is missing",
    );
    check_bad(
        QUERY,
        &BODY.replace("=CA", "="),
        "callback parameter CallSid is malformed",
    );
    check_bad(
        QUERY,
        &format!("{BODY}&CallStatus=busy"),
        "callback parameter CallStatus is repeated",
    );
}

#[test]
fn addresses_are_as_agreed() {
    let tag = CallTag::parse(QUERY).unwrap();
    assert_eq!(
        tag.status_url(&host()),
        format!("https://calls.example/webhook/call_status?{QUERY}#rc=5&rp=all")
    );
    assert_eq!(
        tag.call_url(&host()),
        format!("https://calls.example/webhook/outbound_call?{QUERY}")
    );
}

fn tags() -> impl Strategy<Value = CallTag> {
    let job = proptest::option::of((1..=u32::MAX, any::<u32>()));
    ("[a-z0-9-]{1,32}", any::<u128>(), 1..=u32::MAX, job).prop_map(|(business, bits, lead, job)| {
        let uuid = uuid::Builder::from_u128(bits).with_version(uuid::Version::SortRand);
        let lead = LeadId::new(lead).unwrap();
        CallTag {
            business: business.parse().unwrap(),
            call: CallId::new(uuid.into_uuid()),
            job: job.map_or(Job::Direct { lead }, |(run, index)| Job::OfRun {
                run: RunId::new(run).unwrap(),
                index,
            }),
            lead,
        }
    })
}

proptest! {
    #[test]
    fn an_address_leads_back_to_its_call(tag in tags()) {
        for url in [tag.status_url(&host()), tag.call_url(&host())] {
            let url = Url::parse(&url).unwrap();
            prop_assert_eq!(CallTag::parse(url.query().unwrap()).unwrap(), tag.clone());
        }
    }

    #[test]
    fn nothing_that_arrives_makes_it_panic(query in ".*", body in proptest::collection::vec(any::<u8>(), 0..200)) {
        let form = Form::parse(&body).unwrap();
        let _ = Callback::parse(&query, &form, NOW);
        let _ = Callback::parse(QUERY, &form, NOW);
    }
}
