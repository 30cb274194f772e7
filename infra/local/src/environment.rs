//! An execution environment of a function: one process, with its own clients.
//!
//! Like Lambda's, it serves one invocation at a time, and dies with it when it is killed.

use std::sync::Arc;

use business::defaults::Defaults;
use ringfence_carrier::twilio::{Callbacks, Twilio};
use ringfence_flows::start::PublicHost;
use ringfence_ledger::Ledger;
use ringfence_shell::cloud::{Clock, Cloud, sent_flows};
use ringfence_shell::config::Telephony;
use ringfence_shell::message::Sqs;
use ringfence_shell::metrics::EmbeddedMetrics;

use crate::aws::dynamo::Dynamo;
use crate::aws::objects::Objects;
use crate::aws::queue::Queue;
use crate::aws::trap::Trap;
use crate::transport::{LocalTransport, Way};
use ringfence_core::timing::Timing;

/// The world of a local function.
pub type World = Cloud<LocalTransport>;

/// What every environment is made from.
#[derive(Clone)]
pub struct Blueprint {
    pub dynamo: Dynamo,
    pub queue: Queue,
    pub objects: Objects,
    pub table: String,
    pub telephony: Telephony,
    pub way: Way,
    pub clock: Clock,
    pub timing: Timing,
    pub defaults: Defaults,
    /// Nobody reads the lines here, so the stack itself writes none.
    pub metrics: EmbeddedMetrics,
}

/// One process.
pub struct Environment {
    pub world: World,
    pub trap: Trap,
}

impl Environment {
    /// Starts a process.
    pub fn start(plan: &Blueprint) -> Self {
        let trap = Trap::default();
        let Blueprint {
            dynamo,
            queue,
            table,
            telephony,
            way,
            clock,
            timing,
            ..
        } = plan;
        let Telephony {
            account,
            public_host,
            call_events,
            call_script,
            bounds,
            ..
        } = telephony.clone();
        let reach = match public_host {
            Some(_) => PublicHost::Configured,
            None => PublicHost::Missing,
        };
        let callbacks = Callbacks {
            host: public_host,
            events: call_events,
        };
        let transport = LocalTransport::new(way.clone(), trap.clone());
        let world = Cloud {
            ledger: Ledger::new(&dynamo.client_with(&trap), table.clone()),
            twilio: Twilio::new(account, callbacks, transport),
            queue: Sqs::new(queue.client_with(&trap), queue.url().to_owned()),
            clock: Arc::clone(clock),
            timing: *timing,
            bounds,
            sent_flows: sent_flows(call_script),
            public_host: reach,
        };
        Self { world, trap }
    }
}
