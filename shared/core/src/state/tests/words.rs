//! Puts states and decisions into short lines of text, so that a test reads like a table.
//!
//! Every struct is taken apart field by field: a new field does not compile until it
//! has its word here, so no change of a state goes unseen.

use std::collections::BTreeSet;
use std::fmt::Debug;

use crate::call::Job;
use crate::caps::Day;
use crate::fill::Filled;
use crate::state::{Lease, Pause, Run, State};
use crate::time::Timestamp;

/// Says what differs between two states, calls by their jobs, times from `now`:
/// `-1/0, run 1 +1 completed`. The empty text says that they are equal.
pub(crate) fn changes(before: &State, after: &State, now: Timestamp) -> String {
    let State {
        limit,
        active,
        runs,
        next_run,
        pause,
        caller_ids,
        destinations,
        do_not_call_rev,
        caps,
        day,
    } = after;
    let mut said = Vec::new();
    say(&mut said, "", "limit", &before.limit, limit);
    for (call, lease) in &before.active {
        if !active.contains_key(call) {
            said.push(format!("-{}", job(lease.job)));
        }
    }
    for (call, lease) in active {
        match before.active.get(call) {
            None => said.push(format!("+{}", job(lease.job))),
            Some(old) => lease_changes(&mut said, old, lease, now),
        }
    }
    for id in before.runs.keys() {
        if !runs.contains_key(id) {
            said.push(format!("-run {id}"));
        }
    }
    for (id, run) in runs {
        match before.runs.get(id) {
            None => said.push(format!("+run {id} of {}", run.total)),
            Some(old) => run_changes(&mut said, &format!("run {id} "), old, run),
        }
    }
    say(&mut said, "", "next run", &before.next_run, next_run);
    if before.pause != *pause {
        said.push(paused(*pause, now));
    }
    say(&mut said, "", "caller ids", &before.caller_ids, caller_ids);
    say(
        &mut said,
        "",
        "destinations",
        &before.destinations,
        destinations,
    );
    say(
        &mut said,
        "",
        "do-not-call rev",
        &before.do_not_call_rev,
        do_not_call_rev,
    );
    say(&mut said, "", "caps", &before.caps, caps);
    let calls = |day: &Option<Box<Day>>| day.as_ref().map(|day| day.calls);
    say(&mut said, "", "today", &calls(&before.day), &calls(day));
    said.join(", ")
}

/// Names a job: `1/0` is the first lead of run 1, `d7` is lead 7 called at once.
pub(crate) fn job(job: Job) -> String {
    match job {
        Job::Direct { lead } => format!("d{lead}"),
        Job::OfRun { run, index } => format!("{run}/{index}"),
    }
}

/// Names the jobs that hold a slot, in order.
pub(crate) fn live(state: &State) -> String {
    let jobs = BTreeSet::from_iter(state.active.values().map(|lease| lease.job));
    assert_eq!(jobs.len(), state.active.len(), "one call per job");
    Vec::from_iter(jobs.into_iter().map(job)).join(" ")
}

/// Names the jobs of the calls that a decision places, in the order of their claims.
pub(crate) fn claims(filled: &Filled) -> String {
    Vec::from_iter(filled.claims.iter().map(|claim| job(claim.lease.job))).join(" ")
}

/// Names the positions that a decision wants looked up.
pub(crate) fn wanted(filled: &Filled) -> String {
    let names = filled.wanted.iter().map(|(run, i)| format!("{run}/{i}"));
    Vec::from_iter(names).join(" ")
}

fn paused(pause: Option<Pause>, now: Timestamp) -> String {
    match pause {
        Some(Pause { until, step }) => format!("paused for {} step {step}", from(now, until)),
        None => "not paused".to_owned(),
    }
}

fn lease_changes(said: &mut Vec<String>, old: &Lease, new: &Lease, now: Timestamp) {
    let Lease {
        job: of,
        to,
        dial_by,
        ask_at,
        missing,
    } = new;
    let who = format!("{} ", job(*of));
    say(said, &who, "job", &old.job, of);
    say(said, &who, "to", &old.to, to);
    say(said, &who, "dial by", &old.dial_by, dial_by);
    if old.ask_at != *ask_at {
        said.push(format!("{who}asked in {}", from(now, *ask_at)));
    }
    say(said, &who, "missing", &old.missing, missing);
}

fn run_changes(said: &mut Vec<String>, who: &str, old: &Run, new: &Run) {
    let Run {
        roster,
        total,
        concurrency,
        next,
        returned,
        completed,
        failed,
        canceled,
        served,
        phase,
        created_at,
        over_at,
        last_error,
    } = new;
    say(said, who, "roster", &old.roster, roster);
    say(said, who, "total", &old.total, total);
    say(said, who, "concurrency", &old.concurrency, concurrency);
    say(said, who, "next", &old.next, next);
    say(said, who, "returned", &old.returned, returned);
    add(said, who, "completed", old.completed, *completed);
    add(said, who, "failed", old.failed, *failed);
    add(said, who, "canceled", old.canceled, *canceled);
    add(said, who, "served", old.served, *served);
    say(said, who, "is", &old.phase, phase);
    say(said, who, "created", &old.created_at, created_at);
    if old.over_at != *over_at {
        said.push(format!("{who}over"));
    }
    say(said, who, "error", &old.last_error, last_error);
}

fn say<T: PartialEq + Debug>(said: &mut Vec<String>, who: &str, what: &str, old: &T, new: &T) {
    if old != new {
        said.push(format!("{who}{what} {new:?}").replace('"', ""));
    }
}

fn add(said: &mut Vec<String>, who: &str, what: &str, old: u32, new: u32) {
    if old != new {
        said.push(format!("{who}{:+} {what}", i64::from(new) - i64::from(old)));
    }
}

fn from(now: Timestamp, time: Timestamp) -> String {
    format!("{}s", time.since(now).as_secs_f64())
}
