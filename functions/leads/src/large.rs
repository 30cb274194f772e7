//! Imports files that are too large for a request, or take longer than one may.
//!
//! API Gateway gives up on an import after half a minute, while it goes on: so whoever asks
//! again is told that it is under way, or its answer, and never starts it twice.

use std::time::Duration;

use bytes::Bytes;
use http::{StatusCode, header};
use lambda_http::{Body, Response};
use ringfence_core::time::Timestamp;
use ringfence_ledger::{Ended, Ending, UploadClaim, UploadId, UploadLease};
use ringfence_shell::body;
use ringfence_shell::reply::{Failure, json, with_header};
use ringfence_shell::texts::{Language, Text};
use ringfence_shell::times::rfc3339;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tracing::warn;
use uuid::Uuid;

use crate::api::Desk;
use crate::import::{self, Import, read_file};
use crate::phones::Region;
use crate::store::Found;
use crate::table::Limits;
use crate::upload::{self, Counts, Summary};

/// How long an address is good for: the slowest line sends twenty megabytes in that time.
const ADDRESS_VALID_FOR: Duration = Duration::from_secs(60 * 60);
/// How long an upload is remembered; the bucket deletes its files after as long.
const UPLOAD_KEPT_FOR: Duration = Duration::from_secs(24 * 60 * 60);
/// How long a worker lives at most, as `Timeout` of the template has it.
pub const WORKER_LIFE: Duration = Duration::from_secs(300);
/// The life of a worker, and what clocks may differ.
const LEASE: Duration = Duration::from_secs(330);
/// After so many seconds it is worth asking again how an import is getting on.
const RETRY_AFTER_SECONDS: u64 = 5;

