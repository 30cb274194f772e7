//! Uploads, a content type and a body in two lines: the file is a piece of the body, and what is
//! said about it is short and has no path.

#![no_main]

use bytes::Bytes;
use leads::multipart::{Upload, file_and_fields};
use leads::table::Limits;
use libfuzzer_sys::fuzz_target;
use ringfence_fuzz::bounds::{Bounds, bounded};
use ringfence_fuzz::opinion::parts;
use tokio::runtime::{Builder, Runtime};

thread_local!(static RUNTIME: Runtime = Builder::new_current_thread()
    .build()
    .expect("a runtime without sockets can be had"));

fuzz_target!(|input: &[u8]| bounded(input, Bounds::PLAIN, check));

/// As for an import, but so small that inputs pass them.
const LIMITS: Limits = Limits {
    file_bytes: 1_000,
    ..Limits::STANDARD
};

fn check(input: &[u8]) {
    let [content_type, body] = parts(input);
    let Ok(content_type) = std::str::from_utf8(content_type) else {
        return;
    };
    let bytes = Bytes::copy_from_slice(body);
    let read = file_and_fields(content_type, bytes, &LIMITS);
    match RUNTIME.with(|runtime| runtime.block_on(read)) {
        Ok(upload) => check_upload(&upload, body),
        Err(error) => assert_eq!(error.code() == "bad_field", error.field().is_some()),
    }
}

fn check_upload(upload: &Upload, body: &[u8]) {
    let (file, length) = (&upload.bytes[..], upload.bytes.len());
    assert!(length <= 1_000);
    let is_piece = length == 0 || body.windows(length).any(|piece| piece == file);
    assert!(is_piece);
    let names = upload.file_name.iter().chain(&upload.list_name);
    for name in names {
        assert!(!name.is_empty() && !name.chars().any(char::is_control));
        assert!(name.chars().count() <= 255);
    }
    let is_path = |name: &String| name.contains(['/', '\\']);
    assert!(!upload.file_name.as_ref().is_some_and(is_path));
    assert!(
        upload
            .list_name
            .as_ref()
            .is_none_or(|name| name.chars().count() <= 200)
    );
}
