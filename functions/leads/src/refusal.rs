//! Why a whole file is refused.
//!
//! Nothing of the file's content is in the texts; rows speak for themselves in [`RowError`].

use std::fmt;

use thiserror::Error;

use crate::row_error::{Excerpt, RowError};

/// The file gave no leads at all.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ImportError {
    #[error("file is empty or has no rows")]
    EmptyFile,
    /// Every row that holds something has its error, unless no column looked like phones.
    #[error("file has no valid phone numbers")]
    NoValidPhones { errors: Vec<RowError> },
    /// Several columns may hold the phone numbers, and no header tells which does.
    #[error("file has several columns that may hold the phone numbers")]
    AmbiguousPhoneColumn { candidates: Vec<Candidate> },
    #[error("file cannot be read: {0}")]
    UnsupportedFile(Unsupported),
    #[error("file is too large: at most {limit} {what}")]
    TooLarge { what: Limited, limit: u32 },
    #[error("JSON is not well-formed at line {line}, column {column}")]
    BadJson { line: u32, column: u32 },
    #[error("field {field} is not valid")]
    BadField { field: &'static str },
}

impl ImportError {
    /// The word that clients compare; it never changes.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::EmptyFile => "empty_file",
            Self::NoValidPhones { .. } => "no_valid_phones",
            Self::AmbiguousPhoneColumn { .. } => "ambiguous_phone_column",
            Self::UnsupportedFile(_) => "unsupported_file",
            Self::TooLarge { .. } => "too_large",
            Self::BadJson { .. } => "bad_json",
            Self::BadField { .. } => "bad_field",
        }
    }
}

/// A column that may hold the phone numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// From 1.
    pub column: u32,
    pub title: Excerpt,
}

/// What makes a file unreadable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Unsupported {
    #[error("it is not text in a known encoding")]
    NotText,
    /// An archive of something else, or a damaged or encrypted one.
    #[error("it is no workbook that can be read")]
    NotWorkbook,
    /// The rest of the file would be one cell.
    #[error("the quotation mark in row {row} is never closed")]
    OpenQuote { row: u32 },
}

/// What a file may have only so much of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limited {
    FileBytes,
    Rows,
    Columns,
    /// Blank ones too.
    Cells,
    /// Of all cells.
    TextBytes,
    /// What a compressed file unpacks to.
    InflatedBytes,
}

impl Limited {
    /// The word that clients compare; it never changes.
    pub const fn code(self) -> &'static str {
        match self {
            Self::FileBytes => "bytes",
            Self::Rows => "rows",
            Self::Columns => "columns",
            Self::Cells => "cells",
            Self::TextBytes => "text_bytes",
            Self::InflatedBytes => "unpacked_bytes",
        }
    }
}

impl fmt::Display for Limited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TextBytes => "bytes of text",
            Self::InflatedBytes => "unpacked bytes",
            Self::FileBytes | Self::Rows | Self::Columns | Self::Cells => self.code(),
        })
    }
}
