//! What a call costs: every figure of `docs/cost.md` follows from its quantity and its price,
//! the totals keep to the goals, and the quantities are those that are counted here.

mod measured;
mod page;

use ringfence_ledger::table::WORK_SHARDS;
use ringfence_shell::metrics::Metric;

use self::page::{Kind, Table, number, tables};
use crate::template::with_template;

const PAGE: &str = include_str!("../../docs/cost.md");

/// What `docs/cost.md` plans for.
const BUSINESSES: f64 = 10_000.0;
const LIMIT: f64 = 3.0;
const CALL_SECONDS: f64 = 60.0;
/// Twelfths of a year.
const HOURS_OF_MONTH: f64 = 730.0;

/// The headings whose totals have a goal: less than one of its unit.
const GOALS: [&str; 3] = ["One business", "10,000 businesses at once", "Idle"];

/// The table of this kind under a heading.
#[track_caller]
fn table<'a>(page: &'a str, heading: &str, kind: Kind) -> Table<'a> {
    let mut found = tables(page).into_iter();
    let found = found.find(|table| table.heading == heading && table.kind == Some(kind));
    found.unwrap_or_else(|| panic!("{heading} has its table"))
}

/// The quantity of a line, or whatever stands in its second cell.
#[track_caller]
fn quantity(heading: &str, kind: Kind, what: &str) -> f64 {
    let table = table(PAGE, heading, kind);
    let row = table.rows.iter().find(|row| row[0].starts_with(what));
    number(row.unwrap_or_else(|| panic!("{heading} has {what}"))[1]).expect("it is a number")
}

#[track_caller]
fn counted(heading: &str, what: &str) -> f64 {
    quantity(heading, Kind::Priced, what)
}

/// Everything that does not follow from what stands beside it.
fn problems(page: &str) -> Vec<String> {
    let tables = tables(page);
    let mut found: Vec<String> = tables.iter().flat_map(Table::problems).collect();
    for goal in GOALS {
        let is_it = |table: &&Table<'_>| table.heading == goal && table.kind == Some(Kind::Priced);
        match tables.iter().find(is_it).and_then(Table::total) {
            Some(total) if total < 1.0 && page.contains(&format!(" | {total:.4} ")) => {}
            total => found.push(format!("{goal} is to stay below 1, and is {total:?}")),
        }
    }
    found
}

#[test]
fn every_cost_is_its_quantity_times_its_price_and_the_goals_are_reached() {
    let kinds: Vec<_> = tables(PAGE).iter().filter_map(|table| table.kind).collect();
    for kind in Kind::ALL {
        assert!(kinds.contains(&kind), "{kind:?}");
    }
    assert_eq!(problems(PAGE), Vec::<String>::new());
}

#[test]
fn what_is_said_beside_the_tables_follows_from_them() {
    let total = |table: &Table<'_>| table.total().expect("it has a total");
    let of = |heading| total(&table(PAGE, heading, Kind::Priced));
    let [one, many] = ["One business", "10,000 businesses at once"].map(of);
    let all = tables(PAGE);
    let import = all
        .iter()
        .rfind(|table| table.heading == "Beside the calls");
    let import = total(import.expect("an import has its table"));
    let priced = table(PAGE, "One business", Kind::Priced);
    let run = priced.rows.iter().find(|row| row[0] == "Lambda GB-seconds");
    let run = run.map(|row| [row[1], row[2]].map(|cell| number(cell).expect("a number")));
    let [seconds, price] = run.expect("running has its price");
    let timed = table(PAGE, "How long functions run", Kind::Time);
    let fill = timed
        .rows
        .iter()
        .find(|row| row[0].starts_with("fill, which"));
    let fill = fill.map(|row| [row[2], row[4]].map(|cell| number(cell).expect("a number")));
    let [millis, fill_seconds] = fill.expect("fill has its time");
    let cents = |seconds: f64| 100.0 * seconds * price;
    // What x86_64 costs more.
    let dearer = cents(seconds) / 4.0;
    let ten = cents(fill_seconds) * 10.0 / millis;
    let bearable = millis + 10.0 * ((1.0 - one) / ten).floor();
    for said in [
        format!(
            "with {:.2} and {:.2} cents; and so",
            one + dearer,
            many + dearer
        ),
        format!(
            "with {:.2} and {:.2} cents. Idle",
            one + import,
            many + import
        ),
        format!("Each 10 ms more cost {ten:.4} cents"),
        format!("the goal holds up to {bearable} ms"),
        format!(
            "at 150 ms 1,000 calls cost {:.2} cents",
            one - ten * (millis - 150.0) / 10.0
        ),
    ] {
        assert!(PAGE.contains(&said), "{said}");
    }
}

