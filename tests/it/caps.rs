//! What a business may spend: calls of a day, runs, and the countries that it may call.

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};

use crate::story::{Office, Setting, Story};

/// Sets what only the system's administrator may.
async fn set(story: &Story, office: &Office, settings: Value) -> Value {
    let answer = story
        .send_as_system(office, Method::PUT, "/api/business", settings)
        .await;
    answer.of_status(200)
}

/// More than the rest of any day, so that the next one has begun.
const DAY: Duration = Duration::from_secs(25 * 60 * 60);

#[tokio::test(start_paused = true)]
async fn a_run_waits_at_the_daily_cap_says_why_and_goes_on_the_next_day() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(3).await;
    let leads = story.import(&office, 8).await;
    set(&story, &office, json!({ "caps": { "calls_per_day": 5 } })).await;
    let run = story.start_run(&office, &leads).await;
    story.wait(600).await;
    let waiting = story.run(&office, run).await;
    assert_eq!(waiting["status"], "running");
    assert_eq!(
        (waiting["completed"].as_u64(), waiting["queued"].as_u64()),
        (Some(5), Some(3))
    );
    // The story begins on 9 October 2025 in Jerusalem, three hours ahead of UTC.
    assert_eq!(
        waiting["last_error"],
        "Daily cap of 5 calls reached; the run goes on at 2025-10-09T21:00:00.000Z"
    );
    assert_eq!(story.truth().calls.len(), 5);

    let over = story.end_of(&office, run, DAY).await;
    assert_eq!(
        (over["status"].as_str(), over["completed"].as_u64()),
        (Some("completed"), Some(8))
    );
    assert_eq!(over["last_error"], Value::Null);
    let midnight = "2025-10-09T21:00:00.000Z";
    let ended = over["completed_at"].as_str().expect("it is over");
    assert!(midnight < ended && ended < "2025-10-09T21:05", "{ended}");
    story.assert_promise(3);
}

#[tokio::test(start_paused = true)]
async fn direct_calls_beyond_the_day_are_refused_whole_or_wait_as_a_run() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(3).await;
    let leads = story.import(&office, 3).await;
    set(&story, &office, json!({ "caps": { "calls_per_day": 2 } })).await;
    let refused = story.start(&office, &leads).await;
    refused.assert_refused(429, "daily_cap");
    assert_eq!(
        (&refused.body["left"], &refused.body["resets_at"]),
        (&json!(2), &json!("2025-10-09T21:00:00.000Z"))
    );
    assert_eq!(story.truth().calls.len(), 0);
    assert_eq!(story.start(&office, &leads[..2]).await.status, 200);
    story.wait(60).await;
    let body = json!({ "lead_ids": leads[2..], "when_full": "queue" });
    let queued = story.post(&office, "/api/outbound_calls/start", body).await;
    let run = queued.of_status(201)["run_id"].as_u64().expect("a run");
    let over = story.end_of(&office, run, DAY).await;
    assert_eq!(over["completed"], 1);
}

