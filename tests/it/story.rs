//! A stack in simulated time, with people who call its API and a carrier that knows the truth.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use bytes::Bytes;
use http::{Method, Request, StatusCode};
use ringfence_carrier::settings::CallEvent;
use ringfence_core::ids::BusinessId;
use ringfence_core::phone::PhoneNumber;
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
use serde_json::{Value, json};

/// What a story is set up with.
pub(crate) struct Setting {
    pub(crate) behaviour: Behaviour,
    pub(crate) faults: Faults,
    pub(crate) public_host: Option<&'static str>,
    pub(crate) timing: Timing,
    pub(crate) seed: u64,
    pub(crate) leads_max: u32,
    pub(crate) doors: Doors,
    /// What the carrier is asked to report, as in `CALL_EVENTS`.
    pub(crate) call_events: &'static str,
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
            doors: Doors::PLAIN,
            call_events: "completed",
            crashes: Crashes::NONE,
        }
    }

    /// Begins the story: a business with a key, and nobody to call yet.
    pub(crate) async fn begin(self) -> Story {
        // Any fixed time will do; this one is a Monday.
        let clock = Clock::starting_at(Timestamp::from_millis(1_760_000_000_000));
        let Self {
            behaviour,
            faults,
            public_host,
            timing,
            seed,
            leads_max,
            doors,
            call_events,
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
        let parts = Parts {
            dynamo: Dynamo::memory().expect("a database in memory can be made"),
            clock,
            timing,
            telephony,
            way: line.way,
            table: "ringfence".to_owned(),
            leads_max,
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
}

/// A business and its admin's key.
#[derive(Clone)]
pub(crate) struct Office {
    pub(crate) id: BusinessId,
    pub(crate) key: String,
}

/// An answer of the API.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: http::HeaderMap,
    pub(crate) body: Value,
    pub(crate) text: String,
}

impl Answer {
    /// The body of an answer with this status.
    #[track_caller]
    pub(crate) fn of_status(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        self.body
    }

    /// Checks that this is a refusal as the contract has it, and returns the field at fault.
    #[track_caller]
    pub(crate) fn assert_refused(&self, status: u16, code: &str) -> Option<&str> {
        assert_eq!(self.status, status, "{}", self.text);
        assert_eq!(self.body["success"], false, "{}", self.text);
        assert_eq!(self.body["code"], code, "{}", self.text);
        let error = self.body["error"].as_str().expect("a text for a person");
        assert!(!error.trim().is_empty());
        self.body["field"].as_str()
    }
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

    /// Sends a request as somebody with `key`.
    pub(crate) async fn send(&self, key: &str, method: Method, path: &str, body: Value) -> Answer {
        let body = if body.is_null() {
            Bytes::new()
        } else {
            Bytes::from(body.to_string())
        };
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("authorization", format!("Bearer {key}"))
            .header("content-type", "application/json")
            .body(body)
            .expect("the request is well-formed");
        self.send_raw(request).await
    }

    /// Sends any request.
    pub(crate) async fn send_raw(&self, request: Request<Bytes>) -> Answer {
        let response = self.stack.gateway.clone().answer(request).await;
        let (parts, bytes) = response.into_parts();
        let text = String::from_utf8(bytes.to_vec()).expect("answers are UTF-8");
        let body = serde_json::from_str(&text).unwrap_or(Value::Null);
        Answer {
            status: parts.status,
            headers: parts.headers,
            body,
            text,
        }
    }

    /// Sends a request with these headers and no others.
    pub(crate) async fn send_with(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send_raw(
            request
                .body(body.into())
                .expect("the request is well-formed"),
        )
        .await
    }

    /// Sends a request as the system's administrator, in the name of an office.
    pub(crate) async fn send_as_system(
        &self,
        office: &Office,
        method: Method,
        path: &str,
        body: Value,
    ) -> Answer {
        let bearer = format!("Bearer {}", self.system_key);
        let headers = [
            ("authorization", bearer.as_str()),
            ("x-business-id", office.id.as_str()),
        ];
        let body = if body.is_null() {
            Bytes::new()
        } else {
            Bytes::from(body.to_string())
        };
        self.send_with(method, path, &headers, body).await
    }

    /// Makes a further key of an office and returns it.
    pub(crate) async fn key_for(&self, office: &Office, role: &str) -> String {
        let path = format!("/api/businesses/{}/keys", office.id);
        let made = self.post(office, &path, json!({ "role": role })).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
        made.body["api_key"].as_str().expect("a key").to_owned()
    }

    pub(crate) async fn get(&self, office: &Office, path: &str) -> Answer {
        self.send(&office.key, Method::GET, path, Value::Null).await
    }

    pub(crate) async fn post(&self, office: &Office, path: &str, body: Value) -> Answer {
        self.send(&office.key, Method::POST, path, body).await
    }

    /// Imports `count` leads with numbers of their own and returns their ids in order.
    pub(crate) async fn import(&mut self, office: &Office, count: u32) -> Vec<u64> {
        let list = self.import_list(office, count).await;
        self.lead_ids(office, list).await
    }

    /// The same, and returns the id of their list.
    pub(crate) async fn import_list(&mut self, office: &Office, count: u32) -> u64 {
        let first = self.people;
        self.people += count;
        let rows: Vec<Value> = (first..first + count)
            .map(|number| json!({ "name": format!("Lead {number}"), "phone": phone(number) }))
            .collect();
        let answer = self
            .post(
                office,
                "/api/outbound/import-leads",
                json!({ "rows": rows }),
            )
            .await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        assert_eq!(answer.body["imported_count"], count, "{}", answer.text);
        answer.body["list_id"].as_u64().expect("a list id")
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

    /// Sets an office's limit, as only the system's administrator may.
    pub(crate) async fn set_limit(&self, office: &Office, limit: u32) {
        let body = json!({ "limit": limit });
        let answer = self
            .send_as_system(office, Method::PUT, "/api/business", body)
            .await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        assert_eq!(answer.body["limit"], limit, "{}", answer.text);
    }

    /// The ids of a list's leads, in order.
    pub(crate) async fn lead_ids(&self, office: &Office, list: u64) -> Vec<u64> {
        let mut ids = Vec::new();
        for page in 1.. {
            let path =
                format!("/api/outbound/import-leads?list_id={list}&page={page}&page_size=100");
            let answer = self.get(office, &path).await;
            let items = answer.body["items"].as_array().expect("items").clone();
            if items.is_empty() {
                break;
            }
            ids.extend(items.iter().map(|item| item["id"].as_u64().expect("an id")));
        }
        ids
    }

    /// Presses *start*.
    pub(crate) async fn start(&self, office: &Office, leads: &[u64]) -> Answer {
        self.post(
            office,
            "/api/outbound_calls/start",
            json!({ "lead_ids": leads }),
        )
        .await
    }

    /// Posts with an `Idempotency-Key`.
    pub(crate) async fn post_keyed(
        &self,
        office: &Office,
        path: &str,
        key: &str,
        body: &Value,
    ) -> Answer {
        let bearer = format!("Bearer {}", office.key);
        let headers = [
            ("authorization", bearer.as_str()),
            ("content-type", "application/json"),
            ("idempotency-key", key),
        ];
        self.send_with(Method::POST, path, &headers, body.to_string())
            .await
    }

    /// Starts a run and returns its id.
    pub(crate) async fn start_run(&self, office: &Office, leads: &[u64]) -> u64 {
        let body = json!({ "lead_ids": leads });
        let answer = self.post(office, "/api/outbound/bulk-enqueue", body).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
        answer.body["run_id"].as_u64().expect("a run id")
    }

    /// How a run stands, after checking that its counts add up.
    pub(crate) async fn run(&self, office: &Office, run: u64) -> Value {
        let answer = self.get(office, &format!("/api/outbound/runs/{run}")).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        let count = |name: &str| answer.body[name].as_u64().expect("a count");
        let sum: u64 = ["queued", "in_progress", "completed", "failed", "canceled"]
            .map(count)
            .iter()
            .sum();
        assert_eq!(
            sum,
            count("total_leads"),
            "the counts add up: {}",
            answer.text
        );
        answer.body
    }

    /// How many runs the API lists.
    pub(crate) async fn run_count(&self, office: &Office) -> usize {
        let answer = self.get(office, "/api/outbound/runs").await.of_status(200);
        answer["items"].as_array().expect("a list").len()
    }

    /// Waits until a run is over, looking every second, and says how it ended.
    pub(crate) async fn end_of(&self, office: &Office, run: u64, within: Duration) -> Value {
        let until = tokio::time::Instant::now() + within;
        loop {
            let status = self.run(office, run).await;
            if !matches!(status["status"].as_str(), Some("running" | "stopping")) {
                return status;
            }
            assert!(
                tokio::time::Instant::now() < until,
                "run {run} ends: {status}"
            );
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }

    /// The record of the only call to a lead.
    pub(crate) async fn record(&self, office: &Office, lead: u64) -> Value {
        let answer = self
            .get(office, "/api/outbound/recent-calls?page_size=100")
            .await;
        let items = answer.body["items"].as_array().expect("items");
        let mut of_lead = items.iter().filter(|item| item["lead_id"] == lead);
        let record = of_lead.next().expect("the lead has a record").clone();
        assert_eq!(of_lead.next(), None, "the lead has one record");
        record
    }

    /// How many slots are taken, as the API says.
    pub(crate) async fn active(&self, office: &Office) -> u64 {
        let answer = self.get(office, "/api/outbound_calls/counts").await;
        answer.body["active_outbound"].as_u64().expect("a count")
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

    /// Imports leads, and returns their numbers too, in the same order, for the carrier to be told of.
    pub(crate) async fn import_numbers(
        &mut self,
        office: &Office,
        count: u32,
    ) -> (Vec<u64>, Vec<PhoneNumber>) {
        let numbers = (self.people..self.people + count)
            .map(|number| phone(number).parse().expect("it is a number"))
            .collect();
        (self.import(office, count).await, numbers)
    }

    /// Stops the stack and starts another on the same database. Messages are lost.
    pub(crate) async fn restart(&mut self) {
        let Blueprint {
            dynamo,
            table,
            telephony,
            way,
            timing,
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
