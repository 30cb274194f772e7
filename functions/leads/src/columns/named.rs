//! The phone column that a request names.

use schemars::JsonSchema;
use serde::Deserialize;

use super::phone::{Method, PhoneColumns, Undecided};
use crate::headers::is_same;
use crate::text::clean_line;

/// A column, by its header or by its number from 1.
#[derive(Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum PhoneColumn {
    Number(#[schemars(range(min = 1))] u32),
    /// A header, a title as answers show it (`column_2`), or a number written as a text.
    Header(String),
}

impl PhoneColumn {
    /// The field of a request that holds it.
    pub const FIELD: &str = "phone_column";

    /// Whether nothing is named.
    pub(super) fn is_blank(&self) -> bool {
        matches!(self, Self::Header(text) if clean_line(text).is_empty())
    }

    /// Whether a cell is the header that is meant, wherever it stands.
    pub(super) fn is_header(&self, cell: &str) -> bool {
        match self {
            Self::Number(_) => false,
            Self::Header(text) => number(text).is_none() && is_same(text, cell),
        }
    }

    /// The column among those with these headers, if there are any, and these titles.
    pub(super) fn find(
        &self,
        headers: Option<&[String]>,
        titles: &[String],
    ) -> Result<PhoneColumns, Undecided> {
        let numbered = |number: u32| {
            let index = usize::try_from(number).ok()?.checked_sub(1)?;
            (index < titles.len()).then_some(index)
        };
        let found: Vec<usize> = match self {
            Self::Number(number) => numbered(*number).into_iter().collect(),
            Self::Header(text) => {
                let is_meant = |&index: &usize| {
                    let header = headers.and_then(|headers| headers.get(index));
                    header.is_some_and(|header| is_same(text, header))
                        || is_same(text, &titles[index])
                };
                let titled: Vec<usize> = (0..titles.len()).filter(is_meant).collect();
                if titled.is_empty() {
                    number(text).and_then(numbered).into_iter().collect()
                } else {
                    titled
                }
            }
        };
        match found[..] {
            [] => Err(Undecided::NotThere),
            [first] => Ok(PhoneColumns {
                first,
                more: Vec::new(),
                method: Method::Header,
            }),
            [_, _, ..] => Err(Undecided::Several(found)),
        }
    }
}

fn number(text: &str) -> Option<u32> {
    clean_line(text).parse().ok()
}
