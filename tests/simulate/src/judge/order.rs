//! Whether one order explains what clients were told of a run.
//!
//! Each answer has to be true at one instant between its question and itself. The search is
//! the one of Wing and Gong with Lowe's memory: of the questions that were asked before
//! anybody's answer, each may be the first.

use std::collections::BTreeSet;

use ringfence_core::ids::RunId;
use ringfence_core::state::{Counts, RunStatus};

use super::Judge;

/// A question, from when it was asked until when it was answered.
#[derive(Debug, Clone, Copy)]
pub(super) struct Deed {
    pub asked: u64,
    /// Never, if its worker died.
    pub answered: u64,
    pub heard: Heard,
}

/// What a client heard of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Heard {
    Started {
        total: u32,
    },
    Stopped {
        canceled: u32,
        in_progress: u32,
    },
    AlreadyOver {
        status: RunStatus,
        in_progress: u32,
    },
    Stands {
        status: RunStatus,
        counts: Counts,
    },
    Missing,
    /// Nothing: a stop that may have done its work, at any time from its question on.
    NothingOfStop,
}

/// A run as one worker with a pencil would keep it. Calls end when they like, so its counts
/// are what they are at least.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
struct Sheet {
    phase: Phase,
    /// Known once somebody was told.
    total: Option<u32>,
    completed: u32,
    failed: u32,
    canceled: u32,
    /// Those three together.
    over: u32,
    /// How many are waiting or live, at most, once no more begin.
    left: Option<u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
enum Phase {
    #[default]
    NotBegun,
    Running,
    Stopped,
    Failed,
    Completed,
}

impl Sheet {
    /// What it says once this was heard, if it could be heard.
    fn after(self, heard: Heard) -> Option<Self> {
        match heard {
            Heard::Missing => (self.phase == Phase::NotBegun).then_some(self),
            Heard::Started { total } => self.of(total)?.turned(self.phase.max(Phase::Running)),
            Heard::NothingOfStop => self.stopped(),
            Heard::Stopped {
                canceled,
                in_progress,
            } => {
                let was_running = canceled + in_progress > 0;
                let sheet = was_running.then_some(self)?.stopped()?;
                let canceled = self.canceled + canceled;
                Self { canceled, ..sheet }.with_left(in_progress)
            }
            Heard::AlreadyOver {
                status,
                in_progress,
            } => self.turned(phase_of(status))?.with_left(in_progress),
            Heard::Stands { status, counts } => {
                let sheet = self.of(counts.total())?.turned(phase_of(status))?;
                let Counts {
                    queued,
                    in_progress,
                    completed,
                    failed,
                    canceled,
                } = counts;
                let has_gone_back =
                    completed < self.completed || failed < self.failed || canceled < self.canceled;
                let is_over = queued + in_progress == 0;
                let is_true = match status {
                    RunStatus::Running => !is_over,
                    RunStatus::Stopping => !is_over && queued == 0,
                    RunStatus::Failed => queued == 0,
                    RunStatus::Stopped | RunStatus::Completed => is_over,
                };
                let sheet = Self {
                    completed,
                    failed,
                    canceled,
                    ..sheet
                };
                let sheet = if sheet.phase == Phase::Running {
                    sheet
                } else {
                    sheet.with_left(in_progress)?
                };
                let over = completed + failed + canceled;
                let is_it = is_true && !has_gone_back && over >= self.over;
                is_it.then_some(Self { over, ..sheet })
            }
        }
    }

    /// The same, of so many leads.
    fn of(self, total: u32) -> Option<Self> {
        let is_same = self.total.is_none_or(|known| known == total);
        let total = Some(total);
        is_same.then_some(Self { total, ..self })
    }

    /// The same, stopped by somebody just now.
    fn stopped(self) -> Option<Self> {
        let phase = Phase::Stopped;
        (self.phase <= Phase::Running).then_some(Self { phase, ..self })
    }

