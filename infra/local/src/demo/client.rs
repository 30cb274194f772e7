//! A client of the HTTP API, as anybody could write one.

use anyhow::{Context, Result, ensure};
use ringfence_core::ids::BusinessId;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// Speaks with the API.
pub(crate) struct Client {
    http: reqwest::Client,
    origin: String,
}

/// How a run stands.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct RunStatus {
    pub(crate) status: String,
    pub(crate) queued: u64,
    pub(crate) in_progress: u64,
    pub(crate) completed: u64,
    pub(crate) failed: u64,
    pub(crate) canceled: u64,
    pub(crate) total_leads: u64,
}

impl RunStatus {
    pub(crate) fn adds_up(&self) -> bool {
        self.queued + self.in_progress + self.ended() == self.total_leads
    }

    pub(crate) fn ended(&self) -> u64 {
        self.completed + self.failed + self.canceled
    }

    pub(crate) fn is_over(&self) -> bool {
        self.status != "running" && self.status != "stopping"
    }
}

#[derive(Deserialize)]
struct Calls {
    items: Vec<Call>,
    next_cursor: Option<String>,
}

/// One lead of a run and what became of it.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Call {
    pub(crate) position: u64,
    pub(crate) status: String,
}

#[derive(Deserialize)]
struct Recent {
    items: Vec<RecentCall>,
}

#[derive(Deserialize)]
struct RecentCall {
    lead_name: Option<String>,
    to_number: Option<String>,
    ended_at: Option<String>,
}

impl Client {
    pub(crate) fn new(origin: &str) -> Result<Self> {
        let http = reqwest::Client::builder()
            .no_proxy()
            .build()
            .context("failed to prepare")?;
        Ok(Self {
            http,
            origin: origin.to_owned(),
        })
    }

    async fn answer<T: DeserializeOwned>(&self, request: reqwest::RequestBuilder) -> Result<T> {
        let response = request.send().await.context("failed to reach the API")?;
        let status = response.status();
        let text = response.text().await.context("failed to read an answer")?;
        ensure!(status.is_success(), "the API answered {status}: {text}");
        serde_json::from_str(&text).with_context(|| format!("failed to understand {text}"))
    }

    async fn get<T: DeserializeOwned>(&self, key: &str, path: &str) -> Result<T> {
        self.answer(
            self.http
                .get(format!("{}{path}", self.origin))
                .bearer_auth(key),
        )
        .await
    }

    async fn post<T: DeserializeOwned>(&self, key: &str, path: &str, body: &Value) -> Result<T> {
        let request = self.http.post(format!("{}{path}", self.origin));
        self.answer(request.bearer_auth(key).json(body)).await
    }

    /// Makes a business and a key for it.
    pub(crate) async fn create_business(
        &self,
        system_key: &str,
        number: u32,
        phone: &str,
        limit: u32,
    ) -> Result<(BusinessId, String)> {
        let body = json!({
            "name": format!("Business {}", number + 1),
            "phone_e164": phone,
            "limit": limit,
            // The numbers of the sample are ones that the United States keep free.
            "destinations": ["US"],
        });
        let made: Value = self.post(system_key, "/api/businesses", &body).await?;
        let id = made["business_id"].as_str().context("business_id")?;
        let path = format!("/api/businesses/{id}/keys");
        let key: Value = self
            .post(system_key, &path, &json!({ "role": "admin" }))
            .await?;
        Ok((
            id.parse()?,
            key["api_key"].as_str().context("api_key")?.to_owned(),
        ))
    }

    /// Imports a CSV file as a list.
    pub(crate) async fn import(&self, key: &str, csv: &[u8]) -> Result<u64> {
        let boundary = "ringfence-demo-boundary";
        let mut body = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"leads.csv\"\r\n\
             Content-Type: text/csv\r\n\r\n"
        )
        .into_bytes();
        body.extend_from_slice(csv);
        body.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
        let request = self
            .http
            .post(format!("{}/api/outbound/import-leads", self.origin))
            .bearer_auth(key)
            .header(
                "content-type",
                format!("multipart/form-data; boundary={boundary}"),
            )
            .body(body);
        let imported: Value = self.answer(request).await?;
        imported["list_id"]
            .as_u64()
            .with_context(|| format!("nothing was imported: {imported}"))
    }

    /// Starts a run of a whole list.
    pub(crate) async fn start_list(&self, key: &str, list: u64) -> Result<(u64, u64)> {
        let body = json!({ "outbound_list_id": list });
        let started: Value = self.post(key, "/api/outbound/bulk-enqueue", &body).await?;
        let number = |name: &str| started[name].as_u64().context("an answer without its run");
        Ok((number("run_id")?, number("queued")?))
    }

    pub(crate) async fn run(&self, key: &str, run: u64) -> Result<RunStatus> {
        self.get(key, &format!("/api/outbound/runs/{run}")).await
    }

    /// Who is being called, as far as calls have been recorded.
    pub(crate) async fn live_names(&self, key: &str, run: u64) -> Result<Vec<String>> {
        let path = format!("/api/outbound/recent-calls?run_id={run}&page_size=100");
        let recent: Recent = self.get(key, &path).await?;
        let live = recent
            .items
            .into_iter()
            .filter(|call| call.ended_at.is_none());
        Ok(live.map(|call| label(&call)).collect())
    }

    /// Every lead of a run with what became of it.
    pub(crate) async fn calls(&self, key: &str, run: u64) -> Result<Vec<Call>> {
        let mut calls = Vec::new();
        let mut cursor = None;
        loop {
            let from = cursor
                .map(|cursor| format!("?cursor={cursor}"))
                .unwrap_or_default();
            let page: Calls = self
                .get(key, &format!("/api/outbound/runs/{run}/calls{from}"))
                .await?;
            calls.extend(page.items);
            cursor = page.next_cursor;
            if cursor.is_none() {
                return Ok(calls);
            }
        }
    }
}

/// A name and the last digits of a number: enough to follow, and no more.
fn label(call: &RecentCall) -> String {
    let number = call.to_number.as_deref().unwrap_or_default();
    let tail: String = number
        .chars()
        .skip(number.chars().count().saturating_sub(4))
        .collect();
    format!("{} …{tail}", call.lead_name.as_deref().unwrap_or("?"))
}
