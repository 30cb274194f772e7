//! Reads comma-, semicolon- and tab-separated text into a table.
//!
//! Every row keeps the number that a spreadsheet would show beside it.

use std::borrow::Cow;
use std::io::Read;

use csv::{ByteRecord, Reader, ReaderBuilder, StringRecord};

use crate::refusal::ImportError;
use crate::refusal::Unsupported::{NotText, OpenQuote};
use crate::table::{Limits, Table};

/// Reads a whole file.
pub(crate) fn read(text: &str, limits: &Limits) -> Result<Table, ImportError> {
    let text = with_one_kind_of_line_end(text);
    let (delimiter, text) =
        announced_delimiter(&text).unwrap_or_else(|| (likely_delimiter(&text), &text));

    let mut table = Table::default();
    let mut reader = reader(delimiter, text.as_bytes().chain(END.as_bytes()));
    let mut record = StringRecord::new();
    let mut breaks_before = 0;
    // Each turn consumes at least one byte of the file.
    while reader
        .read_record(&mut record)
        .map_err(|_| ImportError::UnsupportedFile(NotText))?
    {
        let is_open = record
            .iter()
            .next_back()
            .is_some_and(|cell| cell.ends_with(END));
        let breaks: u64 = record.iter().map(line_breaks).sum();
        // The reader stands on the line after the record, or on the last one if it is open.
        let lines_after = u64::from(!is_open);
        let line = reader
            .position()
            .line()
            .saturating_sub(lines_after + breaks);
        let row = u32::try_from(line.saturating_sub(breaks_before)).unwrap_or(u32::MAX);
        breaks_before += breaks;
        if is_open {
            return Err(ImportError::UnsupportedFile(OpenQuote { row }));
        }
        table.push(row, record.iter(), limits)?;
    }
    Ok(table)
}

/// Put after the file: a row that counts as blank, unless an open quotation mark swallows it.
const END: &str = "\n\u{1}\n";

/// In order of preference when they part a file equally well: names and notes contain commas.
const DELIMITERS: [u8; 3] = *b"\t;,";

fn reader<R: Read>(delimiter: u8, text: R) -> Reader<R> {
    ReaderBuilder::new()
        .delimiter(delimiter)
        .has_headers(false)
        .flexible(true)
        .from_reader(text)
}

/// Line breaks in cells count too, so that they can be told from the ends of rows.
fn with_one_kind_of_line_end(text: &str) -> Cow<'_, str> {
    if text.contains('\r') {
        text.replace("\r\n", "\n").replace('\r', "\n").into()
    } else {
        text.into()
    }
}

fn line_breaks(cell: &str) -> u64 {
    cell.bytes().map(|c| u64::from(c == b'\n')).sum()
}

/// Reads the `sep=;` that Excel understands, which it does not count as a row.
fn announced_delimiter(text: &str) -> Option<(u8, &str)> {
    let (first, rest) = text.split_once('\n')?;
    let word = first.trim_matches('"').to_ascii_lowercase();
    DELIMITERS
        .into_iter()
        .find(|&delimiter| word.strip_prefix("sep=").map(str::as_bytes) == Some(&[delimiter]))
        .map(|delimiter| (delimiter, rest))
}

/// The delimiter that parts most rows into the same number of cells; the more cells, the better.
fn likely_delimiter(text: &str) -> u8 {
    let sample = &text.as_bytes()[..text.len().min(SAMPLE_BYTES)];
    let regularity = |delimiter: u8| {
        let widths: Vec<usize> = reader(delimiter, sample)
            .into_byte_records()
            .take(SAMPLE_ROWS)
            .filter_map(|record| record.ok().as_ref().map(ByteRecord::len))
            .filter(|&width| width > 1)
            .collect();
        let rows_with = |width: usize| widths.iter().filter(|&&other| other == width).count();
        widths.iter().map(|&width| (rows_with(width), width)).max()
    };
    let mut best = (None, b',');
    for delimiter in DELIMITERS {
        let found = regularity(delimiter);
        if found > best.0 {
            best = (found, delimiter);
        }
    }
    best.1
}

const SAMPLE_ROWS: usize = 30;
const SAMPLE_BYTES: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    /// `expected` shows each row as its number and its cells.
    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        let table = read(text, &Limits::STANDARD).unwrap();
        let shown: Vec<String> = table
            .rows
            .iter()
            .map(|row| {
                format!(
                    "{} {}",
                    row.number,
                    row.cells.iter().collect::<Vec<_>>().join("|")
                )
            })
            .collect();
        assert_eq!(shown, expected, "{text:?}");
    }

    #[test]
    fn each_delimiter_is_found() {
        check("a,b\nc,d", &["1 a|b", "2 c|d"]);
        check("a;b\nc;d", &["1 a|b", "2 c|d"]);
        check("a\tb\nc\td", &["1 a|b", "2 c|d"]);
        check("a\nb", &["1 a", "2 b"]);
    }

    #[test]
    fn commas_inside_cells_do_not_confuse() {
        check(
            "Cohen, Dan;050\nLevi, Noa;052",
            &["1 Cohen, Dan|050", "2 Levi, Noa|052"],
        );
        check("\"a;b\",c,d\n\"e;f\",g,h", &["1 a;b|c|d", "2 e;f|g|h"]);
    }

    #[test]
    fn a_delimiter_may_be_announced() {
        check("sep=;\na,b;c", &["1 a,b|c"]);
        check("SEP=,\r\na;b;c,d", &["1 a;b;c|d"]);
        check("sep=", &["1 sep="]);
    }

    #[test]
    fn rows_keep_their_numbers_past_blank_rows_and_line_breaks() {
        for end in ["\n", "\r\n", "\r"] {
            let text = ["\na,b", "", "\"c", "", "d\",\"e\"\"f\"", ",", "g,h", ""].join(end);
            check(&text, &["2 a|b", "4 c\n\nd|e\"f", "6 g|h"]);
        }
    }

    #[test]
    fn quotation_marks_inside_words_are_kept() {
        check("רו\"ח,050\nעו\"ד,052", &["1 רו\"ח|050", "2 עו\"ד|052"]);
        check("a,=\"050\"\nb,=\"052\"", &["1 a|=\"050\"", "2 b|=\"052\""]);
    }

    #[test]
    fn a_quotation_mark_that_swallows_the_rest_is_an_error_with_its_row() {
        for text in ["a,b\n\n\"c,d\ne,f\n", "a,b\n\nc,\"d\ne,f", "a,b\n\n\""] {
            let found = read(text, &Limits::STANDARD).map(|table| table.rows.len());
            let expected = ImportError::UnsupportedFile(OpenQuote { row: 3 });
            assert_eq!(found, Err(expected), "{text:?}");
        }
    }

    #[test]
    fn blank_files_have_no_rows() {
        check("", &[]);
        check("\n\n , ,\n\u{200f}", &[]);
    }
}
