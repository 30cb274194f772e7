//! Leads: imported from what people have, listed, searched and deleted.

use serde_json::Value;

use crate::story::{Answer, Office, Story};

mod columns;
mod deleting;
mod erasing;
mod importing;
mod large;
mod listing;
mod people;
mod rows;
mod told;
mod workbooks;

pub(crate) use self::workbooks::workbook;

pub(crate) const PATH: &str = "/api/outbound/import-leads";

/// Uploads a file as a browser does.
pub(crate) async fn upload(
    story: &Story,
    office: &Office,
    file: &str,
    list: Option<&str>,
    bytes: &[u8],
) -> Answer {
    let fields: Vec<(&str, &str)> = list.map(|list| ("list_name", list)).into_iter().collect();
    upload_with(story, office, PATH, &fields, file, bytes).await
}

/// Uploads a file with other fields before it.
async fn upload_with(
    story: &Story,
    office: &Office,
    path: &str,
    fields: &[(&str, &str)],
    file: &str,
    bytes: &[u8],
) -> Answer {
    let bearer = format!("Bearer {}", office.key);
    let headers = [
        ("authorization", bearer.as_str()),
        (
            "content-type",
            "multipart/form-data; boundary=----WebKitFormBoundaryX",
        ),
    ];
    let mut body = Vec::new();
    let part = "------WebKitFormBoundaryX\r\nContent-Disposition: form-data; ";
    for (name, value) in fields {
        body.extend(format!("{part}name=\"{name}\"\r\n\r\n{value}\r\n").bytes());
    }
    body.extend(format!("{part}name=\"file\"; filename=\"{file}\"\r\n").bytes());
    body.extend(b"Content-Type: text/csv\r\n\r\n");
    body.extend(bytes);
    body.extend(b"\r\n------WebKitFormBoundaryX--\r\n");
    story
        .send_with(http::Method::POST, path, &headers, body)
        .await
}

/// One page of leads.
async fn page(story: &Story, office: &Office, query: &str) -> Value {
    story
        .get(office, &format!("{PATH}?{query}"))
        .await
        .of_status(200)
}

/// The names on one page of leads.
async fn names(story: &Story, office: &Office, query: &str) -> Vec<String> {
    let page = page(story, office, query).await;
    let items = page["items"].as_array().expect("a list");
    items
        .iter()
        .map(|lead| lead["name"].as_str().expect("a name").to_owned())
        .collect()
}
