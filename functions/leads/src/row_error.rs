//! What is wrong with one row, told to the business that owns the file.
//!
//! The texts may quote the file; they are for the answer only, and `Debug` does not quote.

use std::fmt;

use crate::text::clean_line;

/// A row that gave no lead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowError {
    /// As a spreadsheet counts: from 1, blank rows included.
    pub row: u32,
    pub problem: Problem,
}

/// What is wrong with a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// There is something in the row, but nothing in its phone column.
    NoPhone,
    /// The text is not a valid number.
    BadPhone(Excerpt),
    /// Whoever calls the number pays more than for a call.
    CostlyPhone(Excerpt),
    /// A spreadsheet rounded the number; it must be exported again as text.
    DigitsLost(Excerpt),
    /// A cell of this column is longer than a cell may be.
    CellTooLong { column: Excerpt },
    /// A list or an object stands where a text or a number should.
    NestedValue { column: Excerpt },
    /// A JSON row that is an object among lists, or the other way round.
    OtherShape,
}

impl RowError {
    /// The text in Hebrew.
    pub fn hebrew(&self) -> String {
        let row = self.row;
        match &self.problem {
            Problem::NoPhone => format!("שורה {row}: חסר מספר טלפון"),
            Problem::BadPhone(Excerpt(text)) => format!("שורה {row}: טלפון לא תקין - {text}"),
            Problem::CostlyPhone(Excerpt(text)) => {
                format!("שורה {row}: לא ניתן לחייג למספר בתשלום מיוחד - {text}")
            }
            Problem::DigitsLost(Excerpt(text)) => {
                format!("שורה {row}: טלפון לא תקין - {text} (ספרות אבדו בגיליון האלקטרוני)")
            }
            Problem::CellTooLong {
                column: Excerpt(column),
            } => {
                format!("שורה {row}: התוכן בעמודה {column} ארוך מדי")
            }
            Problem::NestedValue {
                column: Excerpt(column),
            } => {
                format!("שורה {row}: ערך לא נתמך בעמודה {column}")
            }
            Problem::OtherShape => format!("שורה {row}: מבנה השורה שונה משאר השורות"),
        }
    }

    /// The text in English.
    pub fn english(&self) -> String {
        let row = self.row;
        match &self.problem {
            Problem::NoPhone => format!("Row {row}: no phone number"),
            Problem::BadPhone(Excerpt(text)) => format!("Row {row}: invalid phone - {text}"),
            Problem::CostlyPhone(Excerpt(text)) => {
                format!("Row {row}: premium-rate or shared-cost number - {text}")
            }
            Problem::DigitsLost(Excerpt(text)) => {
                format!("Row {row}: invalid phone - {text} (digits were lost in a spreadsheet)")
            }
            Problem::CellTooLong {
                column: Excerpt(column),
            } => {
                format!("Row {row}: the content of column {column} is too long")
            }
            Problem::NestedValue {
                column: Excerpt(column),
            } => {
                format!("Row {row}: unsupported value in column {column}")
            }
            Problem::OtherShape => format!("Row {row}: the row is not like the others"),
        }
    }
}

/// A short piece of the file, fit to be shown on one line.
#[derive(Clone, PartialEq, Eq)]
pub struct Excerpt(String);

/// A phone number with all its decoration fits.
const EXCERPT_CHARS_MAX: usize = 40;

impl Excerpt {
    pub(crate) fn of(text: &str) -> Self {
        let head: String = text.chars().take(EXCERPT_CHARS_MAX + 1).collect();
        let mut line = clean_line(&head);
        if head.chars().nth(EXCERPT_CHARS_MAX).is_some() {
            line = line
                .chars()
                .take(EXCERPT_CHARS_MAX - 1)
                .chain(['…'])
                .collect();
        }
        Self(line)
    }

    /// The piece.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "({} characters)", self.0.chars().count())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_offending_text_is_quoted_short_and_on_one_line() {
        let bad = |text: &str| RowError {
            row: 3,
            problem: Problem::BadPhone(Excerpt::of(text)),
        };
        assert_eq!(bad("05-12").hebrew(), "שורה 3: טלפון לא תקין - 05-12");
        assert_eq!(
            bad("05\n\u{202e}12").english(),
            "Row 3: invalid phone - 05 12"
        );
        let long = bad(&"7".repeat(1_000)).hebrew();
        assert_eq!(long, format!("שורה 3: טלפון לא תקין - {}…", "7".repeat(39)));
    }

    #[test]
    fn debug_quotes_nothing() {
        let error = RowError {
            row: 3,
            problem: Problem::BadPhone(Excerpt::of("0501234567")),
        };
        assert!(!format!("{error:?}").contains("0501234567"));
    }
}
