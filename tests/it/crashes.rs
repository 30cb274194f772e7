//! Crashes: whatever dies, and at whichever step, the run ends, nobody is called twice, and
//! every lead has its outcome.

use std::time::Duration;

use futures::FutureExt;
use ringfence_core::ids::{LeadId, RunId};
use ringfence_core::phone::PhoneNumber;
use ringfence_core::stop::LiveCalls;
use ringfence_flows::ledger::RequestKey;
use ringfence_flows::start::{Leads, PublicHost, Shape, StartAnswer, StartRequest, start};
use ringfence_flows::stop::{StopAnswer, stop_run};
use ringfence_local::aws::queue::{Queue, QueueFaults, QueueSettings};
use ringfence_local::aws::trap::{CrashPoint, Side};
use ringfence_local::environment::{Blueprint, Environment, World};
use ringfence_local::events::{Crashes, Events, event};
use ringfence_local::gateway::Gateway;
use ringfence_local::twilio::{Behaviour, Ending, Fate, Faults, Script, Silence};
use ringfence_shell::config::LEADS_MAX_DEFAULT;
use serde_json::Value;

use crate::story::{Office, Setting, Story, straight_to};

/// A stack whose functions are started by hand, one process at a time.
struct Bench {
    story: Story,
    office: Office,
    leads: Vec<u64>,
    numbers: Vec<PhoneNumber>,
    plan: Blueprint,
    limit: u32,
}

impl Bench {
    /// Sets up a business with leads to call.
    async fn with(faults: Faults, leads: u32, limit: u32) -> Self {
        let mut story = Setting {
            faults,
            ..Setting::plain()
        }
        .begin()
        .await;
        let office = story.open(limit).await;
        let (leads, numbers) = story.import_numbers(&office, leads).await;
        // The stack's own functions hear nothing; a queue of the bench's takes all messages.
        story.stack.plan.queue.misbehave(QueueFaults {
            lose: 1.0,
            ..QueueFaults::NONE
        });
        let mut plan = story.stack.plan.clone();
        let settings = QueueSettings {
            name: "bench".to_owned(),
            visibility_timeout: plan.timing.visibility_timeout,
            receives_max: 5,
        };
        plan.queue = Queue::new(settings, story.clock);
        story.stack.gateway = Gateway::new(plan.clone(), LEADS_MAX_DEFAULT);
        story.twilio.deliver_by(straight_to(&story.stack.gateway));
        Self {
            story,
            office,
            leads,
            numbers,
            plan,
            limit,
        }
    }

    /// Runs something in a process of its own, which may die of it; says what it answered if it
    /// lived, and what it had asked for.
    async fn process<T>(
        &self,
        crash: Option<CrashPoint>,
        task: impl AsyncFnOnce(&World) -> T,
    ) -> (Option<T>, Vec<String>) {
        let environment = Environment::start(&self.plan);
        if let Some(crash) = crash {
            environment.trap.arm(crash);
        }
        let answer = tokio::select! {
            answer = task(&environment.world) => Some(answer),
            () = environment.trap.sprung() => None,
        };
        (answer, environment.trap.requests())
    }

    /// Runs the fill function on the messages that wait. If it dies they come back later.
    async fn fill(&self, crash: Option<CrashPoint>) -> Vec<String> {
        let messages = self.plan.queue.receive(10, Duration::ZERO, None).await;
        assert!(!messages.is_empty(), "there is something to fill");
        let (answer, requests) = self
            .process(crash, async |world| {
                fill::handle(world, event(&messages)).await
            })
            .await;
        if let Some(answer) = answer {
            assert!(
                answer.batch_item_failures.is_empty(),
                "nothing fails but by a crash"
            );
            let receipts: Vec<_> = messages
                .iter()
                .map(|message| message.receipt.as_str())
                .collect();
            self.plan.queue.delete(&receipts);
        }
        requests
    }

    /// Runs the fill function on the messages that wait, lets it sleep after `requests` requests,
    /// while everything else runs as it does, and then finish.
    async fn fill_in_two(&self, requests: usize, seconds: u64) -> Events {
        let messages = self.plan.queue.receive(10, Duration::ZERO, None).await;
        let environment = Environment::start(&self.plan);
        let mut handling = Box::pin(fill::handle(&environment.world, event(&messages)));
        let is_there = || environment.trap.requests().len() >= requests;
        while !is_there() && handling.as_mut().now_or_never().is_none() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        assert!(is_there(), "it was put to sleep before its end");
        let events = Events::start(&self.plan, Crashes::NONE);
        self.story.wait(seconds).await;
        _ = handling.await;
        events
    }

