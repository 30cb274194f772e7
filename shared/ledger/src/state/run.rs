//! A run as it is stored in the state of its business.

use anyhow::Result;
use aws_sdk_dynamodb::types::AttributeValue;
use ringfence_core::ids::RosterId;
use ringfence_core::state::{Phase, Run};
use uuid::Uuid;

use crate::item::{as_map, as_number, bytes, map, number, text, time};

const ROSTER: &str = "ros";
const TOTAL: &str = "tot";
const CONCURRENCY: &str = "con";
const NEXT: &str = "nxt";
const RETURNED: &str = "ret";
const COMPLETED: &str = "done";
const FAILED: &str = "fail";
const CANCELED: &str = "canc";
const SERVED: &str = "srv";
const PHASE: &str = "ph";
const CREATED_AT: &str = "at";
const OVER_AT: &str = "over";
const LAST_ERROR: &str = "err";

pub(super) fn to_value(run: &Run) -> AttributeValue {
    let returned = run.returned.iter().map(number);
    let returned = AttributeValue::L(returned.collect());
    let counted = |count: u32| (count > 0).then(|| number(count));
    map([
        (ROSTER, Some(bytes(*run.roster.uuid().as_bytes()))),
        (TOTAL, Some(number(run.total))),
        (CONCURRENCY, run.concurrency.map(number)),
        (NEXT, Some(number(run.next))),
        (RETURNED, (!run.returned.is_empty()).then_some(returned)),
        (COMPLETED, counted(run.completed)),
        (FAILED, counted(run.failed)),
        (CANCELED, counted(run.canceled)),
        (SERVED, counted(run.served)),
        (PHASE, Some(text(word(run.phase)))),
        (CREATED_AT, Some(time(run.created_at))),
        (OVER_AT, run.over_at.map(time)),
        (LAST_ERROR, run.last_error.as_deref().map(text)),
    ])
}

pub(super) fn from_value(value: &AttributeValue) -> Result<Run> {
    let fields = as_map(value, super::RUNS)?;
    let counted = |name| anyhow::Ok(fields.number_if_any(name)?.unwrap_or(0));
    let returned = fields.list(RETURNED)?.iter();
    let returned = returned.map(|position| as_number(position, RETURNED));
    Ok(Run {
        roster: RosterId::new(Uuid::from_bytes(fields.array(ROSTER)?)),
        total: fields.number(TOTAL)?,
        concurrency: fields.number_if_any(CONCURRENCY)?,
        next: fields.number(NEXT)?,
        returned: returned.collect::<Result<_>>()?,
        completed: counted(COMPLETED)?,
        failed: counted(FAILED)?,
        canceled: counted(CANCELED)?,
        served: counted(SERVED)?,
        phase: fields.word(PHASE, phase)?,
        created_at: fields.time(CREATED_AT)?,
        over_at: fields.time_if_any(OVER_AT)?,
        last_error: fields.text_if_any(LAST_ERROR)?.map(str::to_owned),
    })
}

const fn word(phase: Phase) -> &'static str {
    match phase {
        Phase::Running => "running",
        Phase::Stopped => "stopped",
        Phase::HangingUp => "hanging-up",
        Phase::Failed => "failed",
    }
}

fn phase(text: &str) -> Option<Phase> {
    let phases = [
        Phase::Running,
        Phase::Stopped,
        Phase::HangingUp,
        Phase::Failed,
    ];
    phases.into_iter().find(|phase| word(*phase) == text)
}
