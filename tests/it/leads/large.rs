//! Files that come past the API: put under a signed address, and imported once.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use http::Method;
use ringfence_ledger::{Ending, Import, Imported, NewLead, UploadClaim, UploadId};
use ringfence_local::aws::trap::{CrashPoint, Side, Trap};
use ringfence_local::environment::Environment;
use serde_json::{Value, json};

use super::{PATH, page};
use crate::story::{Answer, Office, Setting, Story, phone};

const UPLOADS: &str = "/api/outbound/uploads";

/// Opens an upload for a file of this size.
pub(super) async fn open(story: &Story, office: &Office, file: impl AsRef<[u8]>) -> Value {
    let body = json!({ "bytes": file.as_ref().len() });
    story.post(office, UPLOADS, body).await.of_status(201)
}

/// Puts a file where it was promised a place.
pub(super) async fn put(story: &Story, opened: &Value, file: impl Into<Bytes>) -> Answer {
    let headers = opened["headers"]
        .as_object()
        .expect("the story is well-formed");
    let headers: Vec<(&str, &str)> = headers
        .iter()
        .map(|(name, value)| {
            (
                name.as_str(),
                value.as_str().expect("the story is well-formed"),
            )
        })
        .collect();
    let url = opened["upload_url"]
        .as_str()
        .expect("the story is well-formed");
    story.send_with(Method::PUT, url, &headers, file).await
}

async fn import(story: &Story, office: &Office, opened: &Value) -> Answer {
    let body = json!({ "upload_id": opened["upload_id"], "list_name": "מאי" });
    story.post(office, PATH, body).await
}

pub(super) fn csv(rows: u32) -> String {
    let row = |number| format!("Lead {number},{}\n", phone(number));
    format!("name,phone\n{}", (0..rows).map(row).collect::<String>())
}

#[tokio::test(start_paused = true)]
async fn an_upload_is_imported_once_and_asked_again_gives_the_same_answer() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(3).await;
    let opened = open(&story, &office, csv(5)).await;
    assert_eq!(opened["method"], "PUT");
    assert_eq!(opened["bytes_max"], 20 * 1024 * 1024);
    import(&story, &office, &opened)
        .await
        .assert_refused(409, "upload_empty");
    assert_eq!(put(&story, &opened, csv(5)).await.status, 200);
    let first = import(&story, &office, &opened).await.of_status(200);
    assert_eq!(
        (&first["imported_count"], &first["list_name"]),
        (&json!(5), &json!("מאי"))
    );
    assert_eq!(story.stack.plan.objects.count(), 0, "the file is deleted");
    let again = import(&story, &office, &opened).await.of_status(200);
    assert_eq!(again, first);
    assert_eq!(page(&story, &office, "").await["total"], 5);
    // The same file once more is another upload, and brings nothing new.
    let second = open(&story, &office, csv(5)).await;
    assert_eq!(put(&story, &second, csv(5)).await.status, 200);
    let known = import(&story, &office, &second).await.of_status(200);
    assert_eq!(
        (&known["list_id"], &known["duplicate_count"]),
        (&Value::Null, &json!(5))
    );
    assert_eq!(import(&story, &office, &second).await.of_status(200), known);
    story.wait(24 * 60 * 60 + 1).await;
    import(&story, &office, &opened)
        .await
        .assert_refused(404, "upload_not_found");
}

#[tokio::test(start_paused = true)]
async fn a_file_that_gives_no_leads_may_be_put_again() {
    let mut story = Setting {
        leads_max: 3,
        ..Setting::plain()
    }
    .begin()
    .await;
    let office = story.open(3).await;
    // Blank rows make them all of one size.
    let padded = |file: &str| format!("{file:\n<200}");
    let opened = open(&story, &office, padded("")).await;
    put(&story, &opened, padded("name,phone\n")).await;
    import(&story, &office, &opened)
        .await
        .assert_refused(400, "empty_file");
    put(&story, &opened, padded(&csv(4))).await;
    let answer = import(&story, &office, &opened).await;
    answer.assert_refused(400, "lead_limit");
    assert_eq!(answer.body["room"], 3);
    put(&story, &opened, padded(&csv(3))).await;
    import(&story, &office, &opened).await.of_status(200);
}

