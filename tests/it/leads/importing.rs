//! Imports: what is counted, what is told, and that a file comes in whole or not at all.

use serde_json::{Value, json};

use super::{PATH, names, page, upload};
use crate::story::{Setting, phone};

#[tokio::test(start_paused = true)]
async fn the_three_forms_of_json_give_the_same_leads() {
    for body in [
        json!([
            { "שם": "דנה", "טלפון": "050-1234567", "הערות": "VIP" },
            { "שם": "נועה", "טלפון": 521_234_567, "הערות": null },
        ]),
        json!([
            ["name", "phone", "notes"],
            ["דנה", "+972501234567", "VIP"],
            ["נועה", "972521234567", ""]
        ]),
        json!({
            "rows": [{ "full_name": "דנה", "cell": "0501234567", "notes": "VIP" },
                     { "full_name": "נועה", "cell": "052-123-4567" }],
            "list_name": "מאי",
        }),
    ] {
        let mut story = Setting::plain().begin().await;
        let office = story.open(3).await;
        let answer = story.post(&office, PATH, body.clone()).await.of_status(200);
        assert_eq!(answer["success"], true);
        assert_eq!(answer["list_id"], 1);
        if body.is_object() {
            assert_eq!(answer["list_name"], "מאי");
        }
        assert_eq!(counts(&answer), [2, 0, 0], "{answer}");
        assert_eq!(answer["errors_sample"], json!([]));
        assert_eq!(answer["mapping"]["method"], "header");
        assert_eq!(
            (&answer["mapping"]["has_header"], &answer["mapping"]["kind"]),
            (&json!(true), &json!("json"))
        );
        let found = page(&story, &office, "").await;
        let lead = |at: usize| {
            let lead = &found["items"][at];
            [&lead["name"], &lead["phone"], &lead["notes"]].map(Value::clone)
        };
        assert_eq!(
            lead(0),
            [json!("דנה"), json!("+972501234567"), json!("VIP")]
        );
        assert_eq!(
            lead(1),
            [json!("נועה"), json!("+972521234567"), Value::Null]
        );
    }
}

fn counts(answer: &Value) -> [u64; 3] {
    ["imported_count", "skipped_count", "duplicate_count"]
        .map(|name| answer[name].as_u64().expect("a count"))
}

#[tokio::test(start_paused = true)]
async fn a_hebrew_csv_is_understood_by_its_headers() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(3).await;
    let file = "\u{feff}שם מלא,מס' טלפון,עיר,הערות,מספר פוליסה\r\n\
                \"כהן, דנה\",050-1234567,חיפה,\"אמרה \"\"מחר\"\"\",77\r\n\
                נועה,5,עכו,,78\r\n\
                דנה שוב,972501234567,,,\r\n\
                ,,,,\r\n\
                אבי,,יפו,,79\r\n\
                רון,+972-52-123-4567,,,\r\n";
    let answer = upload(&story, &office, "לידים.csv", Some("מאי"), file.as_bytes()).await;
    let answer = answer.of_status(200);
    assert_eq!(counts(&answer), [2, 2, 1], "{answer}");
    assert_eq!(answer["list_name"], "מאי");
    let errors = json!(["שורה 3: טלפון לא תקין - 5", "שורה 6: חסר מספר טלפון"]);
    assert_eq!(answer["errors_sample"], errors);
    let mapping = json!({
        "phone": "מס' טלפון", "name": "שם מלא", "method": "header", "has_header": true, "kind": "csv",
    });
    assert_eq!(answer["mapping"], mapping);
    let found = page(&story, &office, "").await;
    assert_eq!(found["items"][0]["name"], "כהן, דנה");
    assert_eq!(found["items"][0]["notes"], "אמרה \"מחר\"");
    assert_eq!(found["items"][1]["phone"], "+972521234567");
    // A second list without a name is called after its file.
    let answer = upload(
        &story,
        &office,
        "יוני.csv",
        None,
        "phone\n0531234567\n".as_bytes(),
    )
    .await;
    let answer = answer.of_status(200);
    assert_eq!(
        (&answer["list_id"], &answer["list_name"]),
        (&json!(2), &json!("יוני.csv"))
    );
}

#[tokio::test(start_paused = true)]
async fn files_in_old_encodings_and_without_headers_are_understood() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(3).await;
    // Windows-1255 and ISO-8859-8 share the Hebrew letters.
    let old = b"\xe3\xf0\xe4;0501234567\r\n\xf0\xe5\xf2\xe4;0521234567\r\n";
    let answer = upload(&story, &office, "old.csv", None, old)
        .await
        .of_status(200);
    assert_eq!(counts(&answer), [2, 0, 0], "{answer}");
    assert_eq!(answer["mapping"]["has_header"], false);
    assert!(["content", "fallback"].contains(&answer["mapping"]["method"].as_str().unwrap()));
    assert_eq!(names(&story, &office, "").await, ["דנה", "נועה"]);
}

#[tokio::test(start_paused = true)]
async fn a_number_comes_in_once_over_all_lists() {
    let mut story = Setting::plain().begin().await;
    let (office, other) = (story.open(3).await, story.open(3).await);
    let rows = |numbers: &[u32]| {
        let row = |number: &u32| json!({ "name": format!("{number}"), "phone": phone(*number) });
        json!(numbers.iter().map(row).collect::<Vec<_>>())
    };
    let import = async |numbers: &[u32]| {
        story
            .post(&office, PATH, rows(numbers))
            .await
            .of_status(200)
    };
    assert_eq!(counts(&import(&[1, 2, 1, 3]).await), [3, 0, 1]);
    assert_eq!(counts(&import(&[3, 4, 4, 2]).await), [1, 0, 3]);
    let again = import(&[1, 2, 3, 4]).await;
    assert_eq!(counts(&again), [0, 0, 4]);
    assert_eq!(again["list_id"], Value::Null);
    assert_eq!(names(&story, &office, "").await, ["1", "2", "3", "4"]);
    // Another business may call the same people.
    let answer = story.post(&other, PATH, rows(&[1, 2])).await.of_status(200);
    assert_eq!(counts(&answer), [2, 0, 0]);
}