#[derive(Deserialize, Default, JsonSchema)]
pub(crate) struct OpenBody {
    #[schemars(range(min = 1, max = Limits::UPLOAD.file_bytes))]
    bytes: Option<u32>,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Opened {
    success: bool,
    upload_id: String,
    upload_url: String,
    method: &'static str,
    headers: std::collections::BTreeMap<String, String>,
    expires_at: String,
    bytes_max: u32,
}

/// Promises a place to a file, and says where.
pub(crate) async fn open(desk: &Desk<'_>, now: Timestamp) -> Result<Response<Body>, Failure> {
    let is_empty = body::bytes(desk.request, body::JSON_BYTES_MAX)?.is_empty();
    let wanted: OpenBody = if is_empty {
        OpenBody::default()
    } else {
        body::json(desk.request)?
    };
    let bytes_max = Limits::UPLOAD.file_bytes;
    if wanted.bytes == Some(0) {
        return Err(Failure::bad_field("bytes"));
    }
    if wanted.bytes.is_some_and(|bytes| bytes > bytes_max) {
        return Err(Failure::too_large().with("limit", bytes_max));
    }
    desk.region().await?;
    let upload = UploadId::new(Uuid::new_v4());
    let opened = desk
        .ledger
        .open_upload(desk.business, upload, now.after(UPLOAD_KEPT_FOR))
        .await;
    opened.map_err(|error| desk.internal(&error))?;
    let address = desk
        .store
        .address(desk.business, upload, wanted.bytes, now, ADDRESS_VALID_FOR)
        .await
        .map_err(|error| desk.internal(&error))?;
    Ok(json(
        StatusCode::CREATED,
        &Opened {
            success: true,
            upload_id: upload.to_string(),
            upload_url: address.url,
            method: "PUT",
            headers: address.headers,
            expires_at: rfc3339(now.after(ADDRESS_VALID_FOR)),
            bytes_max,
        },
    ))
}

/// A body that names an upload.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct ImportBody {
    upload_id: String,
    list_name: Option<String>,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct UnderWay {
    success: bool,
    status: &'static str,
    retry_after: u64,
}

/// Imports an upload, once.
///
/// In this order: takes the upload's lease (a crash then lets it lapse), reads the file,
/// imports its leads and with them ends the upload (a crash before that leaves leads that
/// nobody sees; one after it changes nothing), and deletes the file (or else the bucket does).
pub(crate) async fn import(
    desk: &Desk<'_>,
    wanted: ImportBody,
    leads_max: u32,
    now: Timestamp,
    language: Language,
) -> Result<Response<Body>, Failure> {
    let upload: UploadId = wanted.upload_id.parse().map_err(|_| not_found())?;
    let list_name = match wanted.list_name.as_deref().map(import::list_name) {
        None => None,
        Some(Ok(name)) => name,
        Some(Err(_)) => return Err(Failure::bad_field("list_name")),
    };
    let region = desk.region().await?;
    let claimed = desk
        .ledger
        .claim_upload(desk.business, upload, now, now.after(LEASE))
        .await;
    let lease = match claimed.map_err(|error| desk.internal(&error))? {
        UploadClaim::Claimed(lease) => lease,
        UploadClaim::Busy { .. } => return Ok(under_way()),
        UploadClaim::Done(ended) => return told(desk, &ended),
        UploadClaim::Missing => return Err(not_found()),
    };
    let imported = import_claimed(desk, lease, region, list_name, leads_max, now, language).await;
    match &imported {
        Ok(_) => {
            if let Err(error) = desk.store.delete(desk.business, upload).await {
                warn!("left an imported file to the bucket: {error:#}");
            }
        }
        // Another file may be put in its place, or room be made for it.
        Err(_) => {
            if let Err(error) = desk.ledger.release_upload(desk.business, lease).await {
                warn!("left the lease of an upload to lapse: {error:#}");
            }
        }
    }
    imported
}

async fn import_claimed(
    desk: &Desk<'_>,
    lease: UploadLease,
    region: Region,
    list_name: Option<String>,
    leads_max: u32,
    now: Timestamp,
    language: Language,
) -> Result<Response<Body>, Failure> {
    let limits = Limits::UPLOAD;
    let found = desk
        .store
        .read(desk.business, lease.upload, limits.file_bytes)
        .await;
    let file = match found.map_err(|error| desk.internal(&error))? {
        Found::File(file) => file,
        Found::TooLarge => return Err(Failure::too_large().with("limit", limits.file_bytes)),
        Found::Nothing => {
            let status = StatusCode::CONFLICT;
            return Err(Failure::new(status, "upload_empty", Text::UploadEmpty));
        }
    };
    let read = read_apart(file, region).await;
    let mut import = read
        .map_err(|error| desk.internal(&error))?
        .map_err(|error| upload::import_failure(&error, language))?;
    import.list_name = list_name;
    let summary = Summary::of(&import, now, language);
    let errors = std::mem::take(&mut import.errors);
    let kept = serde_json::to_string(&summary).map_err(|error| desk.internal(&error.into()))?;
    let ending = Ending {
        lease,
        summary: kept,
    };
    match upload::store(desk, import, &summary, Some(ending), leads_max, now).await? {
        Some(counts) => upload::answer(desk, &summary, counts, &errors, language),
        None => Ok(under_way()),
    }
}

/// Reads a file beside whatever else the process does: it takes seconds.
async fn read_apart(
    file: Bytes,
    region: Region,
) -> anyhow::Result<Result<Import, crate::refusal::ImportError>> {
    let reading = move || read_file(&file, region, &Limits::UPLOAD);
    Ok(tokio::task::spawn_blocking(reading).await?)
}

/// The answer of an import that is done.
fn told(desk: &Desk<'_>, ended: &Ended) -> Result<Response<Body>, Failure> {
    let summary: Summary =
        serde_json::from_str(&ended.summary).map_err(|error| desk.internal(&error.into()))?;
    let counts = Counts {
        list: ended.list,
        imported: ended.count,
        known: ended.duplicates,
    };
    Ok(json(StatusCode::OK, &upload::whole(&summary, counts)))
}

fn under_way() -> Response<Body> {
    let answer = UnderWay {
        success: true,
        status: "importing",
        retry_after: RETRY_AFTER_SECONDS,
    };
    with_header(
        json(StatusCode::ACCEPTED, &answer),
        header::RETRY_AFTER,
        &RETRY_AFTER_SECONDS.to_string(),
    )
}

fn not_found() -> Failure {
    Failure::new(
        StatusCode::NOT_FOUND,
        "upload_not_found",
        Text::UploadNotFound,
    )
}
