//! Files: tables as people have them, whole, cut, or with bytes that went wrong.

use bytes::Bytes;
use fastrand::Rng;

use crate::scene::phone;

const WORKBOOK: &[u8] = include_bytes!("../../../fuzz/corpus/xlsx/parts");
const HEADS: [&str; 4] = ["name,phone,city\n", "שם,טלפון\n", "id;tel\n", ""];
const BOUNDARY: &str = "x";
/// The header that goes with it.
pub(super) const MULTIPART: &str = "multipart/form-data; boundary=x";

/// A form with a file, under a name that may not be its kind's.
pub(super) fn form(rng: &mut Rng) -> Bytes {
    let mut file = if rng.bool() {
        WORKBOOK.to_vec()
    } else {
        table(rng).into_bytes()
    };
    match rng.u32(..6) {
        0 => file.truncate(rng.usize(..=file.len())),
        1 if !file.is_empty() => {
            let at = rng.usize(..file.len());
            file[at] = rng.u8(..);
        }
        _ => {}
    }
    let name = ["leads.csv", "leads.xlsx", "a", "..\\..\\x.csv"][rng.usize(..4)];
    let mut form = format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\r\n"
    )
    .into_bytes();
    form.extend(file);
    form.extend(format!("\r\n--{BOUNDARY}--\r\n").bytes());
    Bytes::from(form)
}

fn table(rng: &mut Rng) -> String {
    let head = HEADS[rng.usize(..HEADS.len())];
    let rows = (0..rng.u32(..20)).map(|row| {
        let number = phone(rng.u32(..3), rng.u32(..400));
        match rng.u32(..8) {
            0 => format!("\"a \"\"{row}\"\"\nb\",{number}\n"),
            1 => format!("=HYPERLINK(0);{number}\n"),
            2 => format!("{row}\t5.01234567E+08\n"),
            3 => "\"open\n".to_owned(),
            _ => format!("Lead {row},{number}\n"),
        }
    });
    rows.fold(head.to_owned(), |table, row| table + &row)
}
