//! Applies what became known of the calls of a business, and gives its free slots away.
//!
//! One decision, one write: the slot of a call that ended passes to the next lead in
//! the same change, so no code anywhere releases a slot and none can forget to.

use crate::call::{Job, Outcome};
use crate::ids::{CallId, LeadId, RunId};
use crate::phone::PhoneNumber;
use crate::state::{Lease, Pause, Phase, Run, State};
use crate::time::Timestamp;
use crate::timing::Timing;
use std::collections::BTreeMap;
use std::time::Duration;

/// Something that happened, in the past tense. Applying it twice changes nothing more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact {
    /// The carrier said that the call is over.
    Ended { call: CallId, outcome: Outcome },
    /// The carrier refused the call for a reason that is about this lead: it does not exist.
    LeadRefused { call: CallId },
    /// The carrier refused the call for a reason that would refuse every other too.
    ConfigurationRefused { call: CallId, error: String },
    /// The carrier did not process the request, or never got it: the lead may be called later.
    NotProcessed {
        call: CallId,
        retry_after: Option<Duration>,
    },
    /// The carrier was asked, and the call is live.
    StillLive { call: CallId },
    /// The carrier was asked, and does not know the call.
    NotFound { call: CallId },
    /// The carrier was asked, and gave no usable answer.
    Undecided { call: CallId },
    /// The final counts of a run that is over stand in its run record.
    Filed { run: RunId },
}

/// Why a fact changed nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nothing {
    /// The call holds no slot: it never did, or an earlier fact has freed it.
    NotLeased,
    /// Somebody may still dial for the call, or it was missed a moment ago already.
    TooEarly,
    /// The run is not over, or is filed already.
    NotOver,
}

/// What is known of a lead that could be next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Candidate {
    /// It can be called.
    Callable { lead: LeadId, to: PhoneNumber },
    /// It cannot, whenever it is tried.
    Barred { lead: LeadId, reason: Barred },
}

/// Why a lead cannot be called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Barred {
    /// It has no phone number.
    NoPhone,
    /// It was deleted after the run was started.
    Deleted,
}

impl Barred {
    /// The word stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoPhone => "no_phone",
            Self::Deleted => "lead_deleted",
        }
    }
}

/// The candidates that have been looked up, by run and position.
pub type Candidates = BTreeMap<(RunId, u32), Candidate>;

/// A slot that this decision gives to a lead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claimed {
    pub call: CallId,
    pub lease: Lease,
    pub lead: LeadId,
}

/// A lead that this decision counts as failed without a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    pub call: CallId,
    pub job: Job,
    pub lead: LeadId,
    pub reason: Barred,
}

/// A decision: what to store, and what to do once it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Filled {
    pub state: State,
    /// False when storing `state` would change nothing, but perhaps who is put aside for
    /// the moment, which the next decision finds out again.
    pub is_changed: bool,
    /// To be placed, each once.
    pub claims: Vec<Claimed>,
    /// To be recorded.
    pub skipped: Vec<Skipped>,
    /// Calls that the carrier never knew: counted as failed, to be recorded.
    pub lost: Vec<(CallId, Lease)>,
    /// The facts that changed nothing, and why.
    pub ignored: Vec<(Fact, Nothing)>,
    /// Positions to look up before deciding again: a slot is free for them.
    pub wanted: Vec<(RunId, u32)>,
    /// The decision stopped at its bound; there is more to decide at once.
    pub has_more: bool,
}

/// How many leads one decision may count as failed without a call.
const SKIPPED_MAX: usize = 64;
/// How many leads of a run may be put aside because their number is in a call. It
/// bounds the item; a run with more of them waits.
const ASIDE_MAX: usize = 8;
/// The first pause after the carrier asked us to slow down; each further one doubles.
const PAUSE_MIN: Duration = Duration::from_secs(1);
/// The longest pause.
const PAUSE_MAX: Duration = Duration::from_secs(32);
/// The carrier's own wish is followed up to here; a run must not sleep for hours on one header.
const PAUSE_ASKED_MAX: Duration = Duration::from_secs(300);
/// How many answers running must miss a call before it counts as never made: lists are
/// eventually consistent, so one proves nothing.
const MISSING_MAX: u32 = 2;

