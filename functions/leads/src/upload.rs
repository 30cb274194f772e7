//! Imports an uploaded file or a JSON body: all of it or nothing.

use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};
use lambda_http::{Body, Response};
use ringfence_core::ids::ListId;
use ringfence_core::time::Timestamp;
use ringfence_ledger as ledger;
use ringfence_ledger::{Ending, Imported};
use ringfence_shell::body;
use ringfence_shell::reply::{Failure, json};
use ringfence_shell::spreadsheet::harmless;
use ringfence_shell::texts::{Language, Text};
use ringfence_shell::times::rfc3339;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::Desk;
use crate::import::{Import, Mapping, NewLead, read_file, read_json};
use crate::large;
use crate::multipart::{Upload, UploadError, file_and_fields};
use crate::phones::{self, Region};
use crate::refusal::ImportError;
use crate::row_error::RowError;
use crate::table::Limits;

/// What is told of a file, but for what the ledger made of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Summary {
    pub(crate) list_name: String,
    pub(crate) skipped_count: u32,
    /// Inside the file; those against the business's leads are counted by the ledger.
    pub(crate) duplicates_in_file: u32,
    pub(crate) errors_sample: Vec<String>,
    pub(crate) mapping: Mapping,
}

/// What the ledger made of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) list: Option<ListId>,
    pub(crate) imported: u32,
    /// Numbers that the business had already.
    pub(crate) known: u32,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Answer<'a> {
    success: bool,
    /// Absent when every number was among the business's leads already.
    list_id: Option<u32>,
    list_name: &'a str,
    imported_count: u32,
    skipped_count: u32,
    duplicate_count: u32,
    errors_sample: &'a [String],
    mapping: &'a Mapping,
}

/// How many row errors an answer shows.
const ERRORS_SHOWN_MAX: usize = 20;

impl Summary {
    pub(crate) fn of(import: &Import, now: Timestamp, language: Language) -> Self {
        Self {
            list_name: import.list_name.clone().unwrap_or_else(|| rfc3339(now)),
            skipped_count: import.skipped,
            duplicates_in_file: import.duplicates,
            errors_sample: sample(&import.errors, language),
            mapping: import.mapping.clone(),
        }
    }
}

/// Reads the upload, and stores its leads as a list.
pub(crate) async fn import(
    desk: &Desk<'_>,
    leads_max: u32,
    now: Timestamp,
    language: Language,
) -> Result<Response<Body>, Failure> {
    if let Some(wanted) = named_upload(desk) {
        return large::import(desk, wanted, leads_max, now, language).await;
    }
    let region = desk.region().await?;
    let mut import = match read(desk, region).await {
        Ok(import) => import,
        Err(Refusal::Import(ImportError::NoValidPhones { errors })) if wants_csv(desk)? => {
            return Ok(errors_csv(&errors, language));
        }
        Err(refusal) => return Err(refusal.failure(language)),
    };
    let summary = Summary::of(&import, now, language);
    let errors = std::mem::take(&mut import.errors);
    wants_csv(desk)?;
    match store(desk, import, &summary, None, leads_max, now).await? {
        Some(counts) => answer(desk, &summary, counts, &errors, language),
        None => Err(desk.internal(&anyhow::anyhow!("an import without upload was superseded"))),
    }
}

/// A JSON body that is an object with an `upload_id`, if it is one.
fn named_upload(desk: &Desk<'_>) -> Option<large::ImportBody> {
    let bytes = body::bytes(desk.request, NAMING_BYTES_MAX).ok()?;
    // Serde takes the values of an object without their names, too.
    let is_list = bytes.trim_ascii_start().starts_with(b"[");
    if is_list {
        return None;
    }
    serde_json::from_slice(bytes).ok()
}

/// A body that names an upload is short; nothing longer is read twice.
const NAMING_BYTES_MAX: usize = 4 * 1024;

/// Hands the leads to the ledger. `None` if somebody else has imported the upload meanwhile.
pub(crate) async fn store(
    desk: &Desk<'_>,
    import: Import,
    summary: &Summary,
    ending: Option<Ending>,
    leads_max: u32,
    now: Timestamp,
) -> Result<Option<Counts>, Failure> {
    let request = ledger::Import {
        name: summary.list_name.clone(),
        leads: import.leads.into_iter().map(stored).collect(),
        leads_max,
        now,
        ending,
    };
    let imported = desk.ledger.import(desk.business, request).await;
    match imported.map_err(|error| desk.internal(&error))? {
        Imported::Stored {
            list,
            count,
            duplicates,
        } => Ok(Some(Counts {
            list: Some(list),
            imported: count,
            known: duplicates,
        })),
        Imported::NothingNew { duplicates } => Ok(Some(Counts {
            list: None,
            imported: 0,
            known: duplicates,
        })),
        Imported::NoRoom { room } => {
            let text = Text::LeadLimit { room };
            let failure = Failure::new(StatusCode::BAD_REQUEST, "lead_limit", text);
            Err(failure.with("room", room).with("limit", leads_max))
        }
        Imported::Superseded => Ok(None),
        Imported::BusinessGone => Err(Failure::not_found()),
    }
}

/// What an import answers with.
pub(crate) fn whole(summary: &Summary, counts: Counts) -> Answer<'_> {
    Answer {
        success: true,
        list_id: counts.list.map(ListId::get),
        list_name: &summary.list_name,
        imported_count: counts.imported,
        skipped_count: summary.skipped_count,
        duplicate_count: summary.duplicates_in_file + counts.known,
        errors_sample: &summary.errors_sample,
        mapping: &summary.mapping,
    }
}

