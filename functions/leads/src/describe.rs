//! The routes of this function, described.

use ringfence_core::call::CallStatus;
use ringfence_shell::body::PAGE_SIZE_MAX;
use ringfence_shell::caller::Role;
use ringfence_shell::describe::{
    Access, Answer, Content, Input, Operation, Parameter, Refusal, any_text, form, id, refusal,
    taken, whole, words,
};
use schemars::Schema;
use serde_json::{Value, json};

use crate::api::{DeleteBody, Deleted, Leads, Lists};
use crate::do_not_call;
use crate::erasure::Erased;
use crate::import::PhoneColumn;
use crate::large::{ImportBody, OpenBody, Opened, UnderWay};
use crate::person;
use crate::told;

/// The operations of this function.
pub fn describe() -> Vec<Operation> {
    vec![
        import(),
        list(),
        delete_one(),
        delete_many(),
        lists(),
        open(),
        calls(),
        erase(),
        add_do_not_call(),
        list_do_not_call(),
        remove_do_not_call(),
        erase_do_not_call(),
    ]
}

const CHANGES: Access = Access::Business(Role::Admin);
const WATCHES: Access = Access::Business(Role::Agent);

fn import() -> Operation {
    let imported = json!({
        "success": true,
        "list_id": 1,
        "list_name": "leads.csv",
        "imported_count": 97,
        "skipped_count": 3,
        "duplicate_count": 0,
        "errors_sample": ["שורה 3: טלפון לא תקין - 12"],
        "mapping": {
            "phone": "טלפון",
            "name": "שם",
            "method": "header",
            "has_header": true,
            "kind": "csv",
        },
    });
    let mut answer = Answer::json::<told::Answer<'_>>(200, "What became of the rows");
    answer.contents[0].example = Some(imported);
    let under_way = Answer {
        headers: vec![("Retry-After", "After how many seconds to ask again")],
        ..Answer::json::<UnderWay>(202, "The upload is being imported; ask again")
    };
    let mut bodies = rows(json!({ "list_name": { "type": ["string", "null"] } }));
    let named = taken::<ImportBody>();
    let json_body = &mut bodies.contents[0];
    if let Some(ways) = json_body.schema["anyOf"].as_array_mut() {
        ways.push(named);
    }
    json_body.example = Some(json!({ "rows": [{ "name": "דנה", "phone": "050-1234567" }] }));
    Operation {
        method: "POST",
        path: "/api/outbound/import-leads",
        id: "importLeads",
        summary: "Imports a file, rows, or an upload; all of it or nothing",
        access: CHANGES,
        parameters: vec![errors_query()],
        body: Some(bodies),
        answers: vec![or_row_errors(answer), under_way],
        refusals: [
            FILE_REFUSALS,
            &[
                refusal(400, "lead_limit", &["room", "limit"]),
                refusal(404, "upload_not_found", &[]),
                refusal(409, "upload_empty", &[]),
            ],
        ]
        .concat(),
    }
}

/// Why a file or rows are refused as a whole.
const FILE_REFUSALS: &[Refusal] = &[
    refusal(400, "empty_file", &[]),
    refusal(400, "no_valid_phones", &["errors_sample"]),
    refusal(400, "ambiguous_phone_column", &["candidates"]),
    refusal(400, "unsupported_file", &["field?", "row?"]),
    refusal(400, "bad_multipart", &["field"]),
    refusal(413, "too_large", &["what?", "field?", "limit?"]),
];

/// Rows as JSON, alone or with `fields` beside them, or a file.
fn rows(fields: Value) -> Input {
    // A value that is none for a cell is an error of its row alone.
    let cell = json!({});
    let lists = json!({ "type": "array", "items": { "type": "array", "items": cell } });
    let objects = json!({
        "type": "array",
        "items": { "type": "object", "additionalProperties": cell },
    });
    let rows = json!({ "anyOf": [objects, lists] });
    let mut properties = fields.clone();
    properties["rows"] = rows;
    properties[PhoneColumn::FIELD] = taken::<Option<PhoneColumn>>();
    let with_fields = json!({
        "type": "object",
        "required": ["rows"],
        "properties": properties,
    });
    let mut parts = fields;
    parts[PhoneColumn::FIELD] = any_text();
    parts["file"] = json!({ "type": "string", "format": "binary" });
    Input {
        is_required: true,
        contents: vec![
            Content {
                media_type: "application/json",
                schema: json!({ "anyOf": [objects, lists, with_fields] }),
                example: None,
            },
            Content {
                media_type: "multipart/form-data",
                schema: json!({
                    "type": "object",
                    "required": ["file"],
                    "properties": parts,
                }),
                example: None,
            },
        ],
    }
}