/// Applies `facts` to `state`, then claims the free slots for the leads in `candidates`.
///
/// `mint` gives a fresh call id at each call, minted at `now`.
pub fn fill(
    mut state: State,
    facts: &[Fact],
    candidates: &Candidates,
    mint: &mut dyn FnMut() -> CallId,
    now: Timestamp,
    timing: &Timing,
) -> Filled {
    let mut is_changed = false;
    let mut ignored = Vec::new();
    let mut lost = Vec::new();
    for fact in facts {
        match apply(&mut state, fact, &mut lost, now, timing) {
            Ok(()) => is_changed = true,
            Err(why) => ignored.push((fact.clone(), why)),
        }
    }
    let mut filling = Filling {
        claims: Vec::new(),
        skipped: Vec::new(),
        wanted: Vec::new(),
    };
    let has_more = filling.claim_free_slots(&mut state, candidates, mint, now, timing);
    let Filling {
        claims,
        skipped,
        wanted,
    } = filling;
    is_changed |= !claims.is_empty() || !skipped.is_empty();
    is_changed |= close_runs(&mut state, now);
    state.assert_balanced();
    Filled {
        state,
        is_changed,
        claims,
        skipped,
        lost,
        ignored,
        wanted,
        has_more,
    }
}

/// Notes the end of every run whose last lead has its outcome; true if there was one.
pub(crate) fn close_runs(state: &mut State, now: Timestamp) -> bool {
    let live = live_by_run(state);
    let mut has_closed = false;
    for (id, run) in &mut state.runs {
        let is_over = run.queued() == 0 && !live.contains_key(id);
        if is_over && run.over_at.is_none() {
            run.over_at = Some(now);
            has_closed = true;
        }
    }
    has_closed
}

fn live_by_run(state: &State) -> BTreeMap<RunId, u32> {
    let mut live = BTreeMap::new();
    for run in state.active.values().filter_map(|lease| lease.job.run()) {
        *live.entry(run).or_insert(0) += 1;
    }
    live
}

fn apply(
    state: &mut State,
    fact: &Fact,
    lost: &mut Vec<(CallId, Lease)>,
    now: Timestamp,
    timing: &Timing,
) -> Result<(), Nothing> {
    match fact {
        Fact::Ended { call, outcome } => end(state, *call, *outcome),
        Fact::LeadRefused { call } => end(state, *call, Outcome::Failed),
        Fact::ConfigurationRefused { call, error } => {
            let job = state.active.get(call).ok_or(Nothing::NotLeased)?.job;
            end(state, *call, Outcome::Failed)?;
            if let Some(run) = job.run().and_then(|id| state.runs.get_mut(&id))
                && run.phase == Phase::Running
            {
                run.cancel_queued(Phase::Failed);
                run.last_error = Some(error.clone());
            }
            Ok(())
        }
        Fact::NotProcessed { call, retry_after } => {
            give_back(state, *call)?;
            pause(state, *retry_after, now);
            Ok(())
        }
        Fact::StillLive { call } => {
            let lease = state.active.get_mut(call).ok_or(Nothing::NotLeased)?;
            let age = now.since(call.minted_at());
            lease.missing = 0;
            lease.ask_at = now.after(timing.ask_again_after(age));
            Ok(())
        }
        Fact::NotFound { call } => {
            let lease = state.active.get_mut(call).ok_or(Nothing::NotLeased)?;
            let is_repeat = lease.missing > 0 && !lease.ask_at.has_passed(now);
            if is_repeat || !lease.is_fenced_off(now, timing) {
                return Err(Nothing::TooEarly);
            }
            lease.missing += 1;
            lease.ask_at = now.after(timing.sweep_every / 2);
            // Rests on Twilio not taking a request minutes after its connection died:
            // by now the request is older than the fence, whoever sent it.
            if lease.missing >= MISSING_MAX {
                lost.push((*call, lease.clone()));
                end(state, *call, Outcome::Failed)?;
            }
            Ok(())
        }
        Fact::Undecided { call } => {
            let lease = state.active.get_mut(call).ok_or(Nothing::NotLeased)?;
            lease.ask_at = lease.ask_at.max(now.after(timing.sweep_every / 2));
            Ok(())
        }
        Fact::Filed { run } => match state.runs.get(run) {
            Some(over) if over.over_at.is_some() => {
                state.runs.remove(run);
                Ok(())
            }
            Some(_) | None => Err(Nothing::NotOver),
        },
    }
}

/// Frees the slot of a call and counts its job.
fn end(state: &mut State, call: CallId, outcome: Outcome) -> Result<(), Nothing> {
    let lease = state.active.remove(&call).ok_or(Nothing::NotLeased)?;
    if let Some(run) = lease.job.run().and_then(|id| state.runs.get_mut(&id)) {
        run.count(outcome);
    }
    Ok(())
}

/// Frees the slot of a call that was never made and lets its lead wait again.
fn give_back(state: &mut State, call: CallId) -> Result<(), Nothing> {
    let lease = state.active.remove(&call).ok_or(Nothing::NotLeased)?;
    if let Job::OfRun { run, index } = lease.job
        && let Some(run) = state.runs.get_mut(&run)
    {
        match run.phase {
            Phase::Running => run.returned.push(index),
            Phase::Stopped | Phase::HangingUp | Phase::Failed => run.count(Outcome::Canceled),
        }
    }
    Ok(())
}

