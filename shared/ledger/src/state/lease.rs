//! A lease as it is stored in its state.

use anyhow::{Context, Result};
use aws_sdk_dynamodb::types::AttributeValue;
use ringfence_core::call::Job;
use ringfence_core::ids::{LeadId, RunId};
use ringfence_core::state::Lease;

use crate::item::{Fields, as_map, map, number, text, time};

const LEAD: &str = "lead";
const RUN: &str = "run";
const INDEX: &str = "i";
const TO: &str = "to";
const DIAL_BY: &str = "dial";
const ASK_AT: &str = "ask";
const MISSING: &str = "miss";

pub(super) fn to_value(lease: &Lease) -> AttributeValue {
    let (lead, run, index) = match lease.job {
        Job::Direct { lead } => (Some(number(lead)), None, None),
        Job::OfRun { run, index } => (None, Some(number(run)), Some(number(index))),
    };
    map([
        (LEAD, lead),
        (RUN, run),
        (INDEX, index),
        (TO, Some(text(lease.to.expose()))),
        (DIAL_BY, Some(time(lease.dial_by))),
        (ASK_AT, Some(time(lease.ask_at))),
        (MISSING, (lease.missing > 0).then(|| number(lease.missing))),
    ])
}

pub(super) fn from_value(value: &AttributeValue) -> Result<Lease> {
    let fields = as_map(value, super::ACTIVE)?;
    Ok(Lease {
        job: job(fields)?,
        to: fields.parsed(TO)?,
        dial_by: fields.time(DIAL_BY)?,
        ask_at: fields.time(ASK_AT)?,
        missing: fields.number_if_any(MISSING)?.unwrap_or(0),
    })
}

fn job(fields: Fields<'_>) -> Result<Job> {
    match fields.number_if_any(RUN)? {
        Some(run) => Ok(Job::OfRun {
            run: RunId::new(run).context("a lease has the run 0")?,
            index: fields.number(INDEX)?,
        }),
        None => Ok(Job::Direct {
            lead: LeadId::new(fields.number(LEAD)?).context("a lease has the lead 0")?,
        }),
    }
}