/// The answer of an import, or all its row errors where they were asked for.
pub(crate) fn answer(
    desk: &Desk<'_>,
    summary: &Summary,
    counts: Counts,
    errors: &[RowError],
    language: Language,
) -> Result<Response<Body>, Failure> {
    if wants_csv(desk)? {
        return Ok(errors_csv(errors, language));
    }
    Ok(json(StatusCode::OK, &whole(summary, counts)))
}

/// Whether all row errors are wanted, as a file, in the place of the answer: `?errors=csv`.
///
/// They are not kept: they quote the file, and whoever has the file can ask again. A second
/// import of the same file changes nothing and has the same row errors.
fn wants_csv(desk: &Desk<'_>) -> Result<bool, Failure> {
    match body::query::<String>(desk.request, "errors")?.as_deref() {
        None => Ok(false),
        Some("csv") => Ok(true),
        Some(_) => Err(Failure::bad_field("errors")),
    }
}

/// One line for each row error, with a mark by which Excel knows UTF-8. No cell can be a
/// formula: the first is a number, and the second begins with a word of ours; what it quotes
/// is made harmless too, for who splits it at semicolons.
fn errors_csv(errors: &[RowError], language: Language) -> Response<Body> {
    let mut csv = String::from("\u{feff}row,error\r\n");
    for error in errors {
        let text = harmless(&say(error, language)).replace('"', "\"\"");
        csv.push_str(&format!("{},\"{text}\"\r\n", error.row));
    }
    let mut response = Response::new(Body::Text(csv));
    let headers = response.headers_mut();
    let kind = HeaderValue::from_static("text/csv; charset=utf-8");
    headers.insert(header::CONTENT_TYPE, kind);
    let name = HeaderValue::from_static("attachment; filename=\"errors.csv\"");
    headers.insert(header::CONTENT_DISPOSITION, name);
    let nosniff = HeaderValue::from_static("nosniff");
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, nosniff);
    response
}

/// Why nothing was read.
pub(crate) enum Refusal {
    Import(ImportError),
    Upload(UploadError),
    Request(Failure),
}

async fn read(desk: &Desk<'_>, region: Region) -> Result<Import, Refusal> {
    let limits = Limits::STANDARD;
    match carried(desk, &limits).await? {
        Carried::Json(bytes) => read_json(bytes, region, &limits).map_err(Refusal::Import),
        Carried::File(upload) => {
            let mut import = read_file(&upload.bytes, region, &limits).map_err(Refusal::Import)?;
            let file_name = upload.file_name.filter(|name| !name.is_empty());
            import.list_name = upload.list_name.or(file_name);
            Ok(import)
        }
    }
}

/// What a request carries its rows in.
pub(crate) enum Carried<'a> {
    Json(&'a [u8]),
    File(Upload),
}

/// Takes the rows out of a request, unread.
pub(crate) async fn carried<'a>(desk: &Desk<'a>, limits: &Limits) -> Result<Carried<'a>, Refusal> {
    let most = usize::try_from(limits.file_bytes).unwrap_or(usize::MAX);
    let bytes = body::bytes(desk.request, most).map_err(Refusal::Request)?;
    let kind = desk.request.headers().get(header::CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let essence = kind
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    match essence.as_str() {
        "" | "application/json" => Ok(Carried::Json(bytes)),
        "multipart/form-data" => {
            let body = Bytes::copy_from_slice(bytes);
            let upload = file_and_fields(kind, body, limits).await;
            upload.map(Carried::File).map_err(Refusal::Upload)
        }
        _ => {
            let status = StatusCode::BAD_REQUEST;
            let failure = Failure::new(status, "unsupported_file", Text::UnsupportedFile);
            Err(Refusal::Request(failure.with("field", "content-type")))
        }
    }
}

impl Refusal {
    pub(crate) fn failure(self, language: Language) -> Failure {
        match self {
            Self::Request(failure) => failure,
            Self::Upload(UploadError::TooLarge) => Failure::too_large(),
            Self::Upload(error) => {
                let field = error.field().unwrap_or("body");
                let text = Text::BadField(field.to_owned());
                Failure::new(StatusCode::BAD_REQUEST, error.code(), text).with("field", field)
            }
            Self::Import(error) => import_failure(&error, language),
        }
    }
}

pub(crate) fn import_failure(error: &ImportError, language: Language) -> Failure {
    let failure = |text| Failure::new(StatusCode::BAD_REQUEST, error.code(), text);
    match error {
        ImportError::EmptyFile => failure(Text::EmptyFile),
        ImportError::NoValidPhones { errors } => {
            failure(Text::NoValidPhones).with("errors_sample", sample(errors, language))
        }
        ImportError::UnsupportedFile(_) => failure(Text::UnsupportedFile),
        ImportError::TooLarge { limit, .. } => Failure::too_large().with("limit", *limit),
        ImportError::BadJson { line, column } => failure(Text::BadBody)
            .with("line", *line)
            .with("column", *column),
        ImportError::BadField { field } => Failure::bad_field(field),
    }
}

/// The first row errors, in words.
pub(crate) fn sample(errors: &[RowError], language: Language) -> Vec<String> {
    let shown = errors.iter().take(ERRORS_SHOWN_MAX);
    shown.map(|error| say(error, language)).collect()
}

fn say(error: &RowError, language: Language) -> String {
    match language {
        Language::Hebrew => error.hebrew(),
        Language::English => error.english(),
    }
}

fn stored(lead: NewLead) -> ledger::NewLead {
    let NewLead {
        name,
        phone,
        city,
        notes,
        variables,
        ..
    } = lead;
    ledger::NewLead {
        name,
        country: phones::country_of(&phone),
        phone,
        city,
        notes,
        variables,
    }
}
