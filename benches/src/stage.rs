//! A stack with businesses at work, whose carrier knows the truth, and what it has cost so far.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use business::defaults::Defaults;
use bytes::Bytes;
use http::{Method, Request, Response};
use ringfence_carrier::callback::{Callback, STATUS_PATH};
use ringfence_carrier::form::Form;
use ringfence_carrier::settings::CallScript;
use ringfence_core::call::Report;
use ringfence_core::ids::{BusinessId, ListId};
use ringfence_core::phone::PhoneNumber;
use ringfence_core::time::Timestamp;
use ringfence_core::timing::Timing;
use ringfence_flows::ledger::States;
use ringfence_ledger::{Import, Imported, Ledger, NewLead};
use ringfence_local::aws::dynamo::Dynamo;
use ringfence_local::aws::meter::Usage;
use ringfence_local::aws::queue::QueueFaults;
use ringfence_local::clock::Clock;
use ringfence_local::doors::Doors;
use ringfence_local::environment::Environment;
use ringfence_local::events::Crashes;
use ringfence_local::settings::{Simulation, in_process};
use ringfence_local::stack::{Parts, Stack};
use ringfence_local::twilio::{Behaviour, Delivery, Faults, SimTwilio};
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::{Instant, sleep};

use crate::raw::{Raw, TABLE};

/// Where the carrier reaches the stack.
const PUBLIC_HOST: &str = "https://ringfence.example";
/// As many as one run may have.
const LEADS_MAX: u32 = 200_000;

/// What a network and Lambda add to the embedded services, where time is simulated. These are
/// round figures of the right size, the same for every design that is compared.
pub(crate) struct Latency;

impl Latency {
    /// Of one DynamoDB request.
    pub(crate) const DYNAMODB: Duration = Duration::from_millis(5);
    /// Of one invocation that is not the first of its environment.
    pub(crate) const INVOCATION: Duration = Duration::from_millis(5);
    /// The longest from a message's sending to its delivery; half of it on average.
    pub(crate) const QUEUE_MAX: Duration = Duration::from_millis(40);
}

/// A stack and its carrier.
pub(crate) struct Stage {
    pub(crate) stack: Stack,
    pub(crate) twilio: SimTwilio,
    pub(crate) raw: Raw,
    watcher: Ledger,
    heard: Arc<Heard>,
    businesses: u32,
}

/// A business and its admin's key.
#[derive(Clone)]
pub(crate) struct Office {
    pub(crate) id: BusinessId,
    pub(crate) key: String,
}

/// How often the carrier has invoked the webhook.
#[derive(Default)]
struct Heard {
    reports: AtomicU64,
    questions: AtomicU64,
}

/// What has been used so far.
#[derive(Debug, Clone, Default)]
pub(crate) struct Spent {
    /// By functions that calls need.
    pub(crate) dynamodb: Usage,
    /// By the API.
    pub(crate) api: Usage,
    pub(crate) sqs: Usage,
    /// Invocations of the webhook, with a report.
    pub(crate) reports: u64,
    /// Invocations of the webhook, to ask what to say.
    pub(crate) questions: u64,
}

impl Spent {
    /// What was spent between an earlier moment and this one.
    pub(crate) fn since(&self, earlier: &Self) -> Self {
        Self {
            dynamodb: self.dynamodb.since(&earlier.dynamodb),
            api: self.api.since(&earlier.api),
            sqs: self.sqs.since(&earlier.sqs),
            reports: self.reports - earlier.reports,
            questions: self.questions - earlier.questions,
        }
    }

    /// Invocations of the fill function: each takes one batch of messages.
    pub(crate) fn fills(&self) -> u64 {
        let receives = self.sqs.by_operation.get("ReceiveMessage");
        receives.map_or(0, |all| all.saturating_sub(self.sqs.empty_receives))
    }

    /// SQS requests, without receives that bring nothing: those are the poller's own.
    pub(crate) fn queue_requests(&self) -> u64 {
        self.sqs.requests.saturating_sub(self.sqs.empty_receives)
    }
}

impl Stage {
    /// Starts a stack in which everybody behaves so.
    pub(crate) async fn set(behaviour: Behaviour) -> Result<Self> {
        Self::set_with(behaviour, CallScript::Asked).await
    }