fn list() -> Operation {
    let statuses = CallStatus::ALL.map(CallStatus::as_str);
    let outcomes = words(statuses.into_iter().chain(["none", "unknown"]));
    let sizes = whole(1, PAGE_SIZE_MAX);
    Operation {
        method: "GET",
        path: "/api/outbound/import-leads",
        id: "listLeads",
        summary: "Lists leads",
        access: WATCHES,
        parameters: vec![
            Parameter::query("page", "From 1", whole(1, u32::MAX)),
            Parameter::query("page_size", "How many at most; 50 if absent", sizes),
            Parameter::query("list_id", "Only leads of this list", id()),
            Parameter::query("search", "A part of a name or of a number", any_text()),
            Parameter::query(
                "outcome",
                "How the last call went; `none` if never",
                outcomes,
            ),
        ],
        body: None,
        answers: vec![Answer::json::<Leads>(200, "A page of leads")],
        refusals: vec![],
    }
}

fn lead_id() -> Parameter {
    Parameter::path("lead_id", "A lead", id())
}

fn delete_one() -> Operation {
    Operation {
        method: "DELETE",
        path: "/api/outbound/import-leads/{lead_id}",
        id: "deleteLead",
        summary: "Deletes a lead",
        access: CHANGES,
        parameters: vec![lead_id()],
        body: None,
        answers: vec![Answer::json::<Deleted>(200, "It is gone")],
        refusals: vec![refusal(404, "lead_not_found", &[])],
    }
}

fn delete_many() -> Operation {
    let example = json!({ "lead_ids": [1, 2] });
    Operation {
        method: "POST",
        path: "/api/outbound/import-leads/bulk-delete",
        id: "deleteLeads",
        summary: "Deletes these leads, or all",
        access: CHANGES,
        parameters: vec![],
        body: Some(Input::json::<DeleteBody>(example)),
        answers: vec![Answer::json::<Deleted>(200, "How many there were")],
        refusals: vec![],
    }
}

/// Either some or all, so that nobody loses leads over a slip.
pub(crate) fn these_or_all(schema: &mut Schema) {
    let ids = schema
        .get("properties")
        .and_then(|all| all.get("lead_ids"))
        .cloned();
    let mut ids = ids.unwrap_or_default();
    ids["type"] = json!("array");
    let ways = json!([
        { "required": ["lead_ids"], "properties": { "lead_ids": ids, "delete_all": { "const": false } } },
        { "required": ["delete_all"], "properties": { "lead_ids": { "type": "null" }, "delete_all": { "const": true } } },
    ]);
    schema.insert("anyOf".to_owned(), ways);
}

fn lists() -> Operation {
    Operation {
        method: "GET",
        path: "/api/outbound/import-lists",
        id: "listLists",
        summary: "Lists what was imported",
        access: WATCHES,
        parameters: vec![],
        body: None,
        answers: vec![Answer::json::<Lists>(200, "Every list")],
        refusals: vec![],
    }
}

fn open() -> Operation {
    let body = Input::json::<OpenBody>(json!({ "bytes": 1_000_000 }));
    Operation {
        method: "POST",
        path: "/api/outbound/uploads",
        id: "openUpload",
        summary: "Says where a large file can be put, to be imported by its `upload_id`",
        access: CHANGES,
        parameters: vec![],
        body: Some(body),
        answers: vec![Answer::json::<Opened>(201, "The address and its headers")],
        refusals: vec![],
    }
}

fn paging() -> [Parameter; 2] {
    let cursor = form(ENTRY);
    [
        Parameter::query(
            "page_size",
            "How many at most; 50 if absent",
            whole(1, PAGE_SIZE_MAX),
        ),
        Parameter::query("cursor", "Goes on after the page that gave it", cursor),
    ]
}

