//! The one write that decides, and how its sender reads a refusal.

use anyhow::{Result, bail, ensure};
use ringfence_core::ids::CallId;
use ringfence_core::state::State;
use ringfence_core::time::Timestamp;
use ringfence_flows::ledger::{Commit, Start, StartCommit, Started, Stored, What};
use std::time::Duration;

use super::{Key, Shelf, Stamp};

/// How long a request key stands for what it started.
const KEY_LIFE: Duration = Duration::from_secs(24 * 60 * 60);

/// One conditional write of a state, alone or as a part of a start.
#[derive(Clone)]
pub struct Write {
    pub stamp: Stamp,
    pub from_rev: u64,
    pub to: State,
    /// What a worker of the next release sets besides. Others name only what they know, and
    /// the rest of the item stays as it is.
    pub of_next: Option<u64>,
    /// The write is refused where there are more leases than this.
    room: u32,
    /// How many leases `to` has, counted on from `from`.
    leases: u32,
    claimed: Vec<CallId>,
    start: Option<Start>,
}

/// What a store that refuses a write returns of what is there.
pub struct Refusal {
    stored: Stored,
    by: Stamp,
    /// Whether the state's own condition did not hold.
    is_state_refused: bool,
    key: Option<Key>,
    run: Option<Stamp>,
}

/// What became of a write, as its sender sees it.
pub enum Seen {
    Ours,
    Newer(Stored),
    KeyUsed(Started),
    /// It is as it was: the write may still arrive.
    Unchanged,
}

impl Write {
    /// Replaces `from` by `to`, which adds the leases of `claimed`.
    pub fn new(stamp: Stamp, from: &Stored, to: &State, claimed: Vec<CallId>) -> Result<Self> {
        let is_new = |call: &&CallId| !from.state.active.contains_key(*call);
        let added = to.active.keys().filter(is_new).count();
        let added = u32::try_from(added)?;
        let is_kept = |call: &&CallId| to.active.contains_key(*call);
        let kept = u32::try_from(from.state.active.keys().filter(is_kept).count())?;
        let room = if added == 0 {
            u32::MAX
        } else {
            ensure!(
                to.slots_in_use() <= to.limit,
                "a change of a state must not add leases beyond the limit"
            );
            to.limit - added + (from.state.slots_in_use() - kept)
        };
        Ok(Self {
            stamp,
            from_rev: from.rev,
            to: to.clone(),
            of_next: None,
            room,
            leases: kept + added,
            claimed,
            start: None,
        })
    }

    /// The same, together with what must be remembered of a start.
    pub fn of_start(stamp: Stamp, from: &Stored, to: &State, start: &Start) -> Result<Self> {
        let claimed = match &start.what {
            What::Run { .. } => Vec::new(),
            What::Calls(calls) => calls.iter().map(|&(_, call)| call).collect(),
        };
        let mut write = Self::new(stamp, from, to, claimed)?;
        if start.run.is_some() || start.key.is_some() {
            write.start = Some(start.clone());
        }
        Ok(write)
    }

    /// Whether it is a transaction.
    pub fn is_transaction(&self) -> bool {
        self.start.is_some()
    }

    /// Applies the write, or says what is in its way.
    pub fn apply(&self, shelf: &mut Shelf) -> Result<(), Box<Refusal>> {
        if self.is_transaction() && shelf.tokens.contains(&self.stamp) {
            return Ok(());
        }
        let is_state_refused = shelf.stored.rev != self.from_rev || shelf.leases > self.room;
        let start = self.start.as_ref();
        let run = start.and_then(|start| start.run.as_ref());
        let there = run.and_then(|run| shelf.runs_by.get(&run.run)).copied();
        let key = start.and_then(|start| Some((start.key.as_ref()?, start)));
        let used = key.and_then(|(key, start)| {
            let used = shelf.keys.get(&key.key)?;
            (used.at >= oldest_good(start.now)).then(|| used.clone())
        });
        if is_state_refused || there.is_some() || used.is_some() {
            return Err(Box::new(Refusal {
                stored: shelf.stored.clone(),
                by: shelf.by,
                is_state_refused,
                key: used,
                run: there,
            }));
        }
        if let Some(run) = run {
            shelf.runs.insert(run.run, run.clone());
            shelf.runs_by.insert(run.run, self.stamp);
        }
        if let Some((key, start)) = key {
            let started = Started {
                request_digest: key.request_digest,
                what: start.what.clone(),
            };
            let key_row = Key {
                started,
                at: start.now,
                by: self.stamp,
            };
            shelf.keys.insert(key.key.clone(), key_row);
        }
        if self.is_transaction() {
            shelf.tokens.insert(self.stamp);
        }
        let rev = usize::try_from(self.from_rev).expect("writes are few");
        let kept = shelf.of_next.last().copied().flatten();
        shelf.of_next.truncate(rev);
        shelf.of_next.push(self.of_next.or(kept));
        shelf.leases = self.leases;
        shelf.by = self.stamp;
        shelf.stored = Stored {
            state: self.to.clone(),
            rev: self.from_rev + 1,
        };
        Ok(())
    }

