//! Reads JSON rows into a table: `[{}]`, `[[]]`, or either as `{"rows": ..., "list_name": ...}`.
//!
//! Rows are taken one by one as they are parsed, so a body that passes a limit costs no more
//! memory than one that does not.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;

use serde::de::{
    DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor,
};
use serde_json::error::Category;

use crate::columns::PhoneColumn;
use crate::json_row::{Cell, JsonRow, OneRow};
use crate::refusal::{ImportError, Limited};
use crate::row_error::{Excerpt, Problem, RowError};
use crate::table::{Limits, Table};

/// A whole body.
pub(crate) struct JsonBody {
    pub(crate) table: Table,
    pub(crate) list_name: Option<String>,
    pub(crate) phone_column: Option<PhoneColumn>,
}

/// Reads a whole body.
pub(crate) fn read(bytes: &[u8], limits: &Limits) -> Result<JsonBody, ImportError> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut reader = RowReader {
        limits,
        table: Table::default(),
        shape: None,
        columns: HashMap::new(),
        rows_seen: 0,
        list_name: None,
        phone_column: None,
        field: "rows",
        refused: None,
    };
    let mut parser = serde_json::Deserializer::from_slice(bytes);
    let parsed = parser
        .deserialize_any(Document(&mut reader))
        .and_then(|()| parser.end());
    if let Some(refusal) = reader.refused {
        return Err(refusal);
    }
    parsed.map_err(|error| match error.classify() {
        Category::Data => ImportError::BadField {
            field: reader.field,
        },
        Category::Syntax | Category::Eof | Category::Io => ImportError::BadJson {
            line: u32::try_from(error.line()).unwrap_or(u32::MAX),
            column: u32::try_from(error.column()).unwrap_or(u32::MAX),
        },
    })?;
    Ok(JsonBody {
        table: reader.table,
        list_name: reader.list_name,
        phone_column: reader.phone_column,
    })
}

struct RowReader<'a> {
    limits: &'a Limits,
    table: Table,
    /// Of the first row that has one; the others must agree.
    shape: Option<Shape>,
    /// The column of each key of the objects, in order of appearance.
    columns: HashMap<String, usize>,
    rows_seen: u32,
    list_name: Option<String>,
    phone_column: Option<PhoneColumn>,
    /// The field that is being read, for a complaint about its type.
    field: &'static str,
    /// Why reading was given up, where that is not the JSON's fault.
    refused: Option<ImportError>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    List,
    Object,
}

impl RowReader<'_> {
    fn add(&mut self, row: JsonRow) -> Result<(), ImportError> {
        self.rows_seen = self.rows_seen.saturating_add(1);
        let shape = match &row {
            JsonRow::List(cells) if cells.iter().all(Cell::is_blank) => return Ok(()),
            JsonRow::Object(cells) if cells.iter().all(|(_, cell)| cell.is_blank()) => {
                return Ok(());
            }
            JsonRow::List(_) => Shape::List,
            JsonRow::Object(_) => Shape::Object,
        };
        if *self.shape.get_or_insert(shape) != shape {
            return self.complain(Problem::OtherShape);
        }
        let cells: Vec<(usize, Cell)> = match row {
            JsonRow::List(cells) => cells.into_iter().enumerate().collect(),
            JsonRow::Object(cells) => self.placed(cells)?,
        };

        let width = cells
            .iter()
            .map(|(column, _)| column + 1)
            .max()
            .unwrap_or(0);
        let mut texts = vec![""; width];
        for (column, cell) in &cells {
            match cell {
                Cell::Text(text) => texts[*column] = text,
                Cell::Nested => {
                    let column = self.title(*column);
                    return self.complain(Problem::NestedValue { column });
                }
            }
        }
        self.table
            .push(self.rows_seen, texts.iter().copied(), self.limits)
    }

    fn complain(&mut self, problem: Problem) -> Result<(), ImportError> {
        self.limits
            .check(Limited::Rows, self.table.errors.len() + 1)?;
        self.table.errors.push(RowError {
            row: self.rows_seen,
            problem,
        });
        Ok(())
    }

    fn title(&self, column: usize) -> Excerpt {
        let key = self.table.keys.as_ref().and_then(|keys| keys.get(column));
        key.map_or_else(
            || Excerpt::of(&(column + 1).to_string()),
            |key| Excerpt::of(key),
        )
    }

    /// The cells of an object, each with the column of its key.
    fn placed(&mut self, cells: Vec<(String, Cell)>) -> Result<Vec<(usize, Cell)>, ImportError> {
        let keys = self.table.keys.get_or_insert_default();
        let mut placed = Vec::with_capacity(cells.len());
        for (key, cell) in cells {
            let column = *self.columns.entry(key).or_insert_with_key(|key| {
                keys.push(key.clone());
                keys.len() - 1
            });
            placed.push((column, cell));
        }
        self.limits.check(Limited::Columns, keys.len())?;
        Ok(placed)
    }
}

/// The top of the body.
struct Document<'r, 'a>(&'r mut RowReader<'a>);

impl<'de> Visitor<'de> for Document<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of rows or an object with rows")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, rows: A) -> Result<(), A::Error> {
        Rows(self.0).visit_seq(rows)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<(), A::Error> {
        let Self(reader) = self;
        let mut has_rows = false;
        // Bounded by the body's length.
        while let Some(key) = fields.next_key::<Cow<'_, str>>()? {
            match key.as_ref() {
                "rows" => {
                    fields.next_value_seed(Rows(reader))?;
                    has_rows = true;
                }
                "list_name" => {
                    reader.field = "list_name";
                    reader.list_name = fields.next_value()?;
                    reader.field = "rows";
                }
                PhoneColumn::FIELD => {
                    reader.field = PhoneColumn::FIELD;
                    reader.phone_column = fields.next_value()?;
                    reader.field = "rows";
                }
                _ => {
                    fields.next_value::<IgnoredAny>()?;
                }
            }
        }
        if has_rows {
            Ok(())
        } else {
            Err(A::Error::missing_field("rows"))
        }
    }
}

/// The list of rows.
struct Rows<'r, 'a>(&'r mut RowReader<'a>);

impl<'de> DeserializeSeed<'de> for Rows<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Rows<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of rows")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut rows: A) -> Result<(), A::Error> {
        let Self(reader) = self;
        let cells_max = usize::try_from(reader.limits.columns).unwrap_or(usize::MAX);
        // Bounded by the limit of rows, which `add` keeps, and by the body's length.
        while let Some(row) = rows.next_element_seed(OneRow { cells_max })? {
            let limit = reader.limits.columns;
            let too_wide = ImportError::TooLarge {
                what: Limited::Columns,
                limit,
            };
            if let Err(refusal) = row.ok_or(too_wide).and_then(|row| reader.add(row)) {
                reader.refused = Some(refusal);
                return Err(A::Error::custom("refused"));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
