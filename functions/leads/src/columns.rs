//! Decides which column of a table holds the phone numbers, which the names, and what the rest are.

use std::cmp::Reverse;
use std::collections::HashSet;

use crate::headers::{Role, owner, role, variable_name};
use crate::phones::{self, Kind, Region};
use crate::refusal::{Candidate, ImportError};
use crate::row_error::Excerpt;
use crate::table::{ROWS_BEFORE_MAX, Row, Table};
use crate::text::{clean_line, is_blank};

mod named;
mod phone;

pub use self::named::PhoneColumn;
pub use self::phone::Method;
use self::phone::{PhoneColumns, Undecided};

/// What each column of a table is for.
pub(crate) struct Layout {
    /// How many rows, titles and headers, come before the leads.
    pub(crate) rows_before: usize,
    pub(crate) phone: usize,
    /// Where to look for the number of a row that has none there.
    pub(crate) more_phones: Vec<usize>,
    /// None, one, or first and last name, in the order in which they are said.
    pub(crate) name: Vec<usize>,
    pub(crate) city: Option<usize>,
    pub(crate) notes: Option<usize>,
    /// Every other column, with its name, which no two share.
    pub(crate) variables: Vec<(usize, String)>,
    /// The columns' titles, as written in the file or else `column_1`, `column_2`.
    pub(crate) titles: Vec<String>,
    pub(crate) method: Method,
    pub(crate) has_header: bool,
}

/// Finds the layout, unless no column can be the phone column.
///
/// # Errors
///
/// Several columns can be, or the named one is not there.
pub(crate) fn find(
    table: &Table,
    region: Region,
    named: Option<&PhoneColumn>,
) -> Result<Option<Layout>, ImportError> {
    let named = named.filter(|named| !named.is_blank());
    let (headers, rows_before) = match &table.keys {
        Some(keys) => (Some(keys.clone()), 0),
        None => match header_row(&table.rows, region, named) {
            Some(row) => (
                Some(table.rows[row].cells.iter().map(str::to_owned).collect()),
                row + 1,
            ),
            None => (None, 0),
        },
    };
    let data = &table.rows[rows_before..];
    let columns: Vec<Column> = (0..table.width())
        .map(|index| Column::look_at(index, headers.as_deref(), data, region))
        .collect();
    let titles: Vec<String> = (0..columns.len())
        .map(|index| title(index, headers.as_deref()))
        .collect();

    let found = match named {
        Some(named) => named.find(headers.as_deref(), &titles),
        None => phone::find(&columns),
    };
    let PhoneColumns {
        first: phone,
        more: more_phones,
        method,
    } = match found {
        Ok(found) => found,
        Err(Undecided::Several(indices)) => {
            let candidate = |index: usize| Candidate {
                column: u32::try_from(index + 1).unwrap_or(u32::MAX),
                title: Excerpt::of(&titles[index]),
            };
            let candidates = indices.into_iter().map(candidate).collect();
            return Err(ImportError::AmbiguousPhoneColumn { candidates });
        }
        Err(Undecided::NotThere) => {
            let field = PhoneColumn::FIELD;
            return Err(ImportError::BadField { field });
        }
        Err(Undecided::NoneLikely) => return Ok(None),
    };
    let name = name_columns(&columns, phone);
    let with_role = |wanted: Role| {
        let is_free = |index: usize| index != phone && !name.contains(&index);
        columns
            .iter()
            .position(|column| column.role == Some(wanted))
            .filter(|&index| is_free(index))
    };
    let city = with_role(Role::City);
    let notes = with_role(Role::Notes);
    // The parts of a name are worth a variable each; a whole name is not.
    let is_whole_name = |index: usize| name == [index];
    let others = (0..columns.len()).filter(|&index| {
        index != phone && !is_whole_name(index) && Some(index) != city && Some(index) != notes
    });
    let variables = named_apart(others, headers.as_deref());
    Ok(Some(Layout {
        rows_before,
        phone,
        more_phones,
        city,
        notes,
        variables,
        titles,
        method,
        has_header: headers.is_some(),
        name,
    }))
}

/// As many rows as it takes to tell columns apart.
const SAMPLE_ROWS: usize = 200;

/// Longer titles are explanations, and longer texts are not names.
const SHORT_CHARS_MAX: usize = 60;

/// What one column looks like, judged by its title and a sample of its cells.
struct Column {
    role: Option<Role>,
    /// Whose numbers these are, by the header.
    owner: Vec<String>,
    filled: usize,
    phones: usize,
    /// Of the phones, those of mobiles.
    mobiles: usize,
    /// Of the phones, those that nobody writes an identity number like.
    written: usize,
    /// Cells that could be names.
    texts: usize,
}

impl Column {
    fn look_at(index: usize, headers: Option<&[String]>, rows: &[Row], region: Region) -> Self {
        let header = headers.and_then(|headers| headers.get(index));
        let mut column = Self {
            role: header.and_then(|header| role(header)),
            owner: header.map(|header| owner(header)).unwrap_or_default(),
            filled: 0,
            phones: 0,
            mobiles: 0,
            written: 0,
            texts: 0,
        };
        for row in rows.iter().take(SAMPLE_ROWS) {
            let cell = row.cell(index);
            if is_blank(cell) {
                continue;
            }
            column.filled += 1;
            if let Some(kind) = phone_kind(cell, region) {
                let line = clean_line(cell);
                let is_written = line.starts_with(['0', '+', '(', '\'', '=']) || line.contains('-');
                column.phones += 1;
                column.mobiles += usize::from(kind == Kind::Mobile);
                column.written += usize::from(is_written);
            } else if is_name_like(cell) {
                column.texts += 1;
            }
        }
        column
    }

