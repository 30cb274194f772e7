//! A hundred thousand rows are read in bounded memory. The only test of its process, whose
//! peak it measures.

use std::fmt::Write as _;
use std::io::{Cursor, Write as _};
use std::time::Instant;

use leads::import::{Import, read_file};
use leads::table::Limits;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

const ROWS: u32 = 100_000;

/// What reading a file may add, in megabytes. A function has 1,536.
const MEGABYTES_MAX: u64 = 300;

/// The most memory that this process has had, in megabytes, since it was last forgotten.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux tells");
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let kilobytes: String = line
        .expect("the file is well-formed")
        .chars()
        .filter(char::is_ascii_digit)
        .collect();
    kilobytes.parse::<u64>().expect("the file is well-formed") / 1024
}

#[track_caller]
fn check(kind: &str, file: &[u8]) {
    // Forgets the peak so far.
    std::fs::write("/proc/self/clear_refs", "5").expect("Linux forgets");
    let (before, begun) = (peak(), Instant::now());
    let import: Import = read_file(
        file,
        "IL".parse().expect("the file is well-formed"),
        &Limits::UPLOAD,
    )
    .expect("the file is well-formed");
    let (seconds, grown) = (begun.elapsed().as_secs_f64(), peak().saturating_sub(before));
    eprintln!(
        "{kind}: {} kB, {:.0} rows/s, {grown} MB more, {} MB in all",
        file.len() / 1024,
        f64::from(ROWS) / seconds,
        peak()
    );
    assert_eq!(import.leads.len(), ROWS as usize);
    assert!(grown <= MEGABYTES_MAX, "{kind}: {grown} MB");
}

fn csv() -> String {
    let mut file = String::from("שם,טלפון,עיר,מספר פוליסה,הערות\n");
    for row in 0..ROWS {
        let phone = 500_000_000 + row;
        writeln!(
            file,
            "לקוח {row},0{phone},חיפה,{},להתקשר בערב {row}",
            row * 7
        )
        .expect("the file is well-formed");
    }
    file
}

fn xlsx() -> Vec<u8> {
    let mut book = ZipWriter::new(Cursor::new(Vec::new()));
    let mut part = |name: &str, content: &str| {
        book.start_file(name, SimpleFileOptions::default())
            .expect("the file is well-formed");
        book.write_all(content.as_bytes())
            .expect("the file is well-formed");
    };
    let namespace = "http://schemas.openxmlformats.org";
    let relation = |kind: &str, target: &str| {
        format!(
            "<Relationships xmlns=\"{namespace}/package/2006/relationships\"><Relationship Id=\"rId1\" \
             Type=\"{namespace}/officeDocument/2006/relationships/{kind}\" Target=\"{target}\"/></Relationships>"
        )
    };
    part(
        "_rels/.rels",
        &relation("officeDocument", "xl/workbook.xml"),
    );
    part(
        "xl/workbook.xml",
        &format!(
            "<workbook xmlns=\"{namespace}/spreadsheetml/2006/main\" xmlns:r=\"{namespace}/officeDocument/2006/relationships\">\
             <sheets><sheet name=\"a\" sheetId=\"1\" r:id=\"rId1\"/></sheets></workbook>"
        ),
    );
    part(
        "xl/_rels/workbook.xml.rels",
        &relation("worksheet", "worksheets/sheet1.xml"),
    );
    let mut strings = format!("<sst xmlns=\"{namespace}/spreadsheetml/2006/main\">");
    let mut sheet = format!("<worksheet xmlns=\"{namespace}/spreadsheetml/2006/main\"><sheetData>");
    for (row, phone) in (0..ROWS).zip(500_000_000..) {
        let at = row + 1;
        write!(strings, "<si><t>לקוח {row}</t></si>").expect("the file is well-formed");
        write!(
            sheet,
            "<row r=\"{at}\"><c r=\"A{at}\" t=\"s\"><v>{row}</v></c><c r=\"B{at}\"><v>{phone}</v></c>\
             <c r=\"C{at}\" t=\"s\"><v>0</v></c><c r=\"D{at}\"><v>{}</v></c></row>",
            row * 7
        )
        .expect("the file is well-formed");
    }
    strings.push_str("</sst>");
    sheet.push_str("</sheetData></worksheet>");
    part("xl/sharedStrings.xml", &strings);
    part("xl/worksheets/sheet1.xml", &sheet);
    book.finish().expect("the file is well-formed").into_inner()
}

#[test]
fn a_hundred_thousand_rows_are_read_in_bounded_memory() {
    let mut file = csv();
    let header = file.find('\n').expect("the file is well-formed") + 1;
    // A header is a row too.
    file.drain(..header);
    check("csv", file.as_bytes());
    check("xlsx", &xlsx());
}
