//! Rows that give no lead, told in full on request, and files of the largest size.

use serde_json::json;

use super::{PATH, names, page, upload};
use crate::story::{Setting, phone};

#[tokio::test(start_paused = true)]
async fn three_bad_rows_of_a_hundred_are_told_in_full_as_a_file() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(3).await;
    let rows: Vec<_> = (1..=100)
        .map(|row| match row {
            7 => json!(["=HYPERLINK(\"x\")", "=1+1"]),
            50 => json!(["a", ""]),
            99 => json!(["b", "\"12\""]),
            row => json!([format!("Lead {row}"), phone(row)]),
        })
        .collect();
    let path = format!("{PATH}?errors=csv");
    let answer = story.post(&office, &path, json!(rows)).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.headers["content-type"], "text/csv; charset=utf-8");
    let expected = "\u{feff}row,error\r\n\
                    7,\"שורה 7: טלפון לא תקין - =1+1\"\r\n\
                    50,\"שורה 50: חסר מספר טלפון\"\r\n\
                    99,\"שורה 99: טלפון לא תקין - \"\"12\"\"\"\r\n";
    assert_eq!(answer.text, expected);
    assert_eq!(page(&story, &office, "").await["total"], 97);
    let again = story.post(&office, PATH, json!(rows)).await.of_status(200);
    assert_eq!(
        (&again["imported_count"], &again["duplicate_count"]),
        (&json!(0), &json!(97))
    );
    assert_eq!(again["skipped_count"], 3);
    let none = story.post(&office, &path, json!([["phone"], ["1"]])).await;
    assert_eq!(
        none.text,
        "\u{feff}row,error\r\n2,\"שורה 2: טלפון לא תקין - 1\"\r\n"
    );
    let bad = story
        .post(&office, &format!("{PATH}?errors=xml"), json!(rows))
        .await;
    assert_eq!(bad.assert_refused(400, "bad_field"), Some("errors"));
}

#[tokio::test(start_paused = true)]
async fn a_name_that_is_a_formula_stays_text() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(3).await;
    let name = "=cmd|' /C calc'!A0;=1+1";
    let rows = json!([["name", "phone"], [name, "0501234567"]]);
    story.post(&office, PATH, rows).await.of_status(200);
    assert_eq!(names(&story, &office, "").await, [name]);
    let run = story.start_run(&office, &[1]).await;
    let path = format!("/api/outbound/runs/{run}/calls?format=csv");
    let csv = story.get(&office, &path).await.text;
    assert!(csv.contains("cmd|"), "{csv}");
    assert!(
        !csv.split([',', ';', '\n', '"'])
            .any(|cell| cell.starts_with('=')),
        "{csv}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_hundred_thousand_rows_come_in_by_an_upload() {
    let mut story = Setting {
        leads_max: 100_000,
        ..Setting::plain()
    }
    .begin()
    .await;
    let office = story.open(3).await;
    let rows = (0..100_000).map(|row| format!("Lead {row},05{:08}\n", 10_000_000 + row));
    let file = format!("name,phone\n{}", rows.collect::<String>());
    let opened = story
        .post(
            &office,
            "/api/outbound/uploads",
            json!({ "bytes": file.len() }),
        )
        .await
        .of_status(201);
    let url = opened["upload_url"].as_str().unwrap();
    let length = file.len().to_string();
    let headers = [("content-length", length.as_str())];
    let put = story
        .send_with(http::Method::PUT, url, &headers, file)
        .await;
    assert_eq!(put.status, 200);
    let wanted = json!({ "upload_id": opened["upload_id"] });
    let mut answer = story.post(&office, PATH, wanted.clone()).await;
    // The door gives up after half a minute, and the import goes on.
    for _ in 0..60 {
        if answer.status == 200 {
            break;
        }
        assert!(
            [202, 503].contains(&answer.status.as_u16()),
            "{}",
            answer.text
        );
        story.wait(5).await;
        answer = story.post(&office, PATH, wanted.clone()).await;
    }
    assert_eq!(answer.of_status(200)["imported_count"], 100_000);
    assert_eq!(
        page(&story, &office, "search=Lead%2099999").await["total"],
        1
    );
}

#[tokio::test(start_paused = true)]
async fn a_file_with_more_rows_is_refused_in_words() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(3).await;
    let file = format!("phone\n{}", "050\n".repeat(100_001));
    let answer = upload(&story, &office, "a.csv", None, file.as_bytes()).await;
    answer.assert_refused(413, "too_large");
    assert_eq!(answer.body["error"], "הקובץ גדול מדי: עד 100000 שורות");
    assert_eq!(
        (&answer.body["what"], &answer.body["limit"]),
        (&json!("rows"), &json!(100_000))
    );
}

#[tokio::test(start_paused = true)]
async fn a_quotation_mark_that_is_never_closed_is_named_by_its_row() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(3).await;
    let file = "name,phone\nDan,0501234567\n\"Noa,0521234567\nAdi,0531234567\n";
    let answer = upload(&story, &office, "a.csv", None, file.as_bytes()).await;
    answer.assert_refused(400, "unsupported_file");
    assert_eq!(answer.body["row"], 3);
    assert_eq!(answer.body["error"], "המירכאות בשורה 3 אינן נסגרות");
}

#[tokio::test(start_paused = true)]
async fn a_number_that_costs_more_than_a_call_is_not_imported_but_may_be_barred() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(3).await;
    let rows = json!([["phone"], ["1-900-123-456"], ["0501234567"]]);
    let answer = story.post(&office, PATH, rows.clone()).await.of_status(200);
    assert_eq!(answer["imported_count"], 1);
    let told = "שורה 2: לא ניתן לחייג למספר בתשלום מיוחד - +9721900123456";
    assert_eq!(answer["errors_sample"], json!([told]));
    let barred = story.post(&office, "/api/outbound/do-not-call", rows).await;
    assert_eq!(barred.of_status(200)["added_count"], 2);
}
