//! Turns rows into numbers that must not be called, without touching the ledger.
//!
//! Every number of every row becomes an entry or a [`RowError`]: nobody who asked not to be
//! called is left out unseen.

use ringfence_core::phone::PhoneNumber;
use ringfence_ledger::NewEntry;
use ringfence_shell::reply::Failure;

use crate::columns::{Layout, PhoneColumn};
use crate::headers::variable_name;
use crate::phones::Region;
use crate::refusal::ImportError;
use crate::row_error::RowError;
use crate::rows;
use crate::table::{Limits, Row, Table};
use crate::text::clean_line;

/// What is to be added, and what could not be read.
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
    let mut unread = Vec::new();
    let found = rows::understand(table, phone_column, region, limits, |row, layout| {
        let columns = *columns.get_or_insert_with(|| Columns::of(layout));
        let remarks = columns.remarks(row, remarks);
        // Anybody may ask not to be called, at any kind of number.
        let (numbers, mut problems) = rows::all_numbers(row, layout, region);
        if numbers.is_empty() {
            return Err(problems.swap_remove(0));
        }
        unread.extend(problems.into_iter().map(|problem| RowError {
            row: row.number,
            problem,
        }));
        let entries = numbers.into_iter().map(|number| remarks.of(number));
        Ok(Some(Vec::from_iter(entries)))
    })?;
    let mut errors = found.errors;
    errors.extend(unread);
    errors.sort_by_key(|error| error.row);
    Ok(Entries {
        entries: found.given.into_iter().flatten().collect(),
        errors,
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

    /// What a row says of its numbers. The end of a long text counts for less than a number
    /// that is left out, so it is cut off.
    fn remarks(self, row: &Row, of_all: &Remarks) -> Remarks {
        let said = |column: Option<usize>| {
            let text = clean_line(row.cell(column?));
            let text: String = text.chars().take(REMARK_CHARS_MAX).collect();
            Some(text).filter(|text| !text.is_empty())
        };
        Remarks {
            reason: said(self.reason).or_else(|| of_all.reason.clone()),
            source: said(self.source).or_else(|| of_all.source.clone()),
        }
    }
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
        assert_eq!(found.entries.len(), 2);
        let told: Vec<_> = found.errors.iter().map(RowError::english).collect();
        assert_eq!(
            told,
            ["Row 3: invalid phone - 12", "Row 5: no phone number"]
        );
    }

    #[test]
    fn every_number_of_a_row_is_barred_or_told() {
        let file = "name,phone,phone 2\nDan,0501234567,0541234568\nNoa,12,0541234569\n";
        let found = read(file, &Remarks::default()).unwrap();
        let mut numbers: Vec<_> = found.entries.iter().map(|it| it.phone.expose()).collect();
        numbers.sort_unstable();
        assert_eq!(numbers, ["+972501234567", "+972541234568", "+972541234569"]);
        let told: Vec<_> = found.errors.iter().map(RowError::english).collect();
        assert_eq!(told, ["Row 3: invalid phone - 12"]);
    }

    #[test]
    fn a_second_number_is_barred_however_late_it_comes() {
        let rows: String = (0..300).map(|n| format!("0501{n:06},\n")).collect();
        let file = format!("phone,phone 2\n{rows}0521234567,0521234568\n");
        let found = read(&file, &Remarks::default()).unwrap();
        assert_eq!(found.entries.len(), 302);
        assert!(found.errors.is_empty());
    }

    #[test]
    fn a_long_remark_keeps_no_number_off_the_list() {
        let file = format!("phone,reason\n0501234567,{}\n", "x".repeat(201));
        let found = read(&file, &Remarks::default()).unwrap();
        let reason = found.entries[0].reason.as_deref();
        assert_eq!(reason.map(str::len), Some(REMARK_CHARS_MAX));
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
