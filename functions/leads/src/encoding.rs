//! Finds out in which encoding a text file was saved, and reads it.
//!
//! A file is refused rather than read with guessed or replaced letters.

use std::borrow::Cow;
use std::cmp::Ordering;

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252, WINDOWS_1255};
use thiserror::Error;

/// The file's text, without a byte order mark.
///
/// UTF-8 and UTF-16 are known by their mark or their form. Of the old
/// encodings, Windows-1255 covers ISO-8859-8 as far as letters go, and
/// Windows-1252 is told from both by where its letters stand.
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
    } else {
        (old_encoding(bytes).ok_or(NotText)?, true)
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

/// Which of the two old families the bytes above ASCII belong to, if they tell.
///
/// Hebrew letters stand beside each other, and its points behind a letter; accents stand among
/// ASCII letters, or begin a word as a capital, where Windows-1255 has a point.
fn old_encoding(bytes: &[u8]) -> Option<&'static Encoding> {
    let is_letter = |b: u8| (0xe0..=0xfa).contains(&b);
    let is_high = |b: u8| b >= 0xc0;
    let (mut hebrew, mut latin, mut has_letters) = (0_u64, 0_u64, false);
    let mut before = b'\n';
    for &byte in bytes {
        let touches = (is_high(byte) && before.is_ascii_alphabetic())
            || (is_high(before) && byte.is_ascii_alphabetic());
        let begins = is_high(byte) && !is_high(before);
        if is_letter(byte) && is_letter(before) {
            hebrew += 1;
        } else if touches || (begins && !is_letter(byte)) {
            latin += 1;
        }
        has_letters |= is_high(byte);
        before = byte;
    }
    match hebrew.cmp(&latin) {
        Ordering::Greater => Some(WINDOWS_1255),
        Ordering::Less => Some(WINDOWS_1252),
        // Both have the same signs in the same places, but for those of money.
        Ordering::Equal => (!has_letters).then_some(WINDOWS_1255),
    }
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
        for name in [
            "René Müller",
            "Danié",
            "Ö. Å",
            "Élodie Créée",
            "ÉÉ",
            "Où à Ø",
            "œuvre à Nîmes",
        ] {
            let text = format!("name,phone\r\n{name},0501234567\r\n");
            check(&WINDOWS_1252.encode(&text).0, &text);
        }
    }

    #[test]
    fn hebrew_beside_latin_letters_stays_hebrew() {
        for name in ["דן T", "קומה 2ב", "B12 בניין", "שָׁלוֹם", "₪ ומע\"מ", "–’€"]
        {
            let text = format!("name,phone\r\n{name},0501234567\r\n");
            check(&WINDOWS_1255.encode(&text).0, &text);
        }
    }

    #[test]
    fn a_letter_that_either_family_may_have_written_is_refused() {
        for name in ["\u{5d0}", "\u{5d0},\u{5d1}"] {
            let text = format!("name,phone\r\n{name},0501234567\r\n");
            assert_eq!(decode(&WINDOWS_1255.encode(&text).0), Err(NotText));
        }
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
