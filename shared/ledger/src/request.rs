//! What an `Idempotency-Key` stands for, for a day.

use std::time::Duration;

use anyhow::{Context, Result};
use aws_sdk_dynamodb::types::AttributeValue;
use ringfence_core::ids::{BusinessId, CallId, LeadId, RunId};
use ringfence_core::time::Timestamp;
use ringfence_flows::ledger::{RequestKey, Started, What};
use uuid::Uuid;

use crate::item::{Fields, Item, as_map, bytes, map, number, put, time, version};
use crate::key::Key;
use crate::table::EXPIRES;
use crate::write::{BY, WriteId};

/// How long a key stands for what it started.
const LIFE: Duration = Duration::from_secs(24 * 60 * 60);
/// How much later the record may be deleted. DynamoDB takes up to some days, so whether a
/// key is still good is decided by its age and never by its record being there.
const SLACK: Duration = Duration::from_secs(60 * 60);

/// When the request came. The condition of the write compares it with [`oldest_good`].
pub(crate) const CREATED_AT: &str = "created_at";
const DIGEST: &str = "digest";
const RUN: &str = "run";
const CALLS: &str = "calls";
const LEAD: &str = "lead";
const CALL: &str = "call";

/// Keys that came before this are free again.
pub(crate) fn oldest_good(now: Timestamp) -> Timestamp {
    now.before(LIFE)
}

pub(crate) fn to_item(
    business: &BusinessId,
    key: &RequestKey,
    what: &What,
    now: Timestamp,
    write: WriteId,
) -> Item {
    let (run, calls) = match what {
        What::Run { run } => (Some(number(run)), None),
        What::Calls(calls) => {
            let calls = calls.iter().map(|&(lead, call)| {
                map([
                    (LEAD, Some(number(lead))),
                    (CALL, Some(bytes(*call.uuid().as_bytes()))),
                ])
            });
            (None, Some(AttributeValue::L(calls.collect())))
        }
    };
    let expires = now.after(LIFE).after(SLACK).as_millis() / 1_000;
    let mut item = Key::Request(business, &key.key).attributes();
    let (name, value) = version();
    put(
        &mut item,
        [
            (name, Some(value)),
            (BY, Some(write.stamp())),
            (DIGEST, Some(bytes(key.request_digest))),
            (RUN, run),
            (CALLS, calls),
            (CREATED_AT, Some(time(now))),
            (EXPIRES, Some(number(expires))),
        ],
    );
    item
}

/// Reads what a key stands for, unless it came too long ago.
pub(crate) fn started(item: &Item, now: Timestamp) -> Result<Option<Started>> {
    let fields = Fields::of(item).context("failed to read a request key")?;
    let is_over = fields.time(CREATED_AT)? < oldest_good(now);
    if is_over {
        Ok(None)
    } else {
        from_item(item).map(Some)
    }
}

/// Reads what a key stands for, or stood for.
pub(crate) fn from_item(item: &Item) -> Result<Started> {
    let fields = Fields::of(item).context("failed to read a request key")?;
    let what = match fields.number_if_any(RUN)? {
        Some(run) => What::Run {
            run: RunId::new(run).context("a request key has the run 0")?,
        },
        None => {
            let calls = fields.list(CALLS)?.iter();
            let calls = calls.map(|call| {
                let fields = as_map(call, CALLS)?;
                let lead = LeadId::new(fields.number(LEAD)?);
                let lead = lead.context("a request key has the lead 0")?;
                anyhow::Ok((lead, CallId::new(Uuid::from_bytes(fields.array(CALL)?))))
            });
            What::Calls(calls.collect::<Result<_>>()?)
        }
    };
    Ok(Started {
        request_digest: fields.array(DIGEST)?,
        what,
    })
}
