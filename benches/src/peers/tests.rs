//! The peers keep the promise too, when nothing goes wrong.

use ringfence_local::twilio::Truth;

use super::*;
use crate::schedule::utilisation;

const JOBS: u32 = 25;
const LIMIT: u32 = 3;

#[track_caller]
fn check(name: &str, truth: &Truth, idle_at_most: Duration) {
    assert_eq!(truth.calls.len(), JOBS as usize, "{name}");
    assert_eq!(truth.live(), 0, "{name}");
    assert_eq!(truth.peak_live_by_business()["peer"], LIMIT, "{name}");
    assert_eq!(truth.duplicate_dials(), [], "{name}");
    let found = utilisation(truth, LIMIT).unwrap();
    assert!(found.makespan >= found.ideal, "{name}: {found:?}");
    assert!(found.idle <= idle_at_most, "{name}: {found:?}");
}

#[tokio::test(start_paused = true)]
async fn every_peer_keeps_the_limit_and_calls_every_lead_once() {
    let world = World::set(Behaviour::ordinary()).await.unwrap();
    transactions::run(&world, JOBS, LIMIT).await.unwrap();
    check(
        "transactions",
        &world.twilio.truth(),
        Duration::from_millis(100),
    );

    for start in [semaphore::Start::AtOnce, semaphore::Start::Spread] {
        let world = World::set(Behaviour::ordinary()).await.unwrap();
        semaphore::run(&world, JOBS, LIMIT, start).await.unwrap();
        check("semaphore", &world.twilio.truth(), Duration::from_secs(40));
    }

    let world = World::set(Behaviour::ordinary()).await.unwrap();
    polling::run(&world, JOBS, LIMIT).await.unwrap();
    check("polling", &world.twilio.truth(), Duration::from_secs(2));
}

#[tokio::test(start_paused = true)]
async fn the_counter_and_the_semaphore_are_free_in_the_end() {
    let world = World::set(Behaviour::ordinary()).await.unwrap();
    transactions::run(&world, JOBS, LIMIT).await.unwrap();
    let raw = crate::raw::Raw::of(&world.dynamo);
    let counter = raw.get("BIZ#peer", "COUNTER").unwrap().unwrap();
    assert_eq!(counter["in_use"]["N"], "0");

    let world = World::set(Behaviour::ordinary()).await.unwrap();
    let start = semaphore::Start::AtOnce;
    semaphore::run(&world, JOBS, LIMIT, start).await.unwrap();
    let raw = crate::raw::Raw::of(&world.dynamo);
    let semaphore = raw.get("BIZ#peer", "SEMAPHORE").unwrap().unwrap();
    assert_eq!(semaphore["in_use"]["N"], "0");
    assert_eq!(semaphore.as_object().unwrap().len(), 3, "no owner is left");
}
