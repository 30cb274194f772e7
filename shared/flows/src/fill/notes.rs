//! What reports and decisions add to the call records.

use ringfence_core::call::{Job, Outcome, Report};
use ringfence_core::fill::{Barred, Fact, Skipped};
use ringfence_core::ids::{CallId, LeadId};

use super::decide::{Lost, Step};
use crate::records::{CallNote, News, UNCONFIRMED};
use crate::world::World;

/// What a report means for the state. Only an end means anything.
pub(super) fn end_of(report: &Report) -> Option<Fact> {
    let outcome = report.status.outcome()?;
    Some(Fact::Ended {
        call: report.call,
        outcome,
    })
}

/// What a report adds to the record of its call.
pub(super) fn note_of(report: &Report) -> CallNote {
    let news = match report.status.outcome() {
        None => News::Live(report.status),
        Some(outcome) => News::Over {
            outcome,
            status: Some(report.status),
            at: report.at,
            duration_seconds: report.duration_seconds,
            error: None,
        },
    };
    let Report {
        call,
        job,
        lead,
        ref sid,
        ..
    } = *report;
    CallNote {
        call,
        job,
        lead,
        who: None,
        checked_at: None,
        sid: Some(sid.clone()),
        news,
    }
}

/// What a decision adds to the records: the jobs that it ended without a call.
pub(super) fn notes_of(world: &impl World, step: &Step) -> Vec<CallNote> {
    let note = |one: &Skipped| CallNote {
        // Like a claim, it is refused if the list has grown since it was decided. Without a
        // number there was nothing to look for.
        checked_at: match one.reason {
            Barred::DoNotCall | Barred::Destination => Some(one.call.minted_at()),
            Barred::Deleted | Barred::NoPhone => None,
        },
        ..failed(world, one.call, one.job, one.lead, one.reason.as_str())
    };
    step.skipped.iter().map(note).collect()
}

/// What a decision is about to add to the records: the calls that the carrier never knew.
pub(super) fn notes_of_lost(world: &impl World, lost: &[Lost]) -> Vec<CallNote> {
    let note = |one: &Lost| failed(world, one.call, one.job, one.lead, UNCONFIRMED);
    lost.iter().map(note).collect()
}

fn failed(world: &impl World, call: CallId, job: Job, lead: LeadId, error: &str) -> CallNote {
    let news = News::Over {
        outcome: Outcome::Failed,
        status: None,
        at: world.now(),
        duration_seconds: None,
        error: Some(error.to_owned()),
    };
    CallNote {
        call,
        job,
        lead,
        who: None,
        checked_at: None,
        sid: None,
        news,
    }
}
