//! Whether Twilio knows the account, its secrets and the caller ids, and what time it has.

use std::time::Duration;

use anyhow::Result;
use ringfence_carrier::inspect::{Inspected, Ownership};
use ringfence_carrier::settings::{Account, CallEvent, Secret};
use ringfence_carrier::transport::Transport;
use ringfence_carrier::twilio::{Callbacks, Twilio};
use ringfence_core::ids::BusinessId;
use ringfence_core::time::Timestamp;
use ringfence_core::timing::Timing;
use ringfence_flows::ledger::States;
use ringfence_shell::cloud::wall_clock;
use ringfence_shell::config::Telephony;

use super::report::Finding;
use crate::mask::Numbers;
use crate::office::twilio;
use crate::target::Place;

const SECRET: &str = "Twilio secret";
const KEY: &str = "Twilio API key";
const CLOCK: &str = "clock";
const CALLER_ID: &str = "caller id";

pub(super) async fn check(
    place: &Place,
    telephony: &Telephony,
    timing: &Timing,
    businesses: &[BusinessId],
) -> Result<Vec<Finding>> {
    let callbacks = Callbacks {
        host: None,
        events: CallEvent::DEFAULT.to_vec(),
    };
    let placing = twilio(telephony.account.clone(), callbacks.clone(), timing)?;
    let mut findings = Vec::new();
    // The token signs, whoever places the calls; the old one of a rotation opens nothing.
    let token = telephony.signing_tokens.first();
    let token = token.map_or("", Secret::expose).to_owned();
    let owner = Account {
        user: telephony.account.sid.as_str().to_owned(),
        secret: Secret::new(token),
        ..telephony.account.clone()
    };
    let owner = twilio(owner, callbacks, timing)?;
    findings.extend(secret(&owner, timing).await);
    if telephony.account.user != telephony.account.sid.as_str() {
        findings.push(key(&placing).await);
    }
    if businesses.is_empty() {
        findings.push(Finding::skipped(
            CALLER_ID,
            "name a business with --business",
        ));
    }
    for business in businesses {
        findings.extend(caller_ids(place, &owner, business).await);
    }
    Ok(findings)
}

async fn secret(owner: &Twilio<impl Transport>, timing: &Timing) -> Vec<Finding> {
    let seen = match owner.inspect_account().await {
        Inspected::Seen(seen) => seen,
        Inspected::Unauthorized => {
            let todo = "take the auth token of this account from Twilio's console";
            return vec![Finding::fail(SECRET, "Twilio refuses it", todo)];
        }
        Inspected::Unclear(status) => {
            let todo = "try again, or see whether TWILIO_API_BASE leads to Twilio";
            return vec![Finding::fail(
                SECRET,
                format!("Twilio answers {status}"),
                todo,
            )];
        }
        Inspected::NoAnswer => {
            let todo = "see whether TWILIO_API_BASE can be reached from here";
            return vec![Finding::fail(SECRET, "Twilio does not answer", todo)];
        }
    };
    let account = match (seen.status.as_str(), seen.is_trial) {
        ("active", false) => Finding::ok(SECRET, "it opens the account, which is active"),
        ("active", true) => {
            let todo = "upgrade it before calling anybody else";
            Finding::warn(SECRET, "a trial account calls verified numbers only", todo)
        }
        (status, _) => {
            let todo = "ask Twilio why";
            Finding::fail(SECRET, format!("the account is {status}"), todo)
        }
    };
    vec![account, clock(seen.answered_at, wall_clock()(), timing)]
}

