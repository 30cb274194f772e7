//! The routes of this function, described.

use ringfence_shell::caller::Role;
use ringfence_shell::describe::{
    Access, Answer, Input, Operation, Parameter, Refusal, form, refusal,
};
use serde_json::json;

use crate::answer::{Calls, Run};
use crate::{EnqueueBody, StartBody};

/// The operations of this function.
pub fn describe() -> Vec<Operation> {
    vec![start(), enqueue()]
}

fn start() -> Operation {
    let calls = json!({
        "success": true,
        "message": "הופעלו 3 שיחות מתוך 3",
        "calls": [{
            "lead_id": 1,
            "lead_name": "דנה",
            "call_id": "01932c07-a5d4-7000-8000-000000000000",
            "call_sid": "CA0123456789abcdef0123456789abcdef",
            "status": "initiated",
        }],
    });
    let run = json!({
        "success": true,
        "message": "הופעלו 100 שיחות בתור (3 במקביל)",
        "run_id": 123,
        "queued": 100,
        "mode": "bulk_queue",
    });
    let mut refusals = refusals();
    refusals.push(refusal(
        429,
        "slots_busy",
        &["active", "limit", "available"],
    ));
    Operation {
        method: "POST",
        path: "/api/outbound_calls/start",
        id: "startCalls",
        summary: "Calls a few leads at once, or more of them as a run",
        access: Access::Business(Role::Agent),
        parameters: vec![idempotency_key()],
        body: Some(Input::json::<StartBody>(json!({ "lead_ids": [1, 2, 3] }))),
        answers: vec![
            Answer::json::<Calls>(200, "At least one call was started").like(calls),
            Answer::json::<Run>(201, "A run was started").like(run),
            Answer::json::<Calls>(422, "No lead could be called"),
            Answer::json::<Calls>(502, "The carrier took no call"),
        ],
        refusals,
    }
}

fn enqueue() -> Operation {
    let example = json!({ "lead_ids": [1, 2, 3, 4], "concurrency": 2 });
    Operation {
        method: "POST",
        path: "/api/outbound/bulk-enqueue",
        id: "startRun",
        summary: "Calls leads as a run, however few they are",
        access: Access::Business(Role::Agent),
        parameters: vec![idempotency_key()],
        body: Some(Input::json::<EnqueueBody>(example)),
        answers: vec![Answer::json::<Run>(201, "A run was started")],
        refusals: refusals(),
    }
}

fn refusals() -> Vec<Refusal> {
    vec![
        refusal(400, "no_leads", &["field"]),
        refusal(400, "no_business_phone", &[]),
        refusal(400, "bad_concurrency", &["field", "limit?"]),
        refusal(404, "leads_not_found", &["missing"]),
        refusal(404, "list_not_found", &["field"]),
        refusal(409, "idempotency_key_reused", &[]),
        refusal(413, "too_many_leads", &["field?", "most?"]),
        refusal(429, "too_many_runs", &["most"]),
        refusal(429, "daily_cap", &["left", "resets_at"]),
        refusal(503, "no_public_host", &["last_error", "run_id?"]),
    ]
}

fn idempotency_key() -> Parameter {
    Parameter::header(
        "Idempotency-Key",
        "The same key within 24 hours gives the first answer again, and starts nothing",
        // What stands around a header's value is not of it.
        form("^[ \\t]*[!-~]([ -~]{0,253}[!-~])?[ \\t]*$"),
    )
}
