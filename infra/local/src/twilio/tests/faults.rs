//! What goes wrong on purpose.

use super::*;

/// Runs a day of calls in a row, and tells everything that happened in it.
async fn day(seed: u64) -> (Vec<String>, Injected) {
    let desk = Desk::with(Faults::rough(), seed);
    let mut log = Vec::new();
    for nth in 0..60 {
        let to = format!("+97250123{nth:04}");
        let reply = desk.create(&format!("c={nth}"), &[("To", &to)]).await;
        log.push(format!("{nth} {}", reply.status));
    }
    pass(120.0).await;
    let truth = desk.twilio.truth();
    log.extend(
        truth
            .creates
            .iter()
            .map(|create| format!("{:?}", create.verdict)),
    );
    for told in desk.reports() {
        log.push(format!("{} {}", told.value("To"), told.value("CallStatus")));
    }
    (log, truth.injected)
}

#[tokio::test(start_paused = true)]
async fn the_seed_decides_what_goes_wrong() {
    let (log, injected) = day(3).await;
    assert_eq!((log.clone(), injected), day(3).await);
    assert_ne!(log, day(4).await.0);
    assert!(
        injected.lost > 0 && injected.doubled > 0 && injected.late > 0,
        "{injected:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn the_order_of_requests_changes_nobody_s_fate() {
    let statuses = async |order: [u32; 3]| {
        let mut all = Vec::new();
        let desk = Desk::with(
            Faults {
                refused: 0.5,
                ..Faults::none()
            },
            11,
        );
        for nth in order {
            let to = format!("+97250123{nth:04}");
            all.push((nth, desk.create("c=1", &[("To", &to)]).await.status));
        }
        all.sort_unstable();
        all
    };
    assert_eq!(statuses([1, 2, 3]).await, statuses([3, 1, 2]).await);
}

#[tokio::test(start_paused = true)]
async fn an_ambiguous_create_made_the_call_or_did_not() {
    for silence in [
        Silence::Reset,
        Silence::Hang,
        Silence::ServerError,
        Silence::Garbled,
    ] {
        for (fate, calls) in [
            (Fate::MadeUnknown(silence), 1),
            (Fate::UnmadeUnknown(silence), 0),
        ] {
            let desk = Desk::calm();
            desk.twilio.script(number(TO), Script::fated(fate));
            let reply = desk.create("c=1", &[]).await;
            let is_unclear = matches!(reply.status, 0 | 500)
                || (reply.status == 201 && reply.body == Value::Null);
            assert!(is_unclear, "{fate:?} {}", reply.status);
            pass(20.0).await;
            assert_eq!(desk.twilio.truth().calls.len(), calls, "{fate:?}");
            assert_eq!(desk.reports().len(), calls, "{fate:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_final_callback_can_overtake_the_answer() {
    let desk = Desk::calm();
    desk.twilio
        .script(number(TO), Script::fated(Fate::AcceptedAfterFinal));
    let sid = desk.create("c=1", &[]).await.sid();
    let reports = desk.reports();
    assert_eq!(reports.len(), 1);
    assert_eq!(reports[0].value("CallSid"), sid);
    assert_eq!(reports[0].value("CallStatus"), "failed");
}

#[tokio::test(start_paused = true)]
async fn callbacks_are_lost_doubled_and_late() {
    let lateness = Duration::from_secs(3)..=Duration::from_secs(3);
    let cases = [
        (
            Faults {
                lost: 1.0,
                ..Faults::none()
            },
            vec![],
        ),
        (
            Faults {
                doubled: 1.0,
                lateness: lateness.clone(),
                ..Faults::none()
            },
            vec![12, 15],
        ),
        (
            Faults {
                late: 1.0,
                lateness,
                ..Faults::none()
            },
            vec![15],
        ),
    ];
    for (faults, expected) in cases {
        let start = Instant::now();
        let desk = Desk::with(faults.clone(), 7);
        desk.create("c=1", &[]).await.sid();
        pass(60.0).await;
        let at: Vec<u64> = desk
            .reports()
            .iter()
            .map(|it| (it.at - start).as_secs())
            .collect();
        assert_eq!(at, expected, "{faults:?}");
        let call = &desk.twilio.truth().calls[0];
        assert_eq!(call.final_sent.is_some(), !expected.is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn a_reordered_callback_comes_after_the_last_one() {
    let desk = Desk::with(
        Faults {
            reordered: 1.0,
            ..Faults::none()
        },
        7,
    );
    let events = [
        ("StatusCallbackEvent", "ringing"),
        ("StatusCallbackEvent", "completed"),
    ];
    desk.create("c=1", &events).await.sid();
    pass(60.0).await;
    let reports = desk.reports();
    let told: Vec<_> = reports
        .iter()
        .map(|told| told.value("CallStatus"))
        .collect();
    assert_eq!(told, ["completed", "ringing"]);
}

#[tokio::test(start_paused = true)]
async fn one_request_too_many_makes_no_call() {
    let desk = Desk::calm();
    let fate = Fate::TooMany {
        retry_after_seconds: Some(2),
    };
    desk.twilio.script(number(TO), Script::fated(fate));
    let reply = desk.create("c=1", &[]).await;
    assert_eq!((reply.status, &reply.body["code"]), (429, &20429.into()));
    assert!(desk.twilio.truth().calls.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_stale_read_tells_of_the_past_and_never_for_longer() {
    let faults = Faults {
        stale: 1.0,
        staleness: Duration::from_secs(2),
        ..Faults::none()
    };
    let desk = Desk::with(faults, 7);
    let sid = desk.create("c=1", &[]).await.sid();
    pass(12.5).await;
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..40 {
        seen.insert(desk.status(&sid).await);
    }
    assert!(
        seen.contains("in-progress") && seen.contains("completed"),
        "{seen:?}"
    );
    pass(2.0).await;
    for _ in 0..40 {
        assert_eq!(desk.status(&sid).await, "completed");
    }
}

#[tokio::test(start_paused = true)]
async fn the_transport_waits_for_a_lost_answer_as_long_as_its_client() {
    use ringfence_carrier::transport::{Transport as _, TransportError};

    let desk = Desk::calm();
    desk.twilio
        .script(number(TO), Script::fated(Fate::MadeUnknown(Silence::Hang)));
    let transport = InProcessTransport::new(desk.twilio.clone(), Duration::from_secs(9));
    let body = "To=%2B972501234567&From=%2B97231234567&Url=https%3A%2F%2Fa.example%2Ftwiml";
    let request = Request::builder()
        .method("POST")
        .uri(format!(
            "https://api.twilio.com/2010-04-01/Accounts/{ACCOUNT}/Calls.json"
        ))
        .header("authorization", basic(ACCOUNT, TOKEN))
        .body(Bytes::from_static(body.as_bytes()))
        .unwrap();
    let start = Instant::now();
    assert_eq!(
        transport.send(request).await.unwrap_err(),
        TransportError::Unknown
    );
    assert_eq!(start.elapsed().as_secs(), 9);
    assert_eq!(desk.twilio.truth().calls.len(), 1);
}
