//! The list of whom a business must not call: added to, looked at and taken from.
//!
//! An addition is answered only once it holds: every number is stored, and then the state
//! is told, so that no claim which has not seen the list can be committed any more.

mod entries;

use http::StatusCode;
use lambda_http::{Body, Response};
use ringfence_core::time::Timestamp;
use ringfence_flows::business::{Heeded, heed_do_not_call};
use ringfence_flows::world::Office;
use ringfence_ledger::{DoNotCallEntry, EntryId, Ledger, NewEntry};
use ringfence_shell::body;
use ringfence_shell::describe::one_of_two;
use ringfence_shell::reply::{Failure, json};
use ringfence_shell::texts::Language;
use ringfence_shell::times::rfc3339;
use schemars::JsonSchema;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use self::entries::{Entries, Remarks};
use crate::api::Desk;
use crate::import::{rows_of_file, rows_of_json};
use crate::phones::{self, Region};
use crate::table::Limits;
use crate::told::{Form, errors_csv, sample, told_rows};
use crate::upload::{Carried, Refusal, carried};

/// A JSON body: one number, some, or rows as imports take them.
#[derive(Deserialize, JsonSchema)]
#[schemars(transform = one_of_two("phone", "phones"))]
pub(crate) struct Wish {
    phone: Option<String>,
    #[schemars(length(min = 1, max = NUMBERS_MAX))]
    phones: Option<Vec<String>>,
    #[schemars(skip)]
    rows: Option<IgnoredAny>,
    reason: Option<String>,
    source: Option<String>,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Added {
    success: bool,
    added_count: u32,
    /// On the list before, or twice in the request.
    known_count: u32,
    /// What could not be read: whoever it is about can be called.
    skipped_count: usize,
    errors_sample: Vec<String>,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Page {
    has_more: bool,
    next_cursor: Option<String>,
    items: Vec<Entry>,
}

#[derive(Serialize, JsonSchema)]
struct Entry {
    id: String,
    /// `null` once the person was erased; the entry bars the number all the same.
    phone: Option<String>,
    reason: Option<String>,
    source: Option<String>,
    added_at: String,
    added_by: String,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Removed {
    success: bool,
}

/// As many as a file may have rows.
const NUMBERS_MAX: usize = 100_000;

/// Adds numbers.
///
/// In this order: stores them, and tells the state. A crash in between leaves numbers that
/// may not hold yet, and nobody who was told that they do; a repeat makes them hold. If the
/// business is gone by then, what was stored is deleted again. Where
/// API Gateway gives up on a long file, this goes on, and a repeat finds it done.
pub(crate) async fn add(
    office: &impl Office<Ledger = Ledger>,
    desk: &Desk<'_>,
    added_by: &str,
    now: Timestamp,
    language: Language,
) -> Result<Response<Body>, Failure> {
    let form = Form::of(desk)?;
    // Nothing is stored for a business that is being deleted.
    desk.state().await?;
    let region = desk.region().await?;
    let Entries { entries, errors } = match read(desk, region).await {
        Ok(entries) => entries,
        Err(refusal) => return refusal.answer(form, language),
    };
    let added = desk
        .ledger
        .add_do_not_call(desk.business, &entries, added_by, now)
        .await;
    // Even if not all could be stored: those that were should hold, or go.
    match heed(office, desk).await? {
        Heeded::Yes => {}
        Heeded::NoSuchBusiness => {
            // Its list may have been deleted before these were added.
            let dropped = desk.ledger.drop_do_not_call(desk.business).await;
            dropped.map_err(|error| desk.internal(&error))?;
            return Err(Failure::not_found());
        }
    }
    let added = added.map_err(|error| desk.internal(&error))?;
    Ok(match form {
        Form::Whole => {
            let answer = Added {
                success: true,
                added_count: added.added,
                known_count: added.known,
                skipped_count: errors.len(),
                errors_sample: sample(&errors, language),
            };
            json(StatusCode::OK, &answer)
        }
        Form::RowErrors => errors_csv(told_rows(&errors, language), None),
    })
}

/// Raises the revision of the list in the state.
pub(crate) async fn heed(
    office: &impl Office<Ledger = Ledger>,
    desk: &Desk<'_>,
) -> Result<Heeded, Failure> {
    let error = match heed_do_not_call(office, desk.business).await {
        Ok(heeded) => return Ok(heeded),
        Err(error) => error,
    };
    // A state that is deleted between its read and its write is an error there.
    match desk.ledger.is_deleted(desk.business).await {
        Ok(true) => Ok(Heeded::NoSuchBusiness),
        Ok(false) | Err(_) => Err(desk.internal(&error)),
    }
}

/// One page of the list, or the entry of `?phone=`.
pub(crate) async fn list(desk: &Desk<'_>) -> Result<Response<Body>, Failure> {
    let size = body::page_size(desk.request)?;
    let cursor: Option<EntryId> = body::query(desk.request, "cursor")?;
    let phone: Option<String> = body::query(desk.request, "phone")?;
    desk.state().await?;
    let found = match phone {
        Some(phone) => {
            let phone = phones::parse(&phone, desk.region().await?);
            let phone = phone.map_err(|_| Failure::bad_field("phone"))?;
            let entry = desk.ledger.do_not_call_entry(desk.business, &phone).await;
            entry.map(|entry| (entry.into_iter().collect(), None))
        }
        None => {
            let after = cursor.as_ref();
            desk.ledger.do_not_call(desk.business, size, after).await
        }
    };
    let (entries, next) = found.map_err(|error| desk.internal(&error))?;
    let page = Page {
        has_more: next.is_some(),
        next_cursor: next.map(|next| next.as_str().to_owned()),
        items: entries.into_iter().map(view).collect(),
    };
    Ok(json(StatusCode::OK, &page))
}

/// Takes an entry off the list.
pub(crate) async fn remove(desk: &Desk<'_>, id: &str) -> Result<Response<Body>, Failure> {
    let id: EntryId = id.parse().map_err(|_| Failure::not_found())?;
    let removed = desk.ledger.remove_do_not_call(desk.business, &id).await;
    if !removed.map_err(|error| desk.internal(&error))? {
        return Err(Failure::not_found());
    }
    Ok(json(StatusCode::OK, &Removed { success: true }))
}

/// Reads what is to be added.
async fn read(desk: &Desk<'_>, region: Region) -> Result<Entries, Refusal> {
    let limits = Limits::STANDARD;
    let (table, phone_column, remarks) = match carried(desk, &limits).await? {
        Carried::File(upload) => {
            let (table, _) = rows_of_file(&upload.bytes, &limits).map_err(Refusal::Import)?;
            let remarks = Remarks::of_file(upload.file_name.as_deref());
            (table, upload.phone_column, remarks)
        }
        Carried::Json(bytes) => {
            let wish = wish(desk, bytes).map_err(Refusal::Request)?;
            let remarks = Remarks::new(wish.reason, wish.source).map_err(Refusal::Request)?;
            if wish.rows.is_none() {
                let named = named(wish.phone, wish.phones, &remarks, region);
                return named.map_err(Refusal::Request);
            }
            // Only the rows would be read, and whoever is named beside them be left out.
            if wish.phone.is_some() || wish.phones.is_some() {
                return Err(Refusal::Request(Failure::bad_field("phones")));
            }
            let body = rows_of_json(bytes, &limits).map_err(Refusal::Import)?;
            (body.table, body.phone_column, remarks)
        }
    };
    let phone_column = phone_column.as_ref();
    entries::understand(table, phone_column, &remarks, region, &limits).map_err(Refusal::Import)
}

/// Reads a JSON body as far as its form: rows are passed over, for they may be many.
fn wish(desk: &Desk<'_>, bytes: &[u8]) -> Result<Wish, Failure> {
    let is_list = bytes.trim_ascii_start().starts_with(b"[");
    if is_list {
        return Ok(Wish {
            phone: None,
            phones: None,
            rows: Some(IgnoredAny),
            reason: None,
            source: None,
        });
    }
    match serde_json::from_slice::<Wish>(bytes) {
        Ok(wish) if wish.rows.is_some() => Ok(wish),
        // It says what is wrong, and takes no more than a request without rows may have.
        Ok(_) | Err(_) => body::json(desk.request),
    }
}

/// The numbers of a body without rows. One that is none refuses them all: whoever leaves
/// somebody out should know whom.
fn named(
    phone: Option<String>,
    phones: Option<Vec<String>>,
    remarks: &Remarks,
    region: Region,
) -> Result<Entries, Failure> {
    let entry = |text: &str, field: &dyn Fn() -> String| match phones::parse(text, region) {
        Ok(phone) => Ok(remarks.of(phone)),
        Err(_) => Err(Failure::bad_field(&field())),
    };
    let entries: Vec<NewEntry> = match (phone, phones) {
        (Some(phone), None) => vec![entry(&phone, &|| "phone".to_owned())?],
        (None, Some(phones)) if phones.len() > NUMBERS_MAX => {
            let failure = Failure::too_large().with("field", "phones");
            return Err(failure.with("limit", NUMBERS_MAX));
        }
        (None, Some(phones)) if !phones.is_empty() => {
            let numbered = phones.iter().enumerate();
            let entries = numbered.map(|(at, phone)| entry(phone, &|| format!("phones[{at}]")));
            entries.collect::<Result<_, _>>()?
        }
        (Some(_) | None, _) => return Err(Failure::bad_field("phones")),
    };
    let errors = Vec::new();
    Ok(Entries { entries, errors })
}

fn view(entry: DoNotCallEntry) -> Entry {
    Entry {
        id: entry.id.as_str().to_owned(),
        phone: entry.phone.map(|phone| phone.expose().to_owned()),
        reason: entry.reason,
        source: entry.source,
        added_at: rfc3339(entry.added_at),
        added_by: entry.added_by,
    }
}
