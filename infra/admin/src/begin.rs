//! Makes businesses and keys, imports leads, and begins, stops and settles runs.

use std::fs;

use anyhow::{Context, Result};
use business::defaults::Defaults;
use http::Method;
use lambda_http::Body;
use leads::store::Store;
use leads::table::Limits;
use ringfence_flows::start::PublicHost;
use ringfence_flows::world::Office;
use ringfence_shell::caller::Role;
use ringfence_shell::cloud::wall_clock;
use ringfence_shell::config::leads_max_from_env;
use ringfence_shell::metrics::EmbeddedMetrics;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::ask::{json_of, post, request};
use crate::command::{CreateBusiness, CreateKey, Import, KeyRole, Settle, Start, Stop, Watch};
use crate::office::path_of;
use crate::target::Place;
use crate::terminal::{answer, confirm};
use crate::watch::watch;

pub(crate) async fn create_business(place: &Place, wish: CreateBusiness) -> Result<()> {
    let mut body = Map::new();
    body.insert("name".to_owned(), json!(wish.name));
    let phone = wish.phone.map(|phone| json!(phone.expose()));
    let destinations = Some(wish.destinations).filter(|countries| !countries.is_empty());
    for (field, value) in [
        ("phone_e164", phone),
        ("limit", wish.limit.map(|limit| json!(limit))),
        ("region", wish.country.map(|country| json!(country))),
        ("time_zone", wish.time_zone.map(|zone| json!(zone))),
        (
            "destinations",
            destinations.map(|countries| json!(countries)),
        ),
    ] {
        body.extend(value.map(|value| (field.to_owned(), value)));
    }
    let request = post(None, "/api/businesses", &Value::Object(body))?;
    let defaults = Defaults::from_env(&|name| place.variable(name))?;
    let made = json_of(business::handle(&place.desk(), &defaults, request).await)?;
    answer(&json!({ "business_id": made["business_id"] }).to_string())
}

pub(crate) async fn create_key(place: &Place, wish: CreateKey) -> Result<()> {
    let Some(id) = wish.business else {
        let now = wall_clock()();
        let key = business::keys::mint(&place.ledger(), None, Role::SystemAdmin, now).await?;
        let key = key.context("a key of no business needs none")?;
        return answer(&json!({ "key_id": key.key_id, "api_key": key.expose() }).to_string());
    };
    let role = match wish.role {
        KeyRole::Agent => Role::Agent,
        KeyRole::Admin => Role::Admin,
    };
    let body = json!({ "role": role.as_str() });
    let request = post(Some(&id), &path_of(&id, "/keys"), &body)?;
    // No business is made.
    let defaults = Defaults::standard();
    let made = json_of(business::handle(&place.desk(), &defaults, request).await)?;
    answer(&json!({ "key_id": made["key_id"], "api_key": made["api_key"] }).to_string())
}

/// Imports a file, as a form with its fields would have it, of a size that an upload may have.
pub(crate) async fn import(place: &Place, wish: Import) -> Result<()> {
    let bytes =
        fs::read(&wish.file).with_context(|| format!("failed to read {}", wish.file.display()))?;
    let name = wish.file.file_name().unwrap_or_default();
    let name = name.to_string_lossy().replace(['"', '\r', '\n'], "_");
    let boundary = format!("ringfence-{}", Uuid::new_v4());
    let mut form = Vec::with_capacity(bytes.len() + 1_024);
    let fields = [
        ("list_name", wish.list_name),
        ("phone_column", wish.phone_column),
    ];
    for (field, value) in fields {
        let Some(value) = value else { continue };
        let head =
            format!("--{boundary}\r\ncontent-disposition: form-data; name=\"{field}\"\r\n\r\n");
        form.extend_from_slice(format!("{head}{value}\r\n").as_bytes());
    }
    let head = format!(
        "--{boundary}\r\ncontent-disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\r\n"
    );
    form.extend_from_slice(head.as_bytes());
    form.extend_from_slice(&bytes);
    form.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
    let kind = format!("multipart/form-data; boundary={boundary}");
    let path = "/api/outbound/import-leads";
    let request = request(
        Method::POST,
        Some(&wish.business),
        path,
        &kind,
        Body::Binary(form),
    )?;
    let leads_max = match wish.leads_max {
        Some(leads_max) => leads_max,
        None => leads_max_from_env(&|name| place.variable(name))?,
    };
    let desk = place.desk();
    // A file that comes with the request is not looked for in a bucket.
    let store = Store::new(&aws_sdk_s3::Client::new(&place.aws), "none");
    let now = desk.now();
    let limits = Limits::UPLOAD;
    let imported = leads::handle_within(&limits, &desk, &store, leads_max, now, request).await;
    answer(&json_of(imported)?.to_string())
}

pub(crate) async fn start(place: &Place, wish: Start) -> Result<()> {
    let Start { business, list, .. } = &wish;
    confirm(
        &format!("this calls every lead of list {list} of {business}"),
        wish.yes,
    )?;
    let mut body = json!({ "outbound_list_id": list });
    if let Some(concurrency) = wish.concurrency {
        body["concurrency"] = json!(concurrency);
    }
    let request = post(Some(business), "/api/outbound/bulk-enqueue", &body)?;
    // Where the functions have no public host, they say so on the run.
    let host = PublicHost::Configured;
    let started =
        json_of(start::handle(&place.clerk()?, host, &EmbeddedMetrics::SILENT, request).await)?;
    answer(&started.to_string())?;
    let run = started["run_id"]
        .as_u64()
        .and_then(|run| u32::try_from(run).ok());
    match run.filter(|_| wish.watch) {
        Some(run) => {
            let business = wish.business;
            watch(place, Watch { business, run }).await
        }
        None => Ok(()),
    }
}

pub(crate) async fn stop(place: &Place, wish: Stop) -> Result<()> {
    let Stop { business, run, .. } = &wish;
    let calls = if wish.hang_up {
        "ends its live calls"
    } else {
        "lets its live calls end"
    };
    confirm(
        &format!("this stops run {run} of {business} and {calls}"),
        wish.yes,
    )?;
    let body = json!({ "run_id": run, "hang_up": wish.hang_up });
    let request = post(Some(business), "/api/outbound/stop-queue", &body)?;
    let stopped = if wish.hang_up {
        stop::handle(&place.world().await?, &EmbeddedMetrics::SILENT, request).await
    } else {
        stop::handle(&place.clerk()?, &EmbeddedMetrics::SILENT, request).await
    };
    answer(&json_of(stopped)?.to_string())
}

pub(crate) async fn settle(place: &Place, wish: Settle) -> Result<()> {
    let path = "/api/outbound/cleanup-stuck-jobs";
    let request = post(Some(&wish.business), path, &json!({}))?;
    let settled = stop::handle(&place.world().await?, &EmbeddedMetrics::SILENT, request).await;
    answer(&json_of(settled)?.to_string())
}
