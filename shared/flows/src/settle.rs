//! Finds out what became of calls that have been silent for too long, by asking the carrier.
//!
//! Nothing here frees a slot: it brings facts, and `ringfence_core` decides.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use futures::future::join_all;
use ringfence_core::call::{Job, Outcome};
use ringfence_core::fill::Fact;
use ringfence_core::ids::{BusinessId, CallId, CallSid, LeadId};
use ringfence_core::state::{Lease, State};
use ringfence_core::time::Timestamp;
use tracing::{Instrument, info_span, warn};

use crate::carrier::{Asked, Carrier, Found, Sighting};
use crate::ledger::{Calls, Rosters, States};
use crate::records::{CallNote, CallRecord, News, Progress};
use crate::world::World;

/// How many calls are asked about at once.
const ASKED_AT_ONCE: usize = 32;

/// What to find out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// The calls that are due, and those that a stopped run wants ended.
    Due,
    /// Every call for which nobody can dial any more.
    FencedOff,
}

/// What the answers say, for the state and for the records.
#[derive(Default)]
pub(crate) struct Settled {
    pub(crate) facts: Vec<Fact>,
    pub(crate) notes: Vec<CallNote>,
}

/// Asks about the calls in `scope`, as many as there is time for until `until`; the sweep
/// comes back for the others.
pub(crate) async fn settle(
    world: &impl World,
    business: &BusinessId,
    state: &State,
    scope: Scope,
    until: Timestamp,
) -> Result<Settled> {
    let now = world.now();
    let to_end: BTreeSet<CallId> = state.to_hang_up().collect();
    let due: BTreeMap<CallId, &Lease> = match scope {
        Scope::Due => state.overdue(now).collect(),
        Scope::FencedOff => state.fenced_off(now, world.timing()).collect(),
    };
    let mut asked: Vec<CallId> = due.keys().copied().collect();
    // Whoever has waited longest first, so that a slow carrier keeps nobody waiting for ever.
    asked.sort_by_key(|call| due.get(call).map(|lease| lease.ask_at));
    asked.extend(
        to_end
            .iter()
            .copied()
            .filter(|call| !due.contains_key(call)),
    );
    if asked.is_empty() {
        return Ok(Settled::default());
    }
    let records = world.ledger().calls(business, &asked).await?;
    let records: BTreeMap<CallId, CallRecord> = records
        .into_iter()
        .map(|record| (record.call, record))
        .collect();
    let question = |call: &CallId| {
        let question = Question {
            call: *call,
            lease: state.active.get(call)?,
            record: records.get(call),
            is_due: due.contains_key(call),
            wish: if to_end.contains(call) {
                Wish::End
            } else {
                Wish::Know
            },
        };
        let run = question.lease.job.run().map(tracing::field::display);
        let span = info_span!("settle", call.id = %call, run.id = run);
        Some(find_out(world, business, state, question).instrument(span))
    };
    let mut settled = Settled::default();
    for some in asked.chunks(ASKED_AT_ONCE) {
        if until.has_passed(world.now()) {
            break;
        }
        for answer in join_all(some.iter().filter_map(question)).await {
            match answer {
                Ok((fact, note)) => {
                    settled.facts.extend(fact);
                    settled.notes.extend(note);
                }
                // One call that cannot be looked up must not keep the others from it.
                Err(error) => warn!(business.id = %business, "failed to settle a call: {error:#}"),
            }
        }
    }
    Ok(settled)
}

struct Question<'a> {
    call: CallId,
    lease: &'a Lease,
    record: Option<&'a CallRecord>,
    /// Whether the carrier's answer may move the next question.
    is_due: bool,
    wish: Wish,
}

/// What somebody wants of the call.
#[derive(PartialEq, Eq)]
enum Wish {
    Know,
    End,
}

type Answer = (Option<Fact>, Option<CallNote>);

