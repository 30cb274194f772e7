//! Turns rows into numbers that must not be called, without touching the ledger.
//!
//! Every row that holds something becomes an entry or a [`RowError`]: nobody who asked not
//! to be called is left out unseen.

use ringfence_core::phone::PhoneNumber;
use ringfence_ledger::NewEntry;
use ringfence_shell::reply::Failure;

use crate::columns::{Layout, PhoneColumn};
use crate::headers::variable_name;
use crate::phones::Region;
use crate::refusal::ImportError;
use crate::row_error::{Problem, RowError};
use crate::rows;
use crate::table::{Limits, Row, Table};
use crate::text::clean_line;

/// What is to be added, and the rows that gave nothing.
pub(super) struct Entries {
    pub(super) entries: Vec<NewEntry>,
    /// In the order of the file.
    pub(super) errors: Vec<RowError>,
}

/// What is said of a number.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Remarks {
    reason: Option<String>,
    source: Option<String>,
}

/// Room for a sentence, or for a file's name.
const REMARK_CHARS_MAX: usize = 200;

const REASON_HEADERS: [&str; 3] = ["reason", "סיבה", "הסיבה"];
const SOURCE_HEADERS: [&str; 3] = ["source", "מקור", "המקור"];

impl Remarks {
    /// Each on one line, unless it is blank; 400 with the field of one that is too long.
    pub(super) fn new(reason: Option<String>, source: Option<String>) -> Result<Self, Failure> {
        let read = |text: Option<String>, field: &str| {
            let read = text.map(|text| remark(&text)).transpose();
            read.map_err(|TooLong| Failure::bad_field(field))
        };
        Ok(Self {
            reason: read(reason, "reason")?.flatten(),
            source: read(source, "source")?.flatten(),
        })
    }

    /// Those of a file whose rows say nothing: it is their source.
    pub(super) fn of_file(name: Option<&str>) -> Self {
        let name: Option<String> = name.map(|name| name.chars().take(REMARK_CHARS_MAX).collect());
        Self {
            reason: None,
            source: name.filter(|name| !name.is_empty()),
        }
    }

    /// An entry for this number.
    pub(super) fn of(&self, phone: PhoneNumber) -> NewEntry {
        let Self { reason, source } = self.clone();
        NewEntry {
            phone,
            reason,
            source,
        }
    }
}

struct TooLong;

fn remark(text: &str) -> Result<Option<String>, TooLong> {
    let remark = clean_line(text);
    if remark.chars().count() > REMARK_CHARS_MAX {
        return Err(TooLong);
    }
    Ok(Some(remark).filter(|remark| !remark.is_empty()))
}

/// Understands rows by their headers, or else by their content. What a row does not say of
/// its number is taken from `remarks`.
pub(super) fn understand(
    table: Table,
    phone_column: Option<&PhoneColumn>,
    remarks: &Remarks,
    region: Region,
    limits: &Limits,
) -> Result<Entries, ImportError> {
    let mut columns = None;
    let found = rows::understand(table, phone_column, region, limits, |row, layout| {
        let columns = *columns.get_or_insert_with(|| Columns::of(layout));
        entry(row, layout, columns, remarks, region).map(Some)
    })?;
    Ok(Entries {
        entries: found.given,
        errors: found.errors,
    })
}

/// Where rows say why, and where from.
#[derive(Clone, Copy)]
struct Columns {
    reason: Option<usize>,
    source: Option<usize>,
}

impl Columns {
    /// By their headers alone: any words may be in such a column.
    fn of(layout: &Layout) -> Self {
        let titled = |wanted: &[&str]| {
            let mut titles = layout.titles.iter().enumerate();
            let found = titles.find(|&(index, title)| {
                let name = variable_name(title);
                index != layout.phone && name.is_some_and(|name| wanted.contains(&name.as_str()))
            });
            found.map(|(index, _)| index)
        };
        Self {
            reason: titled(&REASON_HEADERS),
            source: titled(&SOURCE_HEADERS),
        }
    }
}