#[tokio::test(start_paused = true)]
async fn a_lead_abroad_is_not_called_unless_its_country_is_allowed() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(2).await;
    let rows = json!({ "rows": [
        { "name": "Home", "phone": "+972555000001" },
        { "name": "Abroad", "phone": "+33612345678" },
    ] });
    story
        .post(&office, "/api/outbound/import-leads", rows)
        .await
        .of_status(200);
    let seen = set(&story, &office, json!({ "destinations": ["IL"] })).await;
    assert_eq!(seen["destinations"], json!(["IL"]));
    let run = story.start_run(&office, &[1, 2]).await;
    let over = story.end_of(&office, run, Duration::from_secs(300)).await;
    assert_eq!(
        (&over["completed"], &over["failed"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(
        story.record(&office, 2).await["error"],
        "destination_not_allowed"
    );
    let direct = story.start(&office, &[2]).await;
    assert_eq!(
        direct.of_status(422)["calls"][0]["code"],
        "destination_not_allowed"
    );
    assert_eq!(story.truth().calls.len(), 1);

    set(&story, &office, json!({ "destinations": ["IL", "FR"] })).await;
    assert_eq!(story.start(&office, &[2]).await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn a_new_business_may_call_its_own_region_only() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(1).await;
    let wish = json!({ "name": "Paris", "region": "FR", "time_zone": "Europe/Paris" });
    let made = story
        .send_as_system(&office, Method::POST, "/api/businesses", wish)
        .await;
    assert_eq!(made.of_status(201)["destinations"], json!(["FR"]));
}

#[tokio::test(start_paused = true)]
async fn runs_are_bounded_in_number_and_in_leads() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(1).await;
    let leads = story.import(&office, 6).await;
    let caps = json!({ "caps": { "leads_per_run": 4, "running_runs": 1 } });
    let seen = set(&story, &office, caps).await;
    assert_eq!(
        seen["caps"],
        json!({ "leads_per_run": 4, "running_runs": 1, "calls_per_day": null })
    );
    let long = story.start(&office, &leads).await;
    long.assert_refused(413, "too_many_leads");
    assert_eq!(long.body["most"], 4);
    story.start_run(&office, &leads[..4]).await;
    let second = story.start(&office, &leads[4..]).await;
    second.assert_refused(429, "too_many_runs");
    assert_eq!(story.run_count(&office).await, 1);
}

#[tokio::test(start_paused = true)]
async fn with_a_daily_cap_an_admin_does_not_move_midnight() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(1).await;
    let put = async |body: Value| {
        story
            .send(&office.key, Method::PUT, "/api/business", body)
            .await
    };
    let zone = |zone: &str| json!({ "name": "Moved", "time_zone": zone });
    put(zone("Asia/Tokyo")).await.of_status(200);
    set(&story, &office, json!({ "caps": { "calls_per_day": 1 } })).await;
    let refused = put(zone("Pacific/Auckland")).await;
    refused.assert_refused(403, "forbidden");
    assert_eq!(
        refused.body["error"],
        "כשיש מכסת שיחות יומית, רק מנהל המערכת משנה את אזור הזמן"
    );
    let same = put(json!({ "name": "Same", "time_zone": "Asia/Tokyo" })).await;
    assert_eq!(same.of_status(200)["name"], "Same");

    let moved = set(&story, &office, json!({ "time_zone": "UTC" })).await;
    assert_eq!(moved["time_zone"], "UTC");
    assert_eq!(moved["caps"]["calls_per_day"], 1);
    set(
        &story,
        &office,
        json!({ "caps": { "calls_per_day": null } }),
    )
    .await;
    let free = put(zone("Asia/Tokyo")).await.of_status(200);
    assert_eq!(free["time_zone"], "Asia/Tokyo");
}

#[tokio::test(start_paused = true)]
async fn a_day_keeps_its_end_and_its_calls_whatever_is_set() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(2).await;
    let leads = story.import(&office, 4).await;
    set(&story, &office, json!({ "caps": { "calls_per_day": 1 } })).await;
    story.start(&office, &leads[..1]).await.of_status(200);
    story.wait(60).await;
    for settings in [
        json!({ "time_zone": "Asia/Tokyo" }),
        json!({ "caps": { "running_runs": 9 } }),
        json!({ "caps": { "calls_per_day": null } }),
        json!({ "caps": { "calls_per_day": 1 } }),
    ] {
        set(&story, &office, settings).await;
    }
    let refused = story.start(&office, &leads[1..2]).await;
    refused.assert_refused(429, "daily_cap");
    // Midnight in Jerusalem, where the business was when the day began. In Tokyo it is
    // three in the morning by then.
    assert_eq!(
        (&refused.body["left"], &refused.body["resets_at"]),
        (&json!(0), &json!("2025-10-09T21:00:00.000Z"))
    );
}

#[tokio::test(start_paused = true)]
async fn a_change_of_one_cap_leaves_the_others() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(1).await;
    let first = json!({ "leads_per_run": 4, "running_runs": 2, "calls_per_day": 7 });
    let seen = set(&story, &office, json!({ "caps": first })).await;
    assert_eq!(seen["caps"], first);
    let mut expected = first;
    for (cap, said, seen) in [
        ("running_runs", json!(9), json!(9)),
        ("calls_per_day", json!(8), json!(8)),
        ("leads_per_run", Value::Null, json!(100_000)),
        ("calls_per_day", Value::Null, Value::Null),
    ] {
        expected[cap] = seen;
        let set = set(&story, &office, json!({ "caps": { cap: said } })).await;
        assert_eq!(set["caps"], expected, "{cap}");
    }
}

#[tokio::test(start_paused = true)]
async fn only_the_system_s_administrator_sets_caps_and_destinations() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(1).await;
    for body in [
        json!({ "caps": { "calls_per_day": 1 } }),
        json!({ "destinations": ["US"] }),
    ] {
        let answer = story
            .send(&office.key, Method::PUT, "/api/business", body)
            .await;
        answer.assert_refused(403, "forbidden");
    }
    for (body, field) in [
        (json!({ "destinations": [] }), "destinations"),
        (json!({ "destinations": ["IL", "il"] }), "destinations[1]"),
        (
            json!({ "caps": { "running_runs": 101 } }),
            "caps.running_runs",
        ),
        (
            json!({ "caps": { "leads_per_run": 0 } }),
            "caps.leads_per_run",
        ),
        (
            json!({ "caps": { "calls_per_day": "many" } }),
            "caps.calls_per_day",
        ),
        // Not by their places.
        (json!({ "caps": [1, 1, 1] }), "caps"),
    ] {
        let answer = story
            .send_as_system(&office, Method::PUT, "/api/business", body)
            .await;
        assert_eq!(answer.assert_refused(400, "bad_field"), Some(field));
    }
}
