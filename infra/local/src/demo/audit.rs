//! What the carrier saw, held against the promise.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::time::Duration;

use anyhow::Result;
use ringfence_core::call::CallStatus;
use serde::Serialize;
use tokio::time::Instant;

use super::client::Client;
use super::{DemoArgs, DemoRun};
use crate::aws::meter::Usage;
use crate::stack::Stack;
use crate::twilio::{SimTwilio, Truth, Verdict};

/// The audit.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    pub leads: u64,
    pub calls_placed: u64,
    pub completed: u64,
    pub failed: u64,
    pub canceled: u64,
    /// The most live calls that any business had at once, by the carrier's record.
    pub peak_live: u32,
    pub limit: u32,
    /// Leads of a run for which the carrier accepted more than one call, and calls of one
    /// business to one number at the same time.
    pub duplicate_dials: u64,
    /// Leads without exactly one outcome.
    pub lost_leads: u64,
    pub makespan_s: f64,
    /// The same calls, the next always taken the instant that one ends.
    pub ideal_s: f64,
    pub turnaround_ms: Turnaround,
    pub dynamodb: DynamoDb,
    pub sqs_requests_per_call: f64,
}

/// From the arrival of a final callback to the next create.
#[derive(Debug, Clone, Serialize)]
pub struct Turnaround {
    pub p50: f64,
    pub p99: f64,
}

/// What the runs cost from their start on; the reads of those who watch are left out.
#[derive(Debug, Clone, Serialize)]
pub struct DynamoDb {
    pub wcu_per_call: f64,
    pub rcu_per_call: f64,
    pub requests_per_call: f64,
    pub failed_conditions: u64,
    /// As a share of all conditional writes.
    pub failed_conditions_share: f64,
}

/// The meters as the runs were started, and what starting them cost.
pub(crate) struct Before {
    dynamodb: Usage,
    api: Usage,
    sqs: Usage,
}

impl Before {
    pub(crate) fn snapshot(stack: &Stack) -> Self {
        Self {
            dynamodb: stack.plan.dynamo.meter().snapshot(),
            api: stack.gateway.api_meter.snapshot(),
            sqs: stack.plan.queue.meter().snapshot(),
        }
    }

    /// Ends the count of what the API does: from here on it is only watched through it.
    pub(crate) fn has_started(&mut self, stack: &Stack) {
        self.api = stack.gateway.api_meter.snapshot().since(&self.api);
    }
}

impl Report {
    /// True if the promise held for leads that there were.
    pub fn is_kept(&self) -> bool {
        let has_ended = self.completed + self.failed + self.canceled == self.leads;
        let is_within = self.peak_live <= self.limit;
        let is_once = self.duplicate_dials == 0;
        self.leads > 0 && has_ended && is_within && is_once && self.lost_leads == 0
    }

    /// Prints the audit for a person, or as one line of JSON.
    #[expect(clippy::print_stdout, reason = "it is this command's answer")]
    pub(crate) fn print(&self, is_json: bool) {
        if is_json {
            println!(
                "{}",
                serde_json::to_string(self).expect("plain data becomes JSON")
            );
            return;
        }
        let Self {
            leads,
            calls_placed,
            completed,
            failed,
            canceled,
            ..
        } = self;
        let held = |is_held: bool| if is_held { "held" } else { "BROKEN" };
        let dynamodb = &self.dynamodb;
        println!();
        println!("What the carrier saw");
        println!(
            "  leads            {leads}: {completed} completed, {failed} failed, {canceled} canceled"
        );
        println!("  calls placed     {calls_placed}");
        let (peak, limit) = (self.peak_live, self.limit);
        println!(
            "  peak live calls  {peak} of {limit}  {}",
            held(peak <= limit)
        );
        println!(
            "  duplicate dials  {}  {}",
            self.duplicate_dials,
            held(self.duplicate_dials == 0)
        );
        println!(
            "  lost leads       {}  {}",
            self.lost_leads,
            held(self.lost_leads == 0)
        );
        let ratio = self.makespan_s / self.ideal_s;
        println!(
            "  makespan         {:.2} s, {ratio:.3} x the ideal {:.2} s",
            self.makespan_s, self.ideal_s
        );
        let Turnaround { p50, p99 } = self.turnaround_ms;
        println!(
            "  turnaround       p50 {p50:.1} ms, p99 {p99:.1} ms from a final callback to the next call"
        );
        println!(
            "  DynamoDB         {:.2} write units, {:.2} read units, {:.1} requests per call; {:.1} % of conditional writes refused",
            dynamodb.wcu_per_call,
            dynamodb.rcu_per_call,
            dynamodb.requests_per_call,
            100.0 * dynamodb.failed_conditions_share
        );
        println!(
            "  SQS              {:.2} requests per call, besides receives that bring nothing",
            self.sqs_requests_per_call
        );
        println!();
        println!(
            "The promise {}.",
            if self.is_kept() { "held" } else { "was BROKEN" }
        );
    }
}

