//! Whether the queue hides messages long enough, and where those go that nobody can work on.

use std::collections::HashMap;

use anyhow::{Context, Result};
use aws_sdk_sqs::types::QueueAttributeName;
use ringfence_core::timing::Timing;
use serde_json::Value;

use super::report::Finding;
use crate::target::Place;

const QUEUE: &str = "queue";
const REDRIVE: &str = "queue, redrive";
const DEAD: &str = "dead letters";

/// AWS asks for so many times the function's timeout:
/// <https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html>
const TIMES: u64 = 6;

pub(super) async fn check(place: &Place, timing: &Timing) -> Vec<Finding> {
    let attributes = match attributes(place, &place.queue_url).await {
        Ok(attributes) => attributes,
        Err(error) => return vec![Finding::unknown(QUEUE, &error)],
    };
    let deployed = place.deployed.as_ref();
    let fill = deployed.and_then(|deployed| deployed.fill.as_ref());
    let function_seconds = fill.map_or(timing.function_timeout.as_secs(), |fill| {
        fill.timeout_seconds
    });
    let mut findings = vec![hides(&attributes, function_seconds), redrives(&attributes)];
    findings.push(match &place.dead_letter_queue_url {
        Some(url) => match self::attributes(place, url).await {
            Ok(attributes) => dead_letters(&attributes),
            Err(error) => Finding::unknown(DEAD, &error),
        },
        None => Finding::skipped(DEAD, "give --stack or --dead-letter-queue-url"),
    });
    findings
}

type Attributes = HashMap<QueueAttributeName, String>;

async fn attributes(place: &Place, url: &str) -> Result<Attributes> {
    let asked = place.sqs.get_queue_attributes().queue_url(url);
    let asked = asked.attribute_names(QueueAttributeName::All);
    let answer = asked.send().await.context("GetQueueAttributes")?;
    Ok(answer.attributes.unwrap_or_default())
}

fn number(attributes: &Attributes, name: &QueueAttributeName) -> u64 {
    let value = attributes.get(name).and_then(|value| value.parse().ok());
    value.unwrap_or_default()
}

fn hides(attributes: &Attributes, function_seconds: u64) -> Finding {
    let hidden = number(attributes, &QueueAttributeName::VisibilityTimeout);
    let waiting = number(attributes, &QueueAttributeName::ApproximateNumberOfMessages);
    let seen = format!("messages are hidden for {hidden} s, functions live {function_seconds} s");
    let wanted = TIMES * function_seconds;
    if hidden < function_seconds {
        let todo = format!("set VisibilityTimeout to {wanted}");
        return Finding::fail(
            QUEUE,
            format!("{seen}, so one may be seen twice at once"),
            todo,
        );
    }
    if hidden < wanted {
        let todo = format!("set VisibilityTimeout to {wanted}, {TIMES} times as long");
        return Finding::warn(QUEUE, seen, todo);
    }
    Finding::ok(QUEUE, format!("{seen}; {waiting} waiting"))
}

fn redrives(attributes: &Attributes) -> Finding {
    let policy = attributes.get(&QueueAttributeName::RedrivePolicy);
    let policy: Option<Value> = policy.and_then(|policy| serde_json::from_str(policy).ok());
    let Some(policy) = policy else {
        let todo = "set a RedrivePolicy, as the template does";
        return Finding::fail(REDRIVE, "poison goes round for ever", todo);
    };
    // SQS writes a number, and some of its doubles a text.
    let count = &policy["maxReceiveCount"];
    let count = count.as_u64().or_else(|| count.as_str()?.parse().ok());
    match count {
        Some(count @ 2..) => Finding::ok(REDRIVE, format!("given up on after {count} tries")),
        Some(_) | None => {
            let todo = "set maxReceiveCount to 5";
            Finding::warn(
                REDRIVE,
                "one failure is enough to give up on a message",
                todo,
            )
        }
    }
}

fn dead_letters(attributes: &Attributes) -> Finding {
    match number(attributes, &QueueAttributeName::ApproximateNumberOfMessages) {
        0 => Finding::ok(DEAD, "none"),
        count => {
            let todo = "look into fill's log for why, then run replay-dead-letters";
            Finding::warn(DEAD, format!("{count} waiting"), todo)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Verdict;

    fn of(name: QueueAttributeName, value: &str) -> Attributes {
        HashMap::from([(name, value.to_owned())])
    }

    #[test]
    fn messages_are_hidden_for_longer_than_functions_live() {
        let hidden = |seconds| of(QueueAttributeName::VisibilityTimeout, seconds);
        assert_eq!(hides(&hidden("240"), 40).verdict, Verdict::Ok);
        assert_eq!(hides(&hidden("239"), 40).verdict, Verdict::Warn);
        assert_eq!(hides(&hidden("39"), 40).verdict, Verdict::Fail);
    }

    #[test]
    fn poison_is_given_up_on_and_not_at_once() {
        let policy = |policy| redrives(&of(QueueAttributeName::RedrivePolicy, policy)).verdict;
        assert_eq!(redrives(&Attributes::new()).verdict, Verdict::Fail);
        assert_eq!(policy(r#"{"maxReceiveCount":1}"#), Verdict::Warn);
        assert_eq!(policy(r#"{"maxReceiveCount":5}"#), Verdict::Ok);
        assert_eq!(policy(r#"{"maxReceiveCount":"5"}"#), Verdict::Ok);
    }

    #[test]
    fn a_dead_letter_is_something_to_look_at() {
        let some = of(QueueAttributeName::ApproximateNumberOfMessages, "1");
        assert_eq!(dead_letters(&some).verdict, Verdict::Warn);
        assert_eq!(dead_letters(&Attributes::new()).verdict, Verdict::Ok);
    }
}
