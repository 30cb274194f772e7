//! Counts what a workbook inflates to before anything of it is parsed.
//!
//! A few kilobytes can declare, or inflate to, any number of bytes. What the archive declares
//! is checked first, since that costs nothing, and then what is really there, in a buffer of
//! fixed size: afterwards the parser cannot be given more than the limits here.

use std::io::{BufReader, Cursor, Read};

use quick_xml::Reader;
use quick_xml::events::Event;
use zip::ZipArchive;

use crate::refusal::Unsupported::NotWorkbook;
use crate::refusal::{ImportError, Limited};

/// Of all parts together: a hundred thousand rows of twenty filled columns fit.
const INFLATED_BYTES_MAX: u64 = 200 * 1024 * 1024;
/// Of the texts that cells share. Each is kept in memory, the shortest at four times its size.
const STRINGS_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// The parser makes room for as many texts as the file says there are, 24 bytes for each.
const STRINGS_MAX: u64 = 10_000_000;
/// Of any part that is neither a sheet, nor texts, nor a picture. Sixty-four thousand
/// cell formats fit, Excel's own limit.
const PART_BYTES_MAX: u64 = 8 * 1024 * 1024;
/// Workbooks have a dozen parts, and with many sheets and pictures some hundreds.
const PARTS_MAX: usize = 5_000;

/// Refuses what is no workbook, or too large a one.
pub(super) fn check(bytes: &[u8]) -> Result<(), ImportError> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|_| unreadable())?;
    if archive.len() > PARTS_MAX {
        return Err(too_large(INFLATED_BYTES_MAX));
    }
    let is_workbook = archive
        .file_names()
        .filter_map(Result::ok)
        .any(|name| name.eq_ignore_ascii_case("xl/workbook.xml"));
    if !is_workbook {
        return Err(unreadable());
    }
    let mut declared = 0_u64;
    for index in 0..archive.len() {
        let part = archive.by_index_raw(index).map_err(|_| unreadable())?;
        declared = declared.saturating_add(part.size());
        let most = most(&part.name().map_err(|_| unreadable())?);
        if part.size() > most {
            return Err(too_large(most));
        }
    }
    if declared > INFLATED_BYTES_MAX {
        return Err(too_large(INFLATED_BYTES_MAX));
    }
    let mut left = INFLATED_BYTES_MAX;
    for index in 0..archive.len() {
        left -= inflate(&mut archive, index, left)?;
    }
    Ok(())
}

/// How many bytes a part really has, if no more than it may and than are `left`.
fn inflate(
    archive: &mut ZipArchive<Cursor<&[u8]>>,
    index: usize,
    left: u64,
) -> Result<u64, ImportError> {
    let part = archive.by_index(index).map_err(|_| unreadable())?;
    let name = part.name().map_err(|_| unreadable())?.into_owned();
    let most = most(&name).min(left);
    let size = std::io::copy(&mut part.take(most + 1), &mut std::io::sink());
    let size = size.map_err(|_| unreadable())?;
    if size > most {
        return Err(too_large(most));
    }
    if is_strings(&name) {
        let part = archive.by_index(index).map_err(|_| unreadable())?;
        check_strings(part)?;
    }
    Ok(size)
}

/// Checks how many texts a part says that it has, read as the parser will read it.
fn check_strings(part: impl Read) -> Result<(), ImportError> {
    let mut xml = Reader::from_reader(BufReader::new(part));
    let config = xml.config_mut();
    config.check_end_names = false;
    config.expand_empty_elements = true;
    let mut buffer = Vec::new();
    // Bounded by the part's size, which has been counted.
    loop {
        buffer.clear();
        match xml.read_event_into(&mut buffer) {
            Ok(Event::Start(element)) if element.local_name().as_ref() == "sst" => {
                // Whichever attribute the parser takes for the count, and however it reads it.
                let numbers = element
                    .attributes_raw()
                    .split(|c: char| !c.is_ascii_digit());
                let is_promise = |digits: &str| {
                    !digits.is_empty()
                        && !digits.parse().is_ok_and(|count: u64| count <= STRINGS_MAX)
                };
                return if numbers.into_iter().any(is_promise) {
                    Err(too_large(STRINGS_BYTES_MAX))
                } else {
                    Ok(())
                };
            }
            Ok(Event::Eof) | Err(_) => return Err(unreadable()),
            Ok(_) => {}
        }
    }
}

fn is_strings(name: &str) -> bool {
    name.to_ascii_lowercase().ends_with("sharedstrings.xml")
}

fn most(name: &str) -> u64 {
    let name = name.to_ascii_lowercase().replace('\\', "/");
    if is_strings(&name) {
        STRINGS_BYTES_MAX
    } else if name.contains("/worksheets/") || name.contains("/media/") {
        INFLATED_BYTES_MAX
    } else {
        PART_BYTES_MAX
    }
}

fn unreadable() -> ImportError {
    ImportError::UnsupportedFile(NotWorkbook)
}

fn too_large(limit: u64) -> ImportError {
    ImportError::TooLarge {
        what: Limited::InflatedBytes,
        limit: u32::try_from(limit).unwrap_or(u32::MAX),
    }
}
