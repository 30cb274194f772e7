//! Metrics, embedded in the log: one JSON line that CloudWatch reads figures from.
//!
//! A line has no dimension, so that a figure is one metric whatever businesses there are;
//! ids stand in it as plain properties. The stack is told by the namespace. What is zero is
//! left out, but for `Metric::told_with`: CloudWatch charges for each metric in each hour in which it is heard of.
//!
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>

use std::collections::BTreeMap;
use std::fmt::Display;
use std::io::Write;
use std::sync::Arc;

use ringfence_carrier::errors::AUTHENTICATION_FAILED;
use ringfence_core::call::Outcome;
use ringfence_core::time::Timestamp;
use ringfence_flows::carrier::{Placed, Refusal};
use ringfence_flows::tally::Tally;
use serde_json::{Map, Value, json};

use crate::config::Lookup;

/// A figure that an alarm or the dashboard may name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Metric {
    /// Calls that the carrier accepted.
    CallsPlaced,
    /// Calls that it refused for a reason about the lead.
    CallsRefused,
    /// Calls that it refused for a reason about us, other than the next.
    ConfigurationRefused,
    /// Calls that it refused because it does not know our credentials.
    AuthenticationFailed,
    /// Calls that it did not process, and that will be asked for again.
    CallsDeferred,
    /// Calls of which it gave no clear answer when they were asked for.
    CallsUnknown,
    /// Calls that were answered and are over.
    CallsCompleted,
    /// Calls that were not answered, or never confirmed.
    CallsFailed,
    /// Calls that we ended before they were answered.
    CallsCanceled,
    /// Slots that were freed because the carrier was asked, not because it reported.
    LeasesSettled,
    /// Questions about silent calls that brought no usable answer.
    LeasesUndecided,
    /// The slots in use of one business, each time somebody has looked at it.
    SlotsInUse,
    /// From the arrival of a final report to the next request for a call, in milliseconds.
    Turnaround,
    /// Writes that were refused because another worker was first.
    WritesRefused,
    /// Looks at a business that failed; their messages come again.
    FillsFailed,
    /// Businesses that had work when the sweep came.
    BusinessesWithWork,
    /// Callbacks whose signature is wrong.
    CallbacksUnsigned,
    /// Callbacks that are signed, and name another account.
    CallbacksOfOthers,
    /// Callbacks that cannot be read, or that came while no public host was set.
    CallbacksUnreadable,
}

impl Metric {
    /// Every metric.
    pub const ALL: [Self; 19] = [
        Self::CallsPlaced,
        Self::CallsRefused,
        Self::ConfigurationRefused,
        Self::AuthenticationFailed,
        Self::CallsDeferred,
        Self::CallsUnknown,
        Self::CallsCompleted,
        Self::CallsFailed,
        Self::CallsCanceled,
        Self::LeasesSettled,
        Self::LeasesUndecided,
        Self::SlotsInUse,
        Self::Turnaround,
        Self::WritesRefused,
        Self::FillsFailed,
        Self::BusinessesWithWork,
        Self::CallbacksUnsigned,
        Self::CallbacksOfOthers,
        Self::CallbacksUnreadable,
    ];

    /// Its name in CloudWatch.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CallsPlaced => "CallsPlaced",
            Self::CallsRefused => "CallsRefused",
            Self::ConfigurationRefused => "ConfigurationRefused",
            Self::AuthenticationFailed => "AuthenticationFailed",
            Self::CallsDeferred => "CallsDeferred",
            Self::CallsUnknown => "CallsUnknown",
            Self::CallsCompleted => "CallsCompleted",
            Self::CallsFailed => "CallsFailed",
            Self::CallsCanceled => "CallsCanceled",
            Self::LeasesSettled => "LeasesSettled",
            Self::LeasesUndecided => "LeasesUndecided",
            Self::SlotsInUse => "SlotsInUse",
            Self::Turnaround => "Turnaround",
            Self::WritesRefused => "WritesRefused",
            Self::FillsFailed => "FillsFailed",
            Self::BusinessesWithWork => "BusinessesWithWork",
            Self::CallbacksUnsigned => "CallbacksUnsigned",
            Self::CallbacksOfOthers => "CallbacksOfOthers",
            Self::CallbacksUnreadable => "CallbacksUnreadable",
        }
    }

    /// Those that are told with it even if they are zero, since an alarm puts them into one
    /// expression: CloudWatch computes nothing with a metric that it never heard of.
    pub const fn told_with(self) -> &'static [Self] {
        match self {
            Self::CallsUnknown => &[Self::CallsPlaced],
            Self::LeasesUndecided => &[Self::FillsFailed],
            Self::FillsFailed => &[Self::LeasesUndecided],
            Self::CallbacksUnsigned => &[Self::CallbacksOfOthers, Self::CallbacksUnreadable],
            Self::CallbacksOfOthers => &[Self::CallbacksUnsigned, Self::CallbacksUnreadable],
            Self::CallbacksUnreadable => &[Self::CallbacksUnsigned, Self::CallbacksOfOthers],
            _ => &[],
        }
    }

    const fn unit(self) -> &'static str {
        if matches!(self, Self::Turnaround) {
            "Milliseconds"
        } else {
            "Count"
        }
    }
}

