//! Whether somebody wakes the businesses that have work, and somebody is woken.

use anyhow::{Context, Result};
use aws_config::SdkConfig;
use aws_sdk_eventbridge::types::RuleState;

use super::report::Finding;
use crate::deployed::{ALIAS, Deployed};
use crate::target::Place;

const SCHEDULE: &str = "schedule";
const SOURCE: &str = "event source";

/// What the template calls them.
const RULE: &str = "SweepSchedule";
const MAPPING: &str = "FillWakeUps";

/// What to do about an invoker that passes the alias by: it runs what was set last, and no
/// deploy moves its traffic.
const REDEPLOY: &str = "deploy the template again";

pub(super) async fn check(place: &Place) -> Vec<Finding> {
    let Some(deployed) = &place.deployed else {
        let why = if place.is_embedded {
            "the embedded AWS has none"
        } else {
            "give --stack"
        };
        return vec![
            Finding::skipped(SCHEDULE, why),
            Finding::skipped(SOURCE, why),
        ];
    };
    let schedule = schedule(&aws_sdk_eventbridge::Client::new(&place.aws), deployed).await;
    let source = source(&place.aws, deployed).await;
    vec![
        schedule.unwrap_or_else(|error| Finding::unknown(SCHEDULE, &error)),
        source.unwrap_or_else(|error| Finding::unknown(SOURCE, &error)),
    ]
}

async fn schedule(client: &aws_sdk_eventbridge::Client, deployed: &Deployed) -> Result<Finding> {
    let name = deployed.resource(RULE);
    let name = name.with_context(|| format!("the stack has no {RULE}"))?;
    let rule = client.describe_rule().name(name).send().await;
    let rule = rule.context("DescribeRule")?;
    if rule.state() != Some(&RuleState::Enabled) {
        let seen = "it is off: lost messages and silent calls are never found";
        return Ok(Finding::fail(SCHEDULE, seen, "enable the rule"));
    }
    let targets = client.list_targets_by_rule().rule(name).send().await;
    let targets = targets.context("ListTargetsByRule")?;
    let mut targets = targets.targets().iter();
    if !targets.any(|target| names_alias(target.arn())) {
        let seen = format!("it does not invoke the alias {ALIAS} of the sweep");
        return Ok(Finding::warn(SCHEDULE, seen, REDEPLOY));
    }
    let expression = rule.schedule_expression().unwrap_or("unknown");
    Ok(if expression == "rate(1 minute)" {
        Finding::ok(SCHEDULE, "the sweep comes each minute")
    } else {
        let todo = "set it to rate(1 minute), on which the recovery times rest";
        Finding::warn(SCHEDULE, format!("the sweep comes at {expression}"), todo)
    })
}

async fn source(aws: &SdkConfig, deployed: &Deployed) -> Result<Finding> {
    let id = deployed.resource(MAPPING);
    let id = id.with_context(|| format!("the stack has no {MAPPING}"))?;
    let client = aws_sdk_lambda::Client::new(aws);
    let mapping = client.get_event_source_mapping().uuid(id).send().await;
    let mapping = mapping.context("GetEventSourceMapping")?;
    Ok(match mapping.state() {
        Some("Enabled" | "Updating")
            if !names_alias(mapping.function_arn().unwrap_or_default()) =>
        {
            let seen = format!("it does not invoke the alias {ALIAS} of fill");
            Finding::warn(SOURCE, seen, REDEPLOY)
        }
        Some("Enabled" | "Updating") => Finding::ok(SOURCE, "messages reach fill"),
        state => {
            let seen = format!("it is {}, so nobody is called", state.unwrap_or("unknown"));
            Finding::fail(SOURCE, seen, "enable the event source mapping")
        }
    })
}

fn names_alias(arn: &str) -> bool {
    let last = arn.rsplit(':').next();
    last == Some(ALIAS)
}
