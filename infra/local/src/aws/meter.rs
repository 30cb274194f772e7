//! Counts what the embedded services are asked for, in the units that AWS bills.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// What a service has been asked for since it was made. Clones share the same figures.
#[derive(Debug, Clone, Default)]
pub struct Meter(Arc<Mutex<Usage>>);

/// How often, by name.
pub type Counts = BTreeMap<String, u64>;

/// Requests and what they cost. Every attempt of a retried request counts.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Usage {
    pub requests: u64,
    pub by_operation: Counts,
    /// How often partitions of each kind were reached, which is what their keys begin with.
    pub by_partition: Counts,
    pub write_units: f64,
    pub read_units: f64,
    /// Write requests with at least one condition.
    pub conditional_writes: u64,
    /// Write requests refused because a condition did not hold.
    pub failed_conditions: u64,
    /// SQS receives that brought nothing. Billed like any other request.
    pub empty_receives: u64,
}

impl Usage {
    /// What was used between an earlier snapshot of the same meter and this one.
    pub fn since(&self, earlier: &Self) -> Self {
        let more = |now: &Counts, earlier: &Counts| -> Counts {
            let counts = now.iter().map(|(name, count)| {
                let before = earlier.get(name).copied().unwrap_or_default();
                (name.clone(), count - before)
            });
            counts.filter(|(_, count)| *count > 0).collect()
        };
        Self {
            requests: self.requests - earlier.requests,
            by_operation: more(&self.by_operation, &earlier.by_operation),
            by_partition: more(&self.by_partition, &earlier.by_partition),
            write_units: self.write_units - earlier.write_units,
            read_units: self.read_units - earlier.read_units,
            conditional_writes: self.conditional_writes - earlier.conditional_writes,
            failed_conditions: self.failed_conditions - earlier.failed_conditions,
            empty_receives: self.empty_receives - earlier.empty_receives,
        }
    }
}

impl Usage {
    /// What two meters counted together.
    #[must_use]
    pub fn and(mut self, other: &Self) -> Self {
        for (own, others) in [
            (&mut self.by_operation, &other.by_operation),
            (&mut self.by_partition, &other.by_partition),
        ] {
            for (name, count) in others {
                *own.entry(name.clone()).or_default() += count;
            }
        }
        self.requests += other.requests;
        self.write_units += other.write_units;
        self.read_units += other.read_units;
        self.conditional_writes += other.conditional_writes;
        self.failed_conditions += other.failed_conditions;
        self.empty_receives += other.empty_receives;
        self
    }
}

impl Meter {
    /// The figures so far.
    pub fn snapshot(&self) -> Usage {
        self.0
            .lock()
            .expect("nothing panics while holding it")
            .clone()
    }

    /// Counts one request, whatever becomes of it.
    pub(crate) fn count(&self, operation: &str) {
        self.add(|usage| {
            usage.requests += 1;
            *usage.by_operation.entry(operation.to_owned()).or_default() += 1;
        });
    }

    /// Counts the partitions that a request reaches, whatever becomes of it.
    pub(crate) fn reach(&self, partitions: Vec<String>) {
        self.add(|usage| {
            for partition in partitions {
                *usage.by_partition.entry(partition).or_default() += 1;
            }
        });
    }

    /// Adds what a request turned out to cost.
    pub(crate) fn add(&self, change: impl FnOnce(&mut Usage)) {
        change(&mut self.0.lock().expect("nothing panics while holding it"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_metered_apart_from_what_came_before_it() {
        let meter = Meter::default();
        meter.count("GetItem");
        meter.count("PutItem");
        let before = meter.snapshot();
        meter.count("PutItem");
        meter.add(|usage| usage.write_units += 2.0);

        let span = meter.snapshot().since(&before);

        let expected = Usage {
            requests: 1,
            by_operation: BTreeMap::from([("PutItem".to_owned(), 1)]),
            write_units: 2.0,
            ..Usage::default()
        };
        assert_eq!(span, expected);
    }
}
