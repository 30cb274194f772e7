//! Counts what the embedded services are asked for, in the units that AWS bills.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// What a service has been asked for since it was made. Clones share the same figures.
#[derive(Debug, Clone, Default)]
pub struct Meter(Arc<Mutex<Usage>>);

/// Requests and what they cost. Every attempt of a retried request counts.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Usage {
    pub requests: u64,
    pub by_operation: BTreeMap<String, u64>,
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
        let by_operation = self.by_operation.iter().filter_map(|(operation, count)| {
            let before = earlier
                .by_operation
                .get(operation)
                .copied()
                .unwrap_or_default();
            (*count > before).then(|| (operation.clone(), count - before))
        });
        Self {
            requests: self.requests - earlier.requests,
            by_operation: by_operation.collect(),
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
        for (operation, count) in &other.by_operation {
            *self.by_operation.entry(operation.clone()).or_default() += count;
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
