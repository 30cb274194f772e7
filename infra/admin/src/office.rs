//! What the handlers and flows can reach from here.

use anyhow::Result;
use ringfence_carrier::settings::Account;
use ringfence_carrier::transport::{HttpTransport, Timeouts};
use ringfence_carrier::twilio::{Callbacks, Twilio};
use ringfence_core::ids::{BusinessId, CallSid};
use ringfence_core::phone::PhoneNumber;
use ringfence_core::time::Timestamp;
use ringfence_core::timing::Timing;
use ringfence_flows::carrier::{Asked, Carrier, Found, Placed};
use ringfence_flows::claim::Claim;
use ringfence_flows::start::PublicHost;
use ringfence_flows::world::{CallBounds, Office, World};
use ringfence_ledger::Ledger;
use ringfence_shell::cloud::{Cloud, Desk, sent_flows, wall_clock};
use ringfence_shell::config::{Telephony, environment, timing_from_env};
use ringfence_shell::message::Sqs;
use ringfence_shell::parameters::Named;

use crate::target::Place;

impl Place {
    /// A variable: of this process, or else as the deployed functions have it.
    pub(crate) fn variable(&self, name: &str) -> Option<String> {
        let of_stack = || self.deployed.as_ref()?.variable(name);
        environment(name).or_else(of_stack)
    }

    /// How the stack's calls are placed, as far as it can be known from here: a secret that this
    /// process has comes before the one that the stack's functions are told to read.
    pub(crate) async fn telephony(&self) -> Result<Telephony> {
        let lookup = |name: &str| self.variable(name);
        let secrets = Named::from_env(&lookup).read(&lookup, &self.aws).await?;
        let lookup = |name: &str| environment(name).or_else(|| secrets.get(&lookup, name));
        Ok(Telephony::placing_from_env(&lookup)?)
    }

    pub(crate) fn timing(&self) -> Result<Timing> {
        Ok(timing_from_env(&|name| self.variable(name))?)
    }

    pub(crate) fn ledger(&self) -> Ledger {
        Ledger::new(&self.dynamo, self.table.clone())
    }

    fn queue(&self) -> Sqs {
        Sqs::new(self.sqs.clone(), self.queue_url.clone())
    }

    /// What calls nobody.
    pub(crate) fn desk(&self) -> Desk {
        Desk {
            ledger: self.ledger(),
            queue: self.queue(),
            clock: wall_clock(),
        }
    }

    /// What begins and stops runs, and leaves it to the functions to call.
    pub(crate) fn clerk(&self) -> Result<Clerk> {
        Ok(Clerk {
            desk: self.desk(),
            timing: self.timing()?,
        })
    }

    /// What asks the carrier about calls, and ends them.
    pub(crate) async fn world(&self) -> Result<Cloud<HttpTransport>> {
        let (telephony, timing) = (self.telephony().await?, self.timing()?);
        let public_host = match telephony.public_host {
            Some(_) => PublicHost::Configured,
            None => PublicHost::Missing,
        };
        let Desk {
            ledger,
            queue,
            clock,
        } = self.desk();
        let bounds = telephony.bounds;
        let callbacks = Callbacks {
            host: telephony.public_host,
            events: telephony.call_events,
        };
        Ok(Cloud {
            ledger,
            twilio: twilio(telephony.account, callbacks, &timing)?,
            queue,
            clock,
            timing,
            bounds,
            sent_flows: sent_flows(telephony.call_script),
            public_host,
        })
    }
}

/// A way to an account.
pub(crate) fn twilio(
    account: Account,
    callbacks: Callbacks,
    timing: &Timing,
) -> Result<Twilio<HttpTransport>> {
    Ok(Twilio::new(account, callbacks, transport(timing)?))
}

/// A way to the network, with the patience that the functions have.
pub(crate) fn transport(timing: &Timing) -> Result<HttpTransport> {
    HttpTransport::new(Timeouts {
        connect: timing.http_timeout / 3,
        total: timing.http_timeout,
    })
}

/// A world with nobody at the other end of the line: from here nothing is dialled.
pub(crate) struct Clerk {
    desk: Desk,
    timing: Timing,
}

impl Office for Clerk {
    type Ledger = Ledger;
    type WakeUps = Sqs;

    fn ledger(&self) -> &Ledger {
        self.desk.ledger()
    }

    fn wake_ups(&self) -> &Sqs {
        self.desk.wake_ups()
    }

    fn now(&self) -> Timestamp {
        self.desk.now()
    }

    fn day_end(&self, time_zone: &str, now: Timestamp) -> Timestamp {
        self.desk.day_end(time_zone, now)
    }

    fn fresh_uuid(&self, now: Timestamp) -> uuid::Uuid {
        self.desk.fresh_uuid(now)
    }
}

impl World for Clerk {
    type Carrier = Nobody;

    fn carrier(&self) -> &Nobody {
        &Nobody
    }

    fn timing(&self) -> &Timing {
        &self.timing
    }

    /// No call is placed with them.
    fn call_bounds(&self) -> CallBounds {
        CallBounds {
            ring_seconds_max: 0,
            call_seconds_max: 0,
        }
    }
}

/// A carrier that is not there: every claim is given back, and every question stays open.
pub(crate) struct Nobody;

impl Carrier for Nobody {
    async fn place(&self, _claim: Claim) -> Placed {
        Placed::NotProcessed { retry_after: None }
    }

    async fn ask(&self, _sid: &CallSid) -> Asked {
        Asked::Undecided
    }

    async fn find(&self, _from: &PhoneNumber, _to: &PhoneNumber, _since: Timestamp) -> Found {
        Found::Undecided
    }

    async fn end(&self, _sid: &CallSid) -> Asked {
        Asked::Undecided
    }
}

/// A business, as the handlers' paths name it.
pub(crate) fn path_of(business: &BusinessId, rest: &str) -> String {
    format!("/api/businesses/{business}{rest}")
}
