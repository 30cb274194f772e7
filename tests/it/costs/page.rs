//! Reads the tables of `docs/cost.md`, and computes them again.

use super::{BUSINESSES, CALL_SECONDS, LIMIT};

/// What the columns of a table have to do with each other, which its head says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// quantity, price in dollars, for how many, cents or dollars
    Priced,
    /// invocations, milliseconds each, MB, GB-seconds
    Time,
    /// for a call, a second
    Rate,
    /// a second, milliseconds each, at once
    AtOnce,
    /// calls a second of one account; live calls, businesses, accounts for all of them
    Accounts,
}

impl Kind {
    pub(super) const ALL: [Self; 5] = [
        Self::Priced,
        Self::Time,
        Self::Rate,
        Self::AtOnce,
        Self::Accounts,
    ];

    fn of(head: &[&str]) -> Option<Self> {
        match head.get(1..)? {
            ["quantity", "price, $", "for", "cents" | "dollars"] => Some(Self::Priced),
            ["invocations", "ms each", "MB", "GB-seconds"] => Some(Self::Time),
            ["for a call", "a second"] => Some(Self::Rate),
            ["a second", "ms each", "at once"] => Some(Self::AtOnce),
            ["live calls", "businesses", "accounts"] => Some(Self::Accounts),
            _ => None,
        }
    }
}

/// A table under its heading. The last row of some is the sum of the others.
pub(super) struct Table<'a> {
    pub(super) heading: &'a str,
    pub(super) kind: Option<Kind>,
    /// The rows as they stand, and their cells.
    pub(super) lines: Vec<&'a str>,
    pub(super) rows: Vec<Vec<&'a str>>,
    is_cents: bool,
}

/// A number as the page writes it, or nothing.
pub(super) fn number(cell: &str) -> Option<f64> {
    let plain = cell.trim_matches('*').replace(',', "");
    plain.parse().ok()
}

fn cells(line: &str) -> Option<Vec<&str>> {
    let line = line.strip_prefix('|')?.strip_suffix('|')?;
    Some(line.split('|').map(str::trim).collect())
}

/// Every table of a page.
pub(super) fn tables(page: &str) -> Vec<Table<'_>> {
    let lines: Vec<&str> = page.lines().collect();
    let mut heading = "";
    let mut found = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        if let Some((marks, text)) = line.split_once(' ')
            && !marks.is_empty()
            && marks.bytes().all(|mark| mark == b'#')
        {
            heading = text;
        }
        if line.starts_with("|---") {
            let head = cells(lines[at - 1]).expect("a table has a head");
            let is_row = |line: &&&str| line.starts_with('|');
            let own: Vec<&str> = lines[at + 1..].iter().take_while(is_row).copied().collect();
            found.push(Table {
                heading,
                kind: Kind::of(&head),
                rows: own.iter().filter_map(|line| cells(line)).collect(),
                lines: own,
                is_cents: head.last() == Some(&"cents"),
            });
        }
    }
    found
}

impl Table<'_> {
    /// What the last row says that the others come to.
    pub(super) fn total(&self) -> Option<f64> {
        let last = self.rows.last()?;
        last[0]
            .contains("together")
            .then(|| number(last[last.len() - 1]))?
    }

    /// What does not follow.
    pub(super) fn problems(&self) -> Vec<String> {
        let Some(kind) = self.kind else {
            return Vec::new();
        };
        let mut found = Vec::new();
        let mut sum = 0.0;
        for row in &self.rows {
            let values: Vec<Option<f64>> = row[1..].iter().map(|cell| number(cell)).collect();
            let shown = row[row.len() - 1];
            let right = if row[0].contains("together") {
                Some(vec![sum])
            } else {
                sum += number(shown).unwrap_or(f64::NAN);
                let first = number(row[0]).unwrap_or_default();
                self.computed(kind, first, &values)
            };
            let is_so = right.as_ref().is_some_and(|right| {
                let shown = &row[row.len() - right.len()..];
                let mut pairs = shown.iter().zip(right);
                pairs.all(|(shown, right)| is_rounded(shown, *right))
            });
            if !is_so {
                found.push(format!("{}: {row:?} should have {right:?}", self.heading));
            }
        }
        found
    }

    /// What the last cells of a row have to be.
    fn computed(&self, kind: Kind, first: f64, values: &[Option<f64>]) -> Option<Vec<f64>> {
        let values: Vec<f64> = values.iter().copied().collect::<Option<_>>()?;
        match (kind, &values[..]) {
            (Kind::Priced, &[quantity, price, per, _]) => {
                let unit = if self.is_cents { 100.0 } else { 1.0 };
                Some(vec![quantity * price / per * unit])
            }
            (Kind::Time, &[invocations, millis, megabytes, _]) => {
                Some(vec![invocations * millis / 1_000.0 * megabytes / 1_024.0])
            }
            (Kind::Rate, &[per_call, _]) => {
                Some(vec![per_call * BUSINESSES * LIMIT / CALL_SECONDS])
            }
            (Kind::AtOnce, &[a_second, millis, _]) => Some(vec![a_second * millis / 1_000.0]),
            (Kind::Accounts, _) => {
                let live = first * CALL_SECONDS;
                let businesses = (live / LIMIT).min(BUSINESSES);
                Some(vec![live, businesses, (BUSINESSES / businesses).ceil()])
            }
            _ => None,
        }
    }
}

/// Whether a cell shows this value, rounded to as many places as it has.
fn is_rounded(cell: &str, value: f64) -> bool {
    let plain = cell.trim_matches('*');
    let places = plain.split_once('.').map_or(0, |(_, after)| after.len());
    let places = i32::try_from(places).expect("a few places");
    number(cell).is_some_and(|shown| (shown - value).abs() <= 0.501 * 0.1_f64.powi(places))
}

#[test]
fn tables_are_read_with_their_headings_and_sums() {
    let page = "# A\n\n| what | quantity | price, $ | for | cents |\n|---|---|---|---|---|\n\
        | x | 2,000 | 0.5 | 1,000 | 100.0 |\n| **together** | | | | **100.0** |\n";
    let table = &tables(page)[0];
    assert_eq!((table.heading, table.kind), ("A", Some(Kind::Priced)));
    assert_eq!((table.total(), table.problems().len()), (Some(100.0), 0));
    let wrong = page.replace("| 100.0", "| 100.1");
    assert_eq!(tables(&wrong)[0].problems().len(), 2);
}
