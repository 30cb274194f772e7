//! What is written out of a stack: the calls of a run, and the state of a business.

use std::fs;
use std::io::{Write, stdout};

use anyhow::{Context, Result};
use ringfence_flows::ledger::States;
use ringfence_flows::world::Office;

use crate::ask::{get, text};
use crate::command::{ExportCalls, ShowState};
use crate::mask::Numbers;
use crate::state_view::state_view;
use crate::target::Place;
use crate::terminal::answer;

/// What tells spreadsheets that a file is UTF-8.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// Where the answer says how to go on.
const NEXT: &str = "x-next-cursor";

pub(crate) async fn calls(place: &Place, wish: ExportCalls) -> Result<()> {
    let desk = place.desk();
    let numbers = Numbers::revealed(wish.reveal);
    let mut table = format!("{BYTE_ORDER_MARK}");
    let mut cursor = "0".to_owned();
    // Bounded by the leads of the run.
    loop {
        let path = format!(
            "/api/outbound/runs/{}/calls?format=csv&cursor={cursor}",
            wish.run
        );
        let request = get(&wish.business, &path)?;
        let page = status::handle(&desk.ledger, desk.now(), request).await;
        let (headers, page) = text(page)?;
        let is_first = cursor == "0";
        table.push_str(&masked(&page, numbers, is_first)?);
        match headers.get(NEXT) {
            Some(next) => next
                .to_str()
                .context("a bad cursor")?
                .clone_into(&mut cursor),
            None => break,
        }
    }
    match wish.output {
        Some(file) => {
            fs::write(&file, table).with_context(|| format!("failed to write {}", file.display()))
        }
        None => stdout()
            .write_all(table.as_bytes())
            .context("failed to write the calls"),
    }
}

/// A page of calls with its numbers as they are to be shown. The first has the header.
fn masked(page: &str, numbers: Numbers, has_header: bool) -> Result<String> {
    let mut reader = csv::Reader::from_reader(page.trim_start_matches(BYTE_ORDER_MARK).as_bytes());
    let header = reader.headers().context("calls without a header")?.clone();
    let column = header.iter().position(|name| name == "to_number");
    let column = column.context("calls without a column of numbers")?;
    let mut writer = csv::Writer::from_writer(Vec::new());
    if has_header {
        writer.write_record(&header)?;
    }
    for record in reader.records() {
        let record = record.context("failed to read a call")?;
        let cells = record.iter().enumerate().map(|(place, cell)| {
            if place == column {
                numbers.show_cell(cell)
            } else {
                cell.to_owned()
            }
        });
        writer.write_record(cells)?;
    }
    let bytes = writer.into_inner().context("failed to write a call")?;
    Ok(String::from_utf8(bytes)?)
}

pub(crate) async fn state(place: &Place, wish: ShowState) -> Result<()> {
    let stored = place.ledger().load(&wish.business).await?;
    let stored = stored.with_context(|| format!("there is no business {}", wish.business))?;
    let view = state_view(&stored, Numbers::revealed(wish.reveal));
    answer(&serde_json::to_string_pretty(&view)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "\u{feff}position,to_number,error\n0,'+12125550100,\"'=1+1, x\"\n1,,\n";

    #[test]
    fn numbers_are_masked_and_no_other_cell_changes() {
        let shown = masked(PAGE, Numbers::Masked, true).unwrap();
        assert_eq!(
            shown,
            "position,to_number,error\n0,…0100,\"'=1+1, x\"\n1,,\n"
        );
        let shown = masked(PAGE, Numbers::Whole, false).unwrap();
        assert_eq!(shown, "0,'+12125550100,\"'=1+1, x\"\n1,,\n");
    }

    #[test]
    fn a_table_in_which_no_column_has_the_numbers_is_not_written() {
        assert!(masked("position,number\n0,'+12125550100\n", Numbers::Masked, true).is_err());
    }
}