#[tokio::test(start_paused = true)]
async fn another_business_finds_no_such_upload_and_agents_may_not() {
    let mut story = Setting::plain().begin().await;
    let (office, other) = (story.open(3).await, story.open(3).await);
    let opened = open(&story, &office, csv(2)).await;
    put(&story, &opened, csv(2)).await;
    for id in [
        opened["upload_id"].clone(),
        json!("x"),
        json!("0".repeat(32)),
    ] {
        let answer = import(&story, &other, &json!({ "upload_id": id })).await;
        answer.assert_refused(404, "upload_not_found");
    }
    assert_eq!(page(&story, &other, "").await["total"], 0);
    let agent = story.key_for(&office, "agent").await;
    let answer = story.send(&agent, Method::POST, UPLOADS, Value::Null).await;
    answer.assert_refused(403, "forbidden");
    import(&story, &office, &opened).await.of_status(200);
}

#[tokio::test(start_paused = true)]
async fn a_list_names_no_upload() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(3).await;
    let opened = open(&story, &office, csv(2)).await;
    put(&story, &opened, csv(2)).await;
    let list = json!([opened["upload_id"], "a name"]);
    let answer = story.post(&office, PATH, list).await;
    assert_eq!(answer.status, 400, "{}", answer.text);
    assert_eq!(page(&story, &office, "").await["total"], 0);
}

#[tokio::test(start_paused = true)]
async fn an_address_is_good_for_its_key_its_size_and_an_hour() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(3).await;
    for bytes in [json!(20 * 1024 * 1024 + 1), json!(u32::MAX)] {
        let answer = story
            .post(&office, UPLOADS, json!({ "bytes": bytes }))
            .await;
        answer.assert_refused(413, "too_large");
    }
    for body in [json!({ "bytes": 0 }), json!({ "bytes": null }), json!({})] {
        let answer = story.post(&office, UPLOADS, body).await;
        assert_eq!(answer.assert_refused(400, "bad_field"), Some("bytes"));
    }
    let opened = open(&story, &office, "0123456789").await;
    assert_eq!(put(&story, &opened, "longer than ten").await.status, 403);
    let url = opened["upload_url"].as_str().unwrap();
    let id = opened["upload_id"].as_str().unwrap();
    for changed in [
        url.replace(id, &"0".repeat(32)),
        url.replace("X-Amz-Expires=3600", "X-Amz-Expires=9999"),
        url.split('?').next().unwrap().to_owned(),
    ] {
        let mut other = opened.clone();
        other["upload_url"] = json!(changed);
        assert_eq!(
            put(&story, &other, "0123456789").await.status,
            403,
            "{changed}"
        );
    }
    let answer = story.send_with(Method::GET, url, &[], "").await;
    assert_eq!(answer.status, 403);
    assert_eq!(put(&story, &opened, "0123456789").await.status, 200);
    story.wait(60 * 60 + 1).await;
    assert_eq!(put(&story, &opened, "0123456789").await.status, 403);
}

