//! Decides which column of a table holds the phone numbers, which the names, and what the rest are.
//!
//! A header that says "phone" is believed before the content: another column of
//! digits, such as identity numbers, may pass for phone numbers of strangers.

use std::cmp::Reverse;
use std::collections::HashSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::headers::{Role, role, variable_name};
use crate::phones::{self, Region};
use crate::table::{Row, Table};
use crate::text::{clean_line, is_blank};

/// What each column of a table is for.
pub(crate) struct Layout {
    /// How many rows, titles and headers, come before the leads.
    pub(crate) rows_before: usize,
    pub(crate) phone: usize,
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

/// How the phone column was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Method {
    /// Its header says so.
    Header,
    /// Most of its cells are phone numbers.
    Content,
    /// There are at most two columns, and it is the likelier one.
    Fallback,
}

/// Finds the layout, unless no column can be the phone column.
pub(crate) fn find(table: &Table, region: Region) -> Option<Layout> {
    let (titles, rows_before) = match &table.keys {
        Some(keys) => (Some(keys.clone()), 0),
        None => match header_row(&table.rows, region) {
            Some(row) => (
                Some(table.rows[row].cells.iter().map(str::to_owned).collect()),
                row + 1,
            ),
            None => (None, 0),
        },
    };
    let data = &table.rows[rows_before..];
    let columns: Vec<Column> = (0..table.width())
        .map(|index| Column::look_at(index, titles.as_deref(), data, region))
        .collect();

    let (phone, method) = phone_column(&columns)?;
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
    let variables = named_apart(others, titles.as_deref());
    Some(Layout {
        rows_before,
        phone,
        city,
        notes,
        variables,
        titles: (0..columns.len())
            .map(|index| title(index, titles.as_deref()))
            .collect(),
        method,
        has_header: titles.is_some(),
        name,
    })
}

/// A header stands within the first rows of a file, below its title if it has one.
const HEADER_ROWS_MAX: usize = 10;

/// As many rows as it takes to tell columns apart.
const SAMPLE_ROWS: usize = 200;

/// Longer titles are explanations, and longer texts are not names.
const SHORT_CHARS_MAX: usize = 60;

/// What one column looks like, judged by its title and a sample of its cells.
struct Column {
    role: Option<Role>,
    filled: usize,
    phones: usize,
    /// As `phones`, but a number that begins like a phone number counts twice.
    points: usize,
    /// Cells that could be names.
    texts: usize,
}

impl Column {
    fn look_at(index: usize, titles: Option<&[String]>, rows: &[Row], region: Region) -> Self {
        let title = titles.and_then(|titles| titles.get(index));
        let mut column = Self {
            role: title.and_then(|title| role(title)),
            filled: 0,
            phones: 0,
            points: 0,
            texts: 0,
        };
        for row in rows.iter().take(SAMPLE_ROWS) {
            let cell = row.cell(index);
            if is_blank(cell) {
                continue;
            }
            column.filled += 1;
            if is_phone(cell, region) {
                let begins_like_one = clean_line(cell).starts_with(['0', '+', '(', '\'', '=']);
                column.phones += 1;
                column.points += if begins_like_one { 2 } else { 1 };
            } else if is_name_like(cell) {
                column.texts += 1;
            }
        }
        column
    }
}

/// The place of the header row: the first one with a known word for phone, or a first row with
/// any known word or with nothing but words above phone numbers.
fn header_row(rows: &[Row], region: Region) -> Option<usize> {
    for (index, row) in rows.iter().take(HEADER_ROWS_MAX).enumerate() {
        if row.cells.iter().any(|cell| is_phone(cell, region)) {
            break;
        }
        let mut roles = row.cells.iter().filter_map(role);
        let is_header = if index == 0 {
            roles.next().is_some()
        } else {
            roles.any(|role| matches!(role, Role::Phone | Role::Number))
        };
        if is_header {
            return Some(index);
        }
    }
    let (first, rest) = rows.split_first()?;
    let is_wordy =
        |cell: &str| is_blank(cell) || is_name_like(cell) && !cell.contains(char::is_numeric);
    let columns: Vec<Column> = (0..first.cells.len())
        .map(|index| Column::look_at(index, None, rest, region))
        .collect();
    let (phone, _) = phone_column(&columns)?;
    let is_above_phones = columns[phone].phones > 0 && !is_blank(first.cell(phone));
    (is_above_phones && first.cells.iter().all(is_wordy)).then_some(0)
}

fn phone_column(columns: &[Column]) -> Option<(usize, Method)> {
    let likeliest = |is_candidate: &dyn Fn(&Column) -> bool| {
        let candidates = (0..columns.len()).filter(|&index| is_candidate(&columns[index]));
        candidates.max_by_key(|&index| (columns[index].points, Reverse(index)))
    };
    let announced = likeliest(&|column| column.role == Some(Role::Phone))
        // Its header may mean the number of the row, so it must hold phone numbers too.
        .or_else(|| likeliest(&|column| column.role == Some(Role::Number) && column.phones > 0));
    if let Some(index) = announced {
        return Some((index, Method::Header));
    }
    if let Some(index) =
        likeliest(&|column| column.phones > 0 && column.phones * 2 >= column.filled)
    {
        return Some((index, Method::Content));
    }
    if columns.len() > 2 {
        return None;
    }
    let last = columns.len().checked_sub(1);
    let index = likeliest(&|column| column.phones > 0).or(last)?;
    Some((index, Method::Fallback))
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

fn title(index: usize, titles: Option<&[String]>) -> String {
    let title = titles
        .and_then(|titles| titles.get(index))
        .map(|title| clean_line(title));
    title
        .filter(|title| !title.is_empty() && title.chars().count() <= SHORT_CHARS_MAX)
        .unwrap_or_else(|| format!("column_{}", index + 1))
}

/// Gives each column a name of its own: a second `note` becomes `note_2`.
fn named_apart(
    columns: impl Iterator<Item = usize>,
    titles: Option<&[String]>,
) -> Vec<(usize, String)> {
    let mut taken = HashSet::new();
    columns
        .map(|index| {
            let plain = titles
                .and_then(|titles| variable_name(titles.get(index)?))
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

/// Whether a cell is a phone number to somebody who does not know what its column holds.
fn is_phone(cell: &str, region: Region) -> bool {
    !is_date(cell) && phones::parse(cell, region).is_ok()
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
