//! Crashes: whatever dies, and at whichever step, the run ends, nobody is called twice, and
//! every lead has its outcome.

use std::time::Duration;

use ringfence_core::ids::{LeadId, RunId};
use ringfence_core::stop::LiveCalls;
use ringfence_flows::ledger::RequestKey;
use ringfence_flows::start::{Leads, PublicHost, Shape, StartAnswer, StartRequest, start};
use ringfence_flows::stop::{StopAnswer, stop_run};
use ringfence_flows::tally::Tally;
use ringfence_local::aws::queue::QueueFaults;
use ringfence_local::aws::trap::CrashPoint;
use ringfence_local::environment::World;
use ringfence_local::events::{Crashes, Events};
use ringfence_local::twilio::{Behaviour, Delivery, Faults};

use self::bench::{Bench, crash_points};
use crate::story::Setting;

mod bench;
mod fills;

/// The same request each time: somebody presses *start* until there is an answer.
fn request(bench: &Bench) -> StartRequest {
    let ids = bench
        .leads
        .iter()
        .map(|&lead| LeadId::new(u32::try_from(lead).expect("it fits")).expect("a lead id"));
    StartRequest {
        leads: Leads::Ids(ids.collect()),
        concurrency: None,
        shape: Shape::DirectOrRun,
        key: Some(RequestKey {
            key: "once".to_owned(),
            request_digest: [7; 32],
        }),
        asked_by: "somebody".to_owned(),
        public_host: PublicHost::Configured,
    }
}

async fn press_start(
    bench: &Bench,
    crash: Option<CrashPoint>,
) -> (Option<StartAnswer>, Vec<String>) {
    let request = request(bench);
    let task = async |world: &World| {
        let started = start(world, &bench.office.id, &request, &mut Tally::default()).await;
        started.expect("the store is sound")
    };
    bench.process(crash, task).await
}

#[tokio::test(start_paused = true)]
async fn a_direct_start_may_die_anywhere_and_be_asked_for_again() {
    let mut points = vec![None];
    while let Some(point) = points.pop() {
        let bench = Bench::with(Faults::none(), 2, 3).await;
        let (answer, requests) = press_start(&bench, point).await;
        if point.is_none() {
            assert!(answer.is_some());
            points.extend(crash_points(&requests).map(|(crash, _)| Some(crash)));
        }
        let (again, _) = press_start(&bench, None).await;
        let is_calls = matches!(
            again,
            Some(StartAnswer::Calls(_) | StartAnswer::CallsAgain(_))
        );
        assert!(is_calls, "{point:?}: {again:?}");
        let _events = Events::start(&bench.plan, Crashes::NONE);
        bench.story.wait(400).await;
        assert_eq!(bench.story.active(&bench.office).await, 0, "{point:?}");
        let truth = bench.story.assert_promise(3);
        let dials = truth.creates.iter().map(|create| create.tag.lead.clone());
        let mut dials: Vec<_> = dials.collect();
        let count = dials.len();
        dials.sort();
        dials.dedup();
        assert_eq!(dials.len(), count, "{point:?}: nobody is dialled twice");
    }
}