    /// Runs the sweep function.
    async fn sweep(&self, crash: Option<CrashPoint>) -> Vec<String> {
        let task = async |world: &World| sweep::handle(&world.ledger, &world.queue).await.is_ok();
        self.process(crash, task).await.1
    }

    /// Lets everything run as it does, until the run is over; checks what became of it.
    async fn go_on(&self, run: u64, what: &str) -> Value {
        let _events = Events::start(&self.plan, Crashes::NONE);
        let mut end = self.story.run(&self.office, run).await;
        for _ in 0..60 {
            if !matches!(end["status"].as_str(), Some("running" | "stopping")) {
                break;
            }
            self.story.wait(20).await;
            end = self.story.run(&self.office, run).await;
        }
        // What the dead process had in hand comes back when its messages do.
        self.story
            .wait(self.plan.timing.visibility_timeout.as_secs() + 10)
            .await;
        assert!(
            matches!(end["status"].as_str(), Some("completed" | "stopped")),
            "{what}: {end}"
        );
        assert_eq!(self.story.active(&self.office).await, 0, "{what}");
        let truth = self.story.assert_promise(self.limit);
        let talked = truth
            .calls
            .iter()
            .filter(|call| call.answered.is_some())
            .count();
        assert_eq!(end["completed"], talked, "{what}: {end}");
        let path = format!("/api/outbound/runs/{run}/calls");
        let rows = self.story.get(&self.office, &path).await.of_status(200);
        for outcome in ["completed", "failed", "canceled"] {
            let rows = rows["items"].as_array().unwrap().iter();
            let count = rows.filter(|row| row["status"] == outcome).count();
            assert_eq!(
                end[outcome],
                count,
                "{what}: {outcome} of {end} in {}",
                self.listed(run).await
            );
        }
        end
    }

    async fn listed(&self, run: u64) -> String {
        self.story
            .get(&self.office, &format!("/api/outbound/runs/{run}/calls"))
            .await
            .text
    }
}

/// Each place where a process that sends so many requests can die.
fn crash_points(requests: &[String]) -> impl Iterator<Item = (CrashPoint, String)> {
    requests.iter().zip(1..).flat_map(|(name, nth)| {
        [Side::Before, Side::After].map(|side| {
            (
                CrashPoint { nth, side },
                format!("{side:?} request {nth}, {name}"),
            )
        })
    })
}

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
        let (bench, run) = self.prepare().await;
        let requests = bench.fill(None).await;
        assert!(requests.len() > 5, "{requests:?}");
        bench
            .go_on(run, &format!("{self:?}, without a crash"))
            .await;
        for (crash, place) in crash_points(&requests) {
            let (bench, run) = self.prepare().await;
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
async fn a_worker_that_sleeps_at_any_step_dials_for_nobody_else() {
    let (bench, _) = Pass::First.prepare().await;
    let requests = bench.fill(None).await.len();
    // Past the window, in which others wait for it, and past everything.
    for seconds in [12, 300] {
        for nth in 0..=requests {
            let (bench, run) = Pass::First.prepare().await;
            let _events = bench.fill_in_two(nth, seconds).await;
            let end = bench.go_on(run, &format!("{seconds} s of sleep after {nth} requests")).await;
            assert_eq!(end["status"], "completed", "{end}");
        }
    }
}

/// The same request each time: somebody presses *start* until there is an answer.
fn request(bench: &Bench) -> StartRequest {
    let ids = bench
        .leads
        .iter()
        .map(|&lead| LeadId::new(u32::try_from(lead).unwrap()).unwrap());
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
    let task = async |world: &World| start(world, &bench.office.id, &request).await.unwrap();
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
            let task =
                async |world: &World| stop_run(world, &bench.office.id, id, live_calls).await;
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
        story
            .twilio
            .deliver_by(ringfence_local::twilio::Delivery::Nowhere);
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
    for seed in 0..16 {
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
