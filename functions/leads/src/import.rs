//! Turns an uploaded file or a JSON body into leads, without touching the ledger.
//!
//! Every row that holds something becomes a lead, a counted duplicate, or a [`RowError`] with its
//! number: none disappears.

use std::collections::{BTreeMap, HashSet};
use std::fmt;

use ringfence_core::phone::PhoneNumber;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::columns::{self, Layout};
use crate::phones::{self, BadPhone, Region};
use crate::refusal::{ImportError, Limited, Unsupported};
use crate::row_error::{Excerpt, Problem, RowError};
use crate::table::{Limits, Row, Table};
use crate::text::{clean, clean_line};
use crate::{delimited, encoding, json_rows, workbook};

pub use crate::columns::Method;

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

/// Reads a file as people have it: a workbook or a CSV file, whatever its name says.
///
/// # Errors
///
/// The file as a whole gives no leads.
pub fn read_file(bytes: &[u8], region: Region, limits: &Limits) -> Result<Import, ImportError> {
    let (table, kind) = rows_of_file(bytes, limits)?;
    understand(table, kind, None, region, limits)
}

/// Reads the first sheet of an Excel workbook that holds something.
///
/// # Errors
///
/// The file as a whole gives no leads.
pub fn read_xlsx(bytes: &[u8], region: Region, limits: &Limits) -> Result<Import, ImportError> {
    let table = rows_of_xlsx(bytes, limits)?;
    understand(table, Kind::Xlsx, None, region, limits)
}

/// Reads a CSV file in any encoding and with any delimiter that spreadsheets save.
///
/// # Errors
///
/// The file as a whole gives no leads.
pub fn read_csv(bytes: &[u8], region: Region, limits: &Limits) -> Result<Import, ImportError> {
    let table = rows_of_csv(bytes, limits)?;
    understand(table, Kind::Csv, None, region, limits)
}

/// Reads JSON rows: `[{}]`, `[[]]`, or either as `{"rows": ..., "list_name": ...}`.
///
/// # Errors
///
/// The body as a whole gives no leads.
pub fn read_json(bytes: &[u8], region: Region, limits: &Limits) -> Result<Import, ImportError> {
    let (table, name) = rows_of_json(bytes, limits)?;
    let name = name.as_deref().map(list_name).transpose()?.flatten();
    understand(table, Kind::Json, name, region, limits)
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

/// Reads JSON rows, and the list's name if they have one.
pub(crate) fn rows_of_json(
    bytes: &[u8],
    limits: &Limits,
) -> Result<(Table, Option<String>), ImportError> {
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
    kind: Kind,
    list_name: Option<String>,
    region: Region,
    limits: &Limits,
) -> Result<Import, ImportError> {
    let layout = columns::find(&table, region);
    let rows_before = layout.as_ref().map_or(0, |layout| layout.rows_before);
    if table.rows.len() == rows_before && table.errors.is_empty() {
        return Err(ImportError::EmptyFile);
    }
    let Some(layout) = layout else {
        return Err(ImportError::NoValidPhones {
            errors: table.errors,
        });
    };

    let (mut leads, mut duplicates, mut errors) = (Vec::new(), 0, table.errors);
    let mut seen = HashSet::new();
    for row in &table.rows[rows_before..] {
        match lead(row, &layout, region, limits) {
            Ok(lead) if seen.insert(lead.phone.clone()) => leads.push(lead),
            Ok(_) => duplicates += 1,
            Err(problem) => errors.push(RowError {
                row: row.number,
                problem,
            }),
        }
    }
    errors.sort_by_key(|error| error.row);
    if leads.is_empty() {
        return Err(ImportError::NoValidPhones { errors });
    }
    let names = layout
        .name
        .iter()
        .map(|&index| layout.titles[index].as_str());
    let name = Some(names.collect::<Vec<_>>().join(" + ")).filter(|name| !name.is_empty());
    Ok(Import {
        leads,
        skipped: u32::try_from(errors.len()).unwrap_or(u32::MAX),
        duplicates,
        errors,
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

fn lead(row: &Row, layout: &Layout, region: Region, limits: &Limits) -> Result<NewLead, Problem> {
    let is_too_long =
        |cell: &str| u32::try_from(cell.len()).map_or(true, |bytes| bytes > limits.cell_bytes);
    if let Some(index) = row.cells.iter().position(is_too_long) {
        let column = Excerpt::of(&layout.titles[index]);
        return Err(Problem::CellTooLong { column });
    }

    let phone = number(row.cell(layout.phone), region)?;
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

/// The phone number that a cell holds.
pub(crate) fn number(cell: &str, region: Region) -> Result<PhoneNumber, Problem> {
    phones::parse(cell, region).map_err(|bad| match bad {
        BadPhone::Missing => Problem::NoPhone,
        BadPhone::DigitsLost => Problem::DigitsLost(Excerpt::of(cell)),
        BadPhone::Invalid => Problem::BadPhone(Excerpt::of(cell)),
    })
}

#[cfg(test)]
mod tests;