#[test]
fn a_figure_that_is_changed_is_noticed() {
    let mut changed = 0;
    for table in tables(PAGE).iter().filter(|table| table.kind.is_some()) {
        for (line, row) in table.lines.iter().zip(&table.rows) {
            for (place, cell) in row.iter().enumerate().skip(1) {
                let Some(value) = number(cell) else { continue };
                let mut cells = row.clone();
                let other = (value * 1.5 + 1.0).to_string();
                cells[place] = &other;
                let altered = PAGE.replace(line, &format!("| {} |", cells.join(" | ")));
                assert!(altered != PAGE, "{line}");
                assert!(!problems(&altered).is_empty(), "{line}: {cell}");
                changed += 1;
            }
        }
    }
    assert!(changed > 250, "{changed} figures");
}

#[test]
fn each_function_has_no_more_memory_than_is_paid_for_here() {
    let mut seen = 0;
    for table in tables(PAGE)
        .iter()
        .filter(|table| table.kind == Some(Kind::Time))
    {
        for row in &table.rows {
            let name = row[0].split([',', ' ']).next().expect("a row has a name");
            let paid = number(row[3]);
            let resource = format!("{}{}Function", name[..1].to_uppercase(), &name[1..]);
            with_template(|template| {
                let properties = template.at(&["Resources", &resource, "Properties"]);
                let has_own = properties.entries().any(|(key, _, _)| key == "MemorySize");
                let given = if has_own {
                    properties.number(&["MemorySize"])
                } else if name == "cold" || name.starts_with('*') {
                    return;
                } else {
                    template.number(&["Globals", "Function", "MemorySize"])
                };
                seen += 1;
                assert!(
                    paid.is_some_and(|paid| paid >= given as f64),
                    "{name}: {given}"
                );
            });
        }
    }
    assert!(seen >= 7, "{seen} functions");
}

#[test]
fn the_time_that_is_paid_for_is_that_of_the_functions() {
    for heading in ["One business", "10,000 businesses at once", "Idle"] {
        let seconds = counted(heading, "Lambda GB-seconds");
        let listed = table(PAGE, "How long functions run", Kind::Time);
        let listed_idle = table(PAGE, "Idle", Kind::Time);
        let listed = if heading == "Idle" {
            listed_idle
        } else {
            listed
        };
        assert_eq!(listed.total(), Some(seconds), "{heading}");
    }
}

#[test]
fn what_an_idle_stack_does_each_minute_is_what_is_paid_for() {
    let minutes = HOURS_OF_MONTH * 60.0;
    assert_eq!(counted("Idle", "Lambda requests"), minutes);
    let empty_query = 0.5;
    let reads = minutes * f64::from(WORK_SHARDS) * empty_query;
    assert_eq!(counted("Idle", "DynamoDB read units"), reads);
    let (pollers, receives_a_minute) = (5.0, 3.0);
    assert_eq!(
        counted("Idle", "SQS requests"),
        minutes * pollers * receives_a_minute
    );
    let kilobytes = measured::sweep_log_bytes() / 1_000.0;
    let said = counted("Idle", "CloudWatch Logs, taken in");
    let gigabytes = minutes * kilobytes / 1e6;
    assert!(
        (gigabytes..=1.05 * gigabytes).contains(&said),
        "{gigabytes}"
    );
}

#[test]
fn what_watches_is_what_the_template_has() {
    let alarms = with_template(|template| {
        let resources = template.at(&["Resources"]);
        let alarms = resources.entries();
        let alarms = alarms.filter(|(_, _, it)| it.value(&["Type"]) == "AWS::CloudWatch::Alarm");
        let metrics = alarms.flat_map(|(_, _, alarm)| alarm.texts());
        metrics.filter(|line| line.contains("MetricName:")).count()
    });
    assert_eq!(counted("What watches", "alarms"), alarms as f64);
    let counted_in_logs = with_template(|template| {
        let resources = template.at(&["Resources"]).entries();
        let filters =
            resources.filter(|(_, _, it)| it.value(&["Type"]) == "AWS::Logs::MetricFilter");
        filters.count()
    });
    // One of them is heard of in every minute, and stands among what is idle.
    let others = Metric::ALL.len() - 1 + counted_in_logs;
    assert_eq!(counted("What watches", "custom metrics"), others as f64);
    assert_eq!(counted("Idle", "custom metric"), 1.0);
}

#[test]
fn the_plan_is_for_ten_thousand_businesses_of_three_calls_each() {
    let live = BUSINESSES * LIMIT;
    assert_eq!(quantity("The rates", Kind::Rate, "calls"), 1.0);
    let a_second = table(PAGE, "The rates", Kind::Rate).rows[0][2];
    assert_eq!(number(a_second), Some(live / CALL_SECONDS));
    let reads = counted("10,000 businesses at once", "DynamoDB read units");
    let reads_planned = quantity("The rates", Kind::Rate, "DynamoDB read units");
    assert_eq!(reads_planned, reads / 1_000.0);
    let writes = counted("10,000 businesses at once", "DynamoDB write units");
    let writes_planned = quantity("The rates", Kind::Rate, "DynamoDB write units");
    assert_eq!(writes_planned, writes / 1_000.0);
}
