//! Reads and writes the attributes of stored items.
//!
//! An attribute that is missing or not of its kind is an error that names the
//! attribute and never its content.

use std::collections::HashMap;
use std::fmt::Display;
use std::str::FromStr;

use anyhow::{Context, Result, bail, ensure};
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use ringfence_core::time::Timestamp;

/// An item, or a map inside one.
pub(crate) type Item = HashMap<String, AttributeValue>;

/// The attributes of an item, by name.
#[derive(Clone, Copy)]
pub(crate) struct Fields<'a>(&'a Item);

/// The version of the format of every record.
///
/// A reader refuses another, so a change that old readers would misread takes a new number.
const VERSION: u32 = 1;

impl<'a> Fields<'a> {
    /// Reads a whole record, if it has the version that this code knows.
    pub(crate) fn of(item: &'a Item) -> Result<Self> {
        let fields = Self(item);
        let version: u32 = fields.number("v")?;
        ensure!(
            version == VERSION,
            "a record has the unknown version {version}"
        );
        Ok(fields)
    }

    /// Reads a map inside a record.
    pub(crate) const fn inside(map: &'a Item) -> Self {
        Self(map)
    }

    pub(crate) fn text(self, name: &'static str) -> Result<&'a str> {
        self.text_if_any(name)?.with_context(|| missing(name))
    }

    pub(crate) fn text_if_any(self, name: &'static str) -> Result<Option<&'a str>> {
        match self.0.get(name) {
            None | Some(AttributeValue::Null(_)) => Ok(None),
            Some(AttributeValue::S(text)) => Ok(Some(text)),
            Some(_) => bail!("attribute {name} is not a string"),
        }
    }

    /// Reads a string as what it stands for.
    pub(crate) fn parsed<T: FromStr>(self, name: &'static str) -> Result<T> {
        self.parsed_if_any(name)?.with_context(|| missing(name))
    }

    pub(crate) fn parsed_if_any<T: FromStr>(self, name: &'static str) -> Result<Option<T>> {
        let Some(text) = self.text_if_any(name)? else {
            return Ok(None);
        };
        match text.parse() {
            Ok(value) => Ok(Some(value)),
            Err(_) => bail!("attribute {name} is not well-formed"),
        }
    }

    /// Reads a string through `read`, which knows the words that it may be.
    pub(crate) fn word<T>(self, name: &'static str, read: fn(&str) -> Option<T>) -> Result<T> {
        read(self.text(name)?).with_context(|| format!("attribute {name} is an unknown word"))
    }

    pub(crate) fn number<T: FromStr>(self, name: &'static str) -> Result<T> {
        self.number_if_any(name)?.with_context(|| missing(name))
    }

    pub(crate) fn number_if_any<T: FromStr>(self, name: &'static str) -> Result<Option<T>> {
        match self.0.get(name) {
            None | Some(AttributeValue::Null(_)) => Ok(None),
            Some(value) => as_number(value, name).map(Some),
        }
    }

    pub(crate) fn time(self, name: &'static str) -> Result<Timestamp> {
        self.number(name).map(Timestamp::from_millis)
    }

    pub(crate) fn time_if_any(self, name: &'static str) -> Result<Option<Timestamp>> {
        Ok(self.number_if_any(name)?.map(Timestamp::from_millis))
    }

    pub(crate) fn bytes(self, name: &'static str) -> Result<&'a [u8]> {
        match self.0.get(name) {
            Some(AttributeValue::B(bytes)) => Ok(bytes.as_ref()),
            Some(_) => bail!("attribute {name} is not binary"),
            None => bail!(missing(name)),
        }
    }

    /// Reads bytes of a known number.
    pub(crate) fn array<const N: usize>(self, name: &'static str) -> Result<[u8; N]> {
        let bytes = self.bytes(name)?;
        let array = <[u8; N]>::try_from(bytes);
        array.with_context(|| format!("attribute {name} has {} bytes", bytes.len()))
    }

    pub(crate) fn map(self, name: &'static str) -> Result<&'a Item> {
        match self.0.get(name) {
            Some(AttributeValue::M(map)) => Ok(map),
            Some(_) => bail!("attribute {name} is not a map"),
            None => bail!(missing(name)),
        }
    }

    /// Reads a list. A missing one is empty.
    pub(crate) fn list(self, name: &'static str) -> Result<&'a [AttributeValue]> {
        match self.0.get(name) {
            None => Ok(&[]),
            Some(AttributeValue::L(list)) => Ok(list),
            Some(_) => bail!("attribute {name} is not a list"),
        }
    }

    pub(crate) fn has(self, name: &'static str) -> bool {
        self.0
            .get(name)
            .is_some_and(|value| !matches!(value, AttributeValue::Null(_)))
    }
}

/// Reads a number; `name` says in which attribute it is.
pub(crate) fn as_number<T: FromStr>(value: &AttributeValue, name: &'static str) -> Result<T> {
    let AttributeValue::N(digits) = value else {
        bail!("attribute {name} is not a number");
    };
    match digits.parse() {
        Ok(number) => Ok(number),
        Err(_) => bail!("attribute {name} is out of range"),
    }
}

/// Reads a map; `name` says in which attribute it is.
pub(crate) fn as_map<'a>(value: &'a AttributeValue, name: &'static str) -> Result<Fields<'a>> {
    match value {
        AttributeValue::M(map) => Ok(Fields::inside(map)),
        _ => bail!("attribute {name} holds something else than maps"),
    }
}

/// The version that every record is written with.
pub(crate) fn version() -> (&'static str, AttributeValue) {
    ("v", number(VERSION))
}

pub(crate) fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

pub(crate) fn number(value: impl Display) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

pub(crate) fn time(value: Timestamp) -> AttributeValue {
    number(value.as_millis())
}

pub(crate) fn bytes(value: impl Into<Vec<u8>>) -> AttributeValue {
    AttributeValue::B(Blob::new(value))
}

/// Makes a map, without the attributes that have no value.
pub(crate) fn map<const N: usize>(
    attributes: [(&'static str, Option<AttributeValue>); N],
) -> AttributeValue {
    let present = attributes.into_iter();
    let present = present.filter_map(|(name, value)| Some((name.to_owned(), value?)));
    AttributeValue::M(present.collect())
}

/// Adds those attributes to an item that have a value.
pub(crate) fn put<const N: usize>(
    item: &mut Item,
    attributes: [(&'static str, Option<AttributeValue>); N],
) {
    for (name, value) in attributes {
        if let Some(value) = value {
            item.insert(name.to_owned(), value);
        }
    }
}

fn missing(name: &'static str) -> String {
    format!("attribute {name} is missing")
}
