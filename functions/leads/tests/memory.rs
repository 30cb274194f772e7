//! Files are read in bounded memory, whatever they hold. The only test of its process, whose
//! peak it measures.

use std::fmt::Write as _;
use std::io::{Cursor, Write as _};
use std::time::Instant;

use leads::import::{Import, read_file};
use leads::refusal::ImportError;
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

/// Reads a file, and checks how much memory that takes.
#[track_caller]
fn read(kind: &str, file: &[u8]) -> Result<Import, ImportError> {
    // Forgets the peak so far.
    std::fs::write("/proc/self/clear_refs", "5").expect("Linux forgets");
    let (before, begun) = (peak(), Instant::now());
    let region = "IL".parse().expect("it has a numbering plan");
    let import = read_file(file, None, region, &Limits::UPLOAD);
    let (seconds, grown) = (begun.elapsed().as_secs_f64(), peak().saturating_sub(before));
    eprintln!(
        "{kind}: {} kB in {seconds:.1} s, {grown} MB more, {} MB in all",
        file.len() / 1024,
        peak()
    );
    assert!(grown <= MEGABYTES_MAX, "{kind}: {grown} MB");
    import
}

#[track_caller]
fn check(kind: &str, file: &[u8]) {
    let import = read(kind, file).expect("the file is well-formed");
    assert_eq!(import.leads.len(), ROWS as usize);
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
    let (mut strings, mut sheet) = (String::new(), String::new());
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
    workbook(&strings, &sheet)
}

/// A workbook in which every row has the same long text.
fn repeating(rows: u32) -> Vec<u8> {
    let strings = format!("<si><t>{}</t></si>", "x".repeat(100_000));
    let row = "<row><c><v>501234567</v></c><c t=\"s\"><v>0</v></c></row>";
    let mut sheet = String::new();
    for _ in 0..rows {
        sheet.push_str(row);
    }
    workbook(&strings, &sheet)
}

/// A workbook of these shared texts and these rows.
fn workbook(strings: &str, rows: &str) -> Vec<u8> {
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
    part(
        "xl/sharedStrings.xml",
        &format!("<sst xmlns=\"{namespace}/spreadsheetml/2006/main\">{strings}</sst>"),
    );
    part(
        "xl/worksheets/sheet1.xml",
        &format!(
            "<worksheet xmlns=\"{namespace}/spreadsheetml/2006/main\"><sheetData>{rows}</sheetData></worksheet>"
        ),
    );
    book.finish().expect("the file is well-formed").into_inner()
}

#[test]
fn files_are_read_in_bounded_memory() {
    check("csv", csv().as_bytes());
    check("xlsx", &xlsx());
    // A few of these are errors of their rows; more are too much text.
    let (few, many) = (repeating(6_000), repeating(20_000));
    assert!(few.len() < 100_000 && many.len() < 100_000);
    let code = |read: Result<Import, ImportError>| read.err().map(|error| error.code());
    assert_eq!(code(read("few", &few)), Some("no_valid_phones"));
    assert_eq!(code(read("many", &many)), Some("too_large"));
}
