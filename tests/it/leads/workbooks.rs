//! Workbooks as Excel saves them, and what only looks like one.

use std::io::{Cursor, Write};

use serde_json::{Value, json};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::{PATH, names, page, upload, upload_with};
use crate::story::Setting;

const PACKAGE: &str = r#"<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>"#;
const BOOK: &str = r#"<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="Sheet1" sheetId="1" r:id="rId1"/></sheets></workbook>"#;
const RELATIONS: &str = r#"<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/></Relationships>"#;
const STYLES: &str = r#"<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><cellXfs count="2"><xf numFmtId="0"/><xf numFmtId="14"/></cellXfs></styleSheet>"#;

/// An archive of these parts.
pub(super) fn archive(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in parts {
        archive
            .start_file(*name, SimpleFileOptions::default())
            .expect("the story is well-formed");
        archive
            .write_all(content)
            .expect("the story is well-formed");
    }
    archive
        .finish()
        .expect("the story is well-formed")
        .into_inner()
}

/// A workbook with one sheet of these rows.
pub(crate) fn workbook(rows: &str) -> Vec<u8> {
    let sheet = format!(
        r#"<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>{rows}</sheetData></worksheet>"#
    );
    archive(&[
        ("_rels/.rels", PACKAGE.as_bytes()),
        ("xl/workbook.xml", BOOK.as_bytes()),
        ("xl/_rels/workbook.xml.rels", RELATIONS.as_bytes()),
        ("xl/styles.xml", STYLES.as_bytes()),
        ("xl/worksheets/sheet1.xml", sheet.as_bytes()),
    ])
}

fn text(place: &str, text: &str) -> String {
    format!("<c r=\"{place}\" t=\"inlineStr\"><is><t>{text}</t></is></c>")
}

fn number(place: &str, number: &str) -> String {
    format!("<c r=\"{place}\"><v>{number}</v></c>")
}

#[tokio::test(start_paused = true)]
async fn a_workbook_with_phones_as_numbers_is_understood() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(3).await;
    let row = |row: u32, cells: [String; 3]| format!("<row r=\"{row}\">{}</row>", cells.concat());
    let date = "<c r=\"C4\" s=\"1\"><v>46053</v></c>".to_owned();
    let rows = [
        row(
            2,
            [text("A2", "שם"), text("B2", "טלפון"), text("C2", "תאריך")],
        ),
        row(4, [text("A4", "דנה"), number("B4", "501234567"), date]),
        row(
            5,
            [
                text("A5", "נועה"),
                number("B5", "9.72521234567E11"),
                String::new(),
            ],
        ),
        row(6, [text("A6", "אבי"), number("B6", "77"), String::new()]),
        row(
            7,
            [
                text("A7", "רון"),
                text("B7", "5.31234567E+08"),
                String::new(),
            ],
        ),
    ];
    let file = workbook(&rows.concat());
    // Its content tells what it is, not its name.
    let answer = upload(&story, &office, "leads.csv", None, &file).await;
    let answer = answer.of_status(200);
    assert_eq!(answer["imported_count"], 3, "{answer}");
    assert_eq!(
        answer["errors_sample"],
        json!(["שורה 6: טלפון לא תקין - 77"])
    );
    let mapping = json!({
        "phone": "טלפון", "name": "שם", "method": "header", "has_header": true, "kind": "xlsx",
    });
    assert_eq!(answer["mapping"], mapping);
    let found = page(&story, &office, "").await;
    let phones: Vec<&Value> = (0..3).map(|at| &found["items"][at]["phone"]).collect();
    assert_eq!(phones, ["+972501234567", "+972521234567", "+972531234567"]);
    assert_eq!(names(&story, &office, "").await, ["דנה", "נועה", "רון"]);
}

#[tokio::test(start_paused = true)]
async fn a_bomb_is_refused_and_other_archives_are_not_supported() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(3).await;
    let spaces = vec![b' '; 201 << 20];
    let bomb = archive(&[
        ("_rels/.rels", PACKAGE.as_bytes()),
        ("xl/workbook.xml", BOOK.as_bytes()),
        ("xl/worksheets/sheet1.xml", &spaces),
    ]);
    assert!(bomb.len() < 1 << 20);
    upload(&story, &office, "a.xlsx", None, &bomb)
        .await
        .assert_refused(413, "too_large");
    let old = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\x00\x00\x00\x00".to_vec();
    let document = archive(&[("word/document.xml", b"<w/>")]);
    let damaged = workbook("<row/>")[..300].to_vec();
    for file in [old, document, damaged] {
        upload(&story, &office, "a.xlsx", None, &file)
            .await
            .assert_refused(400, "unsupported_file");
    }
    assert_eq!(page(&story, &office, "").await["total"], 0);
}

#[tokio::test(start_paused = true)]
async fn a_small_file_of_many_cells_with_one_long_text_is_refused() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(3).await;
    let rows = "<row><c t=\"s\"><v>0</v></c></row>".repeat(20_000);
    let strings = format!("<sst><si><t>{}</t></si></sst>", "x".repeat(100_000));
    let relations = RELATIONS.replace(
        "</Relationships>",
        r#"<Relationship Id="rId2" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/sharedStrings" Target="sharedStrings.xml"/></Relationships>"#,
    );
    let sheet = format!(
        r#"<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>{rows}</sheetData></worksheet>"#
    );
    let file = archive(&[
        ("_rels/.rels", PACKAGE.as_bytes()),
        ("xl/workbook.xml", BOOK.as_bytes()),
        ("xl/_rels/workbook.xml.rels", relations.as_bytes()),
        ("xl/sharedStrings.xml", strings.as_bytes()),
        ("xl/worksheets/sheet1.xml", sheet.as_bytes()),
    ]);
    assert!(file.len() < 100_000);
    for path in [PATH, "/api/outbound/do-not-call"] {
        let answer = upload_with(&story, &office, path, &[], "a.xlsx", &file).await;
        answer.assert_refused(413, "too_large");
        assert_eq!(answer.body["what"], "text_bytes");
    }
}
