//! Peer (c): a worker that looks every two seconds how many calls are live, and places as many
//! as there is room for. Reports only mark the rows of their jobs.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use futures::future::try_join_all;
use tokio::time::interval;

use super::{Job, World};

const EVERY: Duration = Duration::from_secs(2);

/// Calls `jobs` leads, `limit` at once.
pub(crate) async fn run(world: &Arc<World>, jobs: u32, limit: u32) -> Result<()> {
    world.store_jobs(jobs).await?;
    let mut reports = world.reports()?;
    let mut ticks = interval(EVERY);
    let mut left = jobs;
    // Bounded by the calls of all jobs.
    while left > 0 {
        tokio::select! {
            report = reports.recv() => {
                let job = report.context("the carrier reports")?;
                world.set_status(job, "over").await?;
                left -= 1;
            }
            _ = ticks.tick() => look(world, limit).await?,
        }
    }
    Ok(())
}

async fn look(world: &World, limit: u32) -> Result<()> {
    let live = world.jobs_with("live", limit).await?;
    let room = limit.saturating_sub(u32::try_from(live.len())?);
    if room == 0 {
        return Ok(());
    }
    let next = world.jobs_with("queued", room).await?;
    try_join_all(next.into_iter().map(|job| place(world, job))).await?;
    Ok(())
}

/// Marks a job before its call is placed, so that it counts from then on.
async fn place(world: &World, job: Job) -> Result<()> {
    world.set_status(job, "live").await?;
    world.dial(job).await
}
