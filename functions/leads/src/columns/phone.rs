//! Decides which column holds the phone numbers.
//!
//! A header that says so is believed before the content: another column of digits, such as
//! identity numbers, may pass for phone numbers of strangers. For the same reason nothing is
//! guessed where two columns are equally likely.

use std::cmp::Reverse;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Column;
use crate::headers::Role;

/// Where phone numbers are.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct PhoneColumns {
    pub(super) first: usize,
    /// Other numbers of the same people, by their headers.
    pub(super) more: Vec<usize>,
    pub(super) method: Method,
}

/// How the phone column was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Method {
    /// Its header says so, or the request names it.
    Header,
    /// Most of its cells are phone numbers.
    Content,
    /// There are at most two columns, and it is the likelier one.
    Fallback,
}

/// Why there is no phone column.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Undecided {
    NoneLikely,
    Several(Vec<usize>),
    /// The request names a column that the table does not have.
    NotThere,
}

pub(super) fn find(columns: &[Column]) -> Result<PhoneColumns, Undecided> {
    let all = || 0..columns.len();
    let with_role = |wanted: Role| all().filter(move |&index| columns[index].role == Some(wanted));
    let likeliest = |indices: &mut dyn Iterator<Item = usize>| {
        indices.max_by_key(|&index| (columns[index].points(), Reverse(index)))
    };
    let only = |first: usize, method: Method| PhoneColumns {
        first,
        more: Vec::new(),
        method,
    };
    if let Some(first) = likeliest(&mut with_role(Role::Phone)) {
        let is_more = |&index: &usize| index != first && columns[index].phones > 0;
        return Ok(PhoneColumns {
            more: with_role(Role::Phone).filter(is_more).collect(),
            ..only(first, Method::Header)
        });
    }
    let likely = |indices: &mut dyn Iterator<Item = usize>| -> Vec<usize> {
        indices
            .filter(|&index| columns[index].is_mostly_phones())
            .collect()
    };
    let somebody_s = likely(&mut with_role(Role::SomePhone));
    if !somebody_s.is_empty() {
        return Ok(only(clearest(columns, somebody_s)?, Method::Header));
    }
    let is_possible = |&index: &usize| columns[index].role != Some(Role::Identifier);
    let mut unannounced = likely(&mut all().filter(|&index| columns[index].role.is_none()));
    // Its header may mean the number of the row or of anything else, so what it holds counts too.
    let mut numbers = with_role(Role::Number).filter(|&index| columns[index].phones > 0);
    if let Some(number) = likeliest(&mut numbers) {
        let is_doubtful = |&other: &usize| columns[other].is_clearer_than(&columns[number]);
        if !unannounced.iter().any(is_doubtful) {
            return Ok(only(number, Method::Header));
        }
    }
    if unannounced.is_empty() {
        unannounced = likely(&mut all().filter(is_possible));
    }
    if !unannounced.is_empty() {
        return Ok(only(clearest(columns, unannounced)?, Method::Content));
    }
    if columns.len() > 2 {
        return Err(Undecided::NoneLikely);
    }
    let has_phones = |&index: &usize| is_possible(&index) && columns[index].phones > 0;
    likeliest(&mut all().filter(has_phones))
        .or_else(|| all().next_back().filter(is_possible))
        .map(|index| only(index, Method::Fallback))
        .ok_or(Undecided::NoneLikely)
}

/// The one column that looks more like phone numbers of people than each of the others.
fn clearest(columns: &[Column], likely: Vec<usize>) -> Result<usize, Undecided> {
    let clearest = likely.iter().copied().find(|&one| {
        let mut others = likely.iter().filter(|&&other| other != one);
        others.all(|&other| columns[one].is_clearer_than(&columns[other]))
    });
    clearest.ok_or(Undecided::Several(likely))
}

impl Column {
    /// Whether it looks more like phone numbers in one respect, and no less in the other.
    fn is_clearer_than(&self, other: &Self) -> bool {
        let (mobile, other_mobile) = (self.are_mobiles(), other.are_mobiles());
        let (written, other_written) = (self.are_written(), other.are_written());
        let is_more = mobile && !other_mobile || written && !other_written;
        let is_less = !mobile && other_mobile || !written && other_written;
        is_more && !is_less
    }

    fn are_mobiles(&self) -> bool {
        self.mobiles * 2 > self.phones
    }

    /// As an identity number is not.
    fn are_written(&self) -> bool {
        self.written * 2 > self.phones
    }
}
