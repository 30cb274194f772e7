//! What a call costs, by limit and number of runs, beside peer (a); and how often the fillers of
//! one business refuse each other.

mod fillers;

use std::time::Duration;

use anyhow::{Result, ensure};
use ringfence_carrier::settings::CallScript;
use ringfence_local::twilio::Behaviour;

use crate::peers::{World, transactions};
use crate::raw::size_of;
use crate::report::Table;
use crate::stage::{Office, Spent, Stage};

/// Limits, how many leads a run has at them, and how many businesses there are: what
/// a sweep costs is shared by all that have work.
const LIMITS: [(u32, u32, u32); 5] = [
    (1, 45, 10),
    (3, 100, 10),
    (10, 150, 4),
    (50, 600, 1),
    (200, 1_200, 1),
];
/// The limit at which the requests are told one by one.
const USUAL_LIMIT: u32 = 3;
const RUNS: [u32; 2] = [1, 3];
/// Longer than any of these takes, in simulated time.
const DAY: Duration = Duration::from_secs(24 * 3_600);
/// How often the state is measured, in simulated time.
const EVERY: Duration = Duration::from_secs(2);

pub(crate) async fn run() -> Result<Table> {
    let mut table = Table::of("cost");
    for runs in RUNS {
        for (limit, leads, businesses) in LIMITS {
            let peer = match runs {
                1 => Some(peer_writes(limit, leads).await?),
                _ => None,
            };
            let plan = Plan {
                limit,
                leads,
                runs,
                businesses,
                call_script: CallScript::Asked,
                has_variables: true,
            };
            let cost = measure(plan).await?;
            cost.tell(&mut table, limit, of_runs(runs), peer);
            if (limit, runs) == (USUAL_LIMIT, 1) {
                cost.tell_operations(&mut table);
            }
        }
        table.growth(&named("state item, largest", of_runs(runs)));
        table.growth(&named("write units per call", of_runs(runs)));
    }
    let (limit, leads, businesses) = LIMITS[1];
    let ways = [
        (SAME_FOR_ALL, CallScript::Asked, false),
        (SENT, CallScript::Sent, true),
    ];
    for (kind, call_script, has_variables) in ways {
        let plan = Plan {
            limit,
            leads,
            runs: 1,
            businesses,
            call_script,
            has_variables,
        };
        measure(plan).await?.tell(&mut table, limit, kind, None);
    }
    fillers::measure(&mut table).await?;
    Ok(table)
}

/// What is measured where everybody hears the same, and nothing about themselves.
const SAME_FOR_ALL: &str = "1 run, the same said to all";
/// What is measured where what is said goes along with the requests for calls.
const SENT: &str = "1 run, what is said sent along";

fn of_runs(runs: u32) -> &'static str {
    match runs {
        1 => "1 run",
        _ => "3 runs",
    }
}

fn named(metric: &str, kind: &str) -> String {
    format!("{metric}, {kind}, by limit")
}

/// Who calls whom, and how.
struct Plan {
    limit: u32,
    /// Of each run.
    leads: u32,
    /// Of each business.
    runs: u32,
    businesses: u32,
    call_script: CallScript,
    /// Whether people are called by their names.
    has_variables: bool,
}

/// What the calls of some businesses have cost, the start of their runs included.
struct Cost {
    calls: f64,
    spent: Spent,
    state_bytes: Vec<usize>,
}

async fn measure(plan: Plan) -> Result<Cost> {
    let Plan {
        limit,
        leads,
        runs,
        businesses,
        call_script,
        has_variables,
    } = plan;
    let mut stage = Stage::set_with(Behaviour::ordinary(), call_script).await?;
    let (mut offices, mut lists) = (Vec::new(), Vec::new());
    for business in 0..businesses {
        let office = stage.open(limit).await?;
        if !has_variables {
            stage.say_the_same(&office).await?;
        }
        for run in 0..runs {
            // Different people, who talk for different times.
            let first = (business * runs + run) * leads;
            lists.push(stage.import_from(&office, first, leads).await?);
        }
        offices.push(office);
    }
    stage.take_time();
    let before = stage.spent();
    for (place, list) in lists.into_iter().enumerate() {
        stage.start(&offices[place / runs as usize], list).await?;
    }
    let mut state_bytes = Vec::new();
    stage
        .finish(&offices, EVERY, DAY, || {
            state_bytes.push(state_size(&stage, &offices[0])?);
            Ok(())
        })
        .await?;
    let truth = stage.twilio.truth();
    let everybody = (businesses * runs * leads) as usize;
    ensure!(truth.calls.len() == everybody, "everybody is called");
    let spent = stage.spent().since(&before);
    let calls = truth.calls.len() as f64;
    Ok(Cost {
        calls,
        spent,
        state_bytes,
    })
}

fn state_size(stage: &Stage, office: &Office) -> Result<usize> {
    size_of(&stage.raw.state(&office.id)?)
}

impl Cost {
    fn tell(&self, table: &mut Table, limit: u32, kind: &str, peer_writes: Option<f64>) {
        let Self {
            calls,
            spent,
            state_bytes,
        } = self;
        let used = spent.dynamodb.clone().and(&spent.api);
        let per_call = |count: f64| count / calls;
        let mut tell = |metric: &str, unit: &'static str, ours: f64, peer: Option<f64>| {
            table.push(limit, &named(metric, kind), unit, ours, None, peer);
        };
        let writes = per_call(used.write_units);
        tell("write units per call", "WCU", writes, peer_writes);
        tell(
            "read units per call",
            "RCU",
            per_call(used.read_units),
            None,
        );
        let requests = per_call(used.requests as f64);
        tell("DynamoDB requests per call", "requests", requests, None);
        let queue = per_call(spent.queue_requests() as f64);
        tell("SQS requests per call", "requests", queue, None);
        let invocations = spent.reports + spent.questions + spent.fills();
        let invocations = per_call(invocations as f64);
        tell("Lambda invocations per call", "requests", invocations, None);
        let asked = per_call(spent.questions as f64);
        tell("of them to ask what to say", "requests", asked, None);
        let conditional = used.conditional_writes.max(1) as f64;
        let refused = 100.0 * used.failed_conditions as f64 / conditional;
        tell("refused conditions", "%", refused, None);
        let largest = state_bytes.iter().copied().max().unwrap_or(0);
        tell("state item, largest", "bytes", largest as f64, None);
    }
}

impl Cost {
    /// Tells each kind of request apart.
    fn tell_operations(&self, table: &mut Table) {
        let used = self.spent.dynamodb.clone().and(&self.spent.api);
        let queued = self.spent.sqs.by_operation.iter();
        for (operation, count) in used.by_operation.iter().chain(queued) {
            let metric = format!("{operation} per call, 1 run, limit {USUAL_LIMIT}");
            let per_call = *count as f64 / self.calls;
            table.plain(USUAL_LIMIT, &metric, "requests", per_call);
        }
    }
}

/// Write units per call of peer (a), with what storing its jobs costs.
async fn peer_writes(limit: u32, leads: u32) -> Result<f64> {
    let world = World::set(Behaviour::ordinary()).await?;
    transactions::run(&world, leads, limit).await?;
    let used = world.dynamo.meter().snapshot();
    Ok(used.write_units / f64::from(leads))
}
