//! How calls live and end.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_call_is_queued_then_rings_then_talks_then_is_over() {
    let desk = Desk::calm();
    let sid = desk.create("c=1", &[]).await.sid();
    assert_eq!(desk.status(&sid).await, "queued");
    pass(1.0).await;
    assert_eq!(desk.status(&sid).await, "ringing");
    pass(2.0).await;
    assert_eq!(desk.status(&sid).await, "in-progress");
    pass(10.0).await;
    assert_eq!(desk.status(&sid).await, "completed");

    let call = &desk.twilio.truth().calls[0];
    assert_eq!(call.lifetime(), Some(Duration::from_secs(12)));
    assert_eq!(call.planned, call.lifetime());
    assert_eq!(call.twiml, Twiml::Speaks);
}

#[tokio::test(start_paused = true)]
async fn scripts_decide_how_calls_to_a_number_end() {
    let cases = [
        (Script::never_answers(), 30.0, "no-answer"),
        (
            Script::talks(Duration::from_secs(31), Duration::ZERO),
            30.0,
            "no-answer",
        ),
        (
            Script {
                ending: Some(Ending::Busy),
                ..Script::default()
            },
            0.0,
            "busy",
        ),
        (
            Script {
                ending: Some(Ending::Fails),
                ..Script::default()
            },
            0.0,
            "failed",
        ),
        (
            Script::talks(Duration::from_secs(2), Duration::from_secs(3 * 3600)),
            602.0,
            "completed",
        ),
    ];
    for (script, seconds, expected) in cases {
        let desk = Desk::calm();
        desk.twilio.script(number(TO), script);
        let sid = desk
            .create("c=1", &[("Timeout", "30"), ("TimeLimit", "600")])
            .await
            .sid();
        pass(4.0 * 3600.0).await;
        assert_eq!(desk.status(&sid).await, expected);
        let lifetime = desk.twilio.truth().calls[0].lifetime();
        assert_eq!(
            lifetime,
            Some(Duration::from_secs_f64(seconds)),
            "{expected}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn speed_shortens_a_call_but_not_its_own_seconds() {
    let desk = Desk::open(
        Settings {
            speed: 10.0,
            ..settings(Faults::none(), 7)
        },
        |_| 204,
    );
    let sid = desk.create("c=1", &[]).await.sid();
    pass(1.3).await;
    assert_eq!(desk.status(&sid).await, "completed");
    assert_eq!(desk.reports()[0].value("CallDuration"), "10");
}

#[tokio::test(start_paused = true)]
async fn calls_beyond_the_pace_wait_in_the_queue() {
    let mut settings = settings(Faults::none(), 7);
    settings.behaviour.calls_per_second = Some(0.5);
    let desk = Desk::open(settings, |_| 204);
    desk.create("c=1", &[]).await.sid();
    let second = desk.create("c=2", &[("To", "+972501234568")]).await.sid();
    pass(1.9).await;
    assert_eq!(desk.status(&second).await, "queued");
    pass(0.2).await;
    let body = desk
        .ask("GET", &format!("/Calls/{second}.json"), "")
        .await
        .body;
    assert_eq!(
        (&body["status"], &body["queue_time"]),
        (&"ringing".into(), &"2000".into())
    );
}

#[tokio::test(start_paused = true)]
async fn a_live_call_can_be_ended_once() {
    let desk = Desk::calm();
    let sid = desk.create("c=1", &[]).await.sid();
    let path = format!("/Calls/{sid}.json");
    pass(4.0).await;
    let canceled = desk.ask("POST", &path, "Status=canceled").await;
    assert_eq!(
        (canceled.status, &canceled.body["code"]),
        (400, &21220.into())
    );
    let ended = desk.ask("POST", &path, "Status=completed").await;
    assert_eq!(
        (ended.status, &ended.body["status"]),
        (200, &"completed".into())
    );
    assert_eq!(
        desk.ask("POST", &path, "Status=completed").await.body["code"],
        21220
    );
    pass(20.0).await;
    let reports = desk.reports();
    assert_eq!(reports.len(), 1);
    assert_eq!(reports[0].value("CallDuration"), "2");
}

#[tokio::test(start_paused = true)]
async fn a_call_canceled_in_the_queue_fires_no_callback() {
    let desk = Desk::calm();
    desk.twilio.script(number(TO), Script::stays_queued());
    let events = [
        ("StatusCallbackEvent", "initiated"),
        ("StatusCallbackEvent", "completed"),
    ];
    let sid = desk.create("c=1", &events).await.sid();
    pass(24.0 * 3600.0).await;
    assert_eq!(desk.status(&sid).await, "queued");
    assert_eq!(desk.twilio.truth().live(), 1);
    desk.ask("POST", &format!("/Calls/{sid}.json"), "Status=canceled")
        .await;
    assert_eq!(desk.status(&sid).await, "canceled");
    pass(60.0).await;
    assert!(desk.inbox.lock().unwrap().is_empty());
    assert_eq!(desk.twilio.truth().live(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_call_canceled_while_it_rings_is_reported() {
    let desk = Desk::calm();
    let sid = desk.create("c=1", &[]).await.sid();
    pass(1.0).await;
    desk.ask("POST", &format!("/Calls/{sid}.json"), "Status=canceled")
        .await;
    pass(1.0).await;
    assert_eq!(desk.reports()[0].value("CallStatus"), "canceled");
}
