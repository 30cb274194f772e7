//! Shows a run until it is over: a bar that is drawn over and over, or a line for each change.

use std::io::{IsTerminal, stderr};
use std::time::Duration;

use anyhow::{Context, Result};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use ringfence_flows::world::Office;
use serde::Deserialize;
use serde_json::Value;

use crate::ask::{get, json_of};
use crate::command::Watch;
use crate::target::Place;
use crate::terminal::answer;

/// How often it looks. A look reads one item.
const EVERY: Duration = Duration::from_secs(1);

/// How a run stands.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct Standing {
    run_id: u32,
    status: String,
    queued: u64,
    in_progress: u64,
    completed: u64,
    failed: u64,
    canceled: u64,
    total_leads: u64,
    last_error: Option<String>,
}

impl Standing {
    const fn ended(&self) -> u64 {
        self.completed + self.failed + self.canceled
    }

    fn is_over(&self) -> bool {
        self.status != "running" && self.status != "stopping"
    }

    fn counts(&self) -> String {
        let Self {
            status,
            queued,
            in_progress,
            completed,
            failed,
            canceled,
            ..
        } = self;
        let error = self.last_error.as_ref();
        let error = error.map(|error| format!("; {error}")).unwrap_or_default();
        format!(
            "{status}: {queued} queued, {in_progress} live, {completed} completed, \
             {failed} failed, {canceled} canceled{error}"
        )
    }
}

pub(crate) async fn watch(place: &Place, wish: Watch) -> Result<()> {
    let desk = place.desk();
    let path = format!("/api/outbound/runs/{}", wish.run);
    let mut shown = None;
    let mut bar = None;
    // Ends with the run, or with whoever watches.
    loop {
        let request = get(&wish.business, &path)?;
        let seen = json_of(status::handle(&desk.ledger, desk.now(), request).await)?;
        let now = standing(&seen)?;
        if shown.as_ref() != Some(&now) {
            if stderr().is_terminal() {
                draw(bar.get_or_insert_with(|| new_bar(&now)), &now);
            } else {
                let (run, ended, total) = (now.run_id, now.ended(), now.total_leads);
                answer(&format!("run {run}: {ended}/{total}  {}", now.counts()))?;
            }
        }
        if now.is_over() {
            if let Some(bar) = bar {
                bar.abandon();
            }
            return Ok(());
        }
        shown = Some(now);
        tokio::time::sleep(EVERY).await;
    }
}

fn standing(seen: &Value) -> Result<Standing> {
    Standing::deserialize(seen).context("failed to understand how the run stands")
}

fn new_bar(now: &Standing) -> ProgressBar {
    let style = ProgressStyle::with_template("run {prefix} [{bar:40}] {pos}/{len}  {msg}");
    let style = style.expect("the template is well-formed");
    let bar = ProgressBar::with_draw_target(Some(now.total_leads), ProgressDrawTarget::stderr());
    bar.set_style(style.progress_chars("█▉ "));
    bar.set_prefix(now.run_id.to_string());
    bar
}

fn draw(bar: &ProgressBar, now: &Standing) {
    bar.set_position(now.ended());
    bar.set_message(now.counts());
}
