//! The list itself: how it is added to, looked at, and by whom.

use http::Method;
use serde_json::{Value, json};

use super::{PATH, add, counts, dialled, entries, remove};
use crate::story::{Answer, Office, Setting, Story};

/// Uploads a file as a browser does.
async fn upload(story: &Story, office: &Office, file: &str, bytes: &[u8]) -> Answer {
    upload_to(PATH, story, office, file, bytes).await
}

async fn upload_to(path: &str, story: &Story, office: &Office, file: &str, bytes: &[u8]) -> Answer {
    let bearer = format!("Bearer {}", office.key);
    let headers = [
        ("authorization", bearer.as_str()),
        ("content-type", "multipart/form-data; boundary=X"),
    ];
    let head = "--X\r\nContent-Disposition: form-data; name=\"file\"; filename=";
    let mut body = format!("{head}\"{file}\"\r\n\r\n").into_bytes();
    body.extend(bytes);
    body.extend(b"\r\n--X--\r\n");
    story.send_with(Method::POST, path, &headers, body).await
}

/// The entry of a number.
async fn entry(story: &Story, office: &Office, number: &str) -> Value {
    let found = entries(story, office, &format!("phone={number}")).await;
    assert_eq!(found.len(), 1, "{number}");
    found[0].clone()
}

#[tokio::test(start_paused = true)]
async fn a_hebrew_file_of_numbers_is_added_whatever_the_limit_of_leads() {
    let mut story = Setting {
        leads_max: 2,
        ..Setting::plain()
    }
    .begin()
    .await;
    let office = story.open(3).await;
    let file = "\u{feff}שם,מס' טלפון,סיבה,מקור\r\n\
                דנה,050-1234567,\"ביקשה, בכתב\",טופס\r\n\
                נועה,5,,\r\n\
                רון,+972-52-123-4568,,\r\n\
                דנה שוב,972501234567,,\r\n\
                אבי,,כעס,\r\n\
                גיל,0531234569,,מאגר\r\n";
    let answer = upload(&story, &office, "הסרות.csv", file.as_bytes()).await;
    let answer = answer.of_status(200);
    assert_eq!(answer["success"], true);
    assert_eq!(counts(&answer), [3, 1, 2], "{answer}");
    let errors = json!(["שורה 3: טלפון לא תקין - 5", "שורה 6: חסר מספר טלפון"]);
    assert_eq!(answer["errors_sample"], errors);
    let dana = entry(&story, &office, "050-1234567").await;
    let said = ["phone", "reason", "source"].map(|name| dana[name].clone());
    assert_eq!(
        said,
        [json!("+972501234567"), json!("ביקשה, בכתב"), json!("טופס")]
    );
    assert_eq!(dana["added_at"], "2025-10-09T08:53:20.000Z");
    let key = ringfence_shell::secrets::ApiKey::parse(&office.key).unwrap();
    assert_eq!(dana["added_by"], key.key_id);
    let ron = entry(&story, &office, "0521234568").await;
    assert_eq!(
        (&ron["reason"], &ron["source"]),
        (&Value::Null, &json!("הסרות.csv"))
    );
    let again = upload(&story, &office, "הסרות.csv", file.as_bytes()).await;
    assert_eq!(counts(&again.of_status(200)), [0, 4, 2]);
    assert_eq!(entries(&story, &office, "").await.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn every_number_of_a_row_is_barred_and_what_cannot_be_read_is_told_in_full() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(3).await;
    let (leads, numbers) = story.import_numbers(&office, 2).await;
    let [first, second] = [0, 1].map(|at| numbers[at].expose());
    let unread: String = (0..30).map(|_| "x,12,\n").collect();
    let csv = format!("name,phone,phone 2\nDan,{first},{second}\n{unread}");
    let path = format!("{PATH}?errors=csv");
    let told = upload_to(&path, &story, &office, "f.csv", csv.as_bytes()).await;
    assert_eq!(told.status, 200, "{}", told.text);
    assert_eq!(told.text.matches("- 12\"").count(), 30, "{}", told.text);
    let calls = story.start(&office, &leads).await.of_status(422);
    for call in calls["calls"].as_array().expect("a list") {
        assert_eq!(call["code"], "do_not_call", "{calls}");
    }
    assert_eq!(dialled(&story, &[first, second]), 0);
}

#[tokio::test(start_paused = true)]
async fn json_names_one_number_or_some_or_gives_rows() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(3).await;
    for (body, expected) in [
        (
            json!({ "phone": "0501234567", "reason": " asked\n twice " }),
            [1, 0, 0],
        ),
        (
            json!({ "phones": ["0501234567", "+972521234567"], "source": "form" }),
            [1, 1, 0],
        ),
        (
            json!([{ "טלפון": "0541234567", "reason": "r" }, { "טלפון": "12" }]),
            [1, 0, 1],
        ),
        (json!([["0551234567"], ["0501234567"]]), [1, 1, 0]),
        (
            json!({ "rows": [{ "phone": 581_234_567 }], "reason": "all" }),
            [1, 0, 0],
        ),
    ] {
        let answer = story.post(&office, PATH, body.clone()).await;
        assert_eq!(counts(&answer.of_status(200)), expected, "{body}");
    }
    let reason = async |number: &str| entry(&story, &office, number).await["reason"].clone();
    assert_eq!(reason("0501234567").await, "asked twice");
    assert_eq!(reason("0541234567").await, "r");
    assert_eq!(reason("0581234567").await, "all");
    let form = entry(&story, &office, "0521234567").await;
    assert_eq!(
        (&form["reason"], &form["source"]),
        (&Value::Null, &json!("form"))
    );
}