fn calls() -> Operation {
    let [size, cursor] = paging();
    Operation {
        method: "GET",
        path: "/api/outbound/leads/{lead_id}/calls",
        id: "listCallsOfLead",
        summary: "Lists a lead's calls, newest first",
        access: WATCHES,
        parameters: vec![lead_id(), size, cursor],
        body: None,
        answers: vec![Answer::json::<person::Calls>(200, "A page of calls")],
        refusals: vec![refusal(404, "lead_not_found", &[])],
    }
}

fn erase() -> Operation {
    Operation {
        method: "POST",
        path: "/api/outbound/leads/{lead_id}/erase",
        id: "eraseLead",
        summary: "Erases what is known of a person",
        access: CHANGES,
        parameters: vec![lead_id()],
        body: None,
        answers: vec![Answer::json::<Erased>(200, "What was erased")],
        refusals: vec![
            refusal(404, "lead_not_found", &[]),
            refusal(409, "already_in_call", &[]),
        ],
    }
}

fn errors_query() -> Parameter {
    Parameter::query("errors", "All row errors in its place", words(["csv"]))
}

/// An answer in whose place the row errors may be asked for.
fn or_row_errors(mut answer: Answer) -> Answer {
    answer.contents.push(Content {
        media_type: "text/csv",
        schema: any_text(),
        example: None,
    });
    answer
}

/// Sixteen bytes.
const ENTRY: &str = "^[A-Za-z0-9_-]{21}[AQgw]$";
const DO_NOT_CALL: &str = "/api/outbound/do-not-call";

fn add_do_not_call() -> Operation {
    let remark = json!({ "type": ["string", "null"] });
    let mut bodies = rows(json!({ "reason": remark, "source": remark }));
    let json_body = &mut bodies.contents[0];
    if let Some(ways) = json_body.schema["anyOf"].as_array_mut() {
        ways.push(taken::<do_not_call::Wish>());
    }
    json_body.example = Some(json!({ "phone": "050-1234567", "reason": "asked" }));
    Operation {
        method: "POST",
        path: DO_NOT_CALL,
        id: "addDoNotCall",
        summary: "Adds a number, some, or a file of them to whom nobody is to call",
        access: CHANGES,
        parameters: vec![errors_query()],
        body: Some(bodies),
        answers: vec![or_row_errors(Answer::json::<do_not_call::Added>(
            200,
            "It holds from now on",
        ))],
        refusals: FILE_REFUSALS.to_vec(),
    }
}

fn list_do_not_call() -> Operation {
    let phone = Parameter::query("phone", "The entry of this number only", any_text());
    let size = whole(1, PAGE_SIZE_MAX);
    Operation {
        method: "GET",
        path: DO_NOT_CALL,
        id: "listDoNotCall",
        summary: "Lists whom nobody is to call",
        access: CHANGES,
        parameters: vec![
            Parameter::query("page_size", "How many at most; 50 if absent", size),
            Parameter::query("cursor", "Goes on after the page that gave it", form(ENTRY)),
            phone,
        ],
        body: None,
        answers: vec![Answer::json::<do_not_call::Page>(200, "A page of entries")],
        refusals: vec![],
    }
}

fn erase_do_not_call() -> Operation {
    Operation {
        method: "POST",
        path: "/api/outbound/do-not-call/{entry_id}/erase",
        id: "eraseDoNotCall",
        summary: "Erases what is known of the person; the entry bars the number all the same",
        access: CHANGES,
        parameters: vec![Parameter::path("entry_id", "An entry", form(ENTRY))],
        body: None,
        answers: vec![Answer::json::<Erased>(200, "What was erased")],
        refusals: vec![
            refusal(404, "not_found", &[]),
            refusal(409, "already_in_call", &[]),
        ],
    }
}

fn remove_do_not_call() -> Operation {
    Operation {
        method: "DELETE",
        path: "/api/outbound/do-not-call/{entry_id}",
        id: "removeDoNotCall",
        summary: "Takes an entry off",
        access: CHANGES,
        parameters: vec![Parameter::path("entry_id", "An entry", form(ENTRY))],
        body: None,
        answers: vec![Answer::json::<do_not_call::Removed>(200, "It is gone")],
        refusals: vec![refusal(404, "not_found", &[])],
    }
}
