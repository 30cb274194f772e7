//! Alarms and the dashboard name figures that the code tells, and every alarm says what to do.

use std::collections::BTreeSet;
use std::path::Path;

use ringfence_core::timing::Timing;
use ringfence_shell::metrics::Metric;

use super::with_template;

fn file(name: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    std::fs::read_to_string(root.join(name)).expect("it is readable")
}

/// The names of all alarms.
fn alarms() -> BTreeSet<String> {
    with_template(|template| {
        let resources = template.at(&["Resources"]);
        let alarms = resources.entries();
        alarms
            .filter(|(_, _, resource)| resource.value(&["Type"]) == "AWS::CloudWatch::Alarm")
            .map(|(name, _, _)| name.to_owned())
            .collect()
    })
}

#[test]
fn every_alarm_has_its_paragraph_in_the_runbook_and_says_so() {
    let runbook = file("docs/runbook.md");
    let mut told = BTreeSet::new();
    for paragraph in runbook.split("\n## ").skip(1) {
        let (name, text) = paragraph.split_once('\n').expect("a heading is a line");
        for part in ["**Means.** ", "**Look.** ", "**Do.** "] {
            assert!(text.contains(part), "{name} has no {part}");
        }
        told.insert(name.to_owned());
    }
    let alarms = alarms();
    assert!(alarms.len() >= 10);
    assert_eq!(told, alarms);
    with_template(|template| {
        for alarm in &alarms {
            let properties = template.at(&["Resources", alarm, "Properties"]);
            let said = properties.value(&["AlarmDescription"]);
            assert!(
                said.ends_with(&format!("docs/runbook.md, {alarm}")),
                "{said}"
            );
            for action in ["AlarmActions", "OKActions"] {
                let action = properties.value(&[action]);
                assert!(action.contains("[!Ref AlarmTopic]"), "{alarm} tells nobody");
            }
        }
    });
}

/// What our namespace is called in the template.
const NAMESPACE: &str = "Ringfence/${AWS::StackName}";

/// The figures of ours that the template names, wherever it does.
fn named(template: &str) -> BTreeSet<String> {
    let is_word = |c: char| c.is_ascii_alphabetic();
    let word = |text: &str| -> String { text.chars().take_while(|&c| is_word(c)).collect() };
    let mut parts = template.split(NAMESPACE);
    let mut before = parts.next().expect("a split has a first");
    let mut names = BTreeSet::new();
    for part in parts {
        if !before.ends_with("METRICS: !Sub ") {
            let rest = part.trim_start_matches(|c| !is_word(c));
            let rest = rest.strip_prefix("MetricName: ").unwrap_or(rest);
            names.insert(word(rest));
        }
        before = part;
    }
    names
}

#[test]
fn every_figure_that_the_template_names_is_told_and_every_figure_is_shown() {
    let mut told: BTreeSet<_> = Metric::ALL.map(|metric| metric.as_str().to_owned()).into();
    told.insert("AnswersFailed".to_owned());
    assert_eq!(named(&file("template.yaml")), told);
}

#[test]
fn a_figure_is_found_in_every_form_in_which_it_is_named() {
    let text = format!(
        "METRICS: !Sub {NAMESPACE}\nNamespace: !Sub {NAMESPACE}\n      MetricName: A\n\
        {{Namespace: !Sub '{NAMESPACE}', MetricName: B}}\n[[\"{NAMESPACE}\", \"C\", {{}}]]"
    );
    assert_eq!(named(&text), ["A", "B", "C"].map(str::to_owned).into());
}

#[test]
fn a_stuck_slot_is_noticed_though_a_sweep_slips_into_the_next_minute() {
    with_template(|template| {
        let alarm = template.at(&["Resources", "StuckSlotsAlarm", "Properties"]);
        let minutes = alarm.number(&["EvaluationPeriods"]);
        let periods: Vec<_> = alarm
            .texts()
            .into_iter()
            .filter(|line| line.starts_with("Period: "))
            .collect();
        let period = format!("Period: {}", Timing::CLOUD.sweep_every.as_secs());
        assert_eq!(periods, [period.as_str(); 2], "a look in each");
        let needed = alarm.number(&["DatapointsToAlarm"]);
        let slips = minutes.checked_sub(needed).expect("no more than there are");
        assert!(
            (1..=minutes / 4).contains(&slips),
            "some may slip, not many"
        );
    });
}

#[test]
fn answers_that_failed_are_counted_by_the_status_that_the_api_writes_down() {
    with_template(|template| {
        let counted = template.at(&["Resources", "AnswersFailed", "Properties"]);
        assert_eq!(counted.value(&["FilterPattern"]), "{ $.status = 5* }");
        assert_eq!(counted.value(&["LogGroupName"]), "!Ref ApiLogs");
        let written = template.at(&["Resources", "Api", "Properties", "AccessLogSettings"]);
        assert_eq!(written.value(&["DestinationArn"]), "!GetAtt ApiLogs.Arn");
        let format = written.at(&["Format"]).texts().concat();
        assert!(
            format.contains("\"status\":\"$context.status\""),
            "{format}"
        );
    });
}

#[test]
fn a_message_is_old_once_it_has_failed_and_waited_for_a_sweep() {
    with_template(|template| {
        let alarm = template.at(&["Resources", "OldestMessageAlarm", "Properties"]);
        let expected = Timing::CLOUD.visibility_timeout + Timing::CLOUD.sweep_every;
        assert_eq!(alarm.number(&["Threshold"]), expected.as_secs());
        let alarm = template.at(&["Resources", "SweepAlarm", "Properties"]);
        let sweeps = alarm.number(&["Period"]) / Timing::CLOUD.sweep_every.as_secs();
        let least = alarm.number(&["Threshold"]);
        assert!((2..sweeps).contains(&least), "two may be late, not all");
        assert_eq!(alarm.value(&["TreatMissingData"]), "breaching");
    });
}