    /// The same, seen in this phase: it goes there by itself, but into a stop.
    fn turned(self, phase: Phase) -> Option<Self> {
        let goes_there = self.phase <= Phase::Running && phase != Phase::Stopped;
        (self.phase == phase || goes_there).then_some(Self { phase, ..self })
    }

    /// The same, with so many calls that go on and none to come.
    fn with_left(self, left: u32) -> Option<Self> {
        let known = self.over.max(self.completed + self.failed + self.canceled);
        let over = match self.total {
            Some(total) => total.checked_sub(left)?,
            None => known,
        };
        let is_later = over >= known && self.left.is_none_or(|known| left <= known);
        let left = Some(left);
        is_later.then_some(Self { over, left, ..self })
    }
}

fn phase_of(status: RunStatus) -> Phase {
    match status {
        RunStatus::Running => Phase::Running,
        RunStatus::Stopping | RunStatus::Stopped => Phase::Stopped,
        RunStatus::Failed => Phase::Failed,
        RunStatus::Completed => Phase::Completed,
    }
}

/// Whether some order of the deeds explains them all.
fn is_explained(deeds: &[Deed]) -> bool {
    let mut search = Search {
        deeds,
        is_done: vec![false; deeds.len()],
        seen: BTreeSet::new(),
    };
    search.goes_on(Sheet::default())
}

struct Search<'a> {
    /// In the order of their answers: most orders are this one.
    deeds: &'a [Deed],
    is_done: Vec<bool>,
    seen: BTreeSet<(Vec<bool>, Sheet)>,
}

impl Search<'_> {
    fn goes_on(&mut self, sheet: Sheet) -> bool {
        let open = |(place, _): &(usize, &Deed)| !self.is_done[*place];
        let next_answer = self.deeds.iter().enumerate().find(open);
        let next_answer = next_answer.map_or(u64::MAX, |(_, deed)| deed.answered);
        if next_answer == u64::MAX {
            return true;
        }
        for (place, deed) in self.deeds.iter().enumerate() {
            if self.is_done[place] || deed.asked > next_answer {
                continue;
            }
            let Some(sheet) = sheet.after(deed.heard) else {
                continue;
            };
            self.is_done[place] = true;
            if self.seen.insert((self.is_done.clone(), sheet)) && self.goes_on(sheet) {
                return true;
            }
            self.is_done[place] = false;
        }
        false
    }
}

/// The first answer that no order explains, with what was asked before it.
fn first_unexplained(deeds: &[Deed]) -> Option<Deed> {
    if is_explained(deeds) {
        return None;
    }
    deeds.iter().copied().find(|last| {
        let known = deeds.iter().filter(|deed| deed.asked < last.answered);
        let known = known.filter_map(|deed| match deed.heard {
            _ if deed.answered <= last.answered => Some(*deed),
            // It may have done its work by then, whatever it will be told.
            Heard::Stopped { .. } | Heard::AlreadyOver { .. } => Some(Deed {
                answered: u64::MAX,
                heard: Heard::NothingOfStop,
                ..*deed
            }),
            _ => None,
        });
        let mut known: Vec<Deed> = known.collect();
        known.sort_by_key(|deed| deed.answered);
        !is_explained(&known)
    })
}

impl Judge {
    /// The next instant at which somebody asks or is answered.
    pub(super) fn instant(&mut self) -> u64 {
        self.instants += 1;
        self.instants
    }

    /// Looks for an order of what was told of each run.
    pub fn look_for_orders(&mut self) {
        let runs = std::mem::take(&mut self.told_of_runs);
        for ((b, run), mut deeds) in runs {
            deeds.sort_by_key(|deed| deed.answered);
            if let Some(deed) = first_unexplained(&deeds) {
                self.fail("history", unexplained(b, run, &deed));
            }
        }
    }
}

fn unexplained(b: usize, run: RunId, deed: &Deed) -> String {
    let heard = deed.heard;
    format!("b{b} run {run}: no order of the answers explains {heard:?}")
}

#[cfg(test)]
mod tests;
