//! Puts the local stack together.

use std::sync::Arc;

use anyhow::{Context, Result};
use business::defaults::Defaults;
use business::settings::NewBusiness;
use ringfence_carrier::call_flow::CallFlow;
use ringfence_core::caps::{Caps, Destinations};
use ringfence_core::ids::BusinessId;
use ringfence_core::phone::PhoneNumber;
use ringfence_core::time::Timestamp;
use ringfence_core::timing::Timing;
use ringfence_ledger::{BusinessConfig, Ledger, table};
use ringfence_shell::caller::Role;
use ringfence_shell::config::Telephony;
use ringfence_shell::metrics::EmbeddedMetrics;
use ringfence_shell::secrets::ApiKey;

use crate::aws::dynamo::Dynamo;
use crate::aws::objects::Objects;
use crate::aws::queue::{Queue, QueueSettings};
use crate::clock::Clock;
use crate::doors::Doors;
use crate::environment::Blueprint;
use crate::events::{Crashes, Events};
use crate::gateway::Gateway;
use crate::transport::Way;

/// What a stack is made of.
pub struct Parts {
    pub dynamo: Dynamo,
    pub clock: Clock,
    pub timing: Timing,
    pub telephony: Telephony,
    pub way: Way,
    pub table: String,
    /// How many leads a business may have.
    pub leads_max: u32,
    /// What a new business is given.
    pub defaults: Defaults,
    pub doors: Doors,
}

/// A running stack. It stops when it is dropped.
pub struct Stack {
    pub plan: Blueprint,
    pub gateway: Arc<Gateway>,
    _events: Events,
}

/// A message that was received so often is poison: the sweep brings the work back anyway.
pub const RECEIVES_MAX: u32 = 5;

/// The caller id of a stack's first business.
pub(crate) const FIRST_CALLER_ID: &str = "+97231234567";
/// The limit of a stack's first business.
pub(crate) const FIRST_LIMIT: u32 = 3;

/// What a stack's first business is made with.
pub fn first_business(now: Timestamp) -> Result<NewBusiness> {
    demo_business(FIRST_CALLER_ID.parse()?, FIRST_LIMIT, now)
}

fn demo_business(caller_id: PhoneNumber, limit: u32, now: Timestamp) -> Result<NewBusiness> {
    let flow = CallFlow::Say {
        text: "שלום {{name}}, זו שיחת הדגמה.".to_owned(),
        language: "he-IL".to_owned(),
        voice: None,
    };
    // The numbers of the sample are ones that the United States keep free.
    let destinations = Destinations::Only(vec!["IL".parse()?, "US".parse()?]);
    Ok(NewBusiness {
        caller_id: Some(caller_id),
        limit,
        destinations: Some(destinations),
        caps: Caps::WIDEST,
        config: BusinessConfig {
            name: "Demo".to_owned(),
            region: "IL".to_owned(),
            time_zone: "Asia/Jerusalem".to_owned(),
            call_flow: flow.to_json(),
            created_at: now,
        },
    })
}

/// Creates the table unless it is there.
pub(crate) async fn ensure_table(dynamo: &Dynamo, table: &str) -> Result<()> {
    let client = dynamo.client();
    let tables = client.list_tables().send().await;
    let tables = tables.context("failed to list the tables")?;
    if tables.table_names().iter().any(|name| name == table) {
        return Ok(());
    }
    table::create_table(&client, table).await
}

/// An empty queue of wake-ups, with its dead-letter queue.
pub(crate) fn wake_up_queue(timing: &Timing, clock: Clock) -> Queue {
    let settings = QueueSettings {
        name: "wake-ups".to_owned(),
        visibility_timeout: timing.visibility_timeout,
        receives_max: RECEIVES_MAX,
    };
    Queue::new(settings, clock)
}

impl Stack {
    /// Creates the table unless it is there, and starts everything.
    ///
    /// # Errors
    ///
    /// The table could not be created or read.
    pub async fn start(parts: Parts, crashes: Crashes) -> Result<Self> {
        let Parts {
            dynamo,
            clock,
            timing,
            telephony,
            way,
            table,
            leads_max,
            defaults,
            doors,
        } = parts;
        ensure_table(&dynamo, &table).await?;
        let plan = Blueprint {
            dynamo,
            queue: wake_up_queue(&timing, clock),
            objects: Objects::new(clock),
            table,
            telephony,
            way,
            clock: Arc::new(move || clock.now()),
            timing,
            defaults,
            metrics: EmbeddedMetrics::SILENT,
        };
        let gateway = Gateway::new(plan.clone(), leads_max, &doors);
        let events = Events::start(&plan, crashes);
        Ok(Self {
            plan,
            gateway,
            _events: events,
        })
    }

    /// A ledger of its own, for what no function does.
    pub fn ledger(&self) -> Ledger {
        Ledger::new(&self.plan.dynamo.client(), self.plan.table.clone())
    }

    /// Makes a first business with an admin's key.
    ///
    /// # Errors
    ///
    /// It could not be stored.
    pub async fn found(&self, caller_id: PhoneNumber, limit: u32) -> Result<(BusinessId, ApiKey)> {
        let ledger = self.ledger();
        let now = (self.plan.clock)();
        let new = demo_business(caller_id, limit, now)?;
        let id = business::settings::found(&ledger, &new).await?;
        let key = business::keys::mint(&ledger, Some(&id), Role::Admin, now).await?;
        Ok((id, key.context("the business was just made")?))
    }

    /// Makes a key that is good for every business.
    ///
    /// # Errors
    ///
    /// It could not be stored.
    pub async fn system_key(&self) -> Result<ApiKey> {
        let now = (self.plan.clock)();
        let key = business::keys::mint(&self.ledger(), None, Role::SystemAdmin, now).await?;
        key.context("a key of no business needs none")
    }
}
