//! A stack whose functions are started by hand, so that each can be made to die at any request.

use std::time::Duration;

use futures::FutureExt;
use ringfence_core::phone::PhoneNumber;
use ringfence_local::aws::queue::{Queue, QueueFaults, QueueSettings};
use ringfence_local::aws::trap::{CrashPoint, Side};
use ringfence_local::doors::Doors;
use ringfence_local::environment::{Blueprint, Environment, World};
use ringfence_local::events::{Crashes, Events, event};
use ringfence_local::gateway::Gateway;
use ringfence_local::twilio::Faults;
use ringfence_shell::config::LEADS_MAX_DEFAULT;
use serde_json::Value;

use crate::story::{Office, Setting, Story, straight_to};

/// A stack whose functions are started by hand, one process at a time.
pub(super) struct Bench {
    pub(super) story: Story,
    pub(super) office: Office,
    pub(super) leads: Vec<u64>,
    pub(super) numbers: Vec<PhoneNumber>,
    pub(super) plan: Blueprint,
    pub(super) limit: u32,
}

impl Bench {
    /// Sets up a business with leads to call.
    pub(super) async fn with(faults: Faults, leads: u32, limit: u32) -> Self {
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
        story.stack.gateway = Gateway::new(plan.clone(), LEADS_MAX_DEFAULT, &Doors::PLAIN);
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
    pub(super) async fn process<T>(
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
    pub(super) async fn fill(&self, crash: Option<CrashPoint>) -> Vec<String> {
        let messages = self.plan.queue.receive(10, Duration::ZERO, None).await;
        assert!(!messages.is_empty(), "there is something to fill");
        let (answer, requests) = self
            .process(crash, async |world| {
                fill::handle(world, &self.plan.metrics, event(&messages)).await
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

    /// Runs the fill function on the messages that wait, for so many turns of the scheduler; then
    /// it sleeps, while everything else runs as it does, and then finishes. `None` if it needs no
    /// more turns.
    pub(super) async fn fill_in_two(&self, turns: u32, sleep_seconds: u64) -> Option<Events> {
        let messages = self.plan.queue.receive(10, Duration::ZERO, None).await;
        let environment = Environment::start(&self.plan);
        let handling = fill::handle(&environment.world, &self.plan.metrics, event(&messages));
        let mut handling = Box::pin(handling);
        for _ in 0..turns {
            if handling.as_mut().now_or_never().is_some() {
                return None;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let events = Events::start(&self.plan, Crashes::NONE);
        self.story.wait(sleep_seconds).await;
        _ = handling.await;
        Some(events)
    }

    /// Runs the sweep function.
    pub(super) async fn sweep(&self, crash: Option<CrashPoint>) -> Vec<String> {
        let task = async |world: &World| sweep::handle(world, &self.plan.metrics).await.is_ok();
        self.process(crash, task).await.1
    }

    /// Lets everything run as it does, until the run is over; checks what became of it.
    pub(super) async fn go_on(&self, run: u64, what: &str) -> Value {
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
            let rows = rows["items"].as_array().expect("items").iter();
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
pub(super) fn crash_points(requests: &[String]) -> impl Iterator<Item = (CrashPoint, String)> {
    requests.iter().zip(1..).flat_map(|(name, nth)| {
        [Side::Before, Side::After].map(|side| {
            (
                CrashPoint { nth, side },
                format!("{side:?} request {nth}, {name}"),
            )
        })
    })
}
