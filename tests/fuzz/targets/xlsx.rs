//! Workbooks: the bytes of an archive, or else its parts, each after a line with its name. Every
//! row that holds something becomes a lead, a duplicate or an error, whatever a part inflates to.

#![no_main]

use std::io::{Cursor, Write};
use std::panic::Location;

use leads::import::read_file;
use leads::table::Limits;
use libfuzzer_sys::fuzz_target;
use ringfence_fuzz::bounds::{Bounds, bounded};
use ringfence_fuzz::import;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// An archive inflates, and is refused beyond what a file may hold.
const BOUNDS: Bounds = Bounds {
    memory_bytes: 16 << 20,
    memory_bytes_per_byte: 1_024,
    nanos_per_byte: 50_000,
};

fuzz_target!(
    init: {
        // A panic of the parser beneath is caught and refused; libFuzzer's hook would end the
        // process before. Others end it at the border to libFuzzer.
        std::panic::set_hook(Box::new(|panic| {
            let is_ours = |place: &Location<'_>| {
                place.file().starts_with("src/") || place.file().starts_with("targets/")
            };
            if panic.location().is_some_and(is_ours) {
                eprintln!("{panic}");
            }
        }));
    },
    |input: &[u8]| {
        if input.starts_with(b"PK") {
            bounded(input, BOUNDS, check);
        } else if let Some(archive) = archive(input) {
            bounded(&archive, BOUNDS, check);
        }
    }
);

fn check(input: &[u8]) {
    let region = "IL".parse().expect("it has a numbering plan");
    import::check(
        &read_file(input, None, region, &Limits::STANDARD),
        None,
        region,
    );
}

/// What a part begins after, so that inputs stay readable.
const MARK: &[u8] = b"\n@@";

const PARTS_MAX: usize = 8;

fn archive(input: &[u8]) -> Option<Vec<u8>> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    let mut rest = input;
    for _ in 0..PARTS_MAX {
        let to = rest.windows(MARK.len()).position(|window| window == MARK);
        let part = &rest[..to.unwrap_or(rest.len())];
        let name_to = part.iter().position(|&byte| byte == b'\n')?;
        let name = std::str::from_utf8(&part[..name_to]).ok()?;
        writer.start_file(name, options).ok()?;
        writer.write_all(&part[name_to + 1..]).ok()?;
        match to {
            Some(to) => rest = &rest[to + MARK.len()..],
            None => break,
        }
    }
    Some(writer.finish().ok()?.into_inner())
}