/// CloudWatch takes no more values of one metric in a line.
const VALUES_MAX: usize = 100;

/// What one invocation, or one look at a business, adds to the figures.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Figures {
    counts: BTreeMap<Metric, u64>,
    values: BTreeMap<Metric, Vec<u64>>,
    properties: Map<String, Value>,
}

impl Figures {
    /// Adds to a count.
    pub fn count(&mut self, metric: Metric, more: u64) {
        if more > 0 {
            *self.counts.entry(metric).or_default() += more;
        }
    }

    /// Adds an observation, which counts even if it is zero.
    pub fn observe(&mut self, metric: Metric, value: u64) {
        let values = self.values.entry(metric).or_default();
        if values.len() < VALUES_MAX {
            values.push(value);
        }
    }

    /// Says what the line is about, for whoever searches the log.
    pub fn about(&mut self, name: &str, id: impl Display) {
        self.properties
            .insert(name.to_owned(), Value::String(id.to_string()));
    }

    /// Adds what a flow saw, except whose slots were freed in which way.
    pub fn add(&mut self, tally: &Tally) {
        for dialing in &tally.dialed {
            let metric = match &dialing.placed {
                Placed::Accepted(_) => Metric::CallsPlaced,
                Placed::Refused(Refusal::Lead { .. }) => Metric::CallsRefused,
                Placed::Refused(Refusal::Configuration { reason, .. })
                    if *reason == AUTHENTICATION_FAILED =>
                {
                    Metric::AuthenticationFailed
                }
                Placed::Refused(Refusal::Configuration { .. }) => Metric::ConfigurationRefused,
                Placed::NotProcessed { .. } => Metric::CallsDeferred,
                Placed::Unknown => Metric::CallsUnknown,
            };
            self.count(metric, 1);
        }
        for (_, outcome) in &tally.ended {
            let metric = match outcome {
                Outcome::Completed => Metric::CallsCompleted,
                Outcome::Failed => Metric::CallsFailed,
                Outcome::Canceled => Metric::CallsCanceled,
            };
            self.count(metric, 1);
        }
        self.count(Metric::LeasesUndecided, tally.undecided.into());
        self.count(Metric::WritesRefused, tally.refused_writes.into());
        if let Some(slots) = tally.slots {
            self.observe(Metric::SlotsInUse, slots.in_use.into());
        }
    }

    /// The line, unless there is nothing to tell.
    fn line(self, namespace: &str, now: Timestamp) -> Option<String> {
        let Self {
            mut counts,
            values,
            properties,
        } = self;
        let also: Vec<_> = counts
            .keys()
            .flat_map(|metric| metric.told_with())
            .collect();
        for metric in also {
            counts.entry(*metric).or_default();
        }
        if counts.is_empty() && values.is_empty() {
            return None;
        }
        let named = counts.keys().chain(values.keys());
        let metrics: Vec<_> = named
            .map(|metric| json!({ "Name": metric.as_str(), "Unit": metric.unit() }))
            .collect();
        let mut line = properties;
        line.insert(
            "_aws".to_owned(),
            json!({
                "Timestamp": now.as_millis(),
                "CloudWatchMetrics": [
                    { "Namespace": namespace, "Dimensions": [[]], "Metrics": metrics },
                ],
            }),
        );
        for (metric, count) in counts {
            line.insert(metric.as_str().to_owned(), json!(count));
        }
        for (metric, values) in values {
            line.insert(metric.as_str().to_owned(), json!(values));
        }
        Some(Value::Object(line).to_string())
    }
}

/// Where lines go.
type Sink = Arc<dyn Fn(&str) + Send + Sync>;

/// Writes figures down, where there is somebody to read them.
#[derive(Clone, Default)]
pub struct EmbeddedMetrics(Option<(String, Sink)>);

impl EmbeddedMetrics {
    /// Writes nothing: outside AWS nobody reads the lines.
    pub const SILENT: Self = Self(None);

    /// Writes to standard output, under the namespace that `METRICS` names; nothing without it.
    pub fn from_env(lookup: Lookup<'_>) -> Self {
        let namespace = lookup("METRICS").filter(|name| !name.trim().is_empty());
        match namespace {
            Some(namespace) => Self::to(namespace, |line| {
                // A log that cannot be written to is no reason to fail the work.
                let _ = writeln!(std::io::stdout().lock(), "{line}");
            }),
            None => Self::SILENT,
        }
    }

    /// Writes to `sink`.
    pub fn to(namespace: String, sink: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Self(Some((namespace, Arc::new(sink))))
    }

    /// Writes one line, if there is anything to tell.
    pub fn write(&self, figures: Figures, now: Timestamp) {
        let Some((namespace, sink)) = &self.0 else {
            return;
        };
        if let Some(line) = figures.line(namespace, now) {
            sink(&line);
        }
    }
}

#[cfg(test)]
mod tests;
