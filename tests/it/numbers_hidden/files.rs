//! What comes in files and under signed addresses, who is put on a list, and what goes out as
//! a table: none of it is in the log either.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::{FILTER, listen, overhear, phones_of};
use crate::leads::{PATH, upload, workbook};
use crate::story::{Office, Story};
use crate::tokens;

/// Puts a file where it was promised a place, and returns the answer's status.
async fn put(story: &Story, opened: &Value, url: &str, file: &str) -> StatusCode {
    let headers = opened["headers"].as_object().expect("headers");
    let headers: Vec<(&str, &str)> = headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str().expect("a text")))
        .collect();
    let file = file.to_owned();
    let answer = story.send_with(Method::PUT, url, &headers, file).await;
    answer.status
}

/// The signature of an address.
fn signature(url: &str) -> &str {
    let (_, rest) = url.split_once("X-Amz-Signature=").expect("it is signed");
    rest.split('&').next().expect("it has a beginning")
}

/// Imports a form, a workbook and a large file, each with a row that is no lead, and returns
/// the signatures of the addresses.
async fn bring_files(story: &Story, admin: &Office) -> Vec<String> {
    let table = "שם,טלפון,city\nSecretname A,0555000001,Secretcity\nSecretname B,055-50000021,\n";
    let told = upload(
        story,
        admin,
        "Secretfile.csv",
        Some("Secretlist"),
        table.as_bytes(),
    )
    .await;
    assert_eq!(told.of_status(200)["skipped_count"], 1);
    let cell = |place: &str, text: &str| {
        format!("<c r=\"{place}\" t=\"inlineStr\"><is><t>{text}</t></is></c>")
    };
    let rows = [
        format!(
            "<row r=\"1\">{}{}</row>",
            cell("A1", "name"),
            cell("B1", "phone")
        ),
        format!(
            "<row r=\"2\">{}<c r=\"B2\"><v>555000002</v></c></row>",
            cell("A2", "Secretname C")
        ),
        format!(
            "<row r=\"3\">{}{}</row>",
            cell("A3", "Secretname D"),
            cell("B3", "05550000x3")
        ),
    ];
    let book = workbook(&rows.concat());
    let told = upload(story, admin, "Secretbook.xlsx", None, &book).await;
    assert_eq!(told.of_status(200)["imported_count"], 1);
    let broken = upload(
        story,
        admin,
        "Secretbook.xlsx",
        None,
        b"PK\x03\x04Secretbytes",
    )
    .await;
    assert_eq!(broken.status, 400, "{}", broken.text);

    let file = "name,phone\nSecretname E,0555000003\nSecretname F,0555000004\n";
    let wish = json!({ "bytes": file.len() });
    let opened = story.post(admin, "/api/outbound/uploads", wish).await;
    let opened = opened.of_status(201);
    let url = opened["upload_url"].as_str().expect("an address");
    let forged = url.replace(signature(url), &"0f".repeat(32));
    assert_eq!(put(story, &opened, &forged, file).await, 403);
    assert_eq!(put(story, &opened, url, file).await, 200);
    let import = json!({ "upload_id": opened["upload_id"], "list_name": "Secretlist" });
    for _ in 0..2 {
        let told = story.post(admin, PATH, import.clone()).await;
        assert_eq!(told.of_status(200)["imported_count"], 2);
    }
    [url, &forged].map(|url| signature(url).to_owned()).into()
}

/// Calls everybody, and asks for all that can be told of it.
async fn call_and_export(story: &Story, admin: &Office) {
    let run = story.start_run(admin, &[1, 2, 3, 4]).await;
    story.wait(300).await;
    let calls = format!("/api/outbound/runs/{run}/calls?format=csv");
    let told = story.get(admin, &calls).await;
    assert!(told.text.contains("Secretname A"), "{}", told.text);
    for path in [
        "/api/outbound/recent-calls?page_size=100",
        "/api/outbound/leads/1/calls",
        "/api/outbound/import-leads?search=Secretname",
        "/api/outbound/import-lists",
    ] {
        story.get(admin, path).await.of_status(200);
    }
    let rows = json!([
        ["Secretname G", "055-50000089"],
        ["Secretname H", "0555000005"]
    ]);
    let told = story.post(admin, &format!("{PATH}?errors=csv"), rows).await;
    assert!(told.text.contains("055-50000089"), "{}", told.text);
}

/// Puts people on the do-not-call list, one by one and by file, takes one off, and erases one.
async fn forget(story: &Story, admin: &Office) {
    let path = "/api/outbound/do-not-call";
    let one = json!({ "phone": "0555000006", "reason": "Secretreason", "source": "Secretsource" });
    story.post(admin, path, one).await.of_status(200);
    let refused = json!({ "phones": ["055-50000089"], "reason": "Secretreason" });
    story.post(admin, path, refused).await;
    let listed = story.get(admin, path).await.of_status(200);
    let entry = listed["items"][0]["id"].as_str().expect("an entry");
    story
        .get(admin, &format!("{path}?phone=0555000006"))
        .await
        .of_status(200);
    let entry = format!("{path}/{entry}");
    let removed = story.send(&admin.key, Method::DELETE, &entry, Value::Null);
    removed.await.of_status(200);
    let erased = story
        .post(admin, "/api/outbound/leads/2/erase", Value::Null)
        .await;
    erased.of_status(200);
}

#[tokio::test(start_paused = true)]
async fn logs_hold_nothing_of_files_lists_tables_and_signed_addresses() {
    let (notes, _guard) = listen(FILTER);
    let (story, office, issuer) = tokens::scene().await;
    let heard = overhear(&story);
    let mut claims = tokens::claims(&story, &office);
    for (name, value) in [
        ("role", json!("admin")),
        ("sub", json!("Secretsubject@example.com")),
        ("exp", json!(4_000_000_000_u64)),
    ] {
        claims[name] = value;
    }
    let admin = Office {
        key: issuer.token(&claims),
        ..office.clone()
    };
    let mut secrets = bring_files(&story, &admin).await;
    call_and_export(&story, &admin).await;
    forget(&story, &admin).await;

    let heard = heard.lock().expect("nobody panicked").clone();
    assert!(heard.len() >= 8, "callbacks of four calls were heard");
    secrets.extend(heard);
    // What all tokens begin with is no secret.
    let parts = admin.key.split('.');
    secrets.extend(parts.map(|part| part[part.len() / 2..].to_owned()));
    secrets.extend(phones_of(1..=6));
    for text in ["Secret", "0000021", "0000089", "0000x3", "31100001"] {
        secrets.push(text.to_owned());
    }
    let log = notes.text();
    for expected in ["placed call", "reported", "s3", "PutItem"] {
        assert!(log.contains(expected), "the log tells of {expected}");
    }
    super::assert_hidden(&log, &secrets);
}
