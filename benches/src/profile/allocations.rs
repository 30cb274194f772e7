//! Reads what DHAT counts: the blocks that were allocated, by where from.

use anyhow::{Context, Result};
use serde::Deserialize;

use super::parts::{Part, part_of};
use super::{Found, MEASURED, under_valgrind};

/// How many callers are told apart: more than there are between an allocation and the event.
const CALLERS: &str = "--num-callers=300";

/// What DHAT writes.
#[derive(Deserialize)]
struct Written {
    /// Where blocks were allocated.
    pps: Vec<Place>,
    /// The callers.
    ftbl: Vec<String>,
}

#[derive(Deserialize)]
struct Place {
    /// How many blocks.
    tbk: u64,
    /// The callers, the innermost first.
    fs: Vec<usize>,
}

/// Blocks of all events, by part.
pub(super) fn count(function: &str, limit: u32) -> Result<Found> {
    let options = ["--tool=dhat", CALLERS];
    let written = under_valgrind(function, limit, &options, "--dhat-out-file")?;
    let Written { pps, ftbl } = serde_json::from_str(&written).context("DHAT writes JSON")?;
    let mut found = Found::new();
    for Place { tbk, fs } in pps {
        let callers: Vec<&str> = fs.iter().map(|&at| function_of(&ftbl[at])).collect();
        if callers.iter().any(|caller| caller.contains(MEASURED)) {
            let part = callers.iter().find_map(|caller| part_of(caller));
            *found.entry(part.unwrap_or(Part::Rest)).or_default() += tbk as f64;
        }
    }
    Ok(found)
}

/// The name in `0x1234: name (in program)`.
fn function_of(caller: &str) -> &str {
    let name = caller.split_once(": ").map_or(caller, |(_, name)| name);
    name.rsplit_once(" (").map_or(name, |(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_is_known_by_its_name() {
        let called = "0xFED350: ringfence_core::fill::fill (in /somewhere/bench)";
        assert_eq!(function_of(called), "ringfence_core::fill::fill");
        let cast = "0x1: <A as (B)>::c (c.rs:7)";
        assert_eq!(function_of(cast), "<A as (B)>::c");
    }
}
