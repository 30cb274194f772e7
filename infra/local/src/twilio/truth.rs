//! What really happened, from the carrier's point of view, and the audits over it.
//!
//! A call is live from its acceptance to its end, queued included, whatever the client
//! was told about it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use ringfence_core::call::CallStatus;
use ringfence_core::ids::CallSid;
use ringfence_core::phone::PhoneNumber;

use super::call::{Call, Mark, Tag};
use super::script::Silence;
use super::twiml::Twiml;

mod record;

/// All that the simulated Twilio knows, at one moment.
#[derive(Debug, Clone)]
pub struct Truth {
    /// In the order of acceptance.
    pub calls: Vec<CallTruth>,
    /// Every request for a call, in the order of arrival.
    pub creates: Vec<CreateTruth>,
    /// What was made to go wrong.
    pub injected: Injected,
    /// Calls and requests too old to be kept. The audits know nothing of them.
    pub forgotten: u64,
}

/// One call that was accepted.
#[derive(Debug, Clone)]
pub struct CallTruth {
    pub sid: CallSid,
    pub from: PhoneNumber,
    pub to: PhoneNumber,
    pub tag: Arc<Tag>,
    pub status: CallStatus,
    pub accepted: Mark,
    pub dialled: Option<Mark>,
    pub answered: Option<Mark>,
    pub ended: Option<Mark>,
    /// When its final callback first left; `None` if it was lost, or not yet, or not asked for.
    pub final_sent: Option<Mark>,
    /// From acceptance to the end as planned, by the real clock; `None` for ever.
    pub planned: Option<Duration>,
    pub twiml: Twiml,
}

impl CallTruth {
    pub(super) fn of(call: &Call) -> Self {
        let view = call.view();
        Self {
            sid: call.sid.clone(),
            from: call.order.from.clone(),
            to: call.order.to.clone(),
            tag: Arc::clone(&call.tag),
            status: view.status(),
            accepted: view.accepted(),
            dialled: view.reached(CallStatus::Initiated),
            answered: view.reached(CallStatus::InProgress),
            ended: view.ended(),
            final_sent: call.final_sent,
            planned: call.planned,
            twiml: call.twiml,
        }
    }

    /// True until the call is over.
    pub fn is_live(&self) -> bool {
        self.ended.is_none()
    }

    /// From acceptance to the end, by the real clock.
    pub fn lifetime(&self) -> Option<Duration> {
        Some(
            self.ended?
                .instant
                .saturating_duration_since(self.accepted.instant),
        )
    }
}

/// One request for a call.
#[derive(Clone)]
pub struct CreateTruth {
    pub arrived: Mark,
    pub tag: Arc<Tag>,
    /// As sent, in their order.
    pub parameters: Arc<Vec<(String, String)>>,
    pub verdict: Verdict,
}

/// Leaves out the parameters: they hold phone numbers.
impl fmt::Debug for CreateTruth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CreateTruth")
            .field("arrived", &self.arrived)
            .field("tag", &self.tag)
            .field("verdict", &self.verdict)
            .finish_non_exhaustive()
    }
}

impl CreateTruth {
    pub(super) fn bytes(&self) -> usize {
        self.parameters
            .iter()
            .map(|(name, value)| name.len() + value.len())
            .sum()
    }
}

/// What became of a request for a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It arrived, and whoever sent it went away before it was read.
    Unread,
    /// The call exists, whatever the answer said.
    Made(CallSid),
    /// No call exists, and the answer did not say so.
    NotMade(Silence),
    /// No call exists, and the answer named this code.
    Refused(u32),
    /// 429: not processed.
    TooMany,
}

/// How often each fault was injected.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Injected {
    pub lost: u32,
    pub doubled: u32,
    pub late: u32,
    pub reordered: u32,
    pub early_finals: u32,
    pub ambiguous_made: u32,
    pub ambiguous_unmade: u32,
    pub too_many: u32,
    pub refused: u32,
    pub stale: u32,
}

/// One thing that was dialled more than once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Duplicate {
    pub what: Dialled,
    /// In the order of acceptance, at least two.
    pub calls: Vec<CallSid>,
}

/// What must be dialled at most once.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Dialled {
    /// The lead at one index of a run's roster.
    Job {
        business: String,
        run: String,
        index: String,
    },
    /// A call id, which is good for one call.
    Call { business: String, call: String },
}

impl Truth {
    /// How many calls are not over.
    pub fn live(&self) -> usize {
        self.calls.iter().filter(|call| call.is_live()).count()
    }

