//! Where an answer leads: which of its values another request takes.
//!
//! They are what a client does next, and a tester too.

use serde_json::{Map, Value, json};

/// From the answer of one operation to a request of another.
struct Link {
    answer: (&'static str, u16),
    operation: &'static str,
    /// Parameters of the request, and the expressions that give them.
    parameters: &'static [(&'static str, &'static str)],
    /// A field of the request's body, and the expression that gives it.
    field: Option<(&'static str, &'static str)>,
}

const RUN: &str = "$response.body#/run_id";
const LIST: &str = "$response.body#/list_id";
const NEXT: &str = "$response.body#/next_cursor";
const BUSINESS: &str = "$response.body#/business_id";
const SAME_BUSINESS: (&str, &str) = ("business_id", "$request.path.business_id");

const LINKS: [Link; 22] = [
    link(("startCalls", 201), "showRun", &[("run_id", RUN)]),
    link(("startRun", 201), "showRun", &[("run_id", RUN)]),
    link(("startRun", 201), "listCallsOfRun", &[("run_id", RUN)]),
    link(("startRun", 201), "listCalls", &[("run_id", RUN)]),
    field(("startRun", 201), "stopRun", ("run_id", RUN)),
    link(("listRuns", 200), "listRuns", &[("cursor", NEXT)]),
    link(
        ("listCallsOfRun", 200),
        "listCallsOfRun",
        &[("run_id", "$request.path.run_id"), ("cursor", NEXT)],
    ),
    link(("listCalls", 200), "listCalls", &[("cursor", NEXT)]),
    link(("importLeads", 200), "listLeads", &[("list_id", LIST)]),
    field(("importLeads", 200), "startRun", ("outbound_list_id", LIST)),
    field(("importLeads", 200), "startCalls", ("list_id", LIST)),
    field(
        ("listLists", 200),
        "startRun",
        ("outbound_list_id", "$response.body#/items/0/list_id"),
    ),
    link(
        ("listCallsOfLead", 200),
        "listCallsOfLead",
        &[("lead_id", "$request.path.lead_id"), ("cursor", NEXT)],
    ),
    field(
        ("openUpload", 201),
        "importLeads",
        ("upload_id", "$response.body#/upload_id"),
    ),
    link(("listDoNotCall", 200), "listDoNotCall", &[("cursor", NEXT)]),
    link(
        ("showBusiness", 200),
        "listKeys",
        &[("business_id", BUSINESS)],
    ),
    link(
        ("showBusiness", 200),
        "createKey",
        &[("business_id", BUSINESS)],
    ),
    link(
        ("createBusiness", 201),
        "listKeys",
        &[("business_id", BUSINESS)],
    ),
    link(
        ("createBusiness", 201),
        "createKey",
        &[("business_id", BUSINESS)],
    ),
    link(
        ("createBusiness", 201),
        "deleteBusiness",
        &[("business_id", BUSINESS)],
    ),
    link(("createKey", 201), "listKeys", &[SAME_BUSINESS]),
    link(
        ("createKey", 201),
        "revokeKey",
        &[SAME_BUSINESS, ("key_id", "$response.body#/key_id")],
    ),
];

const fn link(
    answer: (&'static str, u16),
    operation: &'static str,
    parameters: &'static [(&'static str, &'static str)],
) -> Link {
    Link {
        answer,
        operation,
        parameters,
        field: None,
    }
}

const fn field(
    answer: (&'static str, u16),
    operation: &'static str,
    field: (&'static str, &'static str),
) -> Link {
    Link {
        answer,
        operation,
        parameters: &[],
        field: Some(field),
    }
}

/// The links of an operation's answer with this status, as OpenAPI has them.
pub(crate) fn links(operation: &str, status: u16) -> Map<String, Value> {
    let of_it = LINKS
        .iter()
        .filter(|link| link.answer == (operation, status));
    let described = |link: &Link| {
        let mut value = json!({ "operationId": link.operation });
        for (name, expression) in link.parameters {
            value["parameters"][name] = json!(expression);
        }
        if let Some((name, expression)) = link.field {
            value["requestBody"][name] = json!(expression);
        }
        (link.operation.to_owned(), value)
    };
    of_it.map(described).collect()
}

#[cfg(test)]
mod tests {
    use ringfence_shell::describe::Operation;

    use super::*;
    use crate::operations;

    fn named<'a>(all: &'a [Operation], id: &str) -> &'a Operation {
        let mut found = all.iter().filter(|operation| operation.id == id);
        found.next().unwrap_or_else(|| panic!("{id} is described"))
    }

    /// Whether a JSON answer or body can have what the pointer points at.
    fn has(schema: &Value, pointer: &str) -> bool {
        let (first, rest) = pointer.split_once('/').unwrap_or((pointer, ""));
        let inner = match first {
            "" => return true,
            "0" => schema.get("items"),
            name => schema["properties"].get(name),
        };
        let mut ways = schema["anyOf"].as_array().into_iter().flatten();
        inner.is_some_and(|inner| has(inner, rest)) || ways.any(|way| has(way, pointer))
    }

    #[test]
    fn every_link_leads_from_a_value_that_there_is_to_one_that_is_taken() {
        let all = operations();
        for link in &LINKS {
            let (from, to) = (named(&all, link.answer.0), named(&all, link.operation));
            let mut answers = from.answers.iter();
            let answer = answers.find(|answer| answer.status == link.answer.1);
            let schema = &answer.expect("it is an answer").contents[0].schema;
            for (name, expression) in link.parameters.iter().chain(&link.field) {
                let is_parameter = to.parameters.iter().any(|it| it.name == *name);
                let mut bodies = to.body.iter().flat_map(|body| &body.contents);
                let is_field = bodies.any(|body| has(&body.schema, name));
                assert!(is_parameter || is_field, "{} takes {name}", to.id);
                let has_value = match expression.strip_prefix("$response.body#/") {
                    Some(pointer) => has(schema, pointer),
                    None => {
                        let name = expression.strip_prefix("$request.path.");
                        from.parameters.iter().any(|it| Some(it.name) == name)
                    }
                };
                assert!(has_value, "{} gives {expression}", from.id);
            }
        }
    }

    #[test]
    fn no_two_links_of_an_answer_lead_to_the_same_operation() {
        for link in &LINKS {
            let (operation, status) = link.answer;
            let of_it = LINKS.iter().filter(|other| other.answer == link.answer);
            assert_eq!(links(operation, status).len(), of_it.count());
        }
    }
}
