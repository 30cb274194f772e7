//! Peer (a): a counter item of the slots in use and a row for each job, moved together by
//! `TransactWriteItems`, with an index of the jobs by status.
//!
//! A claim and an end change both; where only the job changes, it is one plain write.

use std::sync::Arc;

use anyhow::{Context, Result, bail};
use aws_sdk_dynamodb::types::{TransactWriteItem, Update};
use tokio::task::JoinSet;

use super::{JOB, Job, World, key, number, row, text};
use crate::raw::TABLE;

/// The counter's key.
const COUNTER: (&str, &str) = ("BIZ#peer", "COUNTER");

/// Calls `jobs` leads, `limit` at once.
pub(crate) async fn run(world: &Arc<World>, jobs: u32, limit: u32) -> Result<()> {
    world.store_jobs(jobs).await?;
    let mut reports = world.reports()?;
    let mut workers = JoinSet::new();
    for _ in 0..limit.min(jobs) {
        workers.spawn(fill(Arc::clone(world), limit));
    }
    for _ in 0..jobs {
        let job = reports.recv().await.context("the carrier reports")?;
        let world = Arc::clone(world);
        workers.spawn(async move {
            end(&world, job).await?;
            fill(world, limit).await
        });
    }
    while let Some(worked) = workers.join_next().await {
        worked??;
    }
    Ok(())
}

/// Claims a slot for the next job and places its call, if there are both.
async fn fill(world: Arc<World>, limit: u32) -> Result<()> {
    loop {
        // Any of the next ones: whoever all wanted the first would mostly pay for refusals.
        let waiting = world.jobs_with("queued", 2 * limit).await?;
        let Some(&job) = fastrand::choice(&waiting) else {
            return Ok(());
        };
        match claim(&world, job, limit).await? {
            Claim::Won => {
                world.dial(job).await?;
                return mark_live(&world, job).await;
            }
            Claim::Full => return Ok(()),
            Claim::Taken => {}
        }
    }
}

/// What became of a claim.
enum Claim {
    Won,
    /// No slot is free.
    Full,
    /// Another worker has the job.
    Taken,
}

async fn claim(world: &World, job: Job, limit: u32) -> Result<Claim> {
    let counter = Update::builder()
        .table_name(TABLE)
        .set_key(Some(key(COUNTER.0, COUNTER.1)))
        .update_expression("ADD in_use :one")
        .condition_expression("attribute_not_exists(in_use) OR in_use < :limit")
        .expression_attribute_values(":one", number(1))
        .expression_attribute_values(":limit", number(limit));
    let row = Update::builder()
        .table_name(TABLE)
        .set_key(Some(key(JOB, &row(job))))
        .update_expression("SET st = :dialing")
        .condition_expression("st = :queued")
        .expression_attribute_values(":dialing", text("dialing"))
        .expression_attribute_values(":queued", text("queued"));
    let sent = world
        .client
        .transact_write_items()
        .transact_items(
            TransactWriteItem::builder()
                .update(counter.build()?)
                .build(),
        )
        .transact_items(TransactWriteItem::builder().update(row.build()?).build())
        .send()
        .await;
    let Err(error) = sent else {
        return Ok(Claim::Won);
    };
    let service = error.as_service_error();
    let canceled = service.and_then(|error| match error {
        aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError::TransactionCanceledException(canceled) => Some(canceled),
        _ => None,
    });
    let reasons = canceled.map(|canceled| canceled.cancellation_reasons());
    let is_refused = |place: usize| {
        let reason = reasons.and_then(|reasons| reasons.get(place));
        reason.and_then(|reason| reason.code()) == Some("ConditionalCheckFailed")
    };
    if is_refused(0) {
        Ok(Claim::Full)
    } else if is_refused(1) {
        Ok(Claim::Taken)
    } else {
        bail!("failed to claim a slot: {error:?}")
    }
}

/// Says that a call is live, unless it is over already.
async fn mark_live(world: &World, job: Job) -> Result<()> {
    let sent = world
        .client
        .update_item()
        .table_name(TABLE)
        .set_key(Some(key(JOB, &row(job))))
        .update_expression("SET st = :calling")
        .condition_expression("st = :dialing")
        .expression_attribute_values(":calling", text("calling"))
        .expression_attribute_values(":dialing", text("dialing"))
        .send()
        .await;
    match sent {
        Ok(_) => Ok(()),
        Err(error)
            if error
                .as_service_error()
                .is_some_and(|error| error.is_conditional_check_failed_exception()) =>
        {
            Ok(())
        }
        Err(error) => Err(error).context("failed to mark a call as live"),
    }
}

/// Ends a job and gives its slot back, or neither.
async fn end(world: &World, job: Job) -> Result<()> {
    let counter = Update::builder()
        .table_name(TABLE)
        .set_key(Some(key(COUNTER.0, COUNTER.1)))
        .update_expression("ADD in_use :less")
        .condition_expression("in_use > :none")
        .expression_attribute_values(
            ":less",
            aws_sdk_dynamodb::types::AttributeValue::N("-1".to_owned()),
        )
        .expression_attribute_values(":none", number(0));
    let row = Update::builder()
        .table_name(TABLE)
        .set_key(Some(key(JOB, &row(job))))
        .update_expression("SET st = :over")
        .condition_expression("st = :dialing OR st = :calling")
        .expression_attribute_values(":over", text("over"))
        .expression_attribute_values(":dialing", text("dialing"))
        .expression_attribute_values(":calling", text("calling"));
    world
        .client
        .transact_write_items()
        .transact_items(
            TransactWriteItem::builder()
                .update(counter.build()?)
                .build(),
        )
        .transact_items(TransactWriteItem::builder().update(row.build()?).build())
        .send()
        .await
        .context("failed to end a job")?;
    Ok(())
}
