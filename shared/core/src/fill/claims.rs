//! Who gets a free slot: the run with the fewest live calls, then the least served, and
//! of it the first lead that can be called.

use std::collections::BTreeSet;

use super::{Barred, Candidate, Candidates, Claimed, Skipped};
use crate::call::{Job, Outcome};
use crate::ids::{CallId, LeadId, RunId};
use crate::phone::PhoneNumber;
use crate::state::{Lease, Run, State};
use crate::time::Timestamp;
use crate::timing::Timing;

/// How many leads one decision may count as failed without a call.
pub(super) const SKIPPED_MAX: usize = 64;
/// How many leads of a run may be put aside because their number is in a call. It
/// bounds the item; a run with more of them waits.
pub(super) const ASIDE_MAX: usize = 8;

/// What a decision gives away, and what it needs to know first.
#[derive(Default)]
pub(super) struct Filling {
    pub(super) claims: Vec<Claimed>,
    pub(super) skipped: Vec<Skipped>,
    pub(super) wanted: Vec<(RunId, u32)>,
}

/// A run's live calls, how often it was served, and its number: the smallest is next.
type Turn = (u32, u32, RunId);

/// What a run can do with a free slot.
enum Next {
    Call {
        index: u32,
        lead: LeadId,
        to: PhoneNumber,
    },
    Skip {
        index: u32,
        lead: LeadId,
        reason: Barred,
    },
    /// Its next lead has not been looked up.
    LookUp,
    /// Nobody it could call now.
    Wait,
}

impl Filling {
    /// Gives free slots to waiting leads: the run with the fewest live calls first,
    /// then the least served. Returns true when it stopped at its bound.
    pub(super) fn claim_free_slots(
        &mut self,
        state: &mut State,
        candidates: &Candidates,
        mint: &mut dyn FnMut() -> CallId,
        now: Timestamp,
        timing: &Timing,
    ) -> bool {
        if state
            .pause
            .is_some_and(|pause| !pause.until.has_passed(now))
        {
            return false;
        }
        let mut turns = turns(state);
        let leases = state.active.values();
        let mut in_calls: BTreeSet<_> = leases.map(|lease| lease.to.clone()).collect();
        let mut has_more = false;
        let (mut looked_up, mut waits) = (0, 0);
        // Each pass claims a slot, counts a lead, or drops a run from `turns`.
        while state.room() > 0 {
            let Some((live, _, id)) = turns.pop_first() else {
                break;
            };
            let again = match next_of(state, id, candidates, &in_calls) {
                Next::Call { index, lead, to } => {
                    take(state, id, index);
                    in_calls.insert(to.clone());
                    let lease = lease(Job::OfRun { run: id, index }, to, now, timing);
                    self.claim(state, id, mint(), lease, lead);
                    turn(state, id, live + 1)
                }
                // Other runs need not wait for a stretch of leads that cannot be called.
                Next::Skip { .. } if self.skipped.len() == SKIPPED_MAX => {
                    has_more = true;
                    None
                }
                Next::Skip {
                    index,
                    lead,
                    reason,
                } => {
                    take(state, id, index);
                    let job = Job::OfRun { run: id, index };
                    self.skip(state, id, mint(), job, lead, reason);
                    turn(state, id, live)
                }
                Next::LookUp => {
                    // One run is enough for each slot, unless runs turn out to have nobody
                    // to call now: then twice as many, so that many of them cost few reads.
                    if looked_up < state.room().max(2 * waits) {
                        self.want(state, id, candidates);
                        looked_up += 1;
                    }
                    None
                }
                Next::Wait => {
                    waits += 1;
                    None
                }
            };
            turns.extend(again);
        }
        has_more
    }

    fn claim(&mut self, state: &mut State, id: RunId, call: CallId, lease: Lease, lead: LeadId) {
        let claimed = Claimed { call, lease, lead };
        let run = state
            .runs
            .get_mut(&id)
            .expect("it was chosen from the runs");
        run.served += 1;
        state.count_call();
        state.active.insert(claimed.call, claimed.lease.clone());
        self.claims.push(claimed);
    }

    fn skip(
        &mut self,
        state: &mut State,
        id: RunId,
        call: CallId,
        job: Job,
        lead: LeadId,
        reason: Barred,
    ) {
        let run = state
            .runs
            .get_mut(&id)
            .expect("it was chosen from the runs");
        run.count(Outcome::Failed);
        self.skipped.push(Skipped {
            call,
            job,
            lead,
            reason,
        });
    }

