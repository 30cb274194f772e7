//! Finds out in which encoding a text file was saved, and reads it.
//!
//! A file is refused rather than read with guessed or replaced letters.

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252, WINDOWS_1255};
use thiserror::Error;

/// The file's text, without a byte order mark.
///
/// UTF-8 and UTF-16 are known by their mark or their form. Of the old
/// encodings, Windows-1255 covers ISO-8859-8 as far as letters go, and
/// Windows-1252 is told from both by its accents, which stand among Latin letters.
///
/// # Errors
///
/// It is no text file, or not in one of these encodings.
pub(crate) fn decode(bytes: &[u8]) -> Result<Cow<'_, str>, NotText> {
    let (encoding, is_guessed) = if let Some((encoding, _)) = Encoding::for_bom(bytes) {
        (encoding, false)
    } else if let Some(encoding) = utf_16_without_mark(bytes) {
        (encoding, true)
    } else if std::str::from_utf8(bytes).is_ok() {
        (UTF_8, false)
    } else if accents_are_among_latin_letters(bytes) {
        (WINDOWS_1252, true)
    } else {
        (WINDOWS_1255, true)
    };
    let (text, had_errors) = encoding.decode_with_bom_removal(bytes);
    // What was guessed may be damaged or no text at all: nearly every byte is a letter somewhere.
    let is_foreign = |c: char| match c {
        '\t' | '\n' | '\r' => false,
        '\0' => true,
        c => is_guessed && c.is_control(),
    };
    if had_errors || text.contains(is_foreign) {
        Err(NotText)
    } else {
        Ok(text)
    }
}

/// The bytes are not a text in an encoding that is read here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the file is not a text in a known encoding")]
pub(crate) struct NotText;

/// In UTF-16, every other byte of digits, delimiters and line breaks is zero.
fn utf_16_without_mark(bytes: &[u8]) -> Option<&'static Encoding> {
    if !bytes.len().is_multiple_of(2) {
        return None;
    }
    let zeros_at = |parity: usize| {
        bytes
            .iter()
            .skip(parity)
            .step_by(2)
            .filter(|&&b| b == 0)
            .count()
    };
    let (even, odd) = (zeros_at(0), zeros_at(1));
    let is_enough = |zeros: usize| zeros > bytes.len() / 8;
    match (even, odd) {
        (0, odd) if is_enough(odd) => Some(UTF_16LE),
        (even, 0) if is_enough(even) => Some(UTF_16BE),
        _ => None,
    }
}

/// Whether more of the high letters touch an ASCII letter than touch another high letter.
fn accents_are_among_latin_letters(bytes: &[u8]) -> bool {
    let is_high = |b: u8| b >= 0xc0;
    let count = |touches: fn(u8) -> bool| {
        bytes
            .windows(2)
            .filter(|pair| {
                (is_high(pair[0]) && touches(pair[1])) || (is_high(pair[1]) && touches(pair[0]))
            })
            .count()
    };
    count(|b| b.is_ascii_alphabetic()) > count(|b| b >= 0xc0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "שם,טלפון\r\nדן כהן,050-1234567\r\n";

    #[track_caller]
    fn check(bytes: &[u8], expected: &str) {
        assert_eq!(decode(bytes).as_deref(), Ok(expected));
    }

    fn utf_16(to_bytes: fn(u16) -> [u8; 2], text: &str) -> Vec<u8> {
        text.encode_utf16().flat_map(to_bytes).collect()
    }

    #[test]
    fn utf_8_is_read_with_and_without_a_mark() {
        check(TEXT.as_bytes(), TEXT);
        check(&[b"\xef\xbb\xbf", TEXT.as_bytes()].concat(), TEXT);
        check(b"", "");
    }

    #[test]
    fn utf_16_is_read_with_and_without_a_mark() {
        let little = utf_16(u16::to_le_bytes, TEXT);
        let big = utf_16(u16::to_be_bytes, TEXT);
        check(&[b"\xff\xfe".as_slice(), &little].concat(), TEXT);
        check(&[b"\xfe\xff".as_slice(), &big].concat(), TEXT);
        check(&little, TEXT);
        check(&big, TEXT);
    }

    #[test]
    fn old_hebrew_encodings_are_read() {
        let (windows, ..) = WINDOWS_1255.encode(TEXT);
        check(&windows, TEXT);
        let (iso, ..) = encoding_rs::ISO_8859_8.encode(TEXT);
        check(&iso, TEXT);
    }

    #[test]
    fn accents_do_not_turn_into_hebrew() {
        let (western, ..) = WINDOWS_1252.encode("name,phone\r\nRené Müller,0501234567\r\n");
        check(&western, "name,phone\r\nRené Müller,0501234567\r\n");
    }

    #[test]
    fn what_is_not_text_is_refused() {
        let mut damaged = TEXT.as_bytes().to_vec();
        damaged.truncate(TEXT.find("טלפון").unwrap() + 1);
        damaged.extend_from_slice("\nאבגם".as_bytes());
        for bytes in [
            &b"PK\x03\x04\x14\x00"[..],
            b"%PDF-1.7\n\x01\xe2",
            b"a\0b\0\0",
            &damaged,
        ] {
            assert_eq!(decode(bytes), Err(NotText), "{bytes:?}");
        }
    }
}
