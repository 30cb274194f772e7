//! What people ask of the API, and what it answers.

use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, StatusCode};
use ringfence_core::phone::PhoneNumber;
use serde_json::{Value, json};

use super::{Office, Story, phone};

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

    /// Waits until a run is over, and says how it ended. It looks every second, but a thousand
    /// times at most.
    pub(crate) async fn end_of(&self, office: &Office, run: u64, within: Duration) -> Value {
        let until = tokio::time::Instant::now() + within;
        // A story of a day would spend most of its time on looks.
        let every = (within / 1_000).max(Duration::from_secs(1));
        loop {
            let status = self.run(office, run).await;
            if !matches!(status["status"].as_str(), Some("running" | "stopping")) {
                return status;
            }
            assert!(
                tokio::time::Instant::now() < until,
                "run {run} ends: {status}"
            );
            tokio::time::sleep(every).await;
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
}