    /// What a refusal means: an attempt of ours that was applied while its answer was lost
    /// shows by its stamp, or by its leases once somebody has written after it.
    pub fn read_refusal(&self, refusal: Box<Refusal>) -> Result<Seen> {
        if let Some(key) = refusal.key {
            return Ok(if key.by == self.stamp {
                Seen::Ours
            } else {
                Seen::KeyUsed(key.started)
            });
        }
        let run = self.start.as_ref().and_then(|start| start.run.as_ref());
        if run.is_some() && refusal.run == Some(self.stamp) {
            return Ok(Seen::Ours);
        }
        if !refusal.is_state_refused {
            return Ok(Seen::Unchanged);
        }
        match self.recognise(refusal.stored, refusal.by) {
            Seen::Unchanged => bail!("a change of a state was refused for want of room"),
            seen => Ok(seen),
        }
    }

    /// What a look at the store tells after a failure that left open what became of it.
    pub fn look_again(&self, shelf: &Shelf) -> Seen {
        let start = self.start.as_ref();
        if let Some(start) = start
            && let Some(key) = &start.key
            && let Some(used) = shelf.keys.get(&key.key)
        {
            if used.by == self.stamp {
                return Seen::Ours;
            }
            if used.at >= oldest_good(start.now) {
                return Seen::KeyUsed(used.started.clone());
            }
        }
        if let Some(run) = start.and_then(|start| start.run.as_ref())
            && shelf.runs_by.get(&run.run) == Some(&self.stamp)
        {
            return Seen::Ours;
        }
        self.recognise(shelf.stored.clone(), shelf.by)
    }

    fn recognise(&self, stored: Stored, by: Stamp) -> Seen {
        let has_ours = |call: &CallId| stored.state.active.contains_key(call);
        if by == self.stamp || self.claimed.iter().any(has_ours) {
            return Seen::Ours;
        }
        if stored.rev == self.from_rev {
            Seen::Unchanged
        } else {
            Seen::Newer(stored)
        }
    }
}

impl Seen {
    /// As the answer to a plain commit; `None` if nothing was found out.
    pub fn into_commit(self) -> Option<Commit> {
        match self {
            Self::Ours => Some(Commit::Applied),
            Self::Newer(stored) => Some(Commit::Stale(stored)),
            Self::KeyUsed(_) | Self::Unchanged => None,
        }
    }

    /// As the answer to a start; `None` if nothing was found out.
    pub fn into_start_commit(self) -> Option<StartCommit> {
        match self {
            Self::Ours => Some(StartCommit::Applied),
            Self::Newer(stored) => Some(StartCommit::Stale(stored)),
            Self::KeyUsed(started) => Some(StartCommit::KeyUsed(started)),
            Self::Unchanged => None,
        }
    }
}

/// What a request key stands for, unless it came over a day ago.
pub(super) fn started(shelf: &Shelf, key: &str, now: Timestamp) -> Option<Started> {
    let key = shelf.keys.get(key)?;
    (key.at >= oldest_good(now)).then(|| key.started.clone())
}

/// Keys that came before this are free again.
fn oldest_good(now: Timestamp) -> Timestamp {
    now.before(KEY_LIFE)
}
