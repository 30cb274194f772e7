//! Shows runs as they go: a bar for each, and a line for each slot with who is being called.

use std::io::{IsTerminal, stderr};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::DemoRun;
use super::client::RunStatus;

/// What is drawn.
pub(crate) struct Progress {
    shown: Shown,
    ended: Vec<u64>,
}

enum Shown {
    /// Bars that are drawn over and over.
    Bars(Vec<RunBars>),
    /// A line whenever a tenth more of a run has ended.
    Lines,
}

struct RunBars {
    bar: ProgressBar,
    slots: Vec<ProgressBar>,
}

/// More slots than this are not drawn one by one.
const SLOTS_SHOWN_MAX: u32 = 10;
/// More businesses than this are shown as lines.
const BARS_MAX: usize = 8;

impl Progress {
    /// Prepares to show `runs`.
    pub(crate) fn new(runs: &[DemoRun], limit: u32, is_json: bool) -> Self {
        let is_drawn = stderr().is_terminal() && runs.len() <= BARS_MAX && !is_json;
        let shown = if is_drawn {
            Shown::Bars(bars(runs, limit))
        } else {
            Shown::Lines
        };
        Self {
            shown,
            ended: vec![0; runs.len()],
        }
    }

    /// Shows how a run stands.
    pub(crate) fn draw(&mut self, place: usize, status: &RunStatus, live: &[String]) {
        match &self.shown {
            Shown::Bars(runs) => {
                let RunBars { bar, slots } = &runs[place];
                bar.set_position(status.ended());
                bar.set_message(counts(status));
                for (number, slot) in slots.iter().enumerate() {
                    let who = live.get(number).cloned().unwrap_or_default();
                    if slot.message() != who {
                        slot.reset_elapsed();
                        slot.set_message(who);
                    }
                }
            }
            Shown::Lines => {
                let step = (status.total_leads / 10).max(1);
                let is_news = status.ended() >= self.ended[place] + step || status.is_over();
                if is_news && status.ended() > self.ended[place] {
                    self.ended[place] = status.ended();
                    let (ended, total) = (status.ended(), status.total_leads);
                    let live = live.join(", ");
                    say(&format!(
                        "run {}: {ended}/{total}  {}  {live}",
                        place + 1,
                        counts(status)
                    ));
                }
            }
        }
    }

    /// Leaves the last picture standing.
    pub(crate) fn finish(&self) {
        if let Shown::Bars(runs) = &self.shown {
            for RunBars { bar, slots } in runs {
                bar.abandon();
                for slot in slots {
                    slot.finish_and_clear();
                }
            }
        }
    }
}

#[expect(
    clippy::print_stderr,
    reason = "progress is shown beside the answer, not in it"
)]
fn say(line: &str) {
    eprintln!("{line}");
}

fn counts(status: &RunStatus) -> String {
    let RunStatus {
        queued,
        in_progress,
        completed,
        failed,
        canceled,
        ..
    } = status;
    format!(
        "{queued} queued, {in_progress} live, {completed} completed, {failed} failed, {canceled} canceled"
    )
}

fn bars(runs: &[DemoRun], limit: u32) -> Vec<RunBars> {
    let all = MultiProgress::with_draw_target(ProgressDrawTarget::stderr());
    let run_style = style("{prefix} [{bar:40}] {pos}/{len}  {msg}");
    let slot_style = style("    slot {prefix}  {msg}");
    let bars = runs.iter().enumerate().map(|(place, run)| {
        let bar = all.add(ProgressBar::new(run.total));
        bar.set_style(run_style.clone());
        bar.set_prefix(format!("run {}", place + 1));
        bar.enable_steady_tick(Duration::from_millis(200));
        let slots = (1..=limit.min(SLOTS_SHOWN_MAX)).map(|number| {
            let slot = all.add(ProgressBar::new_spinner());
            slot.set_style(slot_style.clone());
            slot.set_prefix(number.to_string());
            slot
        });
        RunBars {
            bar,
            slots: slots.collect(),
        }
    });
    bars.collect()
}

fn style(template: &str) -> ProgressStyle {
    let style = ProgressStyle::with_template(template).expect("the template is well-formed");
    style.progress_chars("█▉ ")
}