/// Imports as a process that dies at `crash`, and says whether it did.
async fn import_and_die(story: &Story, office: &Office, opened: &Value, crash: CrashPoint) -> bool {
    let process = Environment::start(&story.stack.plan);
    let trap: Trap = process.trap.clone();
    trap.arm(crash);
    let objects = story.stack.plan.objects.client_with(&trap);
    let store = leads::store::Store::new(&objects, ringfence_local::aws::objects::BUCKET);
    let body = json!({ "upload_id": opened["upload_id"] }).to_string();
    let request = http::Request::builder()
        .method(Method::POST)
        .uri(PATH)
        .header("content-type", "application/json")
        .body(Bytes::from(body))
        .expect("the story is well-formed");
    let now = (story.stack.plan.clock)();
    let context = json!({ "role": "admin", "key_id": "k", "business": office.id.as_str() });
    let payload = ringfence_local::event::payload(
        &request,
        &format!("POST {PATH}"),
        context.as_object(),
        now,
    );
    let event = ringfence_local::event::lambda_request(&payload.expect("the story is well-formed"))
        .expect("the story is well-formed");
    tokio::select! {
        _ = leads::handle(&process.world, &store, 5_000, now, event) => false,
        () = trap.sprung() => true,
    }
}

#[tokio::test(start_paused = true)]
async fn an_import_that_dies_anywhere_is_done_once_by_a_repeat() {
    let mut story = Setting::plain().begin().await;
    let mut deaths = 0;
    for nth in 1..100 {
        let mut died = false;
        for side in [Side::Before, Side::After] {
            let office = story.open(3).await;
            let opened = open(&story, &office, csv(30)).await;
            put(&story, &opened, csv(30)).await;
            if !import_and_die(&story, &office, &opened, CrashPoint { nth, side }).await {
                continue;
            }
            died = true;
            deaths += 1;
            let total = page(&story, &office, "").await["total"].as_u64().unwrap();
            assert!(
                [0, 30].contains(&total),
                "at {nth}, {side:?}: {total} leads"
            );
            let early = import(&story, &office, &opened).await;
            if early.status == 202 {
                assert_eq!(early.body["status"], "importing");
                assert!(early.body["retry_after"].as_u64().unwrap() > 0);
                assert_eq!(total, 0);
                tokio::time::sleep(Duration::from_secs(330)).await;
            }
            let answer = import(&story, &office, &opened).await.of_status(200);
            assert_eq!(answer["imported_count"], 30, "at {nth}, {side:?}: {answer}");
            assert_eq!(page(&story, &office, "").await["total"], 30);
            let lists = story.get(&office, "/api/outbound/import-lists").await;
            assert_eq!(lists.of_status(200)["items"].as_array().unwrap().len(), 1);
        }
        if !died {
            break;
        }
    }
    assert!(deaths > 10, "only {deaths} deaths");
}

#[tokio::test(start_paused = true)]
async fn an_importer_whose_lease_has_lapsed_makes_no_second_list() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(3).await;
    let opened = open(&story, &office, csv(1)).await;
    let upload: UploadId = opened["upload_id"].as_str().unwrap().parse().unwrap();
    let ledger = story.stack.ledger();
    let lease = async || {
        let now = (story.stack.plan.clock)();
        let until = now.after(Duration::from_secs(330));
        match ledger.claim_upload(&office.id, upload, now, until).await {
            Ok(UploadClaim::Claimed(lease)) => Some(lease),
            _ => None,
        }
    };
    let import = async |lease, number| {
        let import = Import {
            name: "spring".to_owned(),
            leads: vec![NewLead {
                name: String::new(),
                phone: phone(number).parse().unwrap(),
                country: None,
                city: None,
                notes: None,
                variables: BTreeMap::new(),
            }],
            leads_max: 5,
            now: (story.stack.plan.clock)(),
            ending: Some(Ending {
                lease,
                summary: "{}".to_owned(),
            }),
        };
        ledger.import(&office.id, import).await.unwrap()
    };
    let slow = lease().await.unwrap();
    assert_eq!(lease().await, None);
    story.wait(330).await;
    let quick = lease().await.unwrap();
    assert_eq!(import(slow, 1).await, Imported::Superseded);
    assert!(matches!(
        import(quick, 2).await,
        Imported::Stored { count: 1, .. }
    ));
    assert_eq!(import(slow, 3).await, Imported::Superseded);
    assert_eq!(page(&story, &office, "").await["total"], 1);
}
