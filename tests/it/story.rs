//! A stack in simulated time, with people who call its API and a carrier that knows the truth.

mod client;

use business::defaults::Defaults;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use ringfence_carrier::settings::{CallEvent, CallScript};
use ringfence_core::ids::BusinessId;
use ringfence_core::time::Timestamp;
use ringfence_core::timing::Timing;
use ringfence_local::aws::dynamo::Dynamo;
use ringfence_local::clock::Clock;
use ringfence_local::doors::Doors;
use ringfence_local::environment::Blueprint;
use ringfence_local::events::Crashes;
use ringfence_local::gateway::Gateway;
use ringfence_local::settings::{Simulation, in_process};
use ringfence_local::stack::{Parts, Stack};
use ringfence_local::twilio::{Behaviour, Delivery, Faults, SimTwilio, Truth};
use ringfence_shell::config::LEADS_MAX_DEFAULT;

pub(crate) use self::client::Answer;
use crate::listening::Watch;

/// What a story is set up with.
pub(crate) struct Setting {
    pub(crate) behaviour: Behaviour,
    pub(crate) faults: Faults,
    pub(crate) public_host: Option<&'static str>,
    pub(crate) timing: Timing,
    pub(crate) seed: u64,
    pub(crate) leads_max: u32,
    pub(crate) defaults: Defaults,
    pub(crate) doors: Doors,
    /// What the carrier is asked to report, as in `CALL_EVENTS`.
    pub(crate) call_events: &'static str,
    pub(crate) call_script: CallScript,
    /// How often a fill function dies.
    pub(crate) crashes: Crashes,
}

/// Where the carrier reaches the stack.
pub(crate) const PUBLIC_HOST: &str = "https://ringfence.example";

impl Setting {
    /// Production timing, and calls of half a minute that go well.
    pub(crate) fn plain() -> Self {
        Self {
            behaviour: Behaviour::exactly(Duration::from_secs(5), Duration::from_secs(25)),
            faults: Faults::none(),
            public_host: Some(PUBLIC_HOST),
            timing: Timing::CLOUD,
            seed: 1,
            leads_max: 5_000,
            defaults: Defaults::standard(),
            doors: Doors::PLAIN,
            call_events: "completed",
            call_script: CallScript::Asked,
            crashes: Crashes::NONE,
        }
    }

    /// Begins the story: a business with a key, and nobody to call yet.
    pub(crate) async fn begin(self) -> Story {
        let watch = Watch::begin();
        // Any fixed time will do; this one is a Monday.
        let clock = Clock::starting_at(Timestamp::from_millis(1_760_000_000_000));
        let Self {
            behaviour,
            faults,
            public_host,
            timing,
            seed,
            leads_max,
            defaults,
            doors,
            call_events,
            call_script,
            crashes,
        } = self;
        let simulation = Simulation {
            seed,
            speed: 1.0,
            behaviour,
            faults,
        };
        let line =
            in_process(public_host, &timing, simulation, clock).expect("the settings are good");
        let twilio = line.twilio.expect("the carrier is simulated");
        let mut telephony = line.telephony;
        telephony.call_events =
            CallEvent::parse_list(call_events).expect("the events are Twilio's");
        telephony.call_script = call_script;
        let parts = Parts {
            dynamo: Dynamo::memory().expect("a database in memory can be made"),
            clock,
            timing,
            telephony,
            way: line.way,
            table: "ringfence".to_owned(),
            leads_max,
            defaults,
            doors,
        };
        let stack = Stack::start(parts, crashes)
            .await
            .expect("the stack starts");
        twilio.deliver_by(straight_to(&stack.gateway));
        let system_key = stack
            .system_key()
            .await
            .expect("a key can be made")
            .expose();
        let mut story = Story {
            stack,
            twilio,
            system_key,
            clock,
            people: 0,
            _watch: watch,
        };
        story.people = 1;
        story
    }
}

