//! The state of a business as it is stored: one item, at most a kilobyte at the usual
//! limit, because every claim and every end of a call pays for its size.
//!
//! Hence short names, and call ids as 22 characters of base64url instead of 36 of hex.

mod lease;
mod run;
mod spending;
#[cfg(test)]
mod tests;

use anyhow::{Context, Result, bail, ensure};
use aws_sdk_dynamodb::types::AttributeValue;
use ringfence_core::ids::{BusinessId, CallId, RunId};
use ringfence_core::state::{Pause, State};
use ringfence_flows::ledger::Stored;

use crate::compact::{compact, expand};
use crate::item::{Fields, Item, map, number, put, text, time, version};
use crate::key::Key;
use crate::table::{WORK, work_shard};
use crate::write::{BY, WriteId};

/// Goes up by one with each write.
pub(crate) const REV: &str = "rev";
/// The leases, by call.
pub(crate) const ACTIVE: &str = "act";
/// How many leases there are, so that a condition can compare it with the room.
pub(crate) const LEASES: &str = "n";
const LIMIT: &str = "lim";
const RUNS: &str = "runs";
const NEXT_RUN: &str = "next_run";
const PAUSE: &str = "pause";
const CALLERS: &str = "callers";
const SPENDING: &str = "spend";

/// What every write sets: all that is ours but the key and the place in the index.
/// Attributes of others are left alone.
pub(crate) const SET: [&str; 11] = [
    REV, BY, "v", LIMIT, LEASES, ACTIVE, RUNS, NEXT_RUN, PAUSE, CALLERS, SPENDING,
];

/// The item of a state, stamped with the write that makes it so.
pub(crate) fn to_item(business: &BusinessId, stored: &Stored, write: WriteId) -> Item {
    let Stored { state, rev } = stored;
    let pause = match state.pause {
        Some(Pause { until, step }) => {
            map([("until", Some(time(until))), ("step", Some(number(step)))])
        }
        None => AttributeValue::Null(true),
    };
    let leases = state.active.iter();
    let leases = leases.map(|(&call, lease)| (compact(call), lease::to_value(lease)));
    let runs = state.runs.iter();
    let runs = runs.map(|(id, run)| (id.to_string(), run::to_value(run)));
    let callers = state.caller_ids.iter();
    let callers = callers.map(|caller| text(caller.expose()));
    let shard = state
        .has_work()
        .then(|| text(work_shard(business).to_string()));

    let mut item = Key::State(business).attributes();
    put(
        &mut item,
        [version()].map(|(name, value)| (name, Some(value))),
    );
    put(
        &mut item,
        [
            (REV, Some(number(rev))),
            (BY, Some(write.stamp())),
            (LIMIT, Some(number(state.limit))),
            (LEASES, Some(number(state.active.len()))),
            (ACTIVE, Some(AttributeValue::M(leases.collect()))),
            (RUNS, Some(AttributeValue::M(runs.collect()))),
            (NEXT_RUN, Some(number(state.next_run))),
            (PAUSE, Some(pause)),
            (CALLERS, Some(AttributeValue::L(callers.collect()))),
            (SPENDING, Some(spending::to_value(state))),
            (WORK, shard),
        ],
    );
    item
}

/// Reads a state.
pub(crate) fn from_item(item: &Item) -> Result<Stored> {
    let fields = Fields::of(item).context("failed to read a state")?;
    let active = fields.map(ACTIVE)?.iter();
    let active = active.map(|(call, lease)| {
        let call = expand(call).context("a lease of a state has no call id")?;
        anyhow::Ok((call, lease::from_value(lease)?))
    });
    let runs = fields.map(RUNS)?.iter();
    let runs = runs.map(|(id, run)| {
        let id: RunId = id.parse().context("a run of a state has no number")?;
        anyhow::Ok((id, run::from_value(run)?))
    });
    let callers = fields.list(CALLERS)?.iter();
    let callers = callers.map(|caller| match caller {
        AttributeValue::S(number) => number
            .parse()
            .context("a caller id of a state is malformed"),
        _ => bail!("a caller id of a state is not a string"),
    });
    let pause = match fields.has(PAUSE) {
        true => {
            let pause = Fields::inside(fields.map(PAUSE)?);
            Some(Pause {
                until: pause.time("until")?,
                step: pause.number("step")?,
            })
        }
        false => None,
    };
    let mut state = State {
        active: active.collect::<Result<_>>()?,
        runs: runs.collect::<Result<_>>()?,
        next_run: fields.number(NEXT_RUN)?,
        pause,
        caller_ids: callers.collect::<Result<_>>()?,
        ..State::new(fields.number(LIMIT)?)
    };
    if let Some(value) = item.get(SPENDING) {
        spending::read_into(&mut state, value)?;
    }
    let leases: u32 = fields.number(LEASES)?;
    ensure!(
        leases == state.slots_in_use(),
        "a state says that it has {leases} leases, and has {}",
        state.slots_in_use()
    );
    Ok(Stored {
        state,
        rev: fields.number(REV)?,
    })
}

/// Whether a stored state has a lease of any of these calls.
pub(crate) fn has_any(item: &Item, calls: &[CallId]) -> bool {
    let Some(AttributeValue::M(active)) = item.get(ACTIVE) else {
        return false;
    };
    calls
        .iter()
        .any(|&call| active.contains_key(&compact(call)))
}
