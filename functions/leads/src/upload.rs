//! Imports an uploaded file or a JSON body: all of it or nothing.

use bytes::Bytes;
use http::{StatusCode, header};
use lambda_http::{Body, Response};
use ringfence_core::time::Timestamp;
use ringfence_ledger as ledger;
use ringfence_ledger::{Ending, Imported};
use ringfence_shell::body;
use ringfence_shell::reply::Failure;
use ringfence_shell::texts::{Language, Text};

use crate::api::Desk;
use crate::import::{Import, NewLead, read_file, read_json};
use crate::large;
use crate::multipart::{FIELDS_BYTES_MAX, Upload, UploadError, file_and_fields};
use crate::phones::{self, Region};
use crate::refusal::{Candidate, ImportError, Limited, Unsupported};
use crate::table::Limits;
use crate::told::{Counts, Form, Summary, answer, errors_csv, sample, told_rows};

/// Reads the upload, and stores its leads as a list.
pub(crate) async fn import(
    desk: &Desk<'_>,
    leads_max: u32,
    now: Timestamp,
    language: Language,
) -> Result<Response<Body>, Failure> {
    let form = Form::of(desk)?;
    if let Some(wanted) = named_upload(desk) {
        return large::import(desk, wanted, form, leads_max, now, language).await;
    }
    let region = desk.region().await?;
    let mut import = match read(desk, region).await {
        Ok(import) => import,
        Err(refusal) => return refusal.answer(form, language),
    };
    let summary = Summary::of(&import, now, language);
    let errors = std::mem::take(&mut import.errors);
    match store(desk, import, &summary, None, leads_max, now).await? {
        Some(counts) => Ok(answer(form, &summary, counts, &errors, language)),
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

/// Why nothing was read.
pub(crate) enum Refusal {
    Import(ImportError),
    Upload(UploadError),
    Request(Failure),
}

async fn read(desk: &Desk<'_>, region: Region) -> Result<Import, Refusal> {
    let limits = desk.limits;
    match carried(desk, limits).await? {
        Carried::Json(bytes) => read_json(bytes, region, limits).map_err(Refusal::Import),
        Carried::File(upload) => {
            let phone_column = upload.phone_column.as_ref();
            let import = read_file(&upload.bytes, phone_column, region, limits);
            let mut import = import.map_err(Refusal::Import)?;
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
    // A form has its fields beside the file.
    let most = u64::from(limits.file_bytes) + FIELDS_BYTES_MAX;
    let most = usize::try_from(most).unwrap_or(usize::MAX);
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
    /// What a refused import is answered with: a file without valid phones still has row errors.
    pub(crate) fn answer(self, form: Form, language: Language) -> Result<Response<Body>, Failure> {
        match (self, form) {
            (Self::Import(ImportError::NoValidPhones { errors }), Form::RowErrors) => {
                Ok(errors_csv(told_rows(&errors, language), None))
            }
            (refusal, Form::Whole | Form::RowErrors) => Err(refusal.failure(language)),
        }
    }

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

fn import_failure(error: &ImportError, language: Language) -> Failure {
    let failure = |text| Failure::new(StatusCode::BAD_REQUEST, error.code(), text);
    match error {
        ImportError::EmptyFile => failure(Text::EmptyFile),
        ImportError::NoValidPhones { errors } => {
            failure(Text::NoValidPhones).with("errors_sample", sample(errors, language))
        }
        ImportError::AmbiguousPhoneColumn { candidates } => {
            let shown = candidates.iter().map(|candidate| {
                let Candidate { column, title } = candidate;
                serde_json::json!({ "column": column, "title": title.as_str() })
            });
            let shown: Vec<serde_json::Value> = shown.collect();
            failure(Text::AmbiguousPhoneColumn).with("candidates", shown)
        }
        ImportError::UnsupportedFile(Unsupported::OpenQuote { row }) => {
            failure(Text::OpenQuote { row: *row }).with("row", *row)
        }
        ImportError::UnsupportedFile(Unsupported::NotText | Unsupported::NotWorkbook) => {
            failure(Text::UnsupportedFile)
        }
        ImportError::TooLarge { what, limit } => {
            let mut failure = Failure::too_large();
            match what {
                Limited::Rows => failure.text = Text::TooManyRows { most: *limit },
                Limited::Columns => failure.text = Text::TooManyColumns { most: *limit },
                Limited::FileBytes
                | Limited::Cells
                | Limited::TextBytes
                | Limited::InflatedBytes => {}
            }
            failure.with("what", what.code()).with("limit", *limit)
        }
        ImportError::BadJson { line, column } => failure(Text::BadBody)
            .with("line", *line)
            .with("column", *column),
        ImportError::BadField { field } => Failure::bad_field(field),
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
