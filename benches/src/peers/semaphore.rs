//! Peer (b): the shape of AWS's sample of a semaphore for Step Functions. Each lead is an
//! execution of its own, which asks for the semaphore item until it gets it.
//!
//! <https://aws.amazon.com/blogs/compute/controlling-concurrency-in-distributed-systems-using-aws-step-functions/>

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::{Job, World, key, number, row, text};
use crate::raw::TABLE;

/// The semaphore's key.
const SEMAPHORE: (&str, &str) = ("BIZ#peer", "SEMAPHORE");

/// How executions wait: first longer and longer, and then always the same time.
const BACK_OFF: [u64; 6] = [1, 2, 4, 8, 16, 32];
const THEN: u64 = 3;

/// When executions begin to ask.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Start {
    /// All at once, as those of a map state: they go on to ask at the same moments.
    AtOnce,
    /// One after another within the first three seconds: some of many is always about to ask.
    Spread,
}

/// Calls `jobs` leads, `limit` at once.
pub(crate) async fn run(world: &Arc<World>, jobs: u32, limit: u32, start: Start) -> Result<()> {
    let mut reports = world.reports()?;
    let mut executions = JoinSet::new();
    let mut over: HashMap<Job, oneshot::Sender<()>> = HashMap::new();
    for job in 0..jobs {
        let (sender, is_over) = oneshot::channel();
        over.insert(job, sender);
        let begins_after = match start {
            Start::AtOnce => Duration::ZERO,
            Start::Spread => Duration::from_secs(THEN) * job / jobs,
        };
        executions.spawn(execute(
            Arc::clone(world),
            job,
            limit,
            begins_after,
            is_over,
        ));
    }
    for _ in 0..jobs {
        let job = reports.recv().await.context("the carrier reports")?;
        // An execution that failed says so below.
        over.remove(&job).map(|over| over.send(()));
    }
    while let Some(executed) = executions.join_next().await {
        executed??;
    }
    Ok(())
}

/// One execution: acquires, calls, waits for the end, and releases.
async fn execute(
    world: Arc<World>,
    job: Job,
    limit: u32,
    begins_after: Duration,
    is_over: oneshot::Receiver<()>,
) -> Result<()> {
    sleep(begins_after).await;
    let mut waits = BACK_OFF.into_iter();
    while !acquire(&world, job, limit).await? {
        sleep(Duration::from_secs(waits.next().unwrap_or(THEN))).await;
    }
    world.dial(job).await?;
    is_over.await.context("the carrier reports")?;
    release(&world, job).await
}

/// Takes a place and notes its owner in the semaphore, if there is one.
async fn acquire(world: &World, job: Job, limit: u32) -> Result<bool> {
    let sent = world
        .client
        .update_item()
        .table_name(TABLE)
        .set_key(Some(key(SEMAPHORE.0, SEMAPHORE.1)))
        .update_expression("ADD in_use :one SET #owner = :since")
        .condition_expression(
            "(attribute_not_exists(in_use) OR in_use < :limit) AND attribute_not_exists(#owner)",
        )
        .expression_attribute_names("#owner", owner(job))
        .expression_attribute_values(":one", number(1))
        .expression_attribute_values(":limit", number(limit))
        .expression_attribute_values(":since", text("2026-01-01T00:00:00Z"))
        .send()
        .await;
    match sent {
        Ok(_) => Ok(true),
        Err(error)
            if error
                .as_service_error()
                .is_some_and(|error| error.is_conditional_check_failed_exception()) =>
        {
            Ok(false)
        }
        Err(error) => Err(error).context("failed to ask for the semaphore"),
    }
}

/// Gives the place back.
async fn release(world: &World, job: Job) -> Result<()> {
    world
        .client
        .update_item()
        .table_name(TABLE)
        .set_key(Some(key(SEMAPHORE.0, SEMAPHORE.1)))
        .update_expression("SET in_use = in_use - :one REMOVE #owner")
        .condition_expression("attribute_exists(#owner)")
        .expression_attribute_names("#owner", owner(job))
        .expression_attribute_values(":one", number(1))
        .send()
        .await
        .context("failed to release the semaphore")?;
    Ok(())
}

fn owner(job: Job) -> String {
    format!("execution_{}", row(job))
}