#[tokio::test(start_paused = true)]
async fn a_file_that_gives_no_leads_says_why_and_stores_nothing() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(3).await;
    let empty = "הקובץ ריק או לא מכיל שורות";
    for body in [json!([]), json!({ "rows": [] }), json!([["phone"]])] {
        let answer = story.post(&office, PATH, body).await;
        answer.assert_refused(400, "empty_file");
        assert_eq!(answer.body["error"], empty);
    }
    for file in ["", "\n\n", "name,phone\n"] {
        let answer = upload(&story, &office, "a.csv", None, file.as_bytes()).await;
        answer.assert_refused(400, "empty_file");
    }
    let answer = upload(
        &story,
        &office,
        "a.csv",
        None,
        b"name,phone\nDan,12\nNoa,x\n",
    )
    .await;
    answer.assert_refused(400, "no_valid_phones");
    assert_eq!(answer.body["error"], "לא נמצאו טלפונים תקינים לייבוא");
    let told = json!(["שורה 2: טלפון לא תקין - 12", "שורה 3: טלפון לא תקין - x"]);
    assert_eq!(answer.body["errors_sample"], told);
    for file in [
        &b"%PDF-1.7\x00\x01\x02"[..],
        b"\xff\xd8\xff\xe0\x00\x10JFIF\x00",
    ] {
        upload(&story, &office, "a.csv", None, file)
            .await
            .assert_refused(400, "unsupported_file");
    }
    for (body, field) in [
        (json!({}), "rows"),
        (json!({ "rows": 7 }), "rows"),
        (json!("x"), "rows"),
        (
            json!({ "rows": [["0501234567"]], "list_name": 7 }),
            "list_name",
        ),
        (
            json!({ "rows": [["0501234567"]], "list_name": "x".repeat(201) }),
            "list_name",
        ),
    ] {
        let answer = story.post(&office, PATH, body.clone()).await;
        assert_eq!(
            answer.assert_refused(400, "bad_field"),
            Some(field),
            "{body}"
        );
    }
    assert_eq!(page(&story, &office, "").await["total"], 0);
    let lists = story
        .get(&office, "/api/outbound/import-lists")
        .await
        .of_status(200);
    assert_eq!(lists["items"], json!([]));
}

#[tokio::test(start_paused = true)]
async fn an_upload_that_is_none_is_refused() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(3).await;
    let bearer = format!("Bearer {}", office.key);
    for (kind, body, code) in [
        ("text/csv", "phone\n0501234567\n", "unsupported_file"),
        ("multipart/form-data", "x", "bad_multipart"),
        ("multipart/form-data; boundary=X", "x", "bad_multipart"),
        ("multipart/form-data; boundary=X", "--X--\r\n", "bad_field"),
        ("application/json", "{", "bad_json"),
    ] {
        let headers = [("authorization", bearer.as_str()), ("content-type", kind)];
        let answer = story
            .send_with(http::Method::POST, PATH, &headers, body)
            .await;
        answer.assert_refused(400, code);
    }
    assert_eq!(page(&story, &office, "").await["total"], 0);
}

#[tokio::test(start_paused = true)]
async fn a_business_has_room_for_so_many_leads_only() {
    let mut story = Setting {
        leads_max: 5,
        ..Setting::plain()
    }
    .begin()
    .await;
    let office = story.open(3).await;
    let leads = story.import(&office, 3).await;
    assert_eq!(page(&story, &office, "").await["limit"], 5);
    let rows: Vec<Value> = (900..903).map(|number| json!([phone(number)])).collect();
    let answer = story.post(&office, PATH, json!(rows)).await;
    answer.assert_refused(400, "lead_limit");
    assert_eq!(answer.body["room"], 2);
    assert_eq!(
        answer.body["error"],
        "חריגה ממכסת הלידים. נותר מקום ל-2 לידים"
    );
    assert_eq!(
        page(&story, &office, "").await["total"],
        3,
        "none of the file came in"
    );
    story
        .post(&office, PATH, json!(rows[..2]))
        .await
        .of_status(200);
    // Known numbers take no room, and a deleted lead makes some.
    let known = story
        .post(&office, PATH, json!(rows[..2]))
        .await
        .of_status(200);
    assert_eq!(counts(&known), [0, 0, 2]);
    story
        .post(&office, PATH, json!(rows))
        .await
        .assert_refused(400, "lead_limit");
    let one = json!({ "lead_ids": leads[..1] });
    story
        .post(&office, &format!("{PATH}/bulk-delete"), one)
        .await
        .of_status(200);
    let answer = story.post(&office, PATH, json!(rows)).await.of_status(200);
    assert_eq!(counts(&answer), [1, 0, 2]);
}

#[tokio::test(start_paused = true)]
async fn the_errors_are_english_for_whoever_reads_english() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(3).await;
    let bearer = format!("Bearer {}", office.key);
    let headers = [
        ("authorization", bearer.as_str()),
        ("content-type", "application/json"),
        ("accept-language", "en"),
    ];
    let body = r#"[["phone"], ["12"], ["0501234567"]]"#;
    let answer = story
        .send_with(http::Method::POST, PATH, &headers, body)
        .await;
    assert_eq!(
        answer.of_status(200)["errors_sample"],
        json!(["Row 2: invalid phone - 12"])
    );
}
