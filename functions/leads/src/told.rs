//! What an import is answered with: counts, or its row errors as a file.

use http::{HeaderValue, StatusCode, header};
use lambda_http::{Body, Response};
use ringfence_core::ids::ListId;
use ringfence_core::time::Timestamp;
use ringfence_shell::body;
use ringfence_shell::reply::{Failure, json};
use ringfence_shell::spreadsheet::harmless;
use ringfence_shell::texts::{Language, Text};
use ringfence_shell::times::rfc3339;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::Desk;
use crate::import::{Import, Mapping};
use crate::row_error::RowError;

/// What is told of a file, but for what the ledger made of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Summary {
    pub(crate) list_name: String,
    pub(crate) skipped_count: u32,
    /// Inside the file; those against the business's leads are counted by the ledger.
    pub(crate) duplicates_in_file: u32,
    pub(crate) errors_sample: Vec<String>,
    /// The first row errors, in words, for whoever asks for them later.
    #[serde(default)]
    pub(crate) errors_kept: Vec<ToldRow>,
    pub(crate) mapping: Mapping,
}

/// A row error in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ToldRow {
    row: u32,
    error: String,
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

/// How many row errors are kept with an upload: a hundred kilobytes, a quarter of what an item
/// may have.
const ERRORS_KEPT_MAX: usize = 500;

/// What an import is answered with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Whole,
    /// All row errors, as a file, in the place of the answer: `?errors=csv`.
    RowErrors,
}

impl Form {
    pub(crate) fn of(desk: &Desk<'_>) -> Result<Self, Failure> {
        match body::query::<String>(desk.request, "errors")?.as_deref() {
            None => Ok(Self::Whole),
            Some("csv") => Ok(Self::RowErrors),
            Some(_) => Err(Failure::bad_field("errors")),
        }
    }
}

impl Summary {
    pub(crate) fn of(import: &Import, now: Timestamp, language: Language) -> Self {
        Self {
            list_name: import.list_name.clone().unwrap_or_else(|| rfc3339(now)),
            skipped_count: import.skipped,
            duplicates_in_file: import.duplicates,
            errors_sample: sample(&import.errors, language),
            errors_kept: told_rows(&import.errors, language)
                .take(ERRORS_KEPT_MAX)
                .collect(),
            mapping: import.mapping.clone(),
        }
    }
}

/// What an import answers with.
fn whole(summary: &Summary, counts: Counts) -> Answer<'_> {
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
    form: Form,
    summary: &Summary,
    counts: Counts,
    errors: &[RowError],
    language: Language,
) -> Response<Body> {
    match form {
        Form::Whole => json(StatusCode::OK, &whole(summary, counts)),
        Form::RowErrors => errors_csv(told_rows(errors, language), None),
    }
}

/// The answer of an import that is done, or as many of its row errors as were kept.
pub(crate) fn answer_again(
    form: Form,
    summary: &Summary,
    counts: Counts,
    language: Language,
) -> Response<Body> {
    match form {
        Form::Whole => json(StatusCode::OK, &whole(summary, counts)),
        Form::RowErrors => {
            let kept = u32::try_from(summary.errors_kept.len()).unwrap_or(u32::MAX);
            let more = summary.skipped_count.saturating_sub(kept);
            let rest = (more > 0).then(|| Text::MoreRowErrors { more }.say(language));
            errors_csv(summary.errors_kept.iter().cloned(), rest)
        }
    }
}

/// One line for each row error and one for the `rest`, with a mark by which Excel knows UTF-8.
/// No cell can be a formula: the first is a number, and the second begins with a word of ours;
/// what it quotes is made harmless too, for who splits it at semicolons.
pub(crate) fn errors_csv(
    errors: impl Iterator<Item = ToldRow>,
    rest: Option<String>,
) -> Response<Body> {
    let mut csv = String::from("\u{feff}row,error\r\n");
    for ToldRow { row, error } in errors {
        let text = harmless(&error).replace('"', "\"\"");
        csv.push_str(&format!("{row},\"{text}\"\r\n"));
    }
    if let Some(rest) = rest {
        csv.push_str(&format!(",\"{rest}\"\r\n"));
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

/// The first row errors, in words.
pub(crate) fn sample(errors: &[RowError], language: Language) -> Vec<String> {
    let shown = errors.iter().take(ERRORS_SHOWN_MAX);
    shown.map(|error| say(error, language)).collect()
}

pub(crate) fn told_rows(errors: &[RowError], language: Language) -> impl Iterator<Item = ToldRow> {
    errors.iter().map(move |error| ToldRow {
        row: error.row,
        error: say(error, language),
    })
}

fn say(error: &RowError, language: Language) -> String {
    match language {
        Language::Hebrew => error.hebrew(),
        Language::English => error.english(),
    }
}
