//! The fate of every single lead of a run.

use std::collections::BTreeSet;

use crate::call::Outcome;
use crate::state::{Counts, Phase, RunStatus};

pub(super) struct Known {
    pub(super) leads: Vec<Fate>,
    pub(super) phase: Phase,
    pub(super) is_over: bool,
}

/// Where a lead of a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Waiting,
    Live,
    Done(Outcome),
}

impl Known {
    pub(super) fn cancel(&mut self, phase: Phase) -> u32 {
        let canceled = self.count(Fate::Waiting);
        for fate in &mut self.leads {
            if *fate == Fate::Waiting {
                *fate = Fate::Done(Outcome::Canceled);
            }
        }
        self.phase = phase;
        canceled
    }

    pub(super) fn count(&self, fate: Fate) -> u32 {
        let of_it = self.leads.iter().filter(|lead| **lead == fate);
        u32::try_from(of_it.count()).unwrap()
    }

    pub(super) fn waiting(&self) -> BTreeSet<u32> {
        let leads = (0..).zip(&self.leads);
        let waiting = leads.filter(|(_, fate)| **fate == Fate::Waiting);
        waiting.map(|(index, _)| index).collect()
    }

    pub(super) fn counts(&self) -> Counts {
        Counts {
            queued: self.count(Fate::Waiting),
            in_progress: self.count(Fate::Live),
            completed: self.count(Fate::Done(Outcome::Completed)),
            failed: self.count(Fate::Done(Outcome::Failed)),
            canceled: self.count(Fate::Done(Outcome::Canceled)),
        }
    }

    pub(super) fn status(&self) -> RunStatus {
        let is_live = self.count(Fate::Live) > 0;
        let is_waiting = self.count(Fate::Waiting) > 0;
        match self.phase {
            Phase::Running if is_live || is_waiting => RunStatus::Running,
            Phase::Running => RunStatus::Completed,
            Phase::Stopped | Phase::HangingUp if is_live => RunStatus::Stopping,
            Phase::Stopped | Phase::HangingUp => RunStatus::Stopped,
            Phase::Failed => RunStatus::Failed,
        }
    }
}