    /// The same, where what is said reaches the carrier in this way.
    pub(crate) async fn set_with(behaviour: Behaviour, call_script: CallScript) -> Result<Self> {
        let clock = Clock::wall();
        let timing = Timing::CLOUD;
        let simulation = Simulation {
            seed: 1,
            speed: 1.0,
            behaviour,
            faults: Faults::none(),
        };
        let line = in_process(Some(PUBLIC_HOST), &timing, simulation, clock)?;
        let twilio = line.twilio.context("the carrier is simulated")?;
        let mut telephony = line.telephony;
        telephony.call_script = call_script;
        let dynamo = Dynamo::memory()?;
        let (raw, apart) = (Raw::of(&dynamo), dynamo.metered_apart());
        let parts = Parts {
            dynamo,
            clock,
            timing,
            telephony,
            way: line.way,
            table: TABLE.to_owned(),
            leads_max: LEADS_MAX,
            defaults: Defaults::standard(),
            doors: Doors::PLAIN,
        };
        let stack = Stack::start(parts, Crashes::NONE).await?;
        let stage = Self {
            stack,
            twilio,
            raw,
            watcher: Ledger::new(&apart.client(), TABLE),
            heard: Arc::default(),
            businesses: 0,
        };
        stage.hear(Duration::ZERO);
        Ok(stage)
    }

    /// Lets requests and messages take as long as in the cloud, more or less.
    pub(crate) fn take_time(&self) {
        self.stack.plan.dynamo.take_time(Latency::DYNAMODB);
        self.stack.plan.queue.misbehave(QueueFaults {
            delay: 1.0,
            delay_max: Latency::QUEUE_MAX,
            ..QueueFaults::NONE
        });
        self.hear(Latency::INVOCATION);
    }

    /// Loses all messages from now on: nobody is woken.
    pub(crate) fn lose_messages(&self) {
        self.stack.plan.queue.misbehave(QueueFaults {
            lose: 1.0,
            ..QueueFaults::NONE
        });
    }

    /// Delivers messages again, and wakes every business that has work.
    pub(crate) async fn wake_all(&self) -> Result<()> {
        let plan = &self.stack.plan;
        plan.queue.misbehave(QueueFaults::NONE);
        let world = Environment::start(plan).world;
        ::sweep::handle(&world, &plan.metrics).await?;
        Ok(())
    }

    /// Delivers what the carrier sends to the gateway, and counts it.
    fn hear(&self, latency: Duration) {
        let (gateway, heard) = (Arc::clone(&self.stack.gateway), Arc::clone(&self.heard));
        self.twilio.deliver_by(Delivery::in_process(move |request| {
            let gateway = Arc::clone(&gateway);
            let is_report = request.uri().path() == STATUS_PATH;
            let counter = if is_report {
                &heard.reports
            } else {
                &heard.questions
            };
            counter.fetch_add(1, Ordering::Relaxed);
            Box::pin(async move {
                if !latency.is_zero() {
                    sleep(latency).await;
                }
                Ok(gateway.answer(request).await)
            })
        }));
    }

    /// Has reports come out here instead of at the gateway, as often as the carrier sends them.
    pub(crate) fn divert_reports(&self) -> UnboundedReceiver<Report> {
        let (sender, reports) = unbounded_channel();
        let clock = Arc::clone(&self.stack.plan.clock);
        self.twilio.deliver_by(Delivery::in_process(move |request| {
            // It asks what to say, too.
            let is_report = request.uri().path() == STATUS_PATH;
            if let Some(report) = report_of(&request, clock()).filter(|_| is_report) {
                // Nobody listens any more once everything is over.
                _ = sender.send(report);
            }
            Box::pin(async { Ok(Response::new(Bytes::new())) })
        }));
        reports
    }

    /// Opens a business with this limit.
    pub(crate) async fn open(&mut self, limit: u32) -> Result<Office> {
        let caller_id = format!("+97231{:06}", self.businesses).parse()?;
        self.businesses += 1;
        let (id, key) = self.stack.found(caller_id, limit).await?;
        let key = key.expose();
        Ok(Office { id, key })
    }

    /// Has the same said to everybody from now on.
    pub(crate) async fn say_the_same(&self, office: &Office) -> Result<()> {
        let body = json!({ "call_flow": { "kind": "say", "text": "שלום, זו שיחת הדגמה." } });
        let body = Bytes::from(body.to_string());
        self.ask(office, Method::PUT, "/api/business", body).await?;
        Ok(())
    }