fn entry(
    row: &Row,
    layout: &Layout,
    columns: Columns,
    remarks: &Remarks,
    region: Region,
) -> Result<NewEntry, Problem> {
    // Anybody may ask not to be called, at any kind of number.
    let phone = rows::number(row, layout, region, |_| Ok(()))?;
    let said = |column: Option<usize>| match column {
        None => Ok(None),
        Some(index) => {
            remark(row.cell(index)).map_err(|TooLong| rows::cell_too_long(layout, index))
        }
    };
    let NewEntry {
        phone,
        reason,
        source,
    } = remarks.of(phone);
    Ok(NewEntry {
        phone,
        reason: said(columns.reason)?.or(reason),
        source: said(columns.source)?.or(source),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::{rows_of_file, rows_of_json};

    fn read(file: &str, remarks: &Remarks) -> Result<Entries, ImportError> {
        let limits = Limits::STANDARD;
        let (table, _) = rows_of_file(file.as_bytes(), &limits).unwrap();
        understand(table, None, remarks, "IL".parse().unwrap(), &limits)
    }

    /// Checks what is understood: the last digits of each number, its reason and its source.
    #[track_caller]
    fn check(file: &str, expected: &[(&str, Option<&str>, Option<&str>)]) {
        let found = read(file, &Remarks::of_file(Some("f.csv"))).unwrap();
        let found: Vec<_> = found
            .entries
            .iter()
            .map(|entry| {
                let last = &entry.phone.expose()[9..];
                (last, entry.reason.as_deref(), entry.source.as_deref())
            })
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn reasons_and_sources_are_found_by_their_headers() {
        check(
            "Phone,Reason,Source\n0501234567,asked,form\n0521234568,,\n",
            &[
                ("4567", Some("asked"), Some("form")),
                ("4568", None, Some("f.csv")),
            ],
        );
        check(
            "סיבה;מס' טלפון;מקור\nביקש;0501234567;טופס\n",
            &[("4567", Some("ביקש"), Some("טופס"))],
        );
        // A column of words without such a header is none of them.
        check(
            "דנה,0501234567\nנועה,0521234568\n",
            &[("4567", None, Some("f.csv")), ("4568", None, Some("f.csv"))],
        );
    }

    #[test]
    fn numbers_alone_are_enough() {
        check(
            "0501234567\n972521234568\n0501234567\n",
            &[
                ("4567", None, Some("f.csv")),
                ("4568", None, Some("f.csv")),
                ("4567", None, Some("f.csv")),
            ],
        );
    }

    #[test]
    fn rows_that_give_nothing_are_told() {
        let long = "x".repeat(201);
        let file = format!("phone,reason\n0501234567,\n12,\n0521234568,{long}\n,asked\n");
        let found = read(&file, &Remarks::default()).unwrap();
        assert_eq!(found.entries.len(), 1);
        let told: Vec<_> = found.errors.iter().map(RowError::english).collect();
        let expected = [
            "Row 3: invalid phone - 12",
            "Row 4: the content of column reason is too long",
            "Row 5: no phone number",
        ];
        assert_eq!(told, expected);
    }

    #[test]
    fn a_file_without_numbers_is_refused() {
        let refused = |file: &str| read(file, &Remarks::default()).err().unwrap().code();
        assert_eq!(refused("phone,reason\n"), "empty_file");
        assert_eq!(refused("phone,reason\n12,asked\n"), "no_valid_phones");
    }

    #[test]
    fn json_rows_may_say_it_once_for_all() {
        let body = br#"{"rows": [{"phone": 501234567}, {"phone": "0521234568", "reason": "b"}]}"#;
        let limits = Limits::STANDARD;
        let table = rows_of_json(body, &limits).unwrap().table;
        let remarks = Remarks::new(Some(" a\n b ".to_owned()), Some(" ".to_owned())).unwrap();
        let found = understand(table, None, &remarks, "IL".parse().unwrap(), &limits).unwrap();
        let reasons: Vec<_> = found
            .entries
            .iter()
            .map(|entry| (entry.reason.as_deref(), entry.source.as_deref()))
            .collect();
        assert_eq!(reasons, [(Some("a b"), None), (Some("b"), None)]);
    }

    #[test]
    fn a_remark_that_is_too_long_is_named() {
        let long = || Some("א".repeat(201));
        let field = |bad: Failure| bad.details["field"].as_str().map(str::to_owned);
        let reason = field(Remarks::new(long(), None).unwrap_err());
        let source = field(Remarks::new(None, long()).unwrap_err());
        assert_eq!(
            (reason.as_deref(), source.as_deref()),
            (Some("reason"), Some("source"))
        );
        assert!(Remarks::new(Some("א".repeat(200)), None).is_ok());
    }
}
