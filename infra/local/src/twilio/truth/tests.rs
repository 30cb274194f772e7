//! The audits notice what they are for.

use std::time::Duration;

use super::super::tests::{Desk, number, pass};
use super::super::{Dialled, Script};

const ELSEWHERE: [(&str, &str); 1] = [("To", "+972501234568")];

#[tokio::test(start_paused = true)]
async fn the_peak_counts_calls_from_acceptance_to_their_end() {
    let desk = Desk::calm();
    desk.create("c=1", &[]).await.sid();
    pass(12.5).await;
    desk.create("c=2", &[]).await.sid();
    assert_eq!(desk.twilio.truth().peak_live_by_business()["acme"], 1);
    pass(11.0).await;
    desk.create("c=3", &ELSEWHERE).await.sid();
    assert_eq!(desk.twilio.truth().peak_live_by_business()["acme"], 2);
    pass(60.0).await;
    let truth = desk.twilio.truth();
    assert_eq!(truth.peak_live_by_business()["acme"], 2);
    assert_eq!((truth.live(), truth.counts()["completed"]), (0, 3));
}

#[tokio::test(start_paused = true)]
async fn a_queued_call_is_live() {
    let desk = Desk::calm();
    desk.twilio
        .script(number("+972501234568"), Script::stays_queued());
    desk.create("c=1", &ELSEWHERE).await.sid();
    pass(3600.0).await;
    desk.create("c=2", &[]).await.sid();
    assert_eq!(desk.twilio.truth().peak_live_by_business()["acme"], 2);
}

#[tokio::test(start_paused = true)]
async fn a_job_dialled_twice_is_noticed_and_so_is_a_call_id() {
    let desk = Desk::calm();
    desk.create("c=1&r=5&i=0", &[]).await.sid();
    desk.create("c=2&r=5&i=1", &ELSEWHERE).await.sid();
    desk.create("c=3&r=6&i=0", &[]).await.sid();
    assert!(desk.twilio.truth().duplicate_dials().is_empty());
    desk.create("c=4&r=5&i=0", &[]).await.sid();
    desk.create("c=2", &[]).await.sid();
    let whats: Vec<Dialled> = desk
        .twilio
        .truth()
        .duplicate_dials()
        .into_iter()
        .map(|twice| twice.what)
        .collect();
    let job = Dialled::Job {
        business: "acme".into(),
        run: "5".into(),
        index: "0".into(),
    };
    let call = Dialled::Call {
        business: "acme".into(),
        call: "2".into(),
    };
    assert_eq!(whats, [job, call]);
}

#[tokio::test(start_paused = true)]
async fn two_live_calls_to_one_number_are_noticed() {
    let desk = Desk::calm();
    desk.create("c=1", &[]).await.sid();
    desk.create("c=2", &ELSEWHERE).await.sid();
    pass(20.0).await;
    let second = desk.create("c=3", &[]).await.sid();
    assert!(desk.twilio.truth().overlapping_numbers().is_empty());
    pass(1.0).await;
    let third = desk.create("c=4", &[]).await.sid();
    pass(60.0).await;
    let overlaps = desk.twilio.truth().overlapping_numbers();
    assert_eq!(overlaps.len(), 1);
    assert_eq!(
        (overlaps[0].0.as_str(), overlaps[0].1.as_str()),
        (&*second, &*third)
    );
}

#[tokio::test(start_paused = true)]
async fn each_request_answers_one_final_callback() {
    let desk = Desk::calm();
    desk.create("c=1", &[]).await.sid();
    desk.create("c=2", &ELSEWHERE).await.sid();
    pass(12.5).await;
    desk.create("c=3", &[]).await.sid();
    pass(1.0).await;
    desk.create("c=4", &ELSEWHERE).await.sid();
    pass(60.0).await;
    // The calls 3 and 4 end, and nothing follows.
    let millis: Vec<u128> = desk
        .twilio
        .truth()
        .turnarounds()
        .iter()
        .map(Duration::as_millis)
        .collect();
    assert_eq!(millis, [500, 1_500]);
}
