//! The fill function dies, or sleeps, at each of its steps.

use std::time::Duration;

use http::Method;
use ringfence_local::aws::trap::{CrashPoint, Side};
use ringfence_local::twilio::{Ending, Fate, Faults, Script, Silence};
use serde_json::json;

use super::bench::{Bench, crash_points};

/// When a fill function dies.
#[derive(Debug, Clone, Copy)]
enum Pass {
    /// On the first wake-up of a run.
    First,
    /// On the reports of the first calls.
    Reports,
    /// On the reports of the last calls.
    Last,
    /// When it settles calls of which nothing was heard.
    Silence,
    /// The same, where no answer told that there are calls.
    Unclear,
    /// The same, where there are none.
    Unmade,
    /// When the carrier has refused the leads.
    Refused,
}

impl Pass {
    /// A bench and a run, just before the pass.
    async fn prepare(self) -> (Bench, u64) {
        let lost = Faults {
            lost: 1.0,
            ..Faults::none()
        };
        let (faults, leads) = match self {
            Self::First | Self::Reports => (Faults::none(), 5),
            Self::Last => (Faults::none(), 2),
            Self::Silence | Self::Unclear | Self::Unmade => (lost, 4),
            Self::Refused => (Faults::none(), 4),
        };
        let bench = Bench::with(faults, leads, 2).await;
        for (place, number) in bench.numbers.iter().cloned().enumerate() {
            match self {
                Self::Unclear => {
                    let fate = Some(Fate::MadeUnknown(Silence::Reset));
                    let ending = Some(Ending::Talks(Duration::from_secs(9)));
                    bench.story.twilio.script(
                        number,
                        Script {
                            fate,
                            ending,
                            ..Script::default()
                        },
                    );
                }
                Self::Unmade if place < 2 => {
                    let unmade = Script::fated(Fate::UnmadeUnknown(Silence::Reset));
                    bench.story.twilio.script(number, unmade);
                }
                Self::Refused if place < 2 => bench.story.twilio.refuse(number, 21211),
                Self::First
                | Self::Reports
                | Self::Last
                | Self::Silence
                | Self::Unmade
                | Self::Refused => {}
            }
        }
        let run = bench.story.start_run(&bench.office, &bench.leads).await;
        if matches!(self, Self::First | Self::Refused) {
            return (bench, run);
        }
        bench.fill(None).await;
        if matches!(self, Self::Reports | Self::Last) {
            bench.story.wait(31).await;
            return (bench, run);
        }
        bench.story.wait(130).await;
        bench.sweep(None).await;
        if matches!(self, Self::Unmade) {
            bench.fill(None).await;
            bench.story.wait(60).await;
            bench.sweep(None).await;
        }
        (bench, run)
    }

    /// Lets the pass die at each of its requests, on each side, and everything go on.
    async fn die_everywhere(self) {
        let (bench, run) = Box::pin(self.prepare()).await;
        let requests = bench.fill(None).await;
        assert!(requests.len() > 5, "{requests:?}");
        bench
            .go_on(run, &format!("{self:?}, without a crash"))
            .await;
        for (crash, place) in crash_points(&requests) {
            let (bench, run) = Box::pin(self.prepare()).await;
            bench.fill(Some(crash)).await;
            bench.go_on(run, &format!("{self:?}, dead {place}")).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_fill_may_die_anywhere_on_the_first_wake_up() {
    Pass::First.die_everywhere().await;
}

#[tokio::test(start_paused = true)]
async fn a_fill_may_die_anywhere_on_reports() {
    Pass::Reports.die_everywhere().await;
}

#[tokio::test(start_paused = true)]
async fn a_fill_may_die_anywhere_at_the_end_of_a_run() {
    Pass::Last.die_everywhere().await;
}

#[tokio::test(start_paused = true)]
async fn a_fill_may_die_anywhere_while_it_settles_silent_calls() {
    Pass::Silence.die_everywhere().await;
}

#[tokio::test(start_paused = true)]
async fn a_fill_may_die_anywhere_while_it_looks_for_calls_without_a_name() {
    Pass::Unclear.die_everywhere().await;
}

#[tokio::test(start_paused = true)]
async fn a_fill_may_die_anywhere_while_it_gives_up_calls_that_never_were() {
    Pass::Unmade.die_everywhere().await;
}

#[tokio::test(start_paused = true)]
async fn a_fill_may_die_anywhere_while_leads_are_refused() {
    Pass::Refused.die_everywhere().await;
}

#[tokio::test(start_paused = true)]
async fn a_refusal_that_was_only_recorded_costs_nothing_of_the_day() {
    let (bench, _) = Pass::Refused.prepare().await;
    let requests = bench.fill(None).await;
    let writes = requests.iter().enumerate();
    let writes = writes.filter(|(_, name)| *name == "UpdateItem");
    let writes: Vec<usize> = writes.map(|(place, _)| place).collect();
    // The two claims, the two refusals, and then what the state learns of them.
    let nth = u32::try_from(writes[3] + 1).expect("there are few");
    let crash = CrashPoint {
        nth,
        side: Side::Before,
    };
    let bench = Bench::with(Faults::none(), 4, 2).await;
    for number in &bench.numbers[..2] {
        bench.story.twilio.refuse(number.clone(), 21211);
    }
    let body = json!({ "caps": { "calls_per_day": 2 } });
    let path = "/api/business";
    let set = bench
        .story
        .send_as_system(&bench.office, Method::PUT, path, body);
    set.await.of_status(200);
    let run = bench.story.start_run(&bench.office, &bench.leads).await;
    bench.fill(Some(crash)).await;
    let end = bench.go_on(run, "dead before the refusals are known").await;
    assert_eq!(
        (&end["completed"], &end["failed"]),
        (&2.into(), &2.into()),
        "{end}, {requests:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_sleeps_at_any_moment_dials_for_nobody_else() {
    // Past the window, in which others wait for it, and past everything.
    for (pass, seconds) in [(Pass::First, 12), (Pass::First, 300)] {
        for turns in 0.. {
            let (bench, run) = pass.prepare().await;
            let what = format!("{pass:?}, asleep for {seconds} s after {turns} turns");
            let Some(_events) = bench.fill_in_two(turns, seconds).await else {
                assert!(turns > 10, "{what}");
                break;
            };
            let end = bench.go_on(run, &what).await;
            assert_eq!(end["status"], "completed", "{what}: {end}");
        }
    }
}
