//! Leads a page at a time, and the lists that they came in.

use serde_json::{Value, json};

use super::{PATH, names, page};
use crate::story::{Setting, phone};

#[tokio::test(start_paused = true)]
async fn a_lead_has_its_fields() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(3).await;
    let rows = json!([{ "name": "דנה", "phone": "0501234567", "notes": "VIP" }]);
    let list = story.post(&office, PATH, rows).await.of_status(200)["list_id"].clone();
    let found = page(&story, &office, "").await;
    let mut fields: Vec<_> = found.as_object().unwrap().keys().cloned().collect();
    fields.sort_unstable();
    assert_eq!(fields, ["items", "limit", "page", "page_size", "total"]);
    assert_eq!(
        (&found["total"], &found["limit"]),
        (&json!(1), &json!(5_000))
    );
    assert_eq!(
        (&found["page"], &found["page_size"]),
        (&json!(1), &json!(50))
    );
    let mut lead = found["items"][0].clone();
    assert!(
        lead["created_at"]
            .as_str()
            .unwrap()
            .starts_with("2025-10-09T"),
        "{lead}"
    );
    lead["created_at"] = Value::Null;
    let expected = json!({
        "id": 1, "name": "דנה", "phone": "+972501234567", "status": "ready", "notes": "VIP",
        "list_id": list, "created_at": null,
    });
    assert_eq!(lead, expected);
    story.start(&office, &[1]).await.of_status(200);
    assert_eq!(
        page(&story, &office, "").await["items"][0]["status"],
        "in_call"
    );
    story.wait(60).await;
    assert_eq!(
        page(&story, &office, "").await["items"][0]["status"],
        "ready"
    );
}

#[tokio::test(start_paused = true)]
async fn pages_give_every_lead_once() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(3).await;
    let (first, second) = (
        story.import(&office, 23).await,
        story.import(&office, 4).await,
    );
    let mut ids = Vec::new();
    for number in 1..=4 {
        let found = page(&story, &office, &format!("page={number}&page_size=8")).await;
        assert_eq!(found["total"], 27);
        let items = found["items"].as_array().unwrap().clone();
        assert_eq!(items.len(), [8, 8, 8, 3][number - 1]);
        ids.extend(items.iter().map(|lead| lead["id"].as_u64().unwrap()));
    }
    assert_eq!(ids, [&first[..], &second[..]].concat());
    assert_eq!(
        page(&story, &office, "page=5&page_size=8").await["items"],
        json!([])
    );
    let of_list = page(&story, &office, "list_id=2&page_size=3").await;
    assert_eq!(of_list["total"], 4);
    assert_eq!(of_list["items"][0]["list_id"], 2);
    assert_eq!(page(&story, &office, "list_id=9").await["total"], 0);
    for (query, field) in [
        ("page=0", "page"),
        ("page=x", "page"),
        ("page_size=0", "page_size"),
        ("page_size=101", "page_size"),
        ("list_id=x", "list_id"),
        ("list_id=0", "list_id"),
    ] {
        let answer = story.get(&office, &format!("{PATH}?{query}")).await;
        assert_eq!(
            answer.assert_refused(400, "bad_field"),
            Some(field),
            "{query}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn leads_are_found_by_a_part_of_their_name_or_number() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(3).await;
    let rows = json!([
        ["name", "phone"],
        ["Dana Levi", "0501234567"],
        ["דנה כהן", "0529876543"],
        ["Ron", "0531112223"]
    ]);
    story.post(&office, PATH, rows).await.of_status(200);
    for (search, expected) in [
        ("dana", &["Dana Levi"][..]),
        ("LEVI", &["Dana Levi"]),
        ("%D7%93%D7%A0%D7%94", &["דנה כהן"]),
        ("0501234567", &["Dana Levi"]),
        ("052-987", &["דנה כהן"]),
        ("%2B97253", &["Ron"]),
        ("1112223", &["Ron"]),
        ("972", &["Dana Levi", "דנה כהן", "Ron"]),
        ("0", &["Dana Levi", "דנה כהן", "Ron"]),
        ("nobody", &[]),
        ("", &["Dana Levi", "דנה כהן", "Ron"]),
    ] {
        assert_eq!(
            names(&story, &office, &format!("search={search}")).await,
            expected,
            "{search}"
        );
    }
    assert_eq!(
        page(&story, &office, "search=dana&page_size=1").await["total"],
        1
    );
}

#[tokio::test(start_paused = true)]
async fn lists_tell_what_came_in_and_can_be_run_whole() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(3).await;
    let path = "/api/outbound/import-lists";
    let rows = |from: u32, to: u32| (from..to).map(|it| json!([phone(it)])).collect::<Vec<_>>();
    for (name, rows) in [("מאי", rows(1, 6)), ("יוני", rows(6, 8))] {
        let body = json!({ "rows": rows, "list_name": name });
        story.post(&office, PATH, body).await.of_status(200);
    }
    let mut lists = story.get(&office, path).await.of_status(200);
    for list in lists["items"].as_array_mut().unwrap() {
        assert!(
            list["created_at"]
                .as_str()
                .unwrap()
                .starts_with("2025-10-09T")
        );
        list["created_at"] = Value::Null;
    }
    let list = |id, name, count| json!({ "list_id": id, "list_name": name, "count": count, "created_at": null });
    let items = lists["items"].as_array().unwrap();
    assert_eq!(items.len(), 2);
    assert!(
        items.contains(&list(1, "מאי", 5)) && items.contains(&list(2, "יוני", 2)),
        "{lists}"
    );
    let body = json!({ "list_id": 1 });
    let run = story
        .post(&office, "/api/outbound_calls/start", body)
        .await
        .of_status(201);
    assert_eq!(run["queued"], 5);
    let gone = json!({ "lead_ids": [1, 2, 6] });
    let path_of_all = format!("{PATH}/bulk-delete");
    story.post(&office, &path_of_all, gone).await.of_status(200);
    let lists = story.get(&office, path).await.of_status(200);
    let left = lists["items"].as_array().unwrap().iter();
    let left: Vec<_> = left
        .map(|list| (&list["list_id"], &list["count"]))
        .collect();
    assert_eq!(left, [(&json!(2), &json!(1)), (&json!(1), &json!(3))]);
    let body = json!({ "outbound_list_id": 2 });
    let run = story
        .post(&office, "/api/outbound/bulk-enqueue", body)
        .await
        .of_status(201);
    assert_eq!(run["queued"], 2);
}
