//! The routes of this function, described.

use ringfence_shell::caller::Role;
use ringfence_shell::describe::{Access, Answer, Input, Operation, refusal};
use serde_json::json;

use crate::{Cleaned, StopBody, Stopped};

/// The operations of this function.
pub fn describe() -> Vec<Operation> {
    vec![stop(), clean()]
}

fn stop() -> Operation {
    let stopped = json!({
        "success": true,
        "message": "התור נעצר (97 שיחות בוטלו, שיחות פעילות יסתיימו)",
        "cancelled_jobs": 97,
        "in_progress": 3,
    });
    Operation {
        method: "POST",
        path: "/api/outbound/stop-queue",
        id: "stopRun",
        summary: "Stops a run; stopping it again changes nothing",
        access: Access::Business(Role::Agent),
        parameters: vec![],
        body: Some(Input::json::<StopBody>(json!({ "run_id": 1 }))),
        answers: vec![
            Answer::json::<Stopped>(200, "No further call of it is claimed").like(stopped),
        ],
        refusals: vec![
            refusal(400, "missing_run_id", &["field"]),
            refusal(404, "run_not_found", &[]),
        ],
    }
}

fn clean() -> Operation {
    Operation {
        method: "POST",
        path: "/api/outbound/cleanup-stuck-jobs",
        id: "settleNow",
        summary: "Settles calls that have been silent for too long, once a minute",
        access: Access::Business(Role::Admin),
        parameters: vec![],
        body: None,
        answers: vec![Answer::json::<Cleaned>(
            200,
            "What the carrier says of them",
        )],
        refusals: vec![refusal(429, "cleanup_too_soon", &["retry_after"])],
    }
}