/// Holds what the carrier saw against the promise.
pub(crate) async fn audit(
    args: &DemoArgs,
    stack: &Stack,
    client: &Client,
    twilio: &SimTwilio,
    runs: &[DemoRun],
    before: &Before,
) -> Result<Report> {
    let dynamodb = stack
        .plan
        .dynamo
        .meter()
        .snapshot()
        .since(&before.dynamodb)
        .and(&before.api);
    let sqs = stack.plan.queue.meter().snapshot().since(&before.sqs);
    let truth = twilio.truth();
    let (mut leads, mut completed, mut failed, mut canceled, mut lost) = (0, 0, 0, 0, 0);
    for run in runs {
        let status = client.run(&run.api_key, run.run).await?;
        leads += status.total_leads;
        completed += status.completed;
        failed += status.failed;
        canceled += status.canceled;
        lost += lost_leads(client, run, &truth).await?;
    }
    let calls = truth.calls.len() as f64;
    let per_call = |units: f64| if calls > 0.0 { units / calls } else { 0.0 };
    let conditional = dynamodb.conditional_writes.max(1) as f64;
    let (makespan, ideal) = makespans(&truth, args.limit);
    let peaks = truth.peak_live_by_business();
    let duplicates = truth.duplicate_dials().len() + truth.overlapping_numbers().len();
    // Receives that bring nothing are the poller's, whatever happens in between.
    let sqs_requests = sqs.requests - sqs.empty_receives;
    Ok(Report {
        leads,
        calls_placed: truth.calls.len() as u64,
        completed,
        failed,
        canceled,
        peak_live: peaks.into_values().max().unwrap_or(0),
        limit: args.limit,
        duplicate_dials: duplicates as u64 + truth.forgotten,
        lost_leads: lost,
        makespan_s: makespan.as_secs_f64(),
        ideal_s: ideal.as_secs_f64(),
        turnaround_ms: turnaround(truth.turnarounds()),
        dynamodb: DynamoDb {
            wcu_per_call: per_call(dynamodb.write_units),
            rcu_per_call: per_call(dynamodb.read_units),
            requests_per_call: per_call(dynamodb.requests as f64),
            failed_conditions: dynamodb.failed_conditions,
            failed_conditions_share: dynamodb.failed_conditions as f64 / conditional,
        },
        sqs_requests_per_call: per_call(sqs_requests as f64),
    })
}

/// Leads without exactly one outcome, calls that still go on although the run is over, and
/// leads whose call the carrier completed while we say otherwise.
async fn lost_leads(client: &Client, run: &DemoRun, truth: &Truth) -> Result<u64> {
    let calls = client.calls(&run.api_key, run.run).await?;
    let outcomes: BTreeMap<String, &str> = calls
        .iter()
        .map(|call| (call.position.to_string(), call.status.as_str()))
        .collect();
    let is_ended = |status: &&&str| matches!(**status, "completed" | "failed" | "canceled");
    let ended = outcomes.values().filter(is_ended).count() as u64;
    let of_run = truth
        .calls
        .iter()
        .filter(|call| call.tag.business.as_deref() == Some(run.business.as_str()));
    let misjudged = of_run.filter(|call| {
        let index = call.tag.index.clone().unwrap_or_default();
        let said = outcomes.get(&index).copied();
        call.is_live() || (call.status == CallStatus::Completed) != (said == Some("completed"))
    });
    Ok(run.total.abs_diff(ended) + misjudged.count() as u64)
}

