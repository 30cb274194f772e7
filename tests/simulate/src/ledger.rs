//! The stored record, with the semantics of `ringfence_ledger` on DynamoDB: a state is
//! replaced whole or not at all, starts are transactions, notes may come in any order.

mod batch;
mod pages;
mod ports;
mod write;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;

use anyhow::{Result, bail};
use ringfence_core::ids::{BusinessId, CallId, LeadId, RosterId, RunId};
use ringfence_core::phone::PhoneNumber;
use ringfence_core::state::State;
use ringfence_core::time::Timestamp;
use ringfence_flows::ledger::{Started, Stored};
use ringfence_flows::records::{CallNote, CallRecord, Lead, News, Progress, RunRecord};

pub(crate) use self::batch::Batch;
pub use self::pages::{Page, Scale};
pub use self::write::{Refusal, Write};

/// How many states are kept that were replaced.
const EARLIER_MAX: usize = 8;

/// Names one logical write, however often it is sent.
pub type Stamp = u64;

/// Everything that is stored.
pub struct Store {
    pub scale: Scale,
    pub shelves: Vec<Shelf>,
    /// The pages of the rosters, by their numbers.
    pub pages: BTreeMap<(RosterId, u32), Rc<[LeadId]>>,
    /// For which business each roster was first read or written: no other may touch it.
    pub owners: BTreeMap<RosterId, usize>,
    pub next_stamp: Stamp,
}

/// What is stored of one business.
pub struct Shelf {
    pub id: BusinessId,
    pub stored: Stored,
    /// The states before it, the last one last, and when each was replaced.
    pub earlier: VecDeque<(u64, Stored)>,
    /// The write that made the state so.
    pub by: Stamp,
    /// How many leases the state has, as the condition of a write compares it.
    pub leases: u32,
    /// The attribute of the state's item that only the next release knows, as each revision
    /// has it: how many writes workers of that release have made.
    pub of_next: Vec<Option<u64>>,
    pub leads: BTreeMap<LeadId, Lead>,
    pub do_not_call: BTreeSet<PhoneNumber>,
    pub runs: BTreeMap<RunId, RunRecord>,
    /// The writes that the runs' records came with.
    pub runs_by: BTreeMap<RunId, Stamp>,
    pub calls: BTreeMap<CallId, Row>,
    pub keys: BTreeMap<String, Key>,
    /// The transactions that were applied: a repeat of one succeeds.
    pub tokens: BTreeSet<Stamp>,
    pub cleaned_at: Option<Timestamp>,
    /// When the place in the sweep's index last changed.
    pub index_changed_at: u64,
}

/// A request key, and what it started.
#[derive(Clone)]
pub struct Key {
    pub started: Started,
    pub at: Timestamp,
    pub by: Stamp,
}

/// A call's record, and the rank of the last note that it took.
pub struct Row {
    pub record: CallRecord,
    rank: u32,
}

impl Store {
    /// A table without any item.
    pub const fn new(scale: Scale) -> Self {
        Self {
            scale,
            shelves: Vec::new(),
            pages: BTreeMap::new(),
            owners: BTreeMap::new(),
            next_stamp: 0,
        }
    }
}

impl Shelf {
    /// A business with this state and these leads.
    pub fn new(id: BusinessId, state: State, leads: BTreeMap<LeadId, Lead>) -> Self {
        Self {
            id,
            stored: Stored { state, rev: 1 },
            earlier: VecDeque::new(),
            by: 0,
            leases: 0,
            of_next: vec![None],
            leads,
            do_not_call: BTreeSet::new(),
            runs: BTreeMap::new(),
            runs_by: BTreeMap::new(),
            calls: BTreeMap::new(),
            keys: BTreeMap::new(),
            tokens: BTreeSet::new(),
            cleaned_at: None,
            index_changed_at: 0,
        }
    }

    /// Keeps a state that was just replaced for those whose reads are late.
    pub fn replaced(&mut self, before: Stored, now: u64) {
        if self.earlier.len() == EARLIER_MAX {
            self.earlier.pop_front();
        }
        self.earlier.push_back((now, before));
    }

    /// The oldest state of those that were still the newest `ms` ago, as far as they are kept.
    pub fn as_of(&self, ms: u64, now: u64) -> &Stored {
        let was_there = |(replaced_at, _): &&(u64, Stored)| replaced_at + ms > now;
        let earlier = self.earlier.iter().find(was_there);
        earlier.map_or(&self.stored, |(_, stored)| stored)
    }

    /// Adds to a call's record. A note of no higher rank than the record's says nothing
    /// new, but perhaps whose call it is.
    ///
    /// # Errors
    ///
    /// When a call is said to be live with a final status.
    pub fn note(&mut self, note: &CallNote) -> Result<()> {
        let rank = rank(&note.news)?;
        let row = self.calls.entry(note.call).or_insert_with(|| Row {
            record: CallRecord {
                call: note.call,
                job: None,
                lead: None,
                lead_name: None,
                to: None,
                checked_at: None,
                sid: None,
                progress: Progress::Unknown,
                ended_at: None,
                duration_seconds: None,
                error: None,
            },
            rank: 0,
        });
        let record = &mut row.record;
        let is_news = rank + 1 > row.rank;
        let lacks = note.who.is_some() && record.to.is_none()
            || note.checked_at.is_some() && record.checked_at.is_none()
            || note.sid.is_some() && record.sid.is_none();
        if is_news || lacks {
            record.job = Some(note.job);
            record.lead = Some(note.lead);
            if let Some(callee) = &note.who {
                record.lead_name = Some(callee.name.clone());
                record.to = Some(callee.to.clone());
            }
            record.checked_at = note.checked_at.or(record.checked_at);
            if let Some(sid) = &note.sid {
                record.sid = Some(sid.clone());
            }
        }
        if !is_news {
            return Ok(());
        }
        row.rank = rank + 1;
        match &note.news {
            News::Unknown => {}
            News::Live(status) => record.progress = Progress::Live(*status),
            News::Over {
                outcome,
                status,
                at,
                duration_seconds,
                error,
            } => {
                record.progress = Progress::Over(*outcome, *status);
                record.ended_at = Some(*at);
                record.duration_seconds = duration_seconds.or(record.duration_seconds);
                record.error = error.clone();
            }
        }
        Ok(())
    }
}

/// The order in which a call can pass what notes say of it.
fn rank(news: &News) -> Result<u32> {
    use ringfence_core::call::CallStatus;
    Ok(match news {
        News::Unknown => 0,
        News::Live(CallStatus::Queued) => 1,
        News::Live(CallStatus::Initiated) => 2,
        News::Live(CallStatus::Ringing) => 3,
        News::Live(CallStatus::InProgress) => 4,
        News::Live(_) => bail!("a call with a final status is not live"),
        News::Over { .. } if news.is_unconfirmed() => 8,
        News::Over { .. } => 9,
    })
}
