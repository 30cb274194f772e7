//! Imports an uploaded file or a JSON body: all of it or nothing.

use bytes::Bytes;
use http::{StatusCode, header};
use lambda_http::{Body, Response};
use ringfence_core::ids::ListId;
use ringfence_core::time::Timestamp;
use ringfence_ledger as ledger;
use ringfence_ledger::Imported;
use ringfence_shell::body;
use ringfence_shell::reply::{Failure, json};
use ringfence_shell::texts::{Language, Text};
use ringfence_shell::times::rfc3339;
use serde::Serialize;

use crate::api::Desk;
use crate::import::{Import, Mapping, NewLead, read_csv, read_json};
use crate::multipart::{UploadError, file_and_fields};
use crate::phones::Region;
use crate::refusal::ImportError;
use crate::row_error::RowError;
use crate::table::Limits;

#[derive(Serialize)]
struct Answer {
    success: bool,
    /// Absent when every number was among the business's leads already.
    list_id: Option<u32>,
    list_name: String,
    imported_count: u32,
    skipped_count: u32,
    duplicate_count: u32,
    errors_sample: Vec<String>,
    mapping: Mapping,
}

/// How many row errors an answer shows.
const ERRORS_SHOWN_MAX: usize = 20;

/// Reads the upload, and stores its leads as a list.
pub(crate) async fn import(
    desk: &Desk<'_>,
    leads_max: u32,
    now: Timestamp,
    language: Language,
) -> Result<Response<Body>, Failure> {
    let config = desk
        .ledger
        .config(desk.business)
        .await
        .map_err(|error| desk.internal(&error))?;
    let config = config.ok_or_else(Failure::not_found)?;
    let region: Region = config
        .region
        .parse()
        .map_err(|_| Failure::bad_field("region"))?;
    let import = read(desk, region)
        .await
        .map_err(|refusal| refusal.failure(language))?;
    let Import {
        leads,
        skipped,
        duplicates,
        errors,
        mapping,
        list_name,
    } = import;
    let name = list_name.unwrap_or_else(|| rfc3339(now));
    let request = ledger::Import {
        name: name.clone(),
        leads: leads.into_iter().map(stored).collect(),
        leads_max,
        now,
    };
    let imported = desk.ledger.import(desk.business, request).await;
    let (list, count, known) = match imported.map_err(|error| desk.internal(&error))? {
        Imported::Stored {
            list,
            count,
            duplicates,
        } => (Some(list), count, duplicates),
        Imported::NothingNew { duplicates } => (None, 0, duplicates),
        Imported::NoRoom { room } => {
            let text = Text::LeadLimit { room };
            let failure = Failure::new(StatusCode::BAD_REQUEST, "lead_limit", text);
            return Err(failure.with("room", room).with("limit", leads_max));
        }
    };
    let answer = Answer {
        success: true,
        list_id: list.map(ListId::get),
        list_name: name,
        imported_count: count,
        skipped_count: skipped,
        duplicate_count: duplicates + known,
        errors_sample: sample(&errors, language),
        mapping,
    };
    Ok(json(StatusCode::OK, &answer))
}

/// Why nothing was read.
enum Refusal {
    Import(ImportError),
    Upload(UploadError),
    Request(Failure),
}

async fn read(desk: &Desk<'_>, region: Region) -> Result<Import, Refusal> {
    let limits = Limits::STANDARD;
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
        "" | "application/json" => read_json(bytes, region, &limits).map_err(Refusal::Import),
        "multipart/form-data" => {
            let body = Bytes::copy_from_slice(bytes);
            let upload = file_and_fields(kind, body, &limits)
                .await
                .map_err(Refusal::Upload)?;
            let mut import = read_csv(&upload.bytes, region, &limits).map_err(Refusal::Import)?;
            let file_name = upload.file_name.filter(|name| !name.is_empty());
            import.list_name = upload.list_name.or(file_name);
            Ok(import)
        }
        _ => {
            let status = StatusCode::BAD_REQUEST;
            let failure = Failure::new(status, "unsupported_file", Text::UnsupportedFile);
            Err(Refusal::Request(failure.with("field", "content-type")))
        }
    }
}

impl Refusal {
    fn failure(self, language: Language) -> Failure {
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

fn import_failure(error: &ImportError, language: Language) -> Failure {
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

fn sample(errors: &[RowError], language: Language) -> Vec<String> {
    let say = |error: &RowError| match language {
        Language::Hebrew => error.hebrew(),
        Language::English => error.english(),
    };
    errors.iter().take(ERRORS_SHOWN_MAX).map(say).collect()
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
        phone,
        city,
        notes,
        variables,
    }
}