    /// Whether most of what it holds could be phone numbers.
    fn is_mostly_phones(&self) -> bool {
        self.phones > 0 && self.phones * 2 >= self.filled
    }

    /// Orders columns by how much of them is phone numbers.
    fn points(&self) -> usize {
        self.phones + self.written
    }
}

/// The place of the header row: the first one with a known word for phone, or a first row with
/// any known word or with nothing but words above phone numbers.
fn header_row(rows: &[Row], region: Region, named: Option<&PhoneColumn>) -> Option<usize> {
    for (index, row) in rows.iter().take(ROWS_BEFORE_MAX).enumerate() {
        let is_named = |cell: &str| named.is_some_and(|named| named.is_header(cell));
        if row.cells.iter().any(is_named) {
            return Some(index);
        }
        if row
            .cells
            .iter()
            .any(|cell| phone_kind(cell, region).is_some())
        {
            break;
        }
        let mut roles = row.cells.iter().filter_map(role);
        // A title may speak of phones, but it stands alone.
        let is_alone = row.cells.iter().filter(|cell| !is_blank(cell)).count() < 2;
        let is_header = roles.any(|role| match role {
            Role::Phone | Role::Number => true,
            Role::SomePhone => !is_alone,
            Role::Identifier => false,
            Role::Name | Role::FirstName | Role::LastName | Role::City | Role::Notes => index == 0,
        });
        if is_header {
            return Some(index);
        }
    }
    let (first, rest) = rows.split_first()?;
    let is_wordy =
        |cell: &str| is_blank(cell) || is_name_like(cell) && !cell.contains(char::is_numeric);
    let are_few = first.cells.len() <= 2;
    let is_above_phones = (0..first.cells.len())
        .filter(|&index| !is_blank(first.cell(index)))
        .map(|index| Column::look_at(index, None, rest, region))
        .any(|column| column.is_mostly_phones() || are_few && column.phones > 0);
    (is_above_phones && first.cells.iter().all(is_wordy)).then_some(0)
}

fn name_columns(columns: &[Column], phone: usize) -> Vec<usize> {
    let of_role = |wanted: Role| {
        (0..columns.len()).find(|&index| index != phone && columns[index].role == Some(wanted))
    };
    if let Some(name) = of_role(Role::Name) {
        return vec![name];
    }
    let parts = [of_role(Role::FirstName), of_role(Role::LastName)];
    if parts.iter().any(Option::is_some) {
        return parts.into_iter().flatten().collect();
    }
    (0..columns.len())
        .filter(|&index| index != phone && columns[index].role.is_none())
        .filter(|&index| columns[index].texts * 2 > columns[index].filled)
        .max_by_key(|&index| (columns[index].texts, Reverse(index)))
        .into_iter()
        .collect()
}

fn title(index: usize, headers: Option<&[String]>) -> String {
    let title = headers
        .and_then(|headers| headers.get(index))
        .map(|header| clean_line(header));
    title
        .filter(|title| !title.is_empty() && title.chars().count() <= SHORT_CHARS_MAX)
        .unwrap_or_else(|| format!("column_{}", index + 1))
}

/// Gives each column a name of its own: a second `note` becomes `note_2`.
fn named_apart(
    columns: impl Iterator<Item = usize>,
    headers: Option<&[String]>,
) -> Vec<(usize, String)> {
    let mut taken = HashSet::new();
    columns
        .map(|index| {
            let plain = headers
                .and_then(|headers| variable_name(headers.get(index)?))
                .unwrap_or_else(|| format!("column_{}", index + 1));
            let mut name = plain.clone();
            // Bounded by the number of columns.
            for count in 2.. {
                if taken.insert(name.clone()) {
                    break;
                }
                name = format!("{plain}_{count}");
            }
            (index, name)
        })
        .collect()
}

/// What a cell is if it is a phone number to somebody who does not know what its column holds.
fn phone_kind(cell: &str, region: Region) -> Option<Kind> {
    if is_date(cell) {
        return None;
    }
    let kind = phones::kind(&phones::parse(cell, region).ok()?);
    (kind != Kind::Costly).then_some(kind)
}

/// `2026-01-31` and `31.01.2026` have as many digits as a phone number.
fn is_date(cell: &str) -> bool {
    let cell = clean_line(cell);
    let parts: Vec<&str> = cell.split(['-', '/', '.']).collect();
    let are_digits = parts
        .iter()
        .all(|part| part.bytes().all(|c| c.is_ascii_digit()));
    let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
    are_digits && matches!(lengths[..], [4, 1..=2, 1..=2] | [1..=2, 1..=2, 2 | 4])
}

fn is_name_like(cell: &str) -> bool {
    let letters = cell.chars().filter(|c| c.is_alphabetic()).count();
    let digits = cell.chars().filter(|c| c.is_numeric()).count();
    let is_address = cell.contains('@') || cell.contains("://");
    letters > digits && !is_address && cell.chars().count() <= SHORT_CHARS_MAX
}

#[cfg(test)]
mod tests;
