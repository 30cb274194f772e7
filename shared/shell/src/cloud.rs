//! The world as it is in production: DynamoDB, SQS and Twilio behind the flows' ports.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::times::day_end;
use anyhow::Result;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_smithy_runtime_api::client::http::SharedHttpConnector;
use aws_smithy_types::retry::ReconnectMode;
use ringfence_carrier::settings::CallScript;
use ringfence_carrier::transport::{HttpTransport, Timeouts, Transport};
use ringfence_carrier::twilio::{Callbacks, Twilio};
use ringfence_carrier::twiml::{self, Variables};
use ringfence_core::ids::CallSid;
use ringfence_core::phone::PhoneNumber;
use ringfence_core::time::Timestamp;
use ringfence_core::timing::Timing;
use ringfence_flows::carrier::{Asked, Carrier, Found, Order, Placed, Script};
use ringfence_flows::claim::Claim;
use ringfence_flows::start::PublicHost;
use ringfence_flows::world::{CallBounds, Office, World};
use ringfence_ledger::{Ledger, Side};
use tokio::join;
use tokio::time::timeout;
use tracing::warn;
use uuid::{ContextV7, Uuid};

use crate::call_flows::CallFlows;
use crate::config::{Lookup, Stores, Telephony, api_base_from_env, timing_from_env};
use crate::https;
use crate::message::Sqs;
use crate::parameters::Named;
use crate::warm;

/// Tells the time.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// The wall clock. Not a monotonic one: between invocations AWS may freeze the machine.
pub fn wall_clock() -> Clock {
    Arc::new(|| {
        let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let millis = since_epoch.unwrap_or_default().as_millis();
        Timestamp::from_millis(u64::try_from(millis).unwrap_or(u64::MAX))
    })
}

/// Everything that a function which places or ends calls can reach.
pub struct Cloud<T> {
    pub ledger: Ledger,
    pub twilio: Twilio<T>,
    pub queue: Sqs,
    pub clock: Clock,
    pub timing: Timing,
    pub bounds: CallBounds,
    /// Where what is said goes along with the requests for calls: the call flows read lately.
    pub sent_flows: Option<CallFlows>,
    /// Whether the carrier can reach us; without that nothing is started.
    pub public_host: PublicHost,
}

impl<T: Transport> Office for Cloud<T> {
    type Ledger = Ledger;
    type WakeUps = Sqs;

    fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    fn wake_ups(&self) -> &Sqs {
        &self.queue
    }

    fn now(&self) -> Timestamp {
        (self.clock)()
    }

    fn day_end(&self, time_zone: &str, now: Timestamp) -> Timestamp {
        day_end(time_zone, now)
    }

    fn fresh_uuid(&self, now: Timestamp) -> Uuid {
        fresh_uuid(now)
    }
}

impl<T: Transport> World for Cloud<T> {
    type Carrier = Self;

    fn carrier(&self) -> &Self {
        self
    }

    fn timing(&self) -> &Timing {
        &self.timing
    }

    fn call_bounds(&self) -> CallBounds {
        self.bounds
    }
}

impl<T: Transport> Carrier for Cloud<T> {
    async fn script(&self, claim: &Claim) -> Option<Script> {
        let flows = self.sent_flows.as_ref()?;
        let Order { business, call, .. } = claim.order();
        let flow = flows.of(&self.ledger, business, self.now());
        let flow = timeout(SCRIPT_MAX, flow).await;
        let flow = match flow.map_err(anyhow::Error::from).flatten() {
            Ok(flow) => flow?,
            Err(error) => {
                // Twilio asks for it then, as it does where nothing is sent along.
                warn!(business.id = %business, call.id = %call, "failed to read what is said in call {call}: {error:#}");
                return None;
            }
        };
        let lead = claim.lead().filter(|_| flow.has_variables());
        twiml::script(&flow, &lead.map(Variables::from).unwrap_or_default())
    }

    async fn place(&self, claim: Claim) -> Placed {
        self.twilio.place(claim).await
    }

    async fn ask(&self, sid: &CallSid) -> Asked {
        self.twilio.ask(sid).await
    }

    async fn find(&self, from: &PhoneNumber, to: &PhoneNumber, since: Timestamp) -> Found {
        self.twilio.find(from, to, since).await
    }

    async fn end(&self, sid: &CallSid) -> Asked {
        self.twilio.end(sid).await
    }
}

/// How long a call waits for what is said in it: the window in which it may be dialled goes on.
const SCRIPT_MAX: Duration = Duration::from_secs(1);

/// The call flows to keep where what is said goes along with the requests for calls.
pub fn sent_flows(call_script: CallScript) -> Option<CallFlows> {
    match call_script {
        CallScript::Asked => None,
        CallScript::Sent => Some(CallFlows::default()),
    }
}

/// Everything that a function which calls nobody can reach.
pub struct Desk {
    pub ledger: Ledger,
    pub queue: Sqs,
    pub clock: Clock,
}

impl Office for Desk {
    type Ledger = Ledger;
    type WakeUps = Sqs;

    fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    fn wake_ups(&self) -> &Sqs {
        &self.queue
    }

    fn now(&self) -> Timestamp {
        (self.clock)()
    }

    fn day_end(&self, time_zone: &str, now: Timestamp) -> Timestamp {
        day_end(time_zone, now)
    }

    fn fresh_uuid(&self, now: Timestamp) -> Uuid {
        fresh_uuid(now)
    }
}

/// Mints a UUIDv7 whose time is `now`.
pub fn fresh_uuid(now: Timestamp) -> Uuid {
    let (seconds, millis) = (now.as_millis() / 1000, now.as_millis() % 1000);
    let nanos = u32::try_from(millis * 1_000_000).expect("below a second");
    Uuid::new_v7(uuid::Timestamp::from_unix(ContextV7::new(), seconds, nanos))
}

