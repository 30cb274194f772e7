//! Decides which column holds the phone numbers.
//!
//! A header that says so is believed before the content: another column of digits, such as
//! identity numbers, may pass for phone numbers of strangers. For the same reason nothing is
//! guessed where two columns are equally likely.

use std::cmp::Reverse;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Column;
use crate::headers::{Role, is_called_lead};

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
        let more = with_role(Role::Phone).filter(|&index| index != first);
        return Ok(PhoneColumns {
            more: more.collect(),
            ..only(first, Method::Header)
        });
    }
    let likely = |indices: &mut dyn Iterator<Item = usize>| -> Vec<usize> {
        indices
            .filter(|&index| columns[index].is_mostly_phones())
            .collect()
    };
    let one_s = |indices: Vec<usize>| {
        let first = clearest(columns, indices.clone()).ok();
        let first = first.or_else(|| likeliest(&mut indices.iter().copied()));
        first.map(|first| PhoneColumns {
            more: indices.into_iter().filter(|&it| it != first).collect(),
            ..only(first, Method::Header)
        })
    };
    let somebody_s = likely(&mut with_role(Role::SomePhone));
    let is_lead_s = |index: &usize| is_called_lead(&columns[*index].owner);
    let lead_s = somebody_s.iter().copied().filter(is_lead_s).collect();
    if let Some(found) = one_s(lead_s) {
        return Ok(found);
    }
    let is_possible = |&index: &usize| columns[index].role != Some(Role::Identifier);
    let mut unannounced = likely(&mut all().filter(|&index| columns[index].role.is_none()));
    // Its header may mean the number of the row or of anything else, so what it holds counts too.
    let mut numbers = with_role(Role::Number).filter(|&index| columns[index].phones > 0);
    if let Some(number) = likeliest(&mut numbers) {
        let is_likely = somebody_s.is_empty() || columns[number].is_mostly_phones();
        let is_doubtful = |&other: &usize| columns[other].is_clearer_than(&columns[number]);
        if is_likely && !unannounced.iter().any(is_doubtful) {
            return Ok(only(number, Method::Header));
        }
    }
    if let Some(&first) = somebody_s.first() {
        // An agent's number is as good as the customer's, and nobody is to be called in place
        // of another.
        let are_one_s = |&index: &usize| columns[index].owner == columns[first].owner;
        if !unannounced.is_empty() || !somebody_s.iter().all(are_one_s) {
            let mut several = [somebody_s, unannounced].concat();
            several.sort_unstable();
            return Err(Undecided::Several(several));
        }
        return one_s(somebody_s).ok_or(Undecided::NoneLikely);
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
