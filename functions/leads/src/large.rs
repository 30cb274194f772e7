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
use crate::import::{self, Import, PhoneColumn, read_file};
use crate::phones::Region;
use crate::store::Found;
use crate::table::Limits;
use crate::told::{self, Counts, Form, Summary};
use crate::upload::{self, Refusal};

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

#[derive(Deserialize, JsonSchema)]
pub(crate) struct OpenBody {
    /// As many as the file has: a place is promised to no other.
    #[schemars(range(min = 1, max = Limits::UPLOAD.file_bytes))]
    bytes: u32,
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
    let OpenBody { bytes } = body::json(desk.request)?;
    let bytes_max = Limits::UPLOAD.file_bytes;
    if bytes == 0 {
        return Err(Failure::bad_field("bytes"));
    }
    if bytes > bytes_max {
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
        .address(desk.business, upload, bytes, now, ADDRESS_VALID_FOR)
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
    phone_column: Option<PhoneColumn>,
}

/// How an upload is to be imported and answered.
struct Terms {
    list_name: Option<String>,
    phone_column: Option<PhoneColumn>,
    region: Region,
    form: Form,
    leads_max: u32,
    now: Timestamp,
    language: Language,
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
    form: Form,
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
    let terms = Terms {
        list_name,
        phone_column: wanted.phone_column,
        region: desk.region().await?,
        form,
        leads_max,
        now,
        language,
    };
    let claimed = desk
        .ledger
        .claim_upload(desk.business, upload, now, now.after(LEASE))
        .await;
    let lease = match claimed.map_err(|error| desk.internal(&error))? {
        UploadClaim::Claimed(lease) => lease,
        UploadClaim::Busy { .. } => return Ok(under_way()),
        UploadClaim::Done(ended) => return tell_again(desk, &ended, &terms),
        UploadClaim::Missing => return Err(not_found()),
    };
    let imported = import_claimed(desk, lease, terms).await;
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
    imported.or_else(|refusal| refusal.answer(form, language))
}

async fn import_claimed(
    desk: &Desk<'_>,
    lease: UploadLease,
    terms: Terms,
) -> Result<Response<Body>, Refusal> {
    let limits = Limits::UPLOAD;
    let Terms { now, language, .. } = terms;
    let internal = |error: anyhow::Error| Refusal::Request(desk.internal(&error));
    let found = desk
        .store
        .read(desk.business, lease.upload, limits.file_bytes)
        .await;
    let file = match found.map_err(internal)? {
        Found::File(file) => file,
        Found::TooLarge => {
            let failure = Failure::too_large().with("limit", limits.file_bytes);
            return Err(Refusal::Request(failure));
        }
        Found::Nothing => {
            let status = StatusCode::CONFLICT;
            let failure = Failure::new(status, "upload_empty", Text::UploadEmpty);
            return Err(Refusal::Request(failure));
        }
    };
    let read = read_apart(file, terms.phone_column, terms.region).await;
    let mut import = read.map_err(internal)?.map_err(Refusal::Import)?;
    import.list_name = terms.list_name;
    let summary = Summary::of(&import, now, language);
    let errors = std::mem::take(&mut import.errors);
    let kept = serde_json::to_string(&summary).map_err(|error| internal(error.into()))?;
    let ending = Ending {
        lease,
        summary: kept,
    };
    let stored = upload::store(desk, import, &summary, Some(ending), terms.leads_max, now).await;
    Ok(match stored.map_err(Refusal::Request)? {
        Some(counts) => told::answer(terms.form, &summary, counts, &errors, language),
        None => under_way(),
    })
}

/// Reads a file beside whatever else the process does: it takes seconds.
async fn read_apart(
    file: Bytes,
    phone_column: Option<PhoneColumn>,
    region: Region,
) -> anyhow::Result<Result<Import, crate::refusal::ImportError>> {
    let reading = move || read_file(&file, phone_column.as_ref(), region, &Limits::UPLOAD);
    Ok(tokio::task::spawn_blocking(reading).await?)
}

/// The answer of an import that is done.
fn tell_again(desk: &Desk<'_>, ended: &Ended, terms: &Terms) -> Result<Response<Body>, Failure> {
    let summary: Summary =
        serde_json::from_str(&ended.summary).map_err(|error| desk.internal(&error.into()))?;
    let counts = Counts {
        list: ended.list,
        imported: ended.count,
        known: ended.duplicates,
    };
    let Terms { form, language, .. } = *terms;
    Ok(told::answer_again(form, &summary, counts, language))
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