    /// Asks for the next positions of a run: enough for the free slots; twice as many as
    /// were just found barred, so that a stretch of bad numbers costs few reads; and past
    /// all that can be put aside once somebody is, so that a run of numbers in calls is
    /// seen through in one look.
    fn want(&mut self, state: &State, id: RunId, candidates: &Candidates) {
        let run = &state.runs[&id];
        let barred = u32::try_from(self.skipped.len()).expect("bounded by SKIPPED_MAX");
        // Those that wait again were looked up, and it was not for them.
        let is_known = |index: &u32| candidates.contains_key(&(id, *index));
        let are_aside = !run.returned.is_empty() && run.returned.iter().all(is_known);
        let past_aside = if are_aside { ASIDE_MAX + 1 } else { 0 };
        let past_aside = u32::try_from(past_aside).expect("it is a handful");
        let ahead = state
            .room()
            .min(run.concurrency(state.limit))
            .max(2 * barred)
            .max(past_aside);
        let end = run.total.min(run.next.saturating_add(ahead));
        self.wanted.extend(
            run.returned
                .iter()
                .chain(&Vec::from_iter(run.next..end))
                .map(|&i| (id, i)),
        );
    }
}

/// The turns of all runs that could use a slot.
fn turns(state: &State) -> BTreeSet<Turn> {
    let live = state.live_by_run();
    let live_of = |id: &RunId| live.get(id).copied().unwrap_or(0);
    let runs = state.runs.keys();
    runs.filter_map(|id| turn(state, *id, live_of(id)))
        .collect()
}

/// When a run with this many live calls gets a slot, if it could use one.
fn turn(state: &State, id: RunId, live: u32) -> Option<Turn> {
    let run = &state.runs[&id];
    let could_use_one = run.queued() > 0 && live < run.concurrency(state.limit);
    could_use_one.then_some((live, run.served, id))
}

/// A fresh lease of a call that is about to be placed.
pub(crate) fn lease(job: Job, to: PhoneNumber, now: Timestamp, timing: &Timing) -> Lease {
    Lease {
        job,
        to,
        dial_by: now.after(timing.dial_window),
        ask_at: now.after(timing.settle_after),
        missing: 0,
    }
}

/// Marks a waiting position of a run as taken.
fn take(state: &mut State, id: RunId, index: u32) {
    let run = state
        .runs
        .get_mut(&id)
        .expect("it was chosen from the runs");
    if index == run.next {
        run.next += 1;
    } else {
        run.returned.retain(|waiting| *waiting != index);
    }
}

/// Looks for the first waiting lead of a run that can be called or counted, putting
/// aside those whose number is in a call.
fn next_of(
    state: &mut State,
    id: RunId,
    candidates: &Candidates,
    in_calls: &BTreeSet<PhoneNumber>,
) -> Next {
    let look = |state: &State, index: u32| match candidates.get(&(id, index)) {
        None => Some(Next::LookUp),
        Some(Candidate::Barred { lead, reason }) => Some(Next::Skip {
            index,
            lead: *lead,
            reason: *reason,
        }),
        Some(Candidate::Callable { lead, country, .. }) if !state.destinations.allow(*country) => {
            Some(Next::Skip {
                index,
                lead: *lead,
                reason: Barred::Destination,
            })
        }
        Some(Candidate::Callable { to, .. }) if in_calls.contains(to) => None,
        Some(Candidate::Callable { lead, to, .. }) => Some(Next::Call {
            index,
            lead: *lead,
            to: to.clone(),
        }),
    };
    let returned = &state.runs[&id].returned;
    if let Some(next) = returned.iter().find_map(|&index| look(state, index)) {
        return next;
    }
    loop {
        let Run {
            next: index,
            total,
            returned,
            ..
        } = &state.runs[&id];
        let (index, is_at_end, has_room) = (*index, index == total, returned.len() < ASIDE_MAX);
        if is_at_end {
            return Next::Wait;
        }
        if let Some(next) = look(state, index) {
            return next;
        }
        if !has_room {
            return Next::Wait;
        }
        let run = state
            .runs
            .get_mut(&id)
            .expect("it was chosen from the runs");
        run.returned.push(index);
        run.next += 1;
    }
}
