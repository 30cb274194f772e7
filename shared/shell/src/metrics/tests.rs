//! Lines have the form that CloudWatch reads, and tell nothing that they should not.

use std::sync::Mutex;

use ringfence_flows::tally::{Dialing, Slots};

use super::*;

const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

#[test]
fn a_line_has_the_form_that_cloudwatch_reads() {
    let mut figures = Figures::default();
    figures.count(Metric::CallsPlaced, 2);
    figures.observe(Metric::Turnaround, 7);
    figures.observe(Metric::Turnaround, 0);
    figures.about("business.id", "b1");
    let line: Value = serde_json::from_str(&figures.line("Ringfence/prod", NOW).unwrap()).unwrap();
    let expected = json!({
        "_aws": {
            "Timestamp": 1_700_000_000_000_u64,
            "CloudWatchMetrics": [{
                "Namespace": "Ringfence/prod",
                "Dimensions": [[]],
                "Metrics": [
                    { "Name": "CallsPlaced", "Unit": "Count" },
                    { "Name": "Turnaround", "Unit": "Milliseconds" },
                ],
            }],
        },
        "CallsPlaced": 2,
        "Turnaround": [7, 0],
        "business.id": "b1",
    });
    assert_eq!(line, expected);
}

#[test]
fn what_did_not_happen_is_not_paid_for() {
    let mut figures = Figures::default();
    figures.count(Metric::CallsPlaced, 0);
    figures.about("business.id", "b1");
    assert_eq!(figures.line("n", NOW), None);
}

#[test]
fn what_an_alarm_computes_with_is_told_even_if_it_is_zero() {
    let mut figures = Figures::default();
    figures.count(Metric::CallsUnknown, 3);
    figures.count(Metric::CallbacksOfOthers, 1);
    let line: Value = serde_json::from_str(&figures.line("n", NOW).unwrap()).unwrap();
    let counts = [
        ("CallsUnknown", 3),
        ("CallsPlaced", 0),
        ("CallbacksOfOthers", 1),
        ("CallbacksUnsigned", 0),
        ("CallbacksUnreadable", 0),
    ];
    for (name, count) in counts {
        assert_eq!(line[name], count, "{name}");
    }
    let named = line["_aws"]["CloudWatchMetrics"][0]["Metrics"].as_array();
    assert_eq!(named.map(Vec::len), Some(counts.len()));
}

#[test]
fn a_metric_has_no_more_values_than_cloudwatch_takes() {
    let mut figures = Figures::default();
    for value in 0..250 {
        figures.observe(Metric::Turnaround, value);
    }
    let line: Value = serde_json::from_str(&figures.line("n", NOW).unwrap()).unwrap();
    assert_eq!(line["Turnaround"].as_array().unwrap().len(), VALUES_MAX);
}

#[test]
fn every_answer_of_the_carrier_has_a_metric_of_its_own() {
    let configuration = |reason| Placed::Refused(Refusal::Configuration { code: 1, reason });
    let lead = Refusal::Lead {
        code: 1,
        reason: "invalid_number",
    };
    let sid = format!("CA{}", "0".repeat(32)).parse().unwrap();
    let answers = [
        (Placed::Accepted(sid), Metric::CallsPlaced),
        (Placed::Refused(lead), Metric::CallsRefused),
        (configuration("trial"), Metric::ConfigurationRefused),
        (
            configuration(AUTHENTICATION_FAILED),
            Metric::AuthenticationFailed,
        ),
        (
            Placed::NotProcessed { retry_after: None },
            Metric::CallsDeferred,
        ),
        (Placed::Unknown, Metric::CallsUnknown),
    ];
    for (placed, metric) in answers {
        let tally = Tally {
            dialed: vec![Dialing {
                left_at: None,
                placed,
            }],
            ..Tally::default()
        };
        let mut figures = Figures::default();
        figures.add(&tally);
        assert_eq!(figures.counts, BTreeMap::from([(metric, 1)]));
    }
}

#[test]
fn free_slots_are_seen_too() {
    let slots = Slots {
        in_use: 0,
        limit: 3,
    };
    let tally = Tally {
        slots: Some(slots),
        ..Tally::default()
    };
    let mut figures = Figures::default();
    figures.add(&tally);
    assert_eq!(figures.values[&Metric::SlotsInUse], [0]);
}

#[test]
fn names_are_unique_and_fit() {
    let mut names: Vec<_> = Metric::ALL.map(Metric::as_str).into();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), Metric::ALL.len());
}

#[test]
fn nothing_is_written_where_nobody_asked_for_it() {
    for unset in [None, Some(" ".to_owned())] {
        let metrics = EmbeddedMetrics::from_env(&|_| unset.clone());
        assert!(metrics.0.is_none());
    }
    let metrics =
        EmbeddedMetrics::from_env(&|name| (name == "METRICS").then(|| "Ringfence/x".to_owned()));
    assert_eq!(metrics.0.unwrap().0, "Ringfence/x");
}

#[test]
fn one_line_is_written_at_a_time() {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&lines);
    let metrics = EmbeddedMetrics::to("n".to_owned(), move |line| {
        kept.lock().unwrap().push(line.to_owned());
    });
    let mut figures = Figures::default();
    figures.count(Metric::FillsFailed, 1);
    metrics.write(figures, NOW);
    metrics.write(Figures::default(), NOW);
    assert_eq!(lines.lock().unwrap().len(), 1);
    assert!(!lines.lock().unwrap()[0].contains('\n'));
}
