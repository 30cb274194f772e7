//! Rows of cells as a file or a JSON body holds them, before anything is known about their columns.
//!
//! A table stays within its [`Limits`]; a file that passes one is refused whole.

use csv::StringRecord;

use crate::refusal::{ImportError, Limited};
use crate::row_error::RowError;
use crate::text::is_blank;

/// The rows that hold something, and what was wrong with the others.
#[derive(Default)]
pub(crate) struct Table {
    /// The keys, when the rows were JSON objects; such a table needs no header row.
    pub(crate) keys: Option<Vec<String>>,
    pub(crate) rows: Vec<Row>,
    pub(crate) errors: Vec<RowError>,
}

/// One row; blank cells at its end are left out.
pub(crate) struct Row {
    /// As a spreadsheet counts: from 1, blank rows included.
    pub(crate) number: u32,
    pub(crate) cells: StringRecord,
}

impl Row {
    /// The cell in a column counted from 0; empty where the row is too short.
    pub(crate) fn cell(&self, column: usize) -> &str {
        self.cells.get(column).unwrap_or_default()
    }
}

impl Table {
    /// Adds a row, unless it is blank.
    pub(crate) fn push<'a>(
        &mut self,
        number: u32,
        cells: impl DoubleEndedIterator<Item = &'a str> + Clone,
        limits: &Limits,
    ) -> Result<(), ImportError> {
        let blank_at_end = cells
            .clone()
            .rev()
            .take_while(|cell| is_blank(cell))
            .count();
        let width = cells.clone().count() - blank_at_end;
        if width == 0 {
            return Ok(());
        }
        limits.check(Limited::Columns, width)?;
        // Objects have keys and no header row; else it is not known yet how many are no leads.
        let rows_before = match self.keys {
            Some(_) => 0,
            None => ROWS_BEFORE_MAX,
        };
        let rows_at_least = (self.rows.len() + 1).saturating_sub(rows_before);
        limits.check(Limited::Rows, rows_at_least)?;
        let cells = cells.take(width).collect();
        self.rows.push(Row { number, cells });
        Ok(())
    }

    /// How many columns the widest row has.
    pub(crate) fn width(&self) -> usize {
        let keys = self.keys.as_ref().map_or(0, Vec::len);
        self.rows
            .iter()
            .map(|row| row.cells.len())
            .max()
            .unwrap_or(0)
            .max(keys)
    }
}

/// A header stands within the first rows of a file, below its title if it has one.
pub(crate) const ROWS_BEFORE_MAX: usize = 10;

/// How much of a file is read at most.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Of the whole file. It also bounds the memory that an import takes.
    pub file_bytes: u32,
    /// That hold something, below the header.
    pub rows: u32,
    pub columns: u32,
    /// Of all cells together, which a compressed file may repeat without end.
    pub text_bytes: u32,
    /// Of one cell; a longer one makes its row an error.
    pub cell_bytes: u32,
}

/// The most that a Lambda function can be handed in one request.
const FILE_BYTES_MAX: u32 = 6 * 1024 * 1024;

/// A hundred thousand rows of two hundred bytes.
const UPLOAD_BYTES_MAX: u32 = 20 * 1024 * 1024;

/// As many as one run may call.
const ROWS_MAX: u32 = 100_000;

/// With [`CELL_BYTES_MAX`], it keeps a lead well under the 400 kB of a DynamoDB item.
const COLUMNS_MAX: u32 = 64;

/// A hundred thousand rows of three hundred bytes.
const TEXT_BYTES_MAX: u32 = 32 * 1024 * 1024;

/// Two thousand Hebrew letters: more than anybody reads before a call.
const CELL_BYTES_MAX: u32 = 4_000;

impl Limits {
    /// What an import may take unless told otherwise.
    pub const STANDARD: Self = Self {
        file_bytes: FILE_BYTES_MAX,
        rows: ROWS_MAX,
        columns: COLUMNS_MAX,
        text_bytes: TEXT_BYTES_MAX,
        cell_bytes: CELL_BYTES_MAX,
    };

    /// What may come as an upload, past the requests that a function can be handed.
    pub const UPLOAD: Self = Self {
        file_bytes: UPLOAD_BYTES_MAX,
        ..Self::STANDARD
    };

    /// Refuses a file that has more of something than it may.
    pub(crate) fn check(&self, what: Limited, count: usize) -> Result<(), ImportError> {
        let limit = self.most(what);
        if u32::try_from(count).is_ok_and(|count| count <= limit) {
            Ok(())
        } else {
            Err(ImportError::TooLarge { what, limit })
        }
    }

    /// How much of it a file may have.
    pub(crate) fn most(&self, what: Limited) -> u32 {
        match what {
            Limited::FileBytes => self.file_bytes,
            Limited::Rows => self.rows,
            Limited::Columns => self.columns,
            Limited::Cells => {
                let rows_before = u32::try_from(ROWS_BEFORE_MAX).unwrap_or(u32::MAX);
                let rows = self.rows.saturating_add(rows_before);
                rows.saturating_mul(self.columns)
            }
            Limited::TextBytes => self.text_bytes,
            Limited::InflatedBytes => u32::MAX,
        }
    }
}
