//! CSV files: every row that holds something becomes a lead, a duplicate or an error.

#![no_main]

use leads::import::read_file;
use leads::table::Limits;
use libfuzzer_sys::fuzz_target;
use ringfence_fuzz::bounds::{Bounds, bounded};
use ringfence_fuzz::import::{self, Rows};

/// A cell that is no number is read as forty numbers that it might be.
const BOUNDS: Bounds = Bounds {
    memory_bytes: 256 * 1024,
    memory_bytes_per_byte: 256,
    nanos_per_byte: 20_000,
};

fuzz_target!(|input: &[u8]| bounded(input, BOUNDS, check));

fn check(input: &[u8]) {
    // The target `xlsx` tries what is taken for a workbook.
    if input.starts_with(b"PK") {
        return;
    }
    let region = "IL".parse().expect("it has a numbering plan");
    let import = read_file(input, None, region, &Limits::STANDARD);
    import::check(&import, rows(input), region);
}

/// Counts rows where each is a line and the text can be in one encoding only.
fn rows(input: &[u8]) -> Option<Rows> {
    let text = std::str::from_utf8(input).ok()?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.contains(['"', '\0']) {
        return None;
    }
    let is_blank = |c: char| c.is_whitespace() || c.is_control();
    // A cell of nothing but delimiters may be text or no text; so may a mark, or `sep=;`.
    let is_sure = |line: &&str| line.chars().any(|c| c.is_ascii_alphanumeric());
    let is_possible = |line: &&str| line.chars().any(|c| !is_blank(c));
    let lines = || text.split(['\n', '\r']);
    let announcements = usize::from(
        text.get(..4)
            .is_some_and(|s| s.eq_ignore_ascii_case("sep=")),
    );
    Some(Rows {
        least: lines().filter(is_sure).count() - announcements.min(lines().filter(is_sure).count()),
        most: lines().filter(is_possible).count(),
    })
}
