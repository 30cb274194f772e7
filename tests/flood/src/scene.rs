//! Businesses with leads, runs and keys, before the flood comes.

use business::defaults::Defaults;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use http::{Method, Request};
use ringfence_core::timing::Timing;
use ringfence_local::aws::dynamo::Dynamo;
use ringfence_local::clock::Clock;
use ringfence_local::doors::Doors;
use ringfence_local::events::Crashes;
use ringfence_local::settings::{Simulation, in_process};
use ringfence_local::stack::{Parts, Stack};
use ringfence_local::twilio::{Behaviour, Delivery, Faults};
use serde_json::{Value, json};

/// A stack on disk, so that what it stores is not in memory, and who uses it.
pub(crate) struct Scene {
    pub(crate) stack: Stack,
    pub(crate) system_key: String,
    pub(crate) offices: Vec<Office>,
}

/// A business and its keys.
pub(crate) struct Office {
    pub(crate) id: String,
    pub(crate) admin: String,
    pub(crate) agent: String,
    pub(crate) revoked: String,
}

const OFFICES: u32 = 3;
const LEADS: u32 = 40;
/// A flood may fill businesses with leads, and place calls: so far and no further.
const LEADS_MAX: u32 = 200;
const CALLS_PER_DAY: u32 = 100;

impl Scene {
    /// Opens the businesses.
    pub(crate) async fn set(folder: &Path) -> Result<Self> {
        let clock = Clock::wall();
        let simulation = Simulation {
            seed: 1,
            speed: 1.0,
            behaviour: Behaviour::exactly(Duration::from_secs(2), Duration::from_secs(20)),
            faults: Faults::none(),
        };
        let timing = Timing::CLOUD;
        let line = in_process(Some("https://flood.example"), &timing, simulation, clock)?;
        let twilio = line.twilio.context("the carrier is simulated")?;
        let parts = Parts {
            dynamo: Dynamo::open(folder)?,
            clock,
            timing,
            telephony: line.telephony,
            way: line.way,
            table: "ringfence".to_owned(),
            leads_max: LEADS_MAX,
            defaults: Defaults::standard(),
            doors: Doors::from_env(&|_| None)?,
        };
        let stack = Stack::start(parts, Crashes::NONE).await?;
        let gateway = Arc::clone(&stack.gateway);
        twilio.deliver_by(Delivery::in_process(move |request| {
            let gateway = Arc::clone(&gateway);
            Box::pin(async move { Ok(gateway.answer(request).await) })
        }));
        let system_key = stack.system_key().await?.expose();
        let mut scene = Self {
            stack,
            system_key,
            offices: Vec::new(),
        };
        for number in 0..OFFICES {
            let office = scene.open(number).await?;
            scene.offices.push(office);
        }
        Ok(scene)
    }

    async fn open(&self, number: u32) -> Result<Office> {
        let caller_id = format!("+97231{:06}", 100_000 + number).parse()?;
        let (id, key) = self.stack.found(caller_id, 3).await?;
        let (id, admin) = (id.to_string(), key.expose());
        let caps = json!({ "caps": { "calls_per_day": CALLS_PER_DAY, "running_runs": 20 } });
        let system = (self.system_key.as_str(), id.as_str());
        self.send(system, Method::PUT, "/api/business", caps)
            .await?;
        let rows: Vec<Value> = (0..LEADS)
            .map(|lead| json!({ "name": format!("Lead {lead}"), "phone": phone(number, lead) }))
            .collect();
        let own = (admin.as_str(), id.as_str());
        let import = "/api/outbound/import-leads";
        self.send(own, Method::POST, import, json!(rows)).await?;
        for _ in 0..2 {
            let leads: Vec<u32> = (1..=LEADS / 2).collect();
            let body = json!({ "lead_ids": leads });
            let path = "/api/outbound/bulk-enqueue";
            self.send(own, Method::POST, path, body).await?;
        }
        let keys = format!("/api/businesses/{id}/keys");
        let mut made = Vec::new();
        for role in ["agent", "admin"] {
            let key = json!({ "role": role });
            made.push(self.send(own, Method::POST, &keys, key).await?);
        }
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let path = format!("{keys}/{}", text(&made[1]["key_id"]));
        self.send(own, Method::DELETE, &path, Value::Null).await?;
        Ok(Office {
            id,
            agent: text(&made[0]["api_key"]),
            revoked: text(&made[1]["api_key"]),
            admin,
        })
    }

    /// Sends what has to succeed.
    async fn send(
        &self,
        (key, business): (&str, &str),
        method: Method,
        path: &str,
        body: Value,
    ) -> Result<Value> {
        let bytes = match &body {
            Value::Null => Bytes::new(),
            body => Bytes::from(body.to_string()),
        };
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("authorization", format!("Bearer {key}"))
            .header("content-type", "application/json")
            .header("x-business-id", business)
            .body(bytes)?;
        let answer = Arc::clone(&self.stack.gateway).answer(request).await;
        let text = String::from_utf8_lossy(answer.body()).into_owned();
        ensure!(answer.status().is_success(), "{path}: {text}");
        Ok(serde_json::from_str(&text).unwrap_or_default())
    }
}

/// A number that is valid in Israel, a different one for each lead.
pub(crate) fn phone(office: u32, lead: u32) -> String {
    format!("+97255{:07}", 5_000_000 + office * 10_000 + lead)
}