/// How the SDK's clients reach AWS: every timeout and retry said explicitly.
///
/// A request is given up after two seconds and tried three times in all, so that even a
/// worker at the end of its window knows how a write ended before its function times out.
///
/// # Errors
///
/// The HTTP client cannot be made.
pub async fn aws_config() -> Result<SdkConfig> {
    Ok(config_over(https::connector()?).await)
}

async fn config_over(connector: SharedHttpConnector) -> SdkConfig {
    let timeouts = TimeoutConfig::builder()
        .operation_attempt_timeout(Duration::from_secs(2))
        .operation_timeout(Duration::from_secs(6))
        .build();
    // An attempt that is given up closes its connection by itself.
    let retries = RetryConfig::standard()
        .with_max_attempts(3)
        .with_reconnect_mode(ReconnectMode::ReuseAllConnections);
    aws_config::defaults(BehaviorVersion::latest())
        .http_client(https::client(connector))
        .timeout_config(timeouts)
        .retry_config(retries)
        .load()
        .await
}

/// Connects a function that places or ends calls.
///
/// # Errors
///
/// The configuration is bad, and everything that is wrong with it is named; or a secret could
/// not be read.
pub async fn connect(lookup: Lookup<'_>) -> Result<Cloud<HttpTransport>> {
    let connector = https::connector()?;
    let aws = config_over(connector.clone()).await;
    let (ledger, queue) = stores(lookup, &aws)?;
    let timing = timing_from_env(lookup)?;
    let timeouts = Timeouts {
        connect: timing.http_timeout / 3,
        total: timing.http_timeout,
    };
    let transport = HttpTransport::new(timeouts)?;
    // What it opens is closed again, and only how to agree on TLS is remembered: the machine may
    // stand still for long before the first call, and a request on a connection that has died
    // meanwhile would leave nobody knowing whether there is a call.
    let apart = HttpTransport::new(timeouts)?;
    let api_base = api_base_from_env(lookup);
    let named = Named::from_env(lookup);
    let (secrets, (), (), ()) = join!(
        named.read(lookup, &aws),
        warm::ledger(&ledger, Side::Businesses),
        warm::queue(&connector, &queue),
        async {
            if let Some(api_base) = &api_base {
                warm::carrier(&apart, api_base).await;
            }
        },
    );
    let secrets = secrets?;
    let telephony = Telephony::placing_from_env(&|name| secrets.get(lookup, name))?;
    let Telephony {
        account,
        public_host,
        call_events,
        call_script,
        bounds,
        ..
    } = telephony;
    let reach = if public_host.is_some() {
        PublicHost::Configured
    } else {
        PublicHost::Missing
    };
    let callbacks = Callbacks {
        host: public_host,
        events: call_events,
    };
    let twilio = Twilio::new(account, callbacks, transport);
    Ok(Cloud {
        ledger,
        twilio,
        queue,
        clock: wall_clock(),
        timing,
        bounds,
        sent_flows: sent_flows(call_script),
        public_host: reach,
    })
}

/// Reads what a function needs that believes what Twilio reports.
///
/// # Errors
///
/// The configuration is bad, and everything that is wrong with it is named; or a secret could
/// not be read.
pub async fn reports(lookup: Lookup<'_>) -> Result<(Telephony, Desk)> {
    let connector = https::connector()?;
    let aws = config_over(connector.clone()).await;
    let (ledger, queue) = stores(lookup, &aws)?;
    let named = Named::from_env(lookup);
    let (secrets, (), ()) = join!(
        named.read(lookup, &aws),
        warm::ledger(&ledger, Side::Businesses),
        warm::queue(&connector, &queue),
    );
    let secrets = secrets?;
    let telephony = Telephony::from_env(&|name| secrets.get(lookup, name))?;
    let clock = wall_clock();
    Ok((
        telephony,
        Desk {
            ledger,
            queue,
            clock,
        },
    ))
}

/// Connects a function that answers and calls nobody.
///
/// # Errors
///
/// The configuration is bad; everything that is wrong with it is named.
pub async fn desk(lookup: Lookup<'_>, aws: &SdkConfig) -> Result<Desk> {
    let desk = cold_desk(lookup, aws)?;
    warm::ledger(&desk.ledger, Side::Businesses).await;
    Ok(desk)
}

/// Connects a function that nobody waits for, and opens no connection yet.
///
/// # Errors
///
/// The configuration is bad; everything that is wrong with it is named.
pub fn cold_desk(lookup: Lookup<'_>, aws: &SdkConfig) -> Result<Desk> {
    let (ledger, queue) = stores(lookup, aws)?;
    Ok(Desk {
        ledger,
        queue,
        clock: wall_clock(),
    })
}

fn stores(lookup: Lookup<'_>, aws: &SdkConfig) -> Result<(Ledger, Sqs)> {
    let Stores { table, queue_url } = Stores::from_env(lookup)?;
    let queue = Sqs::new(aws_sdk_sqs::Client::new(aws), queue_url.unwrap_or_default());
    Ok((
        Ledger::new(&aws_sdk_dynamodb::Client::new(aws), table),
        queue,
    ))
}

/// Connects a function that needs the ledger only, and may read this side of it.
///
/// # Errors
///
/// The configuration is bad; everything that is wrong with it is named.
pub async fn ledger(lookup: Lookup<'_>, side: Side) -> Result<Ledger> {
    let Stores { table, .. } = Stores::table_from_env(lookup)?;
    let ledger = Ledger::new(&aws_sdk_dynamodb::Client::new(&aws_config().await?), table);
    warm::ledger(&ledger, side).await;
    Ok(ledger)
}