    /// Stores `count` leads with numbers of their own as a list.
    pub(crate) async fn import(&self, office: &Office, count: u32) -> Result<ListId> {
        self.import_from(office, 0, count).await
    }

    /// The same, with numbers from the `first` on, so that a business can have several lists.
    pub(crate) async fn import_from(
        &self,
        office: &Office,
        first: u32,
        count: u32,
    ) -> Result<ListId> {
        let lead = |number: u32| {
            anyhow::Ok(NewLead {
                name: format!("Lead {number}"),
                phone: phone(number)?,
                country: Some("IL".parse()?),
                city: None,
                notes: None,
                variables: BTreeMap::new(),
            })
        };
        let import = Import {
            name: "Leads".to_owned(),
            leads: (first..first + count).map(lead).collect::<Result<_>>()?,
            leads_max: LEADS_MAX,
            now: (self.stack.plan.clock)(),
            ending: None,
        };
        match self.watcher.import(&office.id, import).await? {
            Imported::Stored { list, .. } => Ok(list),
            other => anyhow::bail!("the leads were not stored: {other:?}"),
        }
    }

    /// Starts a run of a list.
    pub(crate) async fn start(&self, office: &Office, list: ListId) -> Result<Value> {
        self.post(office, ENQUEUE, &json!({ "outbound_list_id": list.get() }))
            .await
    }

    /// Posts what has to succeed.
    pub(crate) async fn post(&self, office: &Office, path: &str, body: &Value) -> Result<Value> {
        let body = Bytes::from(body.to_string());
        self.ask(office, Method::POST, path, body).await
    }

    /// Asks for what has to succeed.
    pub(crate) async fn ask(
        &self,
        office: &Office,
        method: Method,
        path: &str,
        body: Bytes,
    ) -> Result<Value> {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("authorization", format!("Bearer {}", office.key))
            .header("content-type", "application/json")
            .body(body)?;
        let answer = Arc::clone(&self.stack.gateway).answer(request).await;
        let text = String::from_utf8_lossy(answer.body()).into_owned();
        ensure!(answer.status().is_success(), "{path}: {text}");
        serde_json::from_str(&text).context("failed to read an answer")
    }

    /// Looks every `every` until no business of these has work, at most for `within`.
    pub(crate) async fn finish(
        &self,
        offices: &[Office],
        every: Duration,
        within: Duration,
        mut look: impl FnMut() -> Result<()>,
    ) -> Result<()> {
        let until = Instant::now() + within;
        for office in offices {
            while self.has_work(office).await? {
                ensure!(Instant::now() < until, "{} is not done in time", office.id);
                look()?;
                sleep(every).await;
            }
        }
        Ok(())
    }

    async fn has_work(&self, office: &Office) -> Result<bool> {
        let stored = self.watcher.load(&office.id).await?;
        Ok(stored.is_some_and(|stored| stored.state.has_work()))
    }

    /// What has been used so far.
    pub(crate) fn spent(&self) -> Spent {
        let plan = &self.stack.plan;
        Spent {
            dynamodb: plan.dynamo.meter().snapshot(),
            api: self.stack.gateway.api_meter.snapshot(),
            sqs: plan.queue.meter().snapshot(),
            reports: self.heard.reports.load(Ordering::Relaxed),
            questions: self.heard.questions.load(Ordering::Relaxed),
        }
    }
}

/// A carrier that still called back would keep all of the stack.
impl Drop for Stage {
    fn drop(&mut self) {
        self.twilio.deliver_by(Delivery::Nowhere);
    }
}

/// Makes a run, however few the leads are.
pub(crate) const ENQUEUE: &str = "/api/outbound/bulk-enqueue";

fn report_of(request: &Request<Bytes>, now: Timestamp) -> Option<Report> {
    let form = Form::parse(request.body()).ok()?;
    let callback = Callback::parse(request.uri().query()?, &form, now).ok()?;
    callback.report()
}

/// A number that is valid in Israel, different for each `number`.
pub(crate) fn phone(number: u32) -> Result<PhoneNumber> {
    Ok(format!("+97250{number:07}").parse()?)
}
