//! What reaches the client about its calls.

use super::*;

const ALL_EVENTS: [(&str, &str); 4] = [
    ("StatusCallbackEvent", "initiated"),
    ("StatusCallbackEvent", "ringing"),
    ("StatusCallbackEvent", "answered"),
    ("StatusCallbackEvent", "completed"),
];

#[tokio::test(start_paused = true)]
async fn only_the_end_is_reported_by_default() {
    let desk = Desk::calm();
    let sid = desk.create("c=1", &[]).await.sid();
    pass(20.0).await;
    let reports = desk.reports();
    assert_eq!(reports.len(), 1);
    let expected = [
        ("CallSid", sid.as_str()),
        ("AccountSid", ACCOUNT),
        ("To", TO),
        ("CallStatus", "completed"),
        ("Direction", "outbound-api"),
        ("ApiVersion", "2010-04-01"),
        ("Timestamp", "Fri, 18 Oct 2019 17:00:12 +0000"),
        ("CallbackSource", "call-progress-events"),
        ("SequenceNumber", "0"),
        ("CallDuration", "10"),
        ("Duration", "1"),
        ("SipResponseCode", "200"),
    ];
    for (name, value) in expected {
        assert_eq!(reports[0].value(name), value, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn every_event_that_was_asked_for_is_reported_in_turn() {
    let desk = Desk::calm();
    desk.create("c=1", &ALL_EVENTS).await.sid();
    pass(20.0).await;
    let reports = desk.reports();
    let told: Vec<_> = reports
        .iter()
        .map(|it| (it.value("CallStatus"), it.value("SequenceNumber")))
        .collect();
    let expected = [
        ("initiated", "0"),
        ("ringing", "1"),
        ("in-progress", "2"),
        ("completed", "3"),
    ];
    assert_eq!(told, expected);
}

#[tokio::test(start_paused = true)]
async fn every_request_to_the_client_is_signed() {
    let desk = Desk::calm();
    desk.create("c=1", &ALL_EVENTS).await.sid();
    pass(20.0).await;
    let inbox = desk.inbox.lock().unwrap().clone();
    assert_eq!(inbox.len(), 5);
    for told in &inbox {
        assert!(!told.url.contains('#'));
        let tokens = [Secret::new(TOKEN)];
        assert!(signature::verify(
            &tokens,
            &told.url,
            &told.form,
            &told.signature
        ));
        let others = [Secret::new("another")];
        assert!(!signature::verify(
            &others,
            &told.url,
            &told.form,
            &told.signature
        ));
    }
}

#[tokio::test(start_paused = true)]
async fn a_callback_by_get_carries_its_parameters_in_the_signed_query() {
    let desk = Desk::calm();
    desk.create("c=1", &[("StatusCallbackMethod", "GET")])
        .await
        .sid();
    pass(20.0).await;
    let told = &desk.reports()[0];
    assert!(told.url.contains("&CallStatus=completed"));
    let tokens = [Secret::new(TOKEN)];
    assert!(signature::verify(
        &tokens,
        &told.url,
        &[] as &[(&str, &str)],
        &told.signature
    ));
}

#[tokio::test(start_paused = true)]
async fn a_callback_is_repeated_as_its_fragment_asks() {
    let answers = |nth| if nth <= 2 { 503 } else { 204 };
    let desk = Desk::open(settings(Faults::none(), 7), answers);
    desk.create("c=1", &[]).await.sid();
    pass(40.0).await;
    let reports = desk.reports();
    assert_eq!(reports.len(), 3);
    assert!(reports.iter().all(|told| told.token == reports[0].token));
}

#[tokio::test(start_paused = true)]
async fn without_a_fragment_a_server_error_is_not_repeated() {
    let desk = Desk::open(settings(Faults::none(), 7), |_| 503);
    desk.create(
        "c=1",
        &[("StatusCallback", "https://a.example/status?b=acme")],
    )
    .await
    .sid();
    pass(40.0).await;
    assert_eq!(desk.reports().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn repeats_end_after_the_retries_asked_for() {
    let desk = Desk::open(settings(Faults::none(), 7), |_| 503);
    desk.create("c=1", &[]).await.sid();
    pass(60.0).await;
    let reports = desk.reports();
    assert_eq!(reports.len(), 6);
    assert!(reports[5].at - reports[0].at < Duration::from_secs(15));
}

#[tokio::test(start_paused = true)]
async fn bad_instructions_end_the_call_after_an_apology() {
    let cases = [
        ("<Response><Hangup/></Response>", Twiml::HangsUp, 2),
        ("<Response><Shout/></Response>", Twiml::Invalid, 4),
        ("<Response><Say>x</Say></Response>", Twiml::Speaks, 12),
    ];
    for (twiml, expected, seconds) in cases {
        let desk = Desk::calm();
        desk.create("c=1", &[("Url", ""), ("Twiml", twiml)])
            .await
            .sid();
        pass(40.0).await;
        let call = &desk.twilio.truth().calls[0];
        assert_eq!(call.twiml, expected);
        assert_eq!(
            call.lifetime(),
            Some(Duration::from_secs(seconds)),
            "{twiml}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_cannot_be_reached_hears_nothing_and_is_known_for_it() {
    let desk = Desk::calm();
    desk.twilio.deliver_by(Delivery::Nowhere);
    desk.create("c=1", &[]).await.sid();
    pass(60.0).await;
    let call = &desk.twilio.truth().calls[0];
    assert_eq!(call.twiml, Twiml::Unreachable);
    assert!(desk.reports().is_empty());
}