fn turnaround(mut spans: Vec<Duration>) -> Turnaround {
    spans.sort_unstable();
    let at = |share: f64| {
        let place = (share * spans.len().saturating_sub(1) as f64).round() as usize;
        spans
            .get(place)
            .map_or(0.0, |span| 1000.0 * span.as_secs_f64())
    };
    Turnaround {
        p50: at(0.50),
        p99: at(0.99),
    }
}

/// How long the calls took, and how long they would have taken had the next create always
/// arrived in the instant that a call's end was reported. What the carrier takes to answer
/// and to report is in both. Businesses wait for nobody else's slots; the slowest counts.
fn makespans(truth: &Truth, limit: u32) -> (Duration, Duration) {
    let made = truth
        .creates
        .iter()
        .filter_map(|create| match &create.verdict {
            Verdict::Made(sid) => Some((sid, create.arrived.instant)),
            Verdict::Unread | Verdict::NotMade(_) | Verdict::Refused(_) | Verdict::TooMany => None,
        });
    let arrived: BTreeMap<_, _> = made.collect();
    let mut by_business: BTreeMap<_, Vec<(Instant, Instant)>> = BTreeMap::new();
    for call in &truth.calls {
        let (Some(ended), Some(arrived)) = (call.final_sent.or(call.ended), arrived.get(&call.sid))
        else {
            continue;
        };
        let spans = by_business.entry(call.tag.business.as_deref()).or_default();
        spans.push((*arrived, ended.instant));
    }
    let mut slowest = (Duration::ZERO, Duration::ZERO);
    for mut spans in by_business.into_values() {
        spans.sort_unstable();
        let (Some(&(began, _)), Some(ended)) =
            (spans.first(), spans.iter().map(|span| span.1).max())
        else {
            continue;
        };
        let mut slots: BinaryHeap<Reverse<Duration>> =
            (0..limit).map(|_| Reverse(Duration::ZERO)).collect();
        for (arrived, over) in spans {
            let Some(Reverse(free_at)) = slots.pop() else {
                continue;
            };
            slots.push(Reverse(free_at + over.duration_since(arrived)));
        }
        let ideal = slots
            .into_iter()
            .map(|Reverse(end)| end)
            .max()
            .unwrap_or_default();
        slowest = slowest.max((ended.duration_since(began), ideal));
    }
    slowest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept() -> Report {
        Report {
            leads: 10,
            calls_placed: 9,
            completed: 8,
            failed: 2,
            canceled: 0,
            peak_live: 3,
            limit: 3,
            duplicate_dials: 0,
            lost_leads: 0,
            makespan_s: 1.0,
            ideal_s: 1.0,
            turnaround_ms: Turnaround { p50: 1.0, p99: 1.0 },
            dynamodb: DynamoDb {
                wcu_per_call: 1.0,
                rcu_per_call: 1.0,
                requests_per_call: 1.0,
                failed_conditions: 0,
                failed_conditions_share: 0.0,
            },
            sqs_requests_per_call: 1.0,
        }
    }

    #[test]
    fn the_promise_is_kept_only_if_every_part_of_it_is() {
        let broken = [
            Report {
                peak_live: 4,
                ..kept()
            },
            Report {
                duplicate_dials: 1,
                ..kept()
            },
            Report {
                lost_leads: 1,
                ..kept()
            },
            Report {
                completed: 7,
                ..kept()
            },
            Report {
                leads: 0,
                completed: 0,
                failed: 0,
                ..kept()
            },
        ];
        assert!(kept().is_kept());
        assert!(broken.iter().all(|report| !report.is_kept()));
    }
}
