//! Files that are read into leads: rows a second and peak memory, beside the bare reader of
//! their format; and how fast leads are stored.

mod files;

use std::io::Cursor;
use std::time::{Duration, Instant};

use ::leads::import::read_file;
use ::leads::table::Limits;
use anyhow::{Context, Result, ensure};
use calamine::{Reader as _, Xlsx};
use ringfence_local::twilio::Behaviour;

use crate::process::{forget_peak, peak_in_a_child, peak_megabytes};
use crate::report::Table;
use crate::stage::Stage;
use crate::stats::median;

const ROWS: [u32; 4] = [1_000, 10_000, 30_000, 100_000];
/// Ours and the reader take turns, so that a neighbour disturbs both.
const PASSES: u32 = 3;

pub(crate) async fn run() -> Result<Table> {
    let mut table = Table::of("import");
    let kinds = [
        Kind {
            name: "CSV",
            make: files::csv,
            bare: CSV,
        },
        Kind {
            name: "XLSX",
            make: files::xlsx,
            bare: XLSX,
        },
    ];
    for Kind { name, make, bare } in kinds {
        for rows in ROWS {
            let file = make(rows)?;
            let [ours, floor] = measure(rows, &file, bare)?;
            let metric = format!("{name}, rows read");
            table.floored(rows, &metric, "per second", ours.0, floor.0);
            let metric = format!("{name}, peak memory beside the file");
            table.floored(rows, &metric, "MB", ours.1, floor.1);
        }
        table.growth(&format!("{name}, rows read"));
        table.growth(&format!("{name}, peak memory beside the file"));
    }
    for rows in ROWS {
        let stored = store(rows).await?;
        table.plain(rows, "leads stored", "per second", stored);
    }
    table.growth("leads stored");
    Ok(table)
}

/// A kind of file.
struct Kind {
    name: &'static str,
    make: fn(u32) -> Result<Vec<u8>>,
    bare: Reader,
}

/// How a file is read.
#[derive(Clone, Copy)]
struct Reader {
    name: &'static str,
    read: fn(&[u8]) -> Result<usize>,
}

const OURS: Reader = Reader {
    name: "ours",
    read: read_ours,
};
const CSV: Reader = Reader {
    name: "csv",
    read: read_csv,
};
const XLSX: Reader = Reader {
    name: "calamine",
    read: read_xlsx,
};

/// Rows a second, and megabytes.
type Found = (f64, f64);

/// What ours and the bare reader take for a file.
fn measure(rows: u32, file: &[u8], bare: Reader) -> Result<[Found; 2]> {
    let readers = [OURS, bare];
    let mut speeds: [Vec<f64>; 2] = Default::default();
    for _ in 0..PASSES {
        for (reader, speeds) in readers.iter().zip(&mut speeds) {
            let begun = Instant::now();
            let count = (reader.read)(file)?;
            speeds.push(f64::from(rows) / begun.elapsed().as_secs_f64());
            ensure!(
                count >= rows as usize,
                "every row is read: {count} of {rows}"
            );
        }
    }
    let path = std::env::temp_dir().join(format!("bench-{}", std::process::id()));
    std::fs::write(&path, file)?;
    let named = path.to_str().context("the path is UTF-8")?;
    let [ours, theirs] = readers.map(|reader| peak_in_a_child(&["import", reader.name, named]));
    std::fs::remove_file(&path)?;
    let [our_speed, their_speed] = speeds.map(|speeds| median(&speeds).unwrap_or_default());
    Ok([(our_speed, ours?), (their_speed, theirs?)])
}

/// How many megabytes a reader takes beside the file.
pub(crate) fn probe(name: &str, path: &str) -> Result<f64> {
    let named = [OURS, CSV, XLSX]
        .into_iter()
        .find(|reader| reader.name == name);
    let reader = named.context("there is no such reader")?;
    let file = std::fs::read(path)?;
    let before = forget_peak()?;
    (reader.read)(&file)?;
    Ok(peak_megabytes()? - before)
}

fn read_ours(file: &[u8]) -> Result<usize> {
    let region = "IL"
        .parse()
        .map_err(|_| anyhow::anyhow!("IL is a region"))?;
    let import = read_file(file, None, region, &Limits::UPLOAD);
    let import = import.map_err(|error| anyhow::anyhow!("{}", error.code()))?;
    Ok(import.leads.len())
}

fn read_csv(file: &[u8]) -> Result<usize> {
    let mut count = 0;
    for record in csv::Reader::from_reader(file).records() {
        record?;
        count += 1;
    }
    Ok(count)
}

fn read_xlsx(file: &[u8]) -> Result<usize> {
    let mut book: Xlsx<_> = calamine::open_workbook_from_rs(Cursor::new(file))?;
    let sheet = book.worksheet_range_at(0).context("there is a sheet")??;
    Ok(sheet.rows().count())
}

/// Leads stored in a second.
async fn store(leads: u32) -> Result<f64> {
    let mut stage = Stage::set(Behaviour::exactly(Duration::ZERO, Duration::ZERO)).await?;
    let office = stage.open(3).await?;
    let begun = Instant::now();
    stage.import(&office, leads).await?;
    Ok(f64::from(leads) / begun.elapsed().as_secs_f64())
}
