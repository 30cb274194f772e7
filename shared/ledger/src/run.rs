//! A run's record: what was asked for, and how it ended. Its state tells the rest.

use anyhow::{Context, Result};
use ringfence_core::ids::{BusinessId, ListId, RosterId, RunId};
use ringfence_core::state::{Counts, RunStatus};
use ringfence_flows::records::{RunEnd, RunRecord};
use uuid::Uuid;

use crate::item::{Fields, Item, bytes, number, put, text, time, version};
use crate::key::{Key, RUN, number_of};

const TOTAL: &str = "total_leads";
const CONCURRENCY: &str = "concurrency";
const ROSTER: &str = "roster";
const LIST: &str = "list_id";
const CREATED_AT: &str = "created_at";
const CREATED_BY: &str = "created_by";
/// The attributes of [`RunEnd`], all there or none but the last.
pub(crate) const STATUS: &str = "run_status";
pub(crate) const QUEUED: &str = "queued";
pub(crate) const IN_PROGRESS: &str = "in_progress";
pub(crate) const COMPLETED: &str = "completed";
pub(crate) const FAILED: &str = "failed";
pub(crate) const CANCELED: &str = "canceled";
pub(crate) const OVER_AT: &str = "over_at";
pub(crate) const LAST_ERROR: &str = "last_error";

pub(crate) fn to_item(business: &BusinessId, record: &RunRecord) -> Item {
    let mut item = Key::Run(business, record.run).attributes();
    let (name, value) = version();
    put(
        &mut item,
        [
            (name, Some(value)),
            (TOTAL, Some(number(record.total))),
            (CONCURRENCY, Some(number(record.concurrency))),
            (ROSTER, Some(bytes(*record.roster.uuid().as_bytes()))),
            (LIST, record.list.map(number)),
            (CREATED_AT, Some(time(record.created_at))),
            (CREATED_BY, Some(text(&record.created_by))),
        ],
    );
    if let Some(end) = &record.end {
        item.extend(end_attributes(end));
    }
    item
}

/// The attributes that tell how a run ended.
pub(crate) fn end_attributes(end: &RunEnd) -> Item {
    let RunEnd {
        status,
        counts,
        at,
        last_error,
    } = end;
    let mut item = Item::new();
    put(
        &mut item,
        [
            (STATUS, Some(text(status.as_str()))),
            (QUEUED, Some(number(counts.queued))),
            (IN_PROGRESS, Some(number(counts.in_progress))),
            (COMPLETED, Some(number(counts.completed))),
            (FAILED, Some(number(counts.failed))),
            (CANCELED, Some(number(counts.canceled))),
            (OVER_AT, Some(time(*at))),
            (LAST_ERROR, last_error.as_deref().map(text)),
        ],
    );
    item
}

pub(crate) fn from_item(item: &Item) -> Result<RunRecord> {
    let fields = Fields::of(item).context("failed to read a run")?;
    let end = if fields.has(STATUS) {
        Some(end(fields)?)
    } else {
        None
    };
    let list = fields.number_if_any(LIST)?;
    Ok(RunRecord {
        run: RunId::new(number_of(item, RUN)?).context("a run has the number 0")?,
        total: fields.number(TOTAL)?,
        concurrency: fields.number(CONCURRENCY)?,
        roster: roster(item)?,
        list: list
            .map(|list| ListId::new(list).context("a run has the list 0"))
            .transpose()?,
        created_at: fields.time(CREATED_AT)?,
        created_by: fields.text(CREATED_BY)?.to_owned(),
        end,
    })
}

/// The roster of a run. Runs of one list share it.
fn roster(item: &Item) -> Result<RosterId> {
    let fields = Fields::inside(item);
    Ok(RosterId::new(Uuid::from_bytes(fields.array(ROSTER)?)))
}

fn end(fields: Fields<'_>) -> Result<RunEnd> {
    Ok(RunEnd {
        status: fields.word(STATUS, RunStatus::parse)?,
        counts: Counts {
            queued: fields.number(QUEUED)?,
            in_progress: fields.number(IN_PROGRESS)?,
            completed: fields.number(COMPLETED)?,
            failed: fields.number(FAILED)?,
            canceled: fields.number(CANCELED)?,
        },
        at: fields.time(OVER_AT)?,
        last_error: fields.text_if_any(LAST_ERROR)?.map(str::to_owned),
    })
}

#[cfg(test)]
mod tests {
    use proptest::option;
    use proptest::prelude::*;
    use ringfence_core::time::Timestamp;

    use super::*;
    use crate::arbitrary::{business, counts, list_ids, rosters, run_statuses, runs, times};

    fn ends() -> impl Strategy<Value = RunEnd> {
        let parts = (run_statuses(), counts(), times(), option::of(".*"));
        parts.prop_map(|(status, counts, at, last_error)| RunEnd {
            status,
            counts,
            at,
            last_error,
        })
    }

    fn records() -> impl Strategy<Value = RunRecord> {
        let asked = (
            runs(),
            any::<u32>(),
            any::<u32>(),
            rosters(),
            option::of(list_ids()),
        );
        (asked, times(), ".*", option::of(ends())).prop_map(
            |(asked, created_at, created_by, end)| {
                let (run, total, concurrency, roster, list) = asked;
                RunRecord {
                    run,
                    total,
                    concurrency,
                    roster,
                    list,
                    created_at,
                    created_by,
                    end,
                }
            },
        )
    }

    proptest! {
        #[test]
        fn a_run_is_read_as_it_was_written(record in records()) {
            prop_assert_eq!(from_item(&to_item(&business(), &record)).unwrap(), record);
        }
    }

    #[test]
    fn the_stored_form_is_this() {
        let end = RunEnd {
            status: RunStatus::Completed,
            counts: Counts {
                queued: 0,
                in_progress: 0,
                completed: 96,
                failed: 4,
                canceled: 0,
            },
            at: Timestamp::from_millis(1_731_412_999_999),
            last_error: None,
        };
        let record = RunRecord {
            run: RunId::new(123).unwrap(),
            total: 100,
            concurrency: 3,
            roster: RosterId::new(Uuid::from_u128(0xab)),
            list: ListId::new(6),
            created_at: Timestamp::from_millis(1_731_412_345_678),
            created_by: "k1".to_owned(),
            end: Some(end),
        };
        let expected = [
            ("pk", text("BIZ#acme")),
            ("sk", text("RUN#0000000123")),
            ("v", number(1)),
            ("total_leads", number(100)),
            ("concurrency", number(3)),
            ("roster", bytes(0xab_u128.to_be_bytes())),
            ("list_id", number(6)),
            ("created_at", number(1_731_412_345_678_u64)),
            ("created_by", text("k1")),
            ("run_status", text("completed")),
            ("queued", number(0)),
            ("in_progress", number(0)),
            ("completed", number(96)),
            ("failed", number(4)),
            ("canceled", number(0)),
            ("over_at", number(1_731_412_999_999_u64)),
        ];
        let expected = Item::from(expected.map(|(name, value)| (name.to_owned(), value)));
        assert_eq!(to_item(&business(), &record), expected);
    }
}
