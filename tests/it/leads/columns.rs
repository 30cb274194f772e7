//! Which column is dialled: never one that was merely likely.

use serde_json::{Value, json};

use super::{PATH, page, upload, upload_with};
use crate::story::{Office, Setting, Story};

const DO_NOT_CALL: &str = "/api/outbound/do-not-call";

/// A company's number and a mobile's, and nothing that tells them apart.
const DOUBTFUL: &str = "אסמכ,אצל,שם\n514567890,501234567,אור\n";

/// The numbers of all leads.
async fn phones(story: &Story, office: &Office) -> Vec<Value> {
    let page = page(story, office, "").await;
    let items = page["items"].as_array().expect("a list");
    items.iter().map(|lead| lead["phone"].clone()).collect()
}

#[tokio::test(start_paused = true)]
async fn identity_numbers_beside_phone_numbers_are_not_imported() {
    for file in [
        "ח.פ,שם חברה,טל נייד\n514567890,אור,501234567\n",
        "ID,Name,Phone 1\n514567890,Or,501234567\n",
        "פוליסה,שם,טל'\n36123456,אור,501234567\n",
        "Customer ID,Customer,Contact No.\n514567890,Or,501234567\n",
    ] {
        let mut story = Setting::plain().begin().await;
        let office = story.open(3).await;
        let answer = upload(&story, &office, "a.csv", None, file.as_bytes()).await;
        assert_eq!(answer.of_status(200)["mapping"]["method"], "header");
        assert_eq!(phones(&story, &office).await, ["+972501234567"], "{file}");
    }
}

#[tokio::test(start_paused = true)]
async fn of_two_likely_columns_none_is_dialled_until_one_is_named() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(3).await;
    let candidates = json!([
        { "column": 1, "title": "אסמכ" },
        { "column": 2, "title": "אצל" },
    ]);
    for path in [PATH, DO_NOT_CALL] {
        let file = DOUBTFUL.as_bytes();
        let answer = upload_with(&story, &office, path, &[], "a.csv", file).await;
        answer.assert_refused(400, "ambiguous_phone_column");
        assert_eq!(answer.body["candidates"], candidates);
        let fields = [("phone_column", "no such")];
        let answer = upload_with(&story, &office, path, &fields, "a.csv", file).await;
        let field = answer.assert_refused(400, "bad_field");
        assert_eq!(field, Some("phone_column"));
    }
    assert_eq!(page(&story, &office, "").await["total"], 0);
    let listed = story.get(&office, DO_NOT_CALL).await.of_status(200);
    assert_eq!(listed["items"], json!([]));

    for (column, phone) in [
        (json!("אצל"), "+972501234567"),
        (json!("2"), "+972501234567"),
        (json!(1), "+972514567890"),
    ] {
        let mut story = Setting::plain().begin().await;
        let office = story.open(3).await;
        let rows = json!({
            "rows": [["אסמכ", "אצל", "שם"], [514_567_890, 501_234_567, "אור"]],
            "phone_column": column,
        });
        let answer = story.post(&office, PATH, rows.clone()).await;
        assert_eq!(answer.of_status(200)["imported_count"], 1);
        assert_eq!(phones(&story, &office).await, [phone], "{column}");
        let barred = story.post(&office, DO_NOT_CALL, rows).await.of_status(200);
        assert_eq!(barred["added_count"], 1);
        let listed = story.get(&office, DO_NOT_CALL).await.of_status(200);
        assert_eq!(listed["items"][0]["phone"], phone);
    }
    let fields = [("phone_column", "אצל")];
    let file = DOUBTFUL.as_bytes();
    let answer = upload_with(&story, &office, PATH, &fields, "a.csv", file).await;
    let mapping = &answer.of_status(200)["mapping"];
    assert_eq!(
        (&mapping["phone"], &mapping["method"]),
        (&json!("אצל"), &json!("header"))
    );
    let bad = json!({ "rows": [["0501234567"]], "phone_column": [1] });
    let answer = story.post(&office, PATH, bad).await;
    let field = answer.assert_refused(400, "bad_field");
    assert_eq!(field, Some("phone_column"));
}

#[tokio::test(start_paused = true)]
async fn an_upload_may_name_its_column() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(3).await;
    let opened = super::large::open(&story, &office, DOUBTFUL).await;
    super::large::put(&story, &opened, DOUBTFUL).await;
    let mut wanted = json!({ "upload_id": opened["upload_id"] });
    let answer = story.post(&office, PATH, wanted.clone()).await;
    answer.assert_refused(400, "ambiguous_phone_column");
    wanted["phone_column"] = json!(2);
    let answer = story.post(&office, PATH, wanted).await;
    assert_eq!(answer.of_status(200)["imported_count"], 1);
    assert_eq!(phones(&story, &office).await, ["+972501234567"]);
}
