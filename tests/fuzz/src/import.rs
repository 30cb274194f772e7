//! What must hold of every import, whatever it was read from.

use std::collections::BTreeSet;

use leads::import::Import;
use leads::phones::{self, Region};
use leads::refusal::ImportError;

use crate::opinion::has_digits;

/// How many rows an input certainly has, and how many it can have at most.
#[derive(Debug, Clone, Copy)]
pub struct Rows {
    pub least: usize,
    pub most: usize,
}

/// No title and header take more rows.
const ROWS_BEFORE_MAX: usize = 10;

/// Checks an import, against `rows` where they could be counted in another way.
///
/// # Panics
///
/// A row is lost or counted twice, or what was read would not be read again.
pub fn check(import: &Result<Import, ImportError>, rows: Option<Rows>, region: Region) {
    let import = match import {
        Ok(import) => import,
        Err(error) => {
            assert!(
                !error.code().is_empty() && !has_digits(&error.to_string(), 9),
                "{error}"
            );
            assert!(!has_digits(&format!("{error:?}"), 11));
            return;
        }
    };
    let (leads, errors) = (&import.leads, &import.errors);
    assert!(!leads.is_empty());
    assert_eq!(usize::try_from(import.skipped).ok(), Some(errors.len()));
    assert!(leads.windows(2).all(|pair| pair[0].row < pair[1].row));
    assert!(errors.windows(2).all(|pair| pair[0].row < pair[1].row));
    let numbers: BTreeSet<&str> = leads.iter().map(|lead| lead.phone.expose()).collect();
    assert_eq!(numbers.len(), leads.len());
    let of_leads: BTreeSet<u32> = leads.iter().map(|lead| lead.row).collect();
    assert!(errors.iter().all(|error| !of_leads.contains(&error.row)));
    assert!(!has_digits(&format!("{leads:?}{errors:?}"), 11));

    let read = leads.len() + errors.len() + usize::try_from(import.duplicates).unwrap_or_default();
    if let Some(Rows { least, most }) = rows {
        let before = if import.mapping.has_header {
            ROWS_BEFORE_MAX
        } else {
            0
        };
        assert!(
            least <= read + before && read <= most,
            "{read} of {least} to {most} rows"
        );
    }
    for lead in leads {
        assert!(lead.row >= 1 && !lead.name.chars().any(char::is_control));
        let texts = lead.variables.values().chain(&lead.city).chain(&lead.notes);
        let is_clean = |text: &String| {
            let is_kept = |c: char| c == '\n' || c == '\t' || !c.is_control();
            !text.trim().is_empty() && text.chars().all(is_kept)
        };
        assert!(texts.into_iter().all(is_clean));
    }
    // Once is enough: reading a number is the slowest part of all.
    let phone = &leads[0].phone;
    assert_eq!(phones::parse(phone.expose(), region).as_ref(), Ok(phone));
    for error in errors.iter().take(3) {
        let texts = [error.hebrew(), error.english()];
        assert!(
            texts
                .iter()
                .all(|text| text.chars().count() < 120 && !text.contains('\n'))
        );
    }
}