fn pause(state: &mut State, retry_after: Option<Duration>, now: Timestamp) {
    let step = match state.pause {
        // Several refusals of one round are one request to slow down.
        Some(pause) if !pause.until.has_passed(now) => pause.step,
        Some(pause) if now.since(pause.until) < PAUSE_MAX => pause.step + 1,
        Some(_) | None => 0,
    };
    let doubled = PAUSE_MIN.saturating_mul(1 << step.min(8)).min(PAUSE_MAX);
    let asked = retry_after.unwrap_or_default().min(PAUSE_ASKED_MAX);
    let until = now.after(doubled.max(asked));
    let until = state.pause.map_or(until, |pause| pause.until.max(until));
    state.pause = Some(Pause { until, step });
}

struct Filling {
    claims: Vec<Claimed>,
    skipped: Vec<Skipped>,
    wanted: Vec<(RunId, u32)>,
}

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
    fn claim_free_slots(
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
        let mut live = live_by_run(state);
        let mut waiting: Vec<RunId> = state.runs.keys().copied().collect();
        let mut has_more = false;
        let (mut looked_up, mut waits) = (0, 0);
        // Each pass claims a slot, counts a lead, or drops a run from `waiting`.
        while state.slots_free() > 0 {
            let live_of = |id: &RunId| live.get(id).copied().unwrap_or(0);
            waiting.retain(|id| {
                let run = &state.runs[id];
                run.queued() > 0 && live_of(id) < run.concurrency(state.limit)
            });
            let chosen = waiting
                .iter()
                .copied()
                .min_by_key(|id| (live_of(id), state.runs[id].served));
            let Some(id) = chosen else { break };
            match next_of(state, id, candidates) {
                Next::Call { index, lead, to } => {
                    take(state, id, index);
                    *live.entry(id).or_insert(0) += 1;
                    let run = state
                        .runs
                        .get_mut(&id)
                        .expect("it was chosen from the runs");
                    run.served += 1;
                    let job = Job::OfRun { run: id, index };
                    let claimed = Claimed {
                        call: mint(),
                        lease: lease(job, to, now, timing),
                        lead,
                    };
                    state.active.insert(claimed.call, claimed.lease.clone());
                    self.claims.push(claimed);
                }
                // Other runs need not wait for a stretch of leads that cannot be called.
                Next::Skip { .. } if self.skipped.len() == SKIPPED_MAX => {
                    has_more = true;
                    waiting.retain(|other| *other != id);
                }
                Next::Skip {
                    index,
                    lead,
                    reason,
                } => {
                    take(state, id, index);
                    let run = state
                        .runs
                        .get_mut(&id)
                        .expect("it was chosen from the runs");
                    run.count(Outcome::Failed);
                    let job = Job::OfRun { run: id, index };
                    self.skipped.push(Skipped {
                        call: mint(),
                        job,
                        lead,
                        reason,
                    });
                }
                Next::LookUp => {
                    // One run is enough for each slot, unless runs turn out to have nobody
                    // to call now: then twice as many, so that many of them cost few reads.
                    if looked_up < state.slots_free().max(2 * waits) {
                        self.want(state, id);
                        looked_up += 1;
                    }
                    waiting.retain(|other| *other != id);
                }
                Next::Wait => {
                    waits += 1;
                    waiting.retain(|other| *other != id);
                }
            }
        }
        has_more
    }

    /// Asks for the next positions of a run: enough for the free slots, and twice as
    /// many as were just found barred, so that a stretch of bad numbers costs few reads.
    fn want(&mut self, state: &State, id: RunId) {
        let run = &state.runs[&id];
        let barred = u32::try_from(self.skipped.len()).expect("bounded by SKIPPED_MAX");
        let ahead = state
            .slots_free()
            .min(run.concurrency(state.limit))
            .max(2 * barred);
        let end = run.total.min(run.next.saturating_add(ahead));
        self.wanted.extend(
            run.returned
                .iter()
                .chain(&Vec::from_iter(run.next..end))
                .map(|&i| (id, i)),
        );
    }
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
fn next_of(state: &mut State, id: RunId, candidates: &Candidates) -> Next {
    let look = |state: &State, index: u32| match candidates.get(&(id, index)) {
        None => Some(Next::LookUp),
        Some(Candidate::Barred { lead, reason }) => Some(Next::Skip {
            index,
            lead: *lead,
            reason: *reason,
        }),
        Some(Candidate::Callable { to, .. }) if state.is_in_call(to) => None,
        Some(Candidate::Callable { lead, to }) => Some(Next::Call {
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

#[cfg(test)]
mod tests;
