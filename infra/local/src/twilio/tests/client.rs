//! The carrier's client and this Twilio understand each other.

use ringfence_carrier::callback::{CallTag, Callback};
use ringfence_carrier::form::Form;
use ringfence_carrier::host::PublicHost;
use ringfence_carrier::settings::{Account, ApiBase, CallEvent};
use ringfence_carrier::twilio::{Callbacks, Twilio};
use ringfence_core::call::{CallStatus, Job};
use ringfence_core::ids::{CallSid, LeadId};
use ringfence_flows::carrier::{Asked, Carrier as _, Found};

use super::*;

fn client(desk: &Desk) -> Twilio<InProcessTransport> {
    let account = Account {
        sid: ACCOUNT.parse().unwrap(),
        user: "SK1".to_owned(),
        secret: Secret::new("hush"),
        api_base: ApiBase::TWILIO.parse().unwrap(),
    };
    let callbacks = Callbacks {
        host: None,
        events: CallEvent::DEFAULT.to_vec(),
    };
    let transport = InProcessTransport::new(desk.twilio.clone(), Duration::from_secs(10));
    Twilio::new(account, callbacks, transport)
}

#[track_caller]
fn known(asked: Asked) -> Option<CallStatus> {
    match asked {
        Asked::Known(sighting) => sighting.status,
        Asked::NotFound | Asked::Undecided => panic!("the call is not known"),
    }
}

#[tokio::test(start_paused = true)]
async fn the_client_finds_asks_for_and_ends_a_call() {
    let desk = Desk::calm();
    let client = client(&desk);
    let sid: CallSid = desk.create("c=1", &[]).await.sid().parse().unwrap();
    let since = Timestamp::from_millis(1_571_418_000_000);
    let Found::Calls(found) = client.find(&number(FROM), &number(TO), since).await else {
        panic!("the list is not understood");
    };
    assert_eq!(found.len(), 1);
    assert_eq!((&found[0].sid, found[0].created_at), (&sid, Some(since)));
    pass(5.0).await;
    assert_eq!(known(client.ask(&sid).await), Some(CallStatus::InProgress));
    assert_eq!(known(client.end(&sid).await), Some(CallStatus::Completed));
    assert_eq!(known(client.end(&sid).await), Some(CallStatus::Completed));
    let unknown = "CA00000000000000000000000000000000".parse().unwrap();
    assert_eq!(client.ask(&unknown).await, Asked::NotFound);
}

#[tokio::test(start_paused = true)]
async fn the_client_understands_a_report_and_the_truth_knows_whose_call_it_was() {
    let desk = Desk::calm();
    let host: PublicHost = "https://a.example".parse().unwrap();
    let tag = CallTag {
        business: "acme".parse().unwrap(),
        call: "01932c07-a5d4-7000-8000-000000000000".parse().unwrap(),
        job: Job::OfRun {
            run: "5".parse().unwrap(),
            index: 0,
        },
        lead: LeadId::new(9).unwrap(),
    };
    let callback = tag.status_url(&host);
    let sid = desk
        .create("", &[("StatusCallback", &callback)])
        .await
        .sid();
    pass(20.0).await;

    let told = desk.reports().remove(0);
    let form = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(&told.form)
        .finish();
    let form = Form::parse(form.as_bytes()).unwrap();
    let query = told.url.split_once('?').unwrap().1;
    let report = Callback::parse(query, &form, Timestamp::from_millis(0)).unwrap();
    assert_eq!(report.tag, tag);
    let report = report.report().unwrap();
    assert_eq!(
        (report.sid.as_str(), report.status),
        (&*sid, CallStatus::Completed)
    );
    assert_eq!(report.at, Timestamp::from_millis(1_571_418_012_000));
    assert_eq!(report.duration_seconds, Some(10));

    let known = Tag::clone(&desk.twilio.truth().calls[0].tag);
    let expected = Tag {
        business: Some("acme".to_owned()),
        call: Some("01932c07-a5d4-7000-8000-000000000000".to_owned()),
        lead: Some("9".to_owned()),
        run: Some("5".to_owned()),
        index: Some("0".to_owned()),
    };
    assert_eq!(known, expected);
}
