//! Reads the first sheet that holds something of an Excel workbook (`.xlsx`) into a table.
//!
//! Nothing is inflated for the parser before [`bounds`] has counted what it inflates to, and
//! no cell looks like the spreadsheet's arithmetic: a phone number stored as a number comes
//! out as its digits.

use std::borrow::Cow;
use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};

use calamine::{DataRef, ExcelDateTime, Reader, SheetType, SheetVisible, Xlsx, XlsxError};

use crate::refusal::Unsupported::NotWorkbook;
use crate::refusal::{ImportError, Limited};
use crate::table::{Limits, Table};

mod bounds;

/// Whether a file begins as a zip archive does, which a workbook is.
pub(crate) fn is_archive(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"PK\x05\x06")
}

/// Reads a whole file.
pub(crate) fn read(bytes: &[u8], limits: &Limits) -> Result<Table, ImportError> {
    bounds::check(bytes)?;
    // The parser is not ours, and the file is anybody's: a panic is one more unreadable file.
    catch_unwind(AssertUnwindSafe(|| read_sheets(bytes, limits))).unwrap_or_else(|_| Err(damaged()))
}

/// How many sheets are looked into: each of them may be as large as the whole file.
const SHEETS_MAX: usize = 8;

fn read_sheets(bytes: &[u8], limits: &Limits) -> Result<Table, ImportError> {
    let mut book = Xlsx::new(Cursor::new(bytes)).map_err(|_| damaged())?;
    let sheets = book.sheets_metadata().iter();
    let shown = sheets.filter(|sheet| {
        sheet.typ == SheetType::WorkSheet && sheet.visible == SheetVisible::Visible
    });
    let names: Vec<String> = shown
        .take(SHEETS_MAX)
        .map(|sheet| sheet.name.clone())
        .collect();
    let mut left = Left {
        cells: limits.most(Limited::Cells),
        text_bytes: limits.text_bytes,
    };
    for name in names {
        let table = read_sheet(&mut book, &name, &mut left, limits)?;
        if !table.rows.is_empty() {
            return Ok(table);
        }
    }
    Ok(Table::default())
}

/// What may still be read.
struct Left {
    cells: u32,
    text_bytes: u32,
}

impl Left {
    /// Counts a cell and what is kept of it.
    ///
    /// Cells share texts, so a small file may hold any number of copies of a long one.
    fn charge(&mut self, text: &str, limits: &Limits) -> Result<(), ImportError> {
        let too_large = |what: Limited| ImportError::TooLarge {
            what,
            limit: limits.most(what),
        };
        let cells = self.cells.checked_sub(1);
        self.cells = cells.ok_or_else(|| too_large(Limited::Cells))?;
        let bytes = u32::try_from(text.len()).ok();
        let bytes = bytes.and_then(|bytes| self.text_bytes.checked_sub(bytes));
        self.text_bytes = bytes.ok_or_else(|| too_large(Limited::TextBytes))?;
        Ok(())
    }
}

fn read_sheet(
    book: &mut Xlsx<Cursor<&[u8]>>,
    name: &str,
    left: &mut Left,
    limits: &Limits,
) -> Result<Table, ImportError> {
    let mut reader = match book.worksheet_cells_reader(name) {
        Ok(reader) => reader,
        // A chart, whatever the workbook calls it.
        Err(XlsxError::NotAWorksheet(_)) => return Ok(Table::default()),
        Err(_) => return Err(damaged()),
    };
    let mut table = Table::default();
    let (mut row, mut cells) = (0, Vec::<String>::new());
    // Bounded by the cells that are left.
    while let Some(cell) = reader.next_cell().map_err(|_| damaged())? {
        let text = text(cell.get_value());
        let text = beginning(&text, limits);
        left.charge(text, limits)?;
        let (at, column) = cell.get_position();
        // No spreadsheet writes its rows so, and errors could not be told by their rows.
        if at < row {
            return Err(damaged());
        }
        if at != row {
            push(&mut table, row, &cells, limits)?;
            cells.clear();
            row = at;
        }
        if text.is_empty() {
            continue;
        }
        let column = usize::try_from(column).unwrap_or(usize::MAX);
        limits.check(Limited::Columns, column.saturating_add(1))?;
        if cells.len() <= column {
            cells.resize(column + 1, String::new());
        }
        text.clone_into(&mut cells[column]);
    }
    push(&mut table, row, &cells, limits)?;
    Ok(table)
}

fn push(table: &mut Table, row: u32, cells: &[String], limits: &Limits) -> Result<(), ImportError> {
    let number = row.saturating_add(1);
    table.push(number, cells.iter().map(String::as_str), limits)
}

/// What a cell says, as a person would type it.
fn text<'a>(value: &'a DataRef<'_>) -> Cow<'a, str> {
    match value {
        DataRef::Int(number) => number.to_string().into(),
        // Never in scientific notation; whole numbers come without a fraction.
        DataRef::Float(number) => number.to_string().into(),
        DataRef::String(text) | DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => {
            text.into()
        }
        DataRef::SharedString(text) => (*text).into(),
        DataRef::Bool(true) => "TRUE".into(),
        DataRef::Bool(false) => "FALSE".into(),
        DataRef::DateTime(moment) => iso(moment).into(),
        DataRef::Error(error) => error.to_string().into(),
        DataRef::Empty => "".into(),
    }
}

/// As much of a text as a cell may have, or just enough to show that it is too long.
fn beginning<'a>(text: &'a str, limits: &Limits) -> &'a str {
    let most = usize::try_from(limits.cell_bytes).unwrap_or(usize::MAX);
    &text[..text.ceil_char_boundary(most.saturating_add(1))]
}

/// A date, a time of day or both, in ISO 8601; a duration as hours, minutes and seconds.
fn iso(moment: &ExcelDateTime) -> String {
    const SECONDS_A_DAY: f64 = 86_400.0;
    let days = moment.as_f64();
    if moment.is_duration() {
        let seconds = (days * SECONDS_A_DAY).round();
        let (hours, rest) = ((seconds / 3600.0).trunc(), seconds.abs() % 3600.0);
        return format!("{hours}:{:02}:{:02}", (rest / 60.0).trunc(), rest % 60.0);
    }
    // A time is stored as a fraction, which is rarely exact.
    let (year, month, day, hour, minute, second, _) = moment.to_ymd_hms_milli();
    let time = format!("{hour:02}:{minute:02}:{second:02}");
    let is_midnight = (hour, minute, second) == (0, 0, 0);
    match (days < 1.0, is_midnight) {
        (true, _) => time,
        (false, true) => format!("{year:04}-{month:02}-{day:02}"),
        (false, false) => format!("{year:04}-{month:02}-{day:02}T{time}"),
    }
}

fn damaged() -> ImportError {
    ImportError::UnsupportedFile(NotWorkbook)
}

#[cfg(test)]
mod tests;