/// Compares this machine's clock with Twilio's, which tells whole seconds.
fn clock(theirs: Option<Timestamp>, ours: Timestamp, timing: &Timing) -> Finding {
    let Some(theirs) = theirs else {
        return Finding::skipped(CLOCK, "Twilio's answer has no date");
    };
    let apart = ours.since(theirs).max(theirs.since(ours));
    let seconds = apart.as_secs();
    if apart <= Duration::from_secs(2) {
        return Finding::ok(CLOCK, "this machine and Twilio agree to two seconds");
    }
    let seen = format!("this machine and Twilio are {seconds} s apart");
    let todo = "set this machine's clock; if it is right, ask AWS and Twilio about theirs";
    if apart <= timing.margin {
        Finding::warn(CLOCK, seen, todo)
    } else {
        Finding::fail(CLOCK, seen, todo)
    }
}

async fn key(placing: &Twilio<impl Transport>) -> Finding {
    match placing.inspect_calls().await {
        Inspected::Seen(()) => Finding::ok(KEY, "it opens the account's calls"),
        Inspected::Unauthorized => {
            let todo = "make a new key in Twilio's console";
            Finding::fail(KEY, "Twilio refuses it", todo)
        }
        Inspected::Unclear(status) => {
            Finding::fail(KEY, format!("Twilio answers {status}"), "try again")
        }
        Inspected::NoAnswer => Finding::fail(KEY, "Twilio does not answer", "try again"),
    }
}

async fn caller_ids(
    place: &Place,
    owner: &Twilio<impl Transport>,
    business: &BusinessId,
) -> Vec<Finding> {
    let stored = match place.ledger().load(business).await {
        Ok(Some(stored)) => stored,
        Ok(None) => {
            let todo = "name another, or make it";
            let seen = format!("there is no business {business}");
            return vec![Finding::fail(CALLER_ID, seen, todo)];
        }
        Err(error) => return vec![Finding::unknown(CALLER_ID, &error)],
    };
    // The last one is the present one; calls are no longer placed from the others.
    let Some(number) = stored.state.caller_ids.last() else {
        let todo = "give it a phone_e164";
        let seen = format!("{business} has none, so its calls are refused");
        return vec![Finding::fail(CALLER_ID, seen, todo)];
    };
    let shown = format!("{} of {business}", Numbers::Masked.show(number));
    let buy = "buy the number or verify it in Twilio's console, or give the business another";
    vec![match owner.inspect_caller_id(number).await {
        Inspected::Seen(Ownership::Owned) => {
            Finding::ok(CALLER_ID, format!("{shown} is the account's"))
        }
        Inspected::Seen(Ownership::Verified) => {
            Finding::ok(CALLER_ID, format!("{shown} is verified"))
        }
        Inspected::Seen(Ownership::WithoutVoice) => {
            Finding::fail(CALLER_ID, format!("{shown} has no voice"), buy)
        }
        Inspected::Seen(Ownership::NotOurs) => {
            Finding::fail(CALLER_ID, format!("{shown} is not the account's"), buy)
        }
        Inspected::Unauthorized => Finding::skipped(CALLER_ID, "Twilio refuses the secret"),
        Inspected::Unclear(status) => Finding::warn(
            CALLER_ID,
            format!("{shown}: Twilio answers {status}"),
            "try again",
        ),
        Inspected::NoAnswer => Finding::warn(
            CALLER_ID,
            format!("{shown}: Twilio does not answer"),
            "try again",
        ),
    }]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Verdict;

    #[track_caller]
    fn check(apart_ms: u64, expected: Verdict) {
        let (early, late) = (1_000_000, 1_000_000 + apart_ms);
        for (theirs, ours) in [(early, late), (late, early)] {
            let (theirs, ours) = (Timestamp::from_millis(theirs), Timestamp::from_millis(ours));
            let found = clock(Some(theirs), ours, &Timing::CLOUD);
            assert_eq!(found.verdict, expected, "{found}");
        }
    }

    #[test]
    fn clocks_may_be_as_far_apart_as_the_fence_allows() {
        check(0, Verdict::Ok);
        check(2_000, Verdict::Ok);
        check(2_001, Verdict::Warn);
        check(10_000, Verdict::Warn);
        check(10_001, Verdict::Fail);
    }
}
