use std::io::Write;

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::*;

const WORKBOOK: &str = r#"<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="empty" sheetId="1" r:id="rId1"/><sheet name="leads" sheetId="2" r:id="rId2"/></sheets></workbook>"#;
const PACKAGE: &str = r#"<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>"#;
const RELATIONS: &str = r#"<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/><Relationship Id="rId2" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet2.xml"/></Relationships>"#;
const STYLES: &str = r#"<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><numFmts count="1"><numFmt numFmtId="164" formatCode="000\-0000000"/></numFmts><cellXfs count="4"><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="22"/><xf numFmtId="164"/></cellXfs></styleSheet>"#;

fn archive(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    for (name, content) in parts {
        archive.start_file(*name, options).unwrap();
        archive.write_all(content).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

fn sheet(rows: &str) -> String {
    format!(
        r#"<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><dimension ref="A1:XFD1048576"/><sheetData>{rows}</sheetData></worksheet>"#
    )
}

/// A workbook whose first sheet is empty, with these rows in the second.
fn book(rows: &str, strings: &str) -> Vec<u8> {
    archive(&[
        ("_rels/.rels", PACKAGE.as_bytes()),
        ("xl/workbook.xml", WORKBOOK.as_bytes()),
        ("xl/_rels/workbook.xml.rels", RELATIONS.as_bytes()),
        ("xl/styles.xml", STYLES.as_bytes()),
        ("xl/sharedStrings.xml", strings.as_bytes()),
        ("xl/worksheets/sheet1.xml", sheet("").as_bytes()),
        ("xl/worksheets/sheet2.xml", sheet(rows).as_bytes()),
    ])
}

const NO_STRINGS: &str = "<sst/>";

/// `expected` shows each row as its number and its cells.
#[track_caller]
fn check(rows: &str, strings: &str, expected: &[&str]) {
    let table = read(&book(rows, strings), &Limits::STANDARD).unwrap();
    let shown = table.rows.iter().map(|row| {
        let cells: Vec<_> = row.cells.iter().collect();
        format!("{} {}", row.number, cells.join("|"))
    });
    assert_eq!(shown.collect::<Vec<_>>(), expected);
}

#[track_caller]
fn refused(bytes: &[u8], expected: &ImportError) {
    let found = read(bytes, &Limits::STANDARD).map(|table| table.rows.len());
    assert_eq!(found.as_ref(), Err(expected));
}

#[test]
fn the_first_sheet_with_rows_is_read_with_the_numbers_that_the_spreadsheet_shows() {
    let rows = r#"<row r="3"><c r="A3" t="s"><v>1</v></c><c r="C3" t="inlineStr"><is><t>שם</t></is></c></row>
        <row r="4"><c r="A4"><v></v></c></row><row r="7"><c r="B7" t="str"><v>a&amp;b</v></c></row>"#;
    let strings = "<sst uniqueCount=\"2\"><si><t>x</t></si><si><t>טלפון</t></si></sst>";
    check(rows, strings, &["3 טלפון||שם", "7 |a&b"]);
}

#[test]
fn numbers_come_out_as_their_digits() {
    let cell = |value: &str, style: &str| {
        format!("<row r=\"1\"><c r=\"A1\" s=\"{style}\"><v>{value}</v></c></row>")
    };
    for (value, expected) in [
        ("501234567", "501234567"),
        ("5.01234567E8", "501234567"),
        ("972501234567", "972501234567"),
        ("9.72501234567E+11", "972501234567"),
        ("501234567.0", "501234567"),
        ("1.5", "1.5"),
        ("-3", "-3"),
    ] {
        check(&cell(value, "0"), NO_STRINGS, &[&format!("1 {expected}")]);
    }
    check(&cell("501234567", "3"), NO_STRINGS, &["1 501234567"]);
}

#[test]
fn dates_and_times_come_out_in_iso_form() {
    let cell = |value: &str, style: &str| {
        format!("<row r=\"1\"><c r=\"A1\" s=\"{style}\"><v>{value}</v></c></row>")
    };
    check(&cell("46053", "1"), NO_STRINGS, &["1 2026-01-31"]);
    check(
        &cell("46053.4375", "2"),
        NO_STRINGS,
        &["1 2026-01-31T10:30:00"],
    );
    check(&cell("0.4375", "2"), NO_STRINGS, &["1 10:30:00"]);
}

#[test]
fn truth_values_and_errors_are_words() {
    let rows = r#"<row r="1"><c r="A1" t="b"><v>1</v></c><c r="B1" t="e"><v>#N/A</v></c></row>"#;
    check(rows, NO_STRINGS, &["1 TRUE|#N/A"]);
}

#[test]
fn other_archives_and_damaged_workbooks_are_not_supported() {
    let whole = book("<row r=\"1\"><c r=\"A1\"><v>1</v></c></row>", NO_STRINGS);
    let mut flipped = whole.clone();
    flipped[60] ^= 0xff;
    for bytes in [
        archive(&[("word/document.xml", b"<w/>")]),
        archive(&[("xl/workbook.bin", b"x")]),
        archive(&[("xl/workbook.xml", b"no xml <<<")]),
        archive(&[]),
        b"PK\x03\x04".to_vec(),
        whole[..whole.len() / 2].to_vec(),
        flipped,
        book("<row><c r=\"A1\"><v>1</v>", NO_STRINGS),
        book(
            "<row r=\"4\"><c r=\"A4\"><v>1</v></c><c r=\"B3\"><v>2</v></c></row>",
            NO_STRINGS,
        ),
        book("<row><c t=\"s\"><v>7</v></c></row>", NO_STRINGS),
    ] {
        refused(&bytes, &damaged());
    }
}

#[test]
fn a_bomb_is_refused_by_what_it_declares() {
    let zeros = vec![b' '; 65 << 20];
    let bomb = archive(&[
        ("xl/workbook.xml", WORKBOOK.as_bytes()),
        ("xl/sharedStrings.xml", &zeros),
    ]);
    assert!(bomb.len() < 100_000);
    let limit = 64 << 20;
    let what = Limited::InflatedBytes;
    refused(&bomb, &ImportError::TooLarge { what, limit });

    // It is found out even where it declares less.
    let mut lying = bomb;
    let real = u32::try_from(zeros.len()).unwrap().to_le_bytes();
    let places: Vec<usize> = (0..lying.len() - 4)
        .filter(|&at| lying[at..at + 4] == real)
        .collect();
    assert!(!places.is_empty());
    for at in places {
        lying[at..at + 4].copy_from_slice(&1_000_u32.to_le_bytes());
    }
    let found = read(&lying, &Limits::STANDARD).map(|table| table.rows.len());
    assert!(found.is_err(), "{found:?}");
}

#[test]
fn a_promise_of_many_texts_gets_no_room() {
    for promise in ["99999999999", "99999999999999999999999"] {
        let strings = format!("<!-- --><sst uniqueCount='{promise}'/>");
        let limit = 64 << 20;
        let what = Limited::InflatedBytes;
        refused(&book("", &strings), &ImportError::TooLarge { what, limit });
    }
}

#[test]
fn cells_and_columns_are_bounded() {
    let limits = Limits {
        rows: 2,
        columns: 2,
        ..Limits::STANDARD
    };
    let check = |rows: &str, what: Limited, limit: u32| {
        let found = read(&book(rows, NO_STRINGS), &limits).map(|table| table.rows.len());
        assert_eq!(found, Err(ImportError::TooLarge { what, limit }));
    };
    let cell = "<c><v>1</v></c>";
    check(
        &format!("<row>{}</row>", cell.repeat(3)),
        Limited::Columns,
        2,
    );
    check("<row><c r=\"XFD1\"><v>1</v></c></row>", Limited::Columns, 2);
    // The first ten rows may be no leads.
    check(&format!("<row>{cell}</row>").repeat(13), Limited::Rows, 2);
    check(
        &format!("<row>{}</row>", "<c/>".repeat(25)),
        Limited::Cells,
        24,
    );
}

#[test]
fn a_text_that_cells_share_counts_for_each_of_them() {
    let limits = Limits {
        text_bytes: 90,
        ..Limits::STANDARD
    };
    let strings = format!("<sst><si><t>{}</t></si></sst>", "x".repeat(30));
    let read = |cells: usize| {
        let row = "<row><c t=\"s\"><v>0</v></c></row>";
        read(&book(&row.repeat(cells), &strings), &limits).map(|table| table.rows.len())
    };
    assert_eq!(read(3), Ok(3));
    let (what, limit) = (Limited::TextBytes, 90);
    assert_eq!(read(4), Err(ImportError::TooLarge { what, limit }));
}

#[test]
fn of_a_text_that_is_too_long_only_the_beginning_is_kept() {
    let limits = Limits {
        cell_bytes: 9,
        ..Limits::STANDARD
    };
    let strings = format!("<sst><si><t>{}</t></si></sst>", "א".repeat(50_000));
    let row = "<row><c t=\"s\"><v>0</v></c></row>";
    let table = read(&book(row, &strings), &limits).unwrap();
    assert_eq!(table.rows[0].cell(0), "א".repeat(5));
}