#[tokio::test(start_paused = true)]
async fn a_start_of_a_run_may_die_anywhere_and_be_asked_for_again() {
    let mut points = vec![None];
    while let Some(point) = points.pop() {
        let bench = Bench::with(Faults::none(), 4, 2).await;
        let (_, requests) = press_start(&bench, point).await;
        if point.is_none() {
            points.extend(crash_points(&requests).map(|(crash, _)| Some(crash)));
        }
        let (again, _) = press_start(&bench, None).await;
        let Some(StartAnswer::Run { run, .. }) = again else {
            panic!("{point:?}: {again:?}");
        };
        let end = bench.go_on(run.get().into(), &format!("{point:?}")).await;
        assert_eq!(end["completed"], 4, "{point:?}: {end}");
        let runs = bench
            .story
            .get(&bench.office, "/api/outbound/runs")
            .await
            .of_status(200);
        assert_eq!(
            runs["items"].as_array().unwrap().len(),
            1,
            "{point:?}: {runs}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_stop_may_die_anywhere_and_be_asked_for_again() {
    for live_calls in [LiveCalls::Finish, LiveCalls::HangUp] {
        let mut points = vec![None];
        while let Some(point) = points.pop() {
            let bench = Bench::with(Faults::none(), 6, 2).await;
            let run = bench.story.start_run(&bench.office, &bench.leads).await;
            bench.fill(None).await;
            bench.story.wait(10).await;
            let id = RunId::new(u32::try_from(run).unwrap()).unwrap();
            let task = async |world: &World| {
                stop_run(
                    world,
                    &bench.office.id,
                    id,
                    live_calls,
                    &mut Tally::default(),
                )
                .await
            };
            let (_, requests) = bench.process(point, task).await;
            if point.is_none() {
                points.extend(crash_points(&requests).map(|(crash, _)| Some(crash)));
            }
            let (again, _) = bench.process(None, task).await;
            let again = again.unwrap().unwrap();
            assert_ne!(again, StopAnswer::NotFound, "{live_calls:?} {point:?}");
            let end = bench.go_on(run, &format!("{live_calls:?} {point:?}")).await;
            assert_eq!(end["status"], "stopped", "{live_calls:?} {point:?}: {end}");
            assert_eq!(end["canceled"], 4, "{live_calls:?} {point:?}: {end}");
            assert_eq!(
                bench.story.truth().creates.len(),
                2,
                "{live_calls:?} {point:?}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_sweep_may_die_anywhere() {
    let mut points = vec![None];
    while let Some(point) = points.pop() {
        let bench = Bench::with(Faults::none(), 3, 2).await;
        let run = bench.story.start_run(&bench.office, &bench.leads).await;
        let lost = bench.plan.queue.receive(10, Duration::ZERO, None).await;
        bench.plan.queue.delete(
            &lost
                .iter()
                .map(|message| &message.receipt)
                .collect::<Vec<_>>(),
        );
        let requests = bench.sweep(point).await;
        if point.is_none() {
            points.extend(crash_points(&requests).map(|(crash, _)| Some(crash)));
        }
        let end = bench.go_on(run, &format!("{point:?}")).await;
        assert_eq!(end["completed"], 3, "{point:?}: {end}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_stack_that_starts_again_goes_on_where_it_was() {
    for after in [0, 1, 7, 29, 30, 31, 44] {
        let mut story = Setting::plain().begin().await;
        let office = story.open(3).await;
        let leads = story.import(&office, 9).await;
        let run = story.start_run(&office, &leads).await;
        story.wait(after).await;
        story.twilio.deliver_by(Delivery::Nowhere);
        story.wait(20).await;
        story.restart().await;
        let end = story.end_of(&office, run, Duration::from_secs(600)).await;
        assert_eq!(
            (&end["status"], &end["completed"]),
            (&"completed".into(), &9.into()),
            "{end}"
        );
        assert_eq!(story.active(&office).await, 0);
        assert_eq!(story.assert_promise(3).creates.len(), 9);
    }
}

#[tokio::test(start_paused = true)]
async fn on_the_worst_of_days_everything_ends_and_the_promise_holds() {
    for seed in 0..10 {
        let setting = Setting {
            seed,
            faults: Faults::rough(),
            behaviour: Behaviour::ordinary(),
            crashes: Crashes { share: 0.2, seed },
            call_events: if seed % 2 == 0 {
                "completed"
            } else {
                "initiated,ringing,answered,completed"
            },
            ..Setting::plain()
        };
        let mut story = setting.begin().await;
        let (one, two) = (story.open(3).await, story.open(5).await);
        let (few, many) = (story.import(&one, 12).await, story.import(&two, 15).await);
        let delay_max = Duration::from_secs(30);
        let faults = QueueFaults {
            seed,
            refuse: 0.05,
            lose: 0.1,
            double: 0.1,
            delay: 0.1,
            delay_max,
        };
        story.stack.plan.queue.misbehave(faults);
        let runs = [
            (&one, story.start_run(&one, &few).await),
            (&two, story.start_run(&two, &many).await),
        ];
        for (office, run) in runs {
            let mut left = 120;
            while story.run(office, run).await["status"] == "running" {
                story.wait(60).await;
                left -= 1;
                assert!(left > 0, "seed {seed}: the run ends");
            }
            let end = story.run(office, run).await;
            assert_eq!(story.active(office).await, 0, "seed {seed}: {end}");
            let truth = story.truth();
            let is_of = |business: &Option<String>| business.as_deref() == Some(office.id.as_str());
            let calls = truth.calls.iter().filter(|call| is_of(&call.tag.business));
            let talked = calls.filter(|call| call.answered.is_some()).count();
            assert_eq!(end["completed"], talked, "seed {seed}: {end}");
        }
        let peaks = story.assert_promise(5).peak_live_by_business();
        assert!(peaks[one.id.as_str()] <= 3, "seed {seed}: {peaks:?}");
    }
}
