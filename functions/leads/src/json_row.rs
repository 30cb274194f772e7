//! One JSON row and its cells, read without keeping more than the row may have.

use std::fmt;

use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor,
};

use crate::text::is_blank;

/// A row as it was written.
pub(crate) enum JsonRow {
    List(Vec<Cell>),
    Object(Vec<(String, Cell)>),
}

/// A value of a row.
pub(crate) enum Cell {
    /// A text, a number or a truth value, as a person would write it; empty for null.
    Text(String),
    /// A list or an object.
    Nested,
}

impl Cell {
    pub(crate) fn is_blank(&self) -> bool {
        matches!(self, Self::Text(text) if is_blank(text))
    }
}

/// Reads one row, or nothing if it has more cells than a row may have.
pub(crate) struct OneRow {
    pub(crate) cells_max: usize,
}

impl<'de> DeserializeSeed<'de> for OneRow {
    type Value = Option<JsonRow>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for OneRow {
    type Value = Option<JsonRow>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a row: a list or an object")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut cells: A) -> Result<Self::Value, A::Error> {
        let mut row = Vec::new();
        // Bounded by the number of cells.
        while row.len() < self.cells_max {
            match cells.next_element()? {
                Some(cell) => row.push(cell),
                None => return Ok(Some(JsonRow::List(row))),
            }
        }
        let mut is_too_wide = false;
        // Bounded by the body's length.
        while cells.next_element::<IgnoredAny>()?.is_some() {
            is_too_wide = true;
        }
        Ok((!is_too_wide).then_some(JsonRow::List(row)))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut cells: A) -> Result<Self::Value, A::Error> {
        let mut row = Vec::new();
        // Bounded by the number of cells.
        while row.len() < self.cells_max {
            match cells.next_entry()? {
                Some(entry) => row.push(entry),
                None => return Ok(Some(JsonRow::Object(row))),
            }
        }
        let mut is_too_wide = false;
        // Bounded by the body's length.
        while cells.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {
            is_too_wide = true;
        }
        Ok((!is_too_wide).then_some(JsonRow::Object(row)))
    }
}

impl<'de> Deserialize<'de> for Cell {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(CellVisitor)
    }
}

struct CellVisitor;

impl<'de> Visitor<'de> for CellVisitor {
    type Value = Cell;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a cell")
    }

    fn visit_str<E>(self, text: &str) -> Result<Cell, E> {
        Ok(Cell::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Cell, E> {
        Ok(Cell::Text(text))
    }

    fn visit_bool<E>(self, truth: bool) -> Result<Cell, E> {
        Ok(Cell::Text(truth.to_string()))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Cell, E> {
        Ok(Cell::Text(number.to_string()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Cell, E> {
        Ok(Cell::Text(number.to_string()))
    }

    /// Rust writes floats without exponent and integral ones without fraction.
    fn visit_f64<E>(self, number: f64) -> Result<Cell, E> {
        Ok(Cell::Text(number.to_string()))
    }

    fn visit_unit<E>(self) -> Result<Cell, E> {
        Ok(Cell::Text(String::new()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<Cell, A::Error> {
        // Bounded by the body's length.
        while values.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Cell::Nested)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut values: A) -> Result<Cell, A::Error> {
        // Bounded by the body's length.
        while values.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Cell::Nested)
    }
}
