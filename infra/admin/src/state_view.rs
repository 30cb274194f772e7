//! A state as JSON, for people: what decides whether a business may call.

use ringfence_core::call::Job;
use ringfence_core::caps::Destinations;
use ringfence_core::ids::{CallId, RunId};
use ringfence_core::state::{Lease, Run, State};
use ringfence_core::time::Timestamp;
use ringfence_flows::ledger::Stored;
use ringfence_shell::times::rfc3339;
use serde_json::{Value, json};

use crate::mask::Numbers;

/// The whole state, with numbers as they are to be shown.
pub(crate) fn state_view(stored: &Stored, numbers: Numbers) -> Value {
    let State {
        limit,
        active,
        runs,
        next_run,
        pause,
        caller_ids,
        destinations,
        do_not_call_rev,
        caps,
        day,
    } = &stored.state;
    let leases: Vec<Value> = active
        .iter()
        .map(|lease| lease_view(lease, numbers))
        .collect();
    let runs: Vec<Value> = runs
        .iter()
        .map(|run| run_view(&stored.state, run))
        .collect();
    json!({
        "revision": stored.rev,
        "limit": limit,
        "slots_in_use": stored.state.slots_in_use(),
        "leases": leases,
        "runs": runs,
        "next_run": next_run,
        "pause": pause.map(|pause| json!({ "until": rfc3339(pause.until), "step": pause.step })),
        "caller_ids": caller_ids.iter().map(|id| numbers.show(id)).collect::<Vec<_>>(),
        "destinations": countries(destinations),
        "do_not_call_rev": do_not_call_rev,
        "caps": {
            "leads_per_run": caps.leads_per_run,
            "running_runs": caps.running_runs,
            "calls_per_day": caps.per_day.as_ref().map(|cap| cap.calls),
        },
        "day": day.as_ref().map(|day| json!({
            "began_at": rfc3339(day.began_at),
            "ends_at": rfc3339(day.ends_at),
            "calls": day.calls,
        })),
    })
}

/// Where it may call: anywhere, or these countries.
fn countries(destinations: &Destinations) -> Option<Vec<String>> {
    match destinations {
        Destinations::Any => None,
        Destinations::Region(region) => Some(vec![region.to_string()]),
        Destinations::Only(countries) => Some(countries.iter().map(ToString::to_string).collect()),
    }
}

fn lease_view((call, lease): (&CallId, &Lease), numbers: Numbers) -> Value {
    let Lease {
        job,
        to,
        dial_by,
        ask_at,
        missing,
    } = lease;
    let job = match job {
        Job::Direct { lead } => json!({ "lead_id": lead.get() }),
        Job::OfRun { run, index } => json!({ "run_id": run.get(), "position": index }),
    };
    json!({
        "call_id": call.to_string(),
        "claimed_at": rfc3339(call.minted_at()),
        "job": job,
        "to_number": numbers.show(to),
        "dial_by": rfc3339(*dial_by),
        "ask_at": rfc3339(*ask_at),
        "missing": missing,
    })
}

fn run_view(state: &State, (id, run): (&RunId, &Run)) -> Value {
    let status = state.run_view(*id).map(|(_, _, status)| status.as_str());
    json!({
        "run_id": id.get(),
        "status": status,
        "roster": run.roster.to_string(),
        "total": run.total,
        "concurrency": run.concurrency,
        "next": run.next,
        "returned": run.returned,
        "completed": run.completed,
        "failed": run.failed,
        "canceled": run.canceled,
        "created_at": rfc3339(run.created_at),
        "over_at": run.over_at.map(|at: Timestamp| rfc3339(at)),
        "last_error": run.last_error,
    })
}
