//! Turns an uploaded file or a JSON body into leads, without touching the ledger.
//!
//! Every row that holds something becomes a lead, a counted duplicate, or a [`RowError`] with its
//! number: none disappears.

use std::collections::{BTreeMap, HashSet};
use std::fmt;

use ringfence_core::phone::PhoneNumber;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::columns::Layout;
use crate::json_rows::JsonBody;
use crate::phones::{self, Region};
use crate::refusal::{ImportError, Limited, Unsupported};
use crate::row_error::{Excerpt, Problem, RowError};
use crate::table::{Limits, Row, Table};
use crate::text::{clean, clean_line};
use crate::{delimited, encoding, json_rows, rows, workbook};

pub use crate::columns::{Method, PhoneColumn};

/// What a file holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Import {
    /// At least one, in the order of the file, no two with the same number.
    pub leads: Vec<NewLead>,
    /// How many rows gave no lead; each has its error.
    pub skipped: u32,
    /// How many rows repeat the number of an earlier one.
    pub duplicates: u32,
    /// In the order of the file.
    pub errors: Vec<RowError>,
    pub mapping: Mapping,
    /// As a JSON body names it.
    pub list_name: Option<String>,
}

/// A lead that the ledger does not have yet.
#[derive(Clone, PartialEq, Eq)]
pub struct NewLead {
    /// Empty if the file does not tell.
    pub name: String,
    pub phone: PhoneNumber,
    pub city: Option<String>,
    pub notes: Option<String>,
    /// What the other columns say, where they say anything.
    pub variables: BTreeMap<String, String>,
    /// As a spreadsheet counts: from 1, blank rows included.
    pub row: u32,
}

impl fmt::Debug for NewLead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewLead")
            .field("row", &self.row)
            .field("phone", &self.phone)
            .finish_non_exhaustive()
    }
}

/// How the columns were understood, as the answer shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Mapping {
    /// The phone column's title, or `column_1`.
    pub phone: String,
    /// The name column's title; first and last name are joined by ` + `.
    pub name: Option<String>,
    pub method: Method,
    pub has_header: bool,
    pub kind: Kind,
}

/// What was imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    Csv,
    Json,
    Xlsx,
}

/// Reads a file as people have it: a workbook, of which the first sheet counts that holds something,
/// or a CSV file in any encoding and with any delimiter that spreadsheets save; whatever its name
/// says.
///
/// # Errors
///
/// The file as a whole gives no leads.
pub fn read_file(
    bytes: &[u8],
    phone_column: Option<&PhoneColumn>,
    region: Region,
    limits: &Limits,
) -> Result<Import, ImportError> {
    let (table, kind) = rows_of_file(bytes, limits)?;
    understand(table, phone_column, kind, None, region, limits)
}

/// Reads JSON rows: `[{}]`, `[[]]`, or either as `{"rows": ..., "list_name": ...}`, where
/// `phone_column` may stand too.
///
/// # Errors
///
/// The body as a whole gives no leads.
pub fn read_json(bytes: &[u8], region: Region, limits: &Limits) -> Result<Import, ImportError> {
    let body = rows_of_json(bytes, limits)?;
    let name = body.list_name.as_deref().map(list_name).transpose()?;
    let phone_column = body.phone_column.as_ref();
    let kind = Kind::Json;
    understand(
        body.table,
        phone_column,
        kind,
        name.flatten(),
        region,
        limits,
    )
}

/// Reads the rows of a file as people have it: a workbook or a CSV file.
pub(crate) fn rows_of_file(bytes: &[u8], limits: &Limits) -> Result<(Table, Kind), ImportError> {
    if workbook::is_archive(bytes) {
        Ok((rows_of_xlsx(bytes, limits)?, Kind::Xlsx))
    } else {
        Ok((rows_of_csv(bytes, limits)?, Kind::Csv))
    }
}

fn rows_of_xlsx(bytes: &[u8], limits: &Limits) -> Result<Table, ImportError> {
    limits.check(Limited::FileBytes, bytes.len())?;
    workbook::read(bytes, limits)
}

fn rows_of_csv(bytes: &[u8], limits: &Limits) -> Result<Table, ImportError> {
    limits.check(Limited::FileBytes, bytes.len())?;
    let text =
        encoding::decode(bytes).map_err(|_| ImportError::UnsupportedFile(Unsupported::NotText))?;
    delimited::read(&text, limits)
}

/// Reads JSON rows, and what is said of them.
pub(crate) fn rows_of_json(bytes: &[u8], limits: &Limits) -> Result<JsonBody, ImportError> {
    limits.check(Limited::FileBytes, bytes.len())?;
    json_rows::read(bytes, limits)
}

/// A list's name on one line, unless it is blank.
///
/// # Errors
///
/// It is too long.
pub fn list_name(text: &str) -> Result<Option<String>, ImportError> {
    let name = clean_line(text);
    if name.chars().count() > LIST_NAME_CHARS_MAX {
        return Err(ImportError::BadField { field: "list_name" });
    }
    Ok(Some(name).filter(|name| !name.is_empty()))
}

/// As long as any name of a business's own.
const LIST_NAME_CHARS_MAX: usize = 200;

fn understand(
    table: Table,
    phone_column: Option<&PhoneColumn>,
    kind: Kind,
    list_name: Option<String>,
    region: Region,
    limits: &Limits,
) -> Result<Import, ImportError> {
    let (mut duplicates, mut seen) = (0, HashSet::new());
    let found = rows::understand(table, phone_column, region, limits, |row, layout| {
        let lead = lead(row, layout, region)?;
        let is_new = seen.insert(lead.phone.clone());
        duplicates += u32::from(!is_new);
        Ok(is_new.then_some(lead))
    })?;
    let layout = found.layout;
    let names = layout
        .name
        .iter()
        .map(|&index| layout.titles[index].as_str());
    let name = Some(names.collect::<Vec<_>>().join(" + ")).filter(|name| !name.is_empty());
    Ok(Import {
        leads: found.given,
        skipped: u32::try_from(found.errors.len()).unwrap_or(u32::MAX),
        duplicates,
        errors: found.errors,
        mapping: Mapping {
            phone: layout.titles[layout.phone].clone(),
            name,
            method: layout.method,
            has_header: layout.has_header,
            kind,
        },
        list_name,
    })
}

fn lead(row: &Row, layout: &Layout, region: Region) -> Result<NewLead, Problem> {
    let is_no_trap = |phone: &PhoneNumber| match phones::kind(phone) {
        phones::Kind::Costly => Err(Problem::CostlyPhone(Excerpt::of(phone.expose()))),
        phones::Kind::Mobile | phones::Kind::Other => Ok(()),
    };
    let phone = rows::number(row, layout, region, is_no_trap)?;
    let name: Vec<String> = layout
        .name
        .iter()
        .map(|&index| clean_line(row.cell(index)))
        .collect();
    let filled = |index: usize| Some(clean(row.cell(index))).filter(|text| !text.is_empty());
    let variables = layout
        .variables
        .iter()
        .filter_map(|(index, name)| Some((name.clone(), filled(*index)?)))
        .collect();
    Ok(NewLead {
        name: name.join(" ").trim().to_owned(),
        phone,
        city: layout.city.and_then(filled),
        notes: layout.notes.and_then(filled),
        variables,
        row: row.number,
    })
}

#[cfg(test)]
mod tests;
