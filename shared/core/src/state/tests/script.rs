//! A day of a business as a list of steps, and who was live after each decision of it.

use std::time::Duration;

use super::desk::Desk;
use super::words::live;
use crate::fill::Fact;
use crate::stop::LiveCalls;

/// One step. Those that decide are marked; after each of them its line tells who is live.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Step {
    /// A run of so many leads is started, numbered from 1.
    Run(u32),
    /// A run of so many leads is started, with so many of them live at once at most.
    RunAtMost(u32, u32),
    /// This lead is called at once, at its own number.
    Direct(u32),
    /// Position `.1` of run `.0` has the number of lead `.2`.
    Share(u32, u32, u32),
    /// Position `.1` of run `.0` cannot be called.
    Bar(u32, u32),
    Limit(u32),
    Stop(u32),
    HangUp(u32),
    /// So many seconds pass.
    Wait(u64),
    /// Decides with no news.
    Fill,
    /// Decides with the news that these jobs' calls were answered and are over.
    End(&'static str),
    /// Decides with the news that the carrier did not process these jobs' calls.
    Refuse(&'static str),
    /// As [`Step::Refuse`], with the wish that so many seconds pass.
    RefuseFor(&'static str, u64),
    /// Decides with the news that our configuration was refused with this job's call.
    Misconfigured(&'static str),
}

/// Takes the steps and checks who is live after each decision, as `1/0 1/1 | 1/1 1/2`;
/// `none` says nobody.
#[track_caller]
pub(crate) fn check(limit: u32, steps: &[Step], expected: &str) -> Desk {
    let mut desk = Desk::new(limit);
    let mut lines = Vec::new();
    for step in steps {
        if take(&mut desk, *step) {
            let live = live(&desk.state);
            lines.push(if live.is_empty() {
                "none".to_owned()
            } else {
                live
            });
        }
    }
    assert_eq!(lines.join(" | "), expected);
    desk
}

/// Takes a step and tells whether it was a decision.
#[track_caller]
pub(crate) fn take(desk: &mut Desk, step: Step) -> bool {
    match step {
        Step::Run(total) => _ = desk.run(total, None),
        Step::RunAtMost(total, concurrency) => _ = desk.run(total, Some(concurrency)),
        Step::Direct(lead) => desk.direct(lead),
        Step::Share(run, index, lead) => desk.share(run, index, lead),
        Step::Bar(run, index) => desk.bar(run, index),
        Step::Limit(limit) => desk.set_limit(limit),
        Step::Stop(run) => desk.stop(run, LiveCalls::Finish),
        Step::HangUp(run) => desk.stop(run, LiveCalls::HangUp),
        Step::Wait(seconds) => desk.wait(seconds),
        Step::Fill => return decide(desk, &[]),
        Step::End(jobs) => {
            let _ = desk.end(jobs);
            return true;
        }
        Step::Refuse(jobs) => return refuse(desk, jobs, None),
        Step::RefuseFor(jobs, seconds) => return refuse(desk, jobs, Some(seconds)),
        Step::Misconfigured(job) => {
            let call = desk.call(job);
            let error = "bad caller id".to_owned();
            return decide(desk, &[Fact::ConfigurationRefused { call, error }]);
        }
    }
    false
}

#[track_caller]
fn refuse(desk: &mut Desk, jobs: &str, seconds: Option<u64>) -> bool {
    let facts = Vec::from_iter(jobs.split_whitespace().map(|job| Fact::NotProcessed {
        call: desk.call(job),
        retry_after: seconds.map(Duration::from_secs),
    }));
    decide(desk, &facts)
}

#[track_caller]
fn decide(desk: &mut Desk, facts: &[Fact]) -> bool {
    let _ = desk.fill(facts);
    true
}