/// A stack, its carrier, and who uses it.
pub(crate) struct Story {
    pub(crate) stack: Stack,
    pub(crate) twilio: SimTwilio,
    pub(crate) system_key: String,
    pub(crate) clock: Clock,
    people: u32,
    _watch: Watch,
}

/// A business and its admin's key.
#[derive(Clone)]
pub(crate) struct Office {
    pub(crate) id: BusinessId,
    pub(crate) key: String,
}

impl Story {
    /// Opens a business with this limit.
    pub(crate) async fn open(&mut self, limit: u32) -> Office {
        let phone = format!("+97231{:06}", 100_000 + self.people);
        self.people += 1;
        let caller_id = phone.parse().expect("it is a number");
        let (id, key) = self
            .stack
            .found(caller_id, limit)
            .await
            .expect("a business can be made");
        Office {
            id,
            key: key.expose(),
        }
    }

    /// Gives a stored lead another number, or none. The API never stores either of these:
    /// a lead without a number, or two leads with the same.
    pub(crate) async fn set_phone(&self, office: &Office, lead: u64, phone: Option<&str>) {
        let client = self.stack.plan.dynamo.client();
        let change = client
            .update_item()
            .table_name(&self.stack.plan.table)
            .key("pk", AttributeValue::S(format!("LEADS#{}", office.id)))
            .key("sk", AttributeValue::S(format!("LEAD#{lead:010}")))
            .condition_expression("attribute_exists(lead_name)");
        let change = match phone {
            Some(phone) => change
                .update_expression("SET phone = :phone")
                .expression_attribute_values(":phone", AttributeValue::S(phone.to_owned())),
            None => change.update_expression("REMOVE phone"),
        };
        change.send().await.expect("the lead is there");
    }

    /// What the carrier knows.
    pub(crate) fn truth(&self) -> Truth {
        self.twilio.truth()
    }

    /// The promise, by the carrier's record: no business above `limit`, nobody dialled twice.
    #[track_caller]
    pub(crate) fn assert_promise(&self, limit: u32) -> Truth {
        let truth = self.truth();
        assert_eq!(truth.forgotten, 0);
        for (business, peak) in truth.peak_live_by_business() {
            assert!(
                peak <= limit,
                "{business} had {peak} live calls at a limit of {limit}"
            );
        }
        assert_eq!(truth.duplicate_dials(), Vec::new());
        assert_eq!(truth.overlapping_numbers(), Vec::new());
        truth
    }

    /// Stops the stack and starts another on the same database. Messages are lost.
    pub(crate) async fn restart(&mut self) {
        let Blueprint {
            dynamo,
            table,
            telephony,
            way,
            timing,
            defaults,
            ..
        } = self.stack.plan.clone();
        let (clock, leads_max) = (self.clock, LEADS_MAX_DEFAULT);
        let parts = Parts {
            dynamo,
            clock,
            timing,
            telephony,
            way,
            table,
            leads_max,
            defaults,
            doors: Doors::PLAIN,
        };
        self.stack = Stack::start(parts, Crashes::NONE)
            .await
            .expect("the stack starts again");
        self.twilio.deliver_by(straight_to(&self.stack.gateway));
    }

    /// Lets time pass.
    pub(crate) async fn wait(&self, seconds: u64) {
        tokio::time::sleep(Duration::from_secs(seconds)).await;
    }
}

/// Delivers what the carrier sends just as it comes.
pub(crate) fn straight_to(gateway: &Arc<Gateway>) -> Delivery {
    let gateway = Arc::clone(gateway);
    Delivery::in_process(move |request| {
        let gateway = Arc::clone(&gateway);
        Box::pin(async move { Ok(gateway.answer(request).await) })
    })
}

/// A number that is valid in Israel, different for each `number`.
pub(crate) fn phone(number: u32) -> String {
    format!("+97255{:07}", 5_000_000 + number)
}
