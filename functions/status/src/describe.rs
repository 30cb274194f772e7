//! The routes of this function, described.

use ringfence_core::state::RunStatus;
use ringfence_shell::body::PAGE_SIZE_MAX;
use ringfence_shell::caller::Role;
use ringfence_shell::describe::{
    Access, Answer, Content, Operation, Parameter, answered, any_text, form, id, refusal, whole,
    words,
};
use serde_json::json;

use crate::Counts;
use crate::calls::{ROWS_MAX, Rows};
use crate::recent::{PAGE_MAX, Page, STATUSES};
use crate::runs::{Active, LIST_MAX, List, RunView};

/// The operations of this function.
pub fn describe() -> Vec<Operation> {
    vec![
        health("GET", "health"),
        health("HEAD", "healthHead"),
        document(),
        runs(),
        run(),
        calls_of_run(),
        active(),
        counts(),
        recent_calls(),
    ]
}

/// What watches: for agents, and without effect.
const WATCHES: Access = Access::Business(Role::Agent);

fn health(method: &'static str, id: &'static str) -> Operation {
    Operation {
        method,
        path: "/healthz",
        id,
        summary: "Says that it is there",
        access: Access::Anybody,
        parameters: vec![],
        body: None,
        answers: vec![Answer::empty(200, "It is")],
        refusals: vec![],
    }
}

fn document() -> Operation {
    let schema = json!({ "type": "object", "required": ["openapi", "info", "paths"] });
    Operation {
        method: "GET",
        path: "/openapi.json",
        id: "describe",
        summary: "This document",
        access: Access::Anybody,
        parameters: vec![],
        body: None,
        answers: vec![Answer::text(200, "OpenAPI 3.1", "application/json", schema)],
        refusals: vec![],
    }
}

fn run_id() -> Parameter {
    Parameter::path("run_id", "A run", id())
}

fn runs() -> Operation {
    let statuses = words(RunStatus::ALL.map(RunStatus::as_str));
    Operation {
        method: "GET",
        path: "/api/outbound/runs",
        id: "listRuns",
        summary: "Lists runs, newest first",
        access: WATCHES,
        parameters: vec![
            Parameter::query("status", "Only runs of this status", statuses),
            Parameter::query(
                "limit",
                "How many at most; 20 if absent",
                whole(1, LIST_MAX),
            ),
            Parameter::query("cursor", "Goes on after the page that gave it", id()),
        ],
        body: None,
        answers: vec![Answer::json::<List>(200, "A page of runs")],
        refusals: vec![refusal(404, "run_not_found", &[])],
    }
}

fn run() -> Operation {
    let view = json!({
        "run_id": 123,
        "status": "running",
        "queued": 50,
        "in_progress": 3,
        "completed": 45,
        "failed": 2,
        "canceled": 0,
        "total_leads": 100,
        "concurrency": 3,
        "last_error": null,
        "created_at": "2026-03-01T10:00:00.000Z",
        "completed_at": null,
    });
    let tag = ("ETag", "Changes with the answer");
    let answer = Answer {
        headers: vec![tag],
        ..Answer::json::<RunView>(200, "The five counts add up to the total").like(view)
    };
    let unchanged = Answer {
        headers: vec![tag],
        ..Answer::empty(304, "It stands as it did, a moment ago at least")
    };
    let known = Parameter::header("If-None-Match", "ETags of earlier answers", any_text());
    Operation {
        method: "GET",
        path: "/api/outbound/runs/{run_id}",
        id: "showRun",
        summary: "Shows how a run stands",
        access: WATCHES,
        parameters: vec![run_id(), known],
        body: None,
        answers: vec![answer, unchanged],
        refusals: vec![refusal(404, "run_not_found", &[])],
    }
}

fn calls_of_run() -> Operation {
    let whole_number = whole(0, u32::MAX);
    let content = |media_type, schema| Content {
        media_type,
        schema,
        example: None,
    };
    let answer = Answer {
        status: 200,
        summary: "A page of leads in dial order",
        contents: vec![
            content("application/json", answered::<Rows>()),
            content("text/csv", any_text()),
        ],
        headers: vec![("X-Next-Cursor", "Of CSV, if there is more")],
    };
    Operation {
        method: "GET",
        path: "/api/outbound/runs/{run_id}/calls",
        id: "listCallsOfRun",
        summary: "Lists every lead of a run with what became of it",
        access: WATCHES,
        parameters: vec![
            run_id(),
            Parameter::query("format", "JSON if absent", words(["json", "csv"])),
            Parameter::query(
                "limit",
                "How many at most; 10,000 if absent",
                whole(1, ROWS_MAX),
            ),
            Parameter::query(
                "cursor",
                "Goes on after the page that gave it",
                whole_number,
            ),
        ],
        body: None,
        answers: vec![answer],
        refusals: vec![refusal(404, "run_not_found", &[])],
    }
}

fn active() -> Operation {
    Operation {
        method: "GET",
        path: "/api/outbound/bulk/active",
        id: "showActiveRun",
        summary: "Shows the newest running run",
        access: WATCHES,
        parameters: vec![],
        body: None,
        answers: vec![Answer::json::<Active>(200, "It, if there is one")],
        refusals: vec![],
    }
}

fn counts() -> Operation {
    let counts = json!({ "active_outbound": 3, "max_outbound": 3 });
    Operation {
        method: "GET",
        path: "/api/outbound_calls/counts",
        id: "countCalls",
        summary: "Counts live calls",
        access: WATCHES,
        parameters: vec![],
        body: None,
        answers: vec![Answer::json::<Counts>(200, "Live calls, and their limit").like(counts)],
        refusals: vec![],
    }
}

fn recent_calls() -> Operation {
    // Sixteen bytes.
    let cursor = form("^[A-Za-z0-9_-]{21}[AQgw]$");
    let sizes = whole(1, PAGE_SIZE_MAX);
    Operation {
        method: "GET",
        path: "/api/outbound/recent-calls",
        id: "listCalls",
        summary: "Lists calls, newest first",
        access: WATCHES,
        parameters: vec![
            Parameter::query("page", "From 1; a cursor is cheaper", whole(1, PAGE_MAX)),
            Parameter::query("page_size", "How many at most; 50 if absent", sizes),
            Parameter::query("status", "Only calls of this status", words(STATUSES)),
            Parameter::query("run_id", "Only calls of this run", id()),
            Parameter::query("cursor", "Goes on after the page that gave it", cursor),
        ],
        body: None,
        answers: vec![Answer::json::<Page>(200, "A page of calls")],
        refusals: vec![],
    }
}
