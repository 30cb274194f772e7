//! Files of leads, as spreadsheets save them.

use std::fmt::Write as _;
use std::io::{Cursor, Write as _};

use anyhow::Result;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

const NAMESPACE: &str = "http://schemas.openxmlformats.org";

pub(super) fn csv(rows: u32) -> Result<Vec<u8>> {
    let mut file = String::from("שם,טלפון,עיר,מספר פוליסה,הערות\n");
    for row in 0..rows {
        let phone = 500_000_000 + row;
        writeln!(
            file,
            "לקוח {row},0{phone},חיפה,{},להתקשר בערב {row}",
            row * 7
        )?;
    }
    Ok(file.into_bytes())
}

pub(super) fn xlsx(rows: u32) -> Result<Vec<u8>> {
    let (mut strings, mut sheet) = (String::new(), String::new());
    for (row, phone) in (0..rows).zip(500_000_000_u32..) {
        let at = row + 1;
        write!(strings, "<si><t>לקוח {row}</t></si>")?;
        write!(
            sheet,
            "<row r=\"{at}\"><c r=\"A{at}\" t=\"s\"><v>{row}</v></c><c r=\"B{at}\"><v>{phone}</v></c>\
             <c r=\"C{at}\" t=\"s\"><v>0</v></c><c r=\"D{at}\"><v>{}</v></c></row>",
            row * 7
        )?;
    }
    workbook(&strings, &sheet)
}

/// A workbook of these shared texts and these rows.
fn workbook(strings: &str, rows: &str) -> Result<Vec<u8>> {
    let relation = |kind: &str, target: &str| {
        format!(
            "<Relationships xmlns=\"{NAMESPACE}/package/2006/relationships\"><Relationship Id=\"rId1\" \
             Type=\"{NAMESPACE}/officeDocument/2006/relationships/{kind}\" Target=\"{target}\"/></Relationships>"
        )
    };
    let book = format!(
        "<workbook xmlns=\"{NAMESPACE}/spreadsheetml/2006/main\" xmlns:r=\"{NAMESPACE}/officeDocument/2006/relationships\">\
         <sheets><sheet name=\"a\" sheetId=\"1\" r:id=\"rId1\"/></sheets></workbook>"
    );
    let texts = format!("<sst xmlns=\"{NAMESPACE}/spreadsheetml/2006/main\">{strings}</sst>");
    let sheet = format!(
        "<worksheet xmlns=\"{NAMESPACE}/spreadsheetml/2006/main\"><sheetData>{rows}</sheetData></worksheet>"
    );
    let parts = [
        ("_rels/.rels", relation("officeDocument", "xl/workbook.xml")),
        ("xl/workbook.xml", book),
        (
            "xl/_rels/workbook.xml.rels",
            relation("worksheet", "worksheets/sheet1.xml"),
        ),
        ("xl/sharedStrings.xml", texts),
        ("xl/worksheets/sheet1.xml", sheet),
    ];
    let mut file = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in parts {
        file.start_file(name, SimpleFileOptions::default())?;
        file.write_all(content.as_bytes())?;
    }
    Ok(file.finish()?.into_inner())
}