async fn find_out(
    world: &impl World,
    business: &BusinessId,
    state: &State,
    question: Question<'_>,
) -> Result<Answer> {
    let Question {
        call,
        lease,
        record,
        is_due,
        wish,
    } = question;
    if let Some(
        known @ CallRecord {
            progress: Progress::Over(outcome, _),
            ..
        },
    ) = record
        && !known.is_unconfirmed()
    {
        // A worker recorded the end and died before the state learned of it. What the
        // carrier refused never was a call.
        let is_refusal = known.sid.is_none() && *outcome == Outcome::Failed;
        let fact = if is_refusal {
            Fact::LeadRefused { call }
        } else {
            let outcome = *outcome;
            Fact::Ended { call, outcome }
        };
        return Ok((Some(fact), None));
    }
    let sid = record.and_then(|record| record.sid.clone());
    let asked_at = world.now();
    let asked = match (sid, wish) {
        (Some(sid), Wish::End) => world.carrier().end(&sid).await,
        (Some(sid), Wish::Know) => world.carrier().ask(&sid).await,
        (None, _) if is_due => look_for(world, business, state, call, lease).await?,
        // Its worker may still be dialling.
        (None, _) => return Ok((None, None)),
    };
    if asked != Asked::Undecided {
        warn!(business.id = %business, call.id = %call, "asked the carrier about silent call {call}");
    }
    let fact = match &asked {
        Asked::Known(sighting) => match sighting.status.and_then(|status| status.outcome()) {
            Some(outcome) => Some(Fact::Ended { call, outcome }),
            None => is_due.then_some(Fact::StillLive { call }),
        },
        Asked::NotFound => is_due.then_some(Fact::NotFound { call, asked_at }),
        Asked::Undecided => is_due.then_some(Fact::Undecided { call }),
    };
    let note = match asked {
        Asked::Known(sighting) => {
            let lead = match record.and_then(|record| record.lead) {
                Some(lead) => Some(lead),
                None => lead_of(world, state, lease.job).await?,
            };
            lead.and_then(|lead| note(world, call, lease, lead, sighting))
        }
        Asked::NotFound | Asked::Undecided => None,
    };
    Ok((fact, note))
}

/// Looks for a call whose SID nobody could write down, by the two numbers.
///
/// It is unambiguous because a business never has two live calls to one number, and
/// because calls that have a record of their own are left out, and because an answer counts
/// only while the lease is still there.
async fn look_for(
    world: &impl World,
    business: &BusinessId,
    state: &State,
    call: CallId,
    lease: &Lease,
) -> Result<Asked> {
    let since = call.minted_at().before(world.timing().margin);
    // An earlier call to this number was claimed before `since`, but may have been dated
    // after it: its request left within the fence, and arrived and was dated after that.
    let claimed_since = since.before(world.timing().fence() * 2);
    let recorded = world.ledger().sids_since(business, claimed_since).await?;
    // Its own SID was recorded since its record was read: then it is not to be looked for.
    if let Some((_, own)) = recorded.iter().find(|(of, _)| *of == call) {
        return Ok(world.carrier().ask(own).await);
    }
    let recorded: BTreeSet<CallSid> = recorded.into_iter().map(|(_, sid)| sid).collect();
    let answers = join_all(
        state
            .caller_ids
            .iter()
            .map(|from| world.carrier().find(from, &lease.to, since)),
    );
    let mut ours: Vec<Sighting> = Vec::new();
    for found in answers.await {
        match found {
            Found::Calls(calls) => {
                ours.extend(
                    calls
                        .into_iter()
                        .filter(|seen| !recorded.contains(&seen.sid)),
                );
            }
            Found::Undecided => return Ok(Asked::Undecided),
        }
    }
    let is_over = |seen: &Sighting| seen.status.is_some_and(|status| status.outcome().is_some());
    // A live one first: while any could be ours, the slot stays taken.
    ours.sort_by_key(|seen| (is_over(seen), seen.created_at));
    let Some(found) = ours.into_iter().next() else {
        return Ok(Asked::NotFound);
    };
    // The next call to this number is claimed only once this lease is gone, and may have no
    // record yet: while the lease is there after the answer, what was found is not that one.
    let stored = world.ledger().load(business).await?;
    let is_leased = stored.is_some_and(|stored| stored.state.active.contains_key(&call));
    Ok(if is_leased {
        Asked::Known(found)
    } else {
        Asked::Undecided
    })
}

/// The lead that a lease is for.
pub(crate) async fn lead_of(world: &impl World, state: &State, job: Job) -> Result<Option<LeadId>> {
    match job {
        Job::Direct { lead } => Ok(Some(lead)),
        Job::OfRun { run, index } => {
            let Some(run) = state.runs.get(&run) else {
                return Ok(None);
            };
            let leads = world.ledger().roster_leads(run.roster, &[index]).await?;
            Ok(leads.first().copied())
        }
    }
}

/// What the record learns from a sighting.
fn note(
    world: &impl World,
    call: CallId,
    lease: &Lease,
    lead: LeadId,
    sighting: Sighting,
) -> Option<CallNote> {
    let status = sighting.status?;
    let news = match status.outcome() {
        None => News::Live(status),
        Some(outcome) => News::Over {
            outcome,
            status: Some(status),
            at: world.now(),
            duration_seconds: sighting.duration_seconds,
            error: None,
        },
    };
    Some(CallNote {
        call,
        job: lease.job,
        lead,
        who: None,
        checked_at: None,
        sid: Some(sighting.sid),
        news,
    })
}
