//! What a flow saw happen, for whoever watches; nothing is decided by it.
//!
//! It is handed in rather than answered, so that what happened before a failure counts too.

use std::collections::BTreeSet;

use ringfence_core::call::Outcome;
use ringfence_core::fill::Fact;
use ringfence_core::ids::CallId;
use ringfence_core::state::State;
use ringfence_core::time::Timestamp;

use crate::carrier::Placed;
use crate::ledger::Stored;

/// What happened in one flow.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// Every claim that was to be placed, and what the carrier answered.
    pub dialed: Vec<Dialing>,
    /// The calls whose slots were freed because they are over, or never were. Calls that the
    /// carrier refused are not among them: they stand in `dialed`.
    pub ended: Vec<(CallId, Outcome)>,
    /// How often the carrier was asked about a silent call and gave no usable answer.
    pub undecided: u32,
    /// How many writes were refused because another worker was first.
    pub refused_writes: u32,
    /// The slots as this flow left them.
    pub slots: Option<Slots>,
}

/// One claim that was to be placed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dialing {
    /// When the request was handed to the carrier's port; `None` if its fence had passed.
    pub left_at: Option<Timestamp>,
    pub placed: Placed,
}

/// The slots of one business.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slots {
    pub in_use: u32,
    pub limit: u32,
}

impl Tally {
    /// Notes what a decision has made of `facts`, once it is stored.
    pub(crate) fn committed(&mut self, facts: &[Fact], before: &State, after: &State) {
        let is_gone = |call: &&CallId| !after.active.contains_key(*call);
        let mut freed: BTreeSet<CallId> = before.active.keys().filter(is_gone).copied().collect();
        for fact in facts {
            match fact {
                Fact::Ended { call, outcome } if freed.remove(call) => {
                    self.ended.push((*call, *outcome));
                }
                // Not known twice, and long after the fence.
                Fact::NotFound { call, .. } if freed.remove(call) => {
                    self.ended.push((*call, Outcome::Failed));
                }
                Fact::Undecided { .. } => self.undecided += 1,
                Fact::Ended { .. }
                | Fact::LeadRefused { .. }
                | Fact::ConfigurationRefused { .. }
                | Fact::NotProcessed { .. }
                | Fact::StillLive { .. }
                | Fact::NotFound { .. }
                | Fact::Filed { .. } => {}
            }
        }
        self.saw(after);
    }

    /// Notes a write that was refused, and hands on what it was refused for.
    pub(crate) fn refused(&mut self, newer: Stored) -> Stored {
        self.refused_writes += 1;
        newer
    }

    /// Notes the slots.
    pub(crate) fn saw(&mut self, state: &State) {
        self.slots = Some(Slots {
            in_use: state.slots_in_use(),
            limit: state.limit,
        });
    }
}