#[tokio::test(start_paused = true)]
async fn the_list_is_paged_and_one_is_found_by_the_number() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(3).await;
    let empty = story.get(&office, PATH).await.of_status(200);
    let expected = json!({ "items": [], "has_more": false, "next_cursor": null });
    assert_eq!(empty, expected);
    let numbers: Vec<String> = (0..5).map(|n| format!("05012345{n:02}")).collect();
    let numbers: Vec<&str> = numbers.iter().map(String::as_str).collect();
    add(&story, &office, &numbers).await;
    let (mut ids, mut cursor) = (Vec::new(), String::new());
    for left in [3, 1, 0] {
        let path = format!("{PATH}?page_size=2&cursor={cursor}");
        let page = story.get(&office, &path).await.of_status(200);
        let items = page["items"].as_array().unwrap();
        ids.extend(
            items
                .iter()
                .map(|item| item["id"].as_str().unwrap().to_owned()),
        );
        assert_eq!(5 - ids.len(), left);
        assert_eq!(page["has_more"], left > 0);
        cursor = page["next_cursor"].as_str().unwrap_or_default().to_owned();
    }
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 5);
    let one = entry(&story, &office, "%2B972501234503").await;
    assert_eq!(one["phone"], "+972501234503");
    assert!(
        entries(&story, &office, "phone=0529999999")
            .await
            .is_empty()
    );
    for (query, field) in [
        ("page_size=0", "page_size"),
        ("page_size=101", "page_size"),
        ("cursor=x", "cursor"),
        ("phone=12", "phone"),
    ] {
        let answer = story.get(&office, &format!("{PATH}?{query}")).await;
        assert_eq!(answer.assert_refused(400, "bad_field"), Some(field));
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_wrong_is_named_and_nothing_of_it_is_added() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(3).await;
    let good = "0501234567";
    let long = "x".repeat(201);
    for (body, field) in [
        (json!({}), "phones"),
        (json!({ "phones": [] }), "phones"),
        (json!({ "phones": good }), "phones"),
        (json!({ "phone": good, "phones": [good] }), "phones"),
        (json!({ "phones": [good, "12"] }), "phones[1]"),
        (json!({ "phones": [good, 501_234_567] }), "phones[1]"),
        (json!({ "phone": "12" }), "phone"),
        (json!({ "phone": good, "reason": long }), "reason"),
        (json!({ "phone": good, "source": long }), "source"),
        (json!({ "phone": good, "source": 7 }), "source"),
        (json!({ "rows": [[good]], "reason": long }), "reason"),
        (json!({ "rows": 7 }), "rows"),
        (json!({ "rows": [[good]], "phone": good }), "phones"),
        (json!({ "rows": [[good]], "phones": [good] }), "phones"),
    ] {
        let answer = story.post(&office, PATH, body.clone()).await;
        assert_eq!(
            answer.assert_refused(400, "bad_field"),
            Some(field),
            "{body}"
        );
    }
    let many = json!({ "phones": vec![good; 100_001] });
    let answer = story.post(&office, PATH, many).await;
    assert_eq!(answer.assert_refused(413, "too_large"), Some("phones"));
    for (file, code) in [
        (&b"phone\n"[..], "empty_file"),
        (b"phone\n12\n", "no_valid_phones"),
        (b"%PDF-1.7\x00\x01\x02", "unsupported_file"),
    ] {
        let answer = upload(&story, &office, "a.csv", file).await;
        answer.assert_refused(400, code);
    }
    let bearer = format!("Bearer {}", office.key);
    let headers = [("authorization", bearer.as_str())];
    let answer = story.send_with(Method::POST, PATH, &headers, "{").await;
    answer.assert_refused(400, "bad_json");
    assert!(entries(&story, &office, "").await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn only_administrators_of_the_business_see_and_change_its_list() {
    let mut story = Setting::plain().begin().await;
    let (office, other) = (story.open(3).await, story.open(3).await);
    add(&story, &office, &["0501234567"]).await;
    let id = entry(&story, &office, "0501234567").await["id"].clone();
    let one = format!("{PATH}/{}", id.as_str().unwrap());
    let agent = story.key_for(&office, "agent").await;
    let wish = json!({ "phone": "0521234567" });
    for (method, path, body) in [
        (Method::GET, PATH, Value::Null),
        (Method::POST, PATH, wish.clone()),
        (Method::DELETE, one.as_str(), Value::Null),
    ] {
        let answer = story.send(&agent, method, path, body).await;
        answer.assert_refused(403, "forbidden");
    }
    let key = &other.key;
    let answer = story.send(key, Method::DELETE, &one, Value::Null).await;
    answer.assert_refused(404, "not_found");
    assert!(entries(&story, &other, "").await.is_empty());
    assert!(entries(&story, &other, "phone=0501234567").await.is_empty());
    for id in ["x", "AAAAAAAAAAAAAAAAAAAAAA"] {
        let path = format!("{PATH}/{id}");
        let answer = story
            .send(&office.key, Method::DELETE, &path, Value::Null)
            .await;
        answer.assert_refused(404, "not_found");
    }
    let added = story
        .send_as_system(&office, Method::POST, PATH, wish)
        .await;
    assert_eq!(counts(&added.of_status(200)), [1, 0, 0]);
    remove(&story, &office, "0501234567").await.of_status(200);
    let left = entries(&story, &office, "").await;
    assert_eq!(left.len(), 1);
    assert_eq!(left[0]["phone"], "+972521234567");
}