    /// How many calls have each status.
    pub fn counts(&self) -> BTreeMap<&'static str, u32> {
        let mut counts = BTreeMap::new();
        for call in &self.calls {
            *counts.entry(call.status.as_str()).or_default() += 1;
        }
        counts
    }

    /// The most calls that each business had live at any one time.
    pub fn peak_live_by_business(&self) -> BTreeMap<String, u32> {
        self.peak_live(|call| call.tag.business.clone().unwrap_or_default())
    }

    /// The most calls with each key that were live at any one time.
    pub fn peak_live<K: Ord>(&self, key: impl Fn(&CallTruth) -> K) -> BTreeMap<K, u32> {
        let mut changes: BTreeMap<K, Vec<(u64, bool)>> = BTreeMap::new();
        for call in &self.calls {
            let changes = changes.entry(key(call)).or_default();
            changes.push((call.accepted.tick, true));
            changes.extend(call.ended.map(|ended| (ended.tick, false)));
        }
        let peak = |mut changes: Vec<(u64, bool)>| {
            changes.sort_unstable();
            let mut live = 0_u32;
            let mut peak = 0;
            for (_, is_start) in changes {
                live = if is_start { live + 1 } else { live - 1 };
                peak = peak.max(live);
            }
            peak
        };
        changes
            .into_iter()
            .map(|(key, changes)| (key, peak(changes)))
            .collect()
    }

    /// The jobs and call ids for which more than one call was made.
    pub fn duplicate_dials(&self) -> Vec<Duplicate> {
        let mut dials: BTreeMap<Dialled, Vec<CallSid>> = BTreeMap::new();
        for call in &self.calls {
            let tag = Tag::clone(&call.tag);
            let business = tag.business.unwrap_or_default();
            if let (Some(run), Some(index)) = (tag.run, tag.index) {
                let job = Dialled::Job {
                    business: business.clone(),
                    run,
                    index,
                };
                dials.entry(job).or_default().push(call.sid.clone());
            }
            if let Some(id) = tag.call {
                let what = Dialled::Call { business, call: id };
                dials.entry(what).or_default().push(call.sid.clone());
            }
        }
        let twice = dials.into_iter().filter(|(_, calls)| calls.len() > 1);
        twice
            .map(|(what, calls)| Duplicate { what, calls })
            .collect()
    }

    /// Pairs of one business's calls that were live to the same number at the same time.
    pub fn overlapping_numbers(&self) -> Vec<(CallSid, CallSid)> {
        let mut latest: BTreeMap<(Option<&str>, &PhoneNumber), &CallTruth> = BTreeMap::new();
        let mut overlaps = Vec::new();
        for call in &self.calls {
            let key = (call.tag.business.as_deref(), &call.to);
            let end = |call: &CallTruth| call.ended.map_or(u64::MAX, |ended| ended.tick);
            let Some(earlier) = latest.get(&key) else {
                latest.insert(key, call);
                continue;
            };
            if end(earlier) > call.accepted.tick {
                overlaps.push((earlier.sid.clone(), call.sid.clone()));
            }
            // Of two that overlap, the one that lasts longer may overlap the next.
            if end(call) > end(earlier) {
                latest.insert(key, call);
            }
        }
        overlaps
    }

    /// How long each business took from the final callback of a call to its next request.
    ///
    /// Each request answers one callback at most; callbacks that no request follows do not count.
    pub fn turnarounds(&self) -> Vec<Duration> {
        let mut creates: BTreeMap<Option<&str>, Vec<Mark>> = BTreeMap::new();
        for create in &self.creates {
            creates
                .entry(create.tag.business.as_deref())
                .or_default()
                .push(create.arrived);
        }
        let mut finals: BTreeMap<Option<&str>, Vec<Mark>> = BTreeMap::new();
        for call in &self.calls {
            finals
                .entry(call.tag.business.as_deref())
                .or_default()
                .extend(call.final_sent);
        }
        let mut turnarounds = Vec::new();
        for (business, mut finals) in finals {
            finals.sort_unstable_by_key(|mark| mark.tick);
            let mut creates = creates.remove(&business).unwrap_or_default().into_iter();
            for end in finals {
                let Some(next) = creates.find(|create| create.tick > end.tick) else {
                    break;
                };
                turnarounds.push(next.instant.saturating_duration_since(end.instant));
            }
        }
        turnarounds
    }
}

#[cfg(test)]
mod tests;
