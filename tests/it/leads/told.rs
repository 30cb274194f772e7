//! The row errors of an upload, told as a file whenever they are asked for.

use serde_json::{Value, json};

use super::large::{csv, open, put};
use super::{PATH, page};
use crate::story::{Answer, Office, Setting, Story};

async fn ask(story: &Story, office: &Office, opened: &Value, query: &str) -> Answer {
    let wanted = json!({ "upload_id": opened["upload_id"] });
    story.post(office, &format!("{PATH}{query}"), wanted).await
}

#[tokio::test(start_paused = true)]
async fn the_row_errors_of_an_upload_are_told_as_a_file_at_every_repeat() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(3).await;
    let file = format!("{}Dan,12\nNoa,\n", csv(1));
    let opened = open(&story, &office, &file).await;
    put(&story, &opened, file).await;
    let bad = ask(&story, &office, &opened, "?errors=xml").await;
    assert_eq!(bad.assert_refused(400, "bad_field"), Some("errors"));
    assert_eq!(page(&story, &office, "").await["total"], 0);
    let expected = "\u{feff}row,error\r\n3,\"שורה 3: טלפון לא תקין - 12\"\r\n\
                    4,\"שורה 4: חסר מספר טלפון\"\r\n";
    for _ in 0..2 {
        let answer = ask(&story, &office, &opened, "?errors=csv").await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.text, expected);
        assert_eq!(page(&story, &office, "").await["total"], 1);
    }
    let whole = ask(&story, &office, &opened, "").await.of_status(200);
    assert_eq!(whole["skipped_count"], 2);
}

#[tokio::test(start_paused = true)]
async fn those_of_an_upload_without_leads_are_told_and_it_may_be_put_again() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(3).await;
    let file = "phone\n0501\n";
    let opened = open(&story, &office, file).await;
    put(&story, &opened, file).await;
    for _ in 0..2 {
        let answer = ask(&story, &office, &opened, "?errors=csv").await;
        let expected = "\u{feff}row,error\r\n2,\"שורה 2: טלפון לא תקין - 0501\"\r\n";
        assert_eq!(answer.text, expected);
        let refused = ask(&story, &office, &opened, "").await;
        refused.assert_refused(400, "no_valid_phones");
    }
    put(&story, &opened, "0501234567\n").await;
    let answer = ask(&story, &office, &opened, "?errors=csv").await;
    assert_eq!(answer.text, "\u{feff}row,error\r\n");
    assert_eq!(page(&story, &office, "").await["total"], 1);
}

#[tokio::test(start_paused = true)]
async fn a_repeat_tells_how_many_row_errors_were_not_kept() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(3).await;
    let file = csv(1) + &"Dan,12\n".repeat(503);
    let opened = open(&story, &office, &file).await;
    put(&story, &opened, file).await;
    let first = ask(&story, &office, &opened, "?errors=csv").await.text;
    assert_eq!(first.lines().count(), 1 + 503);
    let again = ask(&story, &office, &opened, "?errors=csv").await.text;
    assert_eq!(again.lines().count(), 1 + 500 + 1);
    assert_eq!(again.lines().last(), Some(",\"ועוד 3 שורות שגויות\""));
}
