//! Checks what a stack rests on, and says what to do about what is wrong.
//!
//! No check has an effect: nothing is written, nobody is called, and the webhook is only
//! told something that is about no call.

mod report;

mod carrier;
mod webhook;

mod queue;
mod sweep;
mod table;
mod versions;

use std::process::ExitCode;

use anyhow::Result;

use crate::command;
use crate::target::Place;
use crate::terminal::answer;

pub use report::{Finding, Verdict};

/// Checks everything, says a line for each, and exits with 1 if something fails.
pub(crate) async fn run(place: &Place, wish: command::Doctor) -> Result<ExitCode> {
    let mut findings = Vec::new();
    let timing = place.timing()?;
    match place.telephony().await {
        Ok(telephony) => {
            findings.extend(carrier::check(place, &telephony, &timing, &wish.businesses).await?);
            findings.extend(webhook::check(place, &telephony, &timing).await?);
        }
        Err(error) => findings.extend(unconfigured(place, &error)),
    }
    findings.extend(table::check(place).await);
    findings.extend(queue::check(place, &timing).await);
    findings.extend(sweep::check(place).await);
    findings.extend(versions::check(place).await);
    for finding in &findings {
        answer(&finding.to_string())?;
    }
    let fails = findings.iter().any(|it| it.verdict == Verdict::Fail);
    Ok(if fails {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

/// What is said where it is not known how calls are placed.
fn unconfigured(place: &Place, error: &anyhow::Error) -> Vec<Finding> {
    let todo = if place.deployed.is_some() {
        "deploy with the account's parameters, or let this caller read the function's configuration"
    } else {
        "set the functions' variables here too, or give --stack"
    };
    let names = ["Twilio secret", "clock", "caller id", "webhook"];
    let mut findings = vec![Finding::fail("Twilio account", format!("{error:#}"), todo)];
    findings.extend(names.map(|name| Finding::skipped(name, "the account is not known")));
    findings
}
