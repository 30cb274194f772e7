//! Goes through the rows of a table: each gives something, or has its [`RowError`].

use std::iter;

use ringfence_core::phone::PhoneNumber;

use crate::columns::{self, Layout, PhoneColumn};
use crate::phones::{self, BadPhone, Region};
use crate::refusal::{ImportError, Limited};
use crate::row_error::{Excerpt, Problem, RowError};
use crate::table::{Limits, Row, Table};

/// What the rows of a table gave.
pub(crate) struct Rows<T> {
    pub(crate) layout: Layout,
    /// At least one, in the order of the file.
    pub(crate) given: Vec<T>,
    /// In the order of the file.
    pub(crate) errors: Vec<RowError>,
}

/// Understands the columns, and takes from each row below the header what `take` makes of it;
/// `None` is a row that gives nothing and has no error.
///
/// # Errors
///
/// The table as a whole gives nothing.
pub(crate) fn understand<T>(
    table: Table,
    phone_column: Option<&PhoneColumn>,
    region: Region,
    limits: &Limits,
    mut take: impl FnMut(&Row, &Layout) -> Result<Option<T>, Problem>,
) -> Result<Rows<T>, ImportError> {
    let layout = columns::find(&table, region, phone_column)?;
    let rows_before = layout.as_ref().map_or(0, |layout| layout.rows_before);
    let rows = &table.rows[rows_before..];
    limits.check(Limited::Rows, rows.len())?;
    if rows.is_empty() && table.errors.is_empty() {
        return Err(ImportError::EmptyFile);
    }
    let Some(layout) = layout else {
        return Err(ImportError::NoValidPhones {
            errors: table.errors,
        });
    };

    let (mut given, mut errors) = (Vec::new(), table.errors);
    let is_too_long =
        |cell: &str| u32::try_from(cell.len()).map_or(true, |bytes| bytes > limits.cell_bytes);
    for row in rows {
        let too_long = row.cells.iter().position(is_too_long);
        let taken = match too_long {
            Some(index) => Err(cell_too_long(&layout, index)),
            None => take(row, &layout),
        };
        match taken {
            Ok(taken) => given.extend(taken),
            Err(problem) => errors.push(RowError {
                row: row.number,
                problem,
            }),
        }
    }
    errors.sort_by_key(|error| error.row);
    if given.is_empty() {
        return Err(ImportError::NoValidPhones { errors });
    }
    Ok(Rows {
        layout,
        given,
        errors,
    })
}

/// What is wrong with a row whose cell in this column is too long.
pub(crate) fn cell_too_long(layout: &Layout, column: usize) -> Problem {
    let column = Excerpt::of(&layout.titles[column]);
    Problem::CellTooLong { column }
}

/// The phone number of a row that `is_wanted`: the one in its phone column, or else in another.
pub(crate) fn number(
    row: &Row,
    layout: &Layout,
    region: Region,
    is_wanted: impl Fn(&PhoneNumber) -> Result<(), Problem>,
) -> Result<PhoneNumber, Problem> {
    let read = |column: usize| {
        let phone = number_in(row, column, region)?;
        is_wanted(&phone).map(|()| phone)
    };
    let mut problem = match read(layout.phone) {
        Ok(phone) => return Ok(phone),
        Err(problem) => problem,
    };
    for &column in &layout.more_phones {
        match read(column) {
            Ok(phone) => return Ok(phone),
            Err(other) if problem == Problem::NoPhone => problem = other,
            Err(_) => {}
        }
    }
    Err(problem)
}

/// The phone numbers of a row, and what is wrong with those that cannot be read; one of either
/// at least.
pub(crate) fn all_numbers(
    row: &Row,
    layout: &Layout,
    region: Region,
) -> (Vec<PhoneNumber>, Vec<Problem>) {
    let (mut numbers, mut problems) = (Vec::new(), Vec::new());
    for &column in iter::once(&layout.phone).chain(&layout.more_phones) {
        match number_in(row, column, region) {
            Ok(number) => numbers.push(number),
            Err(Problem::NoPhone) => {}
            Err(problem) => problems.push(problem),
        }
    }
    if numbers.is_empty() && problems.is_empty() {
        problems.push(Problem::NoPhone);
    }
    (numbers, problems)
}

fn number_in(row: &Row, column: usize, region: Region) -> Result<PhoneNumber, Problem> {
    let cell = row.cell(column);
    phones::parse(cell, region).map_err(|bad| match bad {
        BadPhone::Missing => Problem::NoPhone,
        BadPhone::DigitsLost => Problem::DigitsLost(Excerpt::of(cell)),
        BadPhone::Invalid => Problem::BadPhone(Excerpt::of(cell)),
    })
}
