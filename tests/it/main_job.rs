//! The main job: leads are called to the end, never above the limit.

use std::time::Duration;

use ringfence_local::twilio::Behaviour;
use serde_json::json;

use crate::story::Setting;

#[tokio::test(start_paused = true)]
async fn three_leads_start_at_once_without_a_run() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(3).await;
    let leads = story.import(&office, 3).await;
    let answer = story.start(&office, &leads).await.of_status(200);
    assert_eq!(answer["success"], true);
    assert_eq!(answer["message"], "הופעלו 3 שיחות מתוך 3");
    assert!(answer.get("run_id").is_none());
    let calls = answer["calls"].as_array().unwrap();
    let ids: Vec<u64> = calls
        .iter()
        .map(|call| call["lead_id"].as_u64().unwrap())
        .collect();
    assert_eq!(ids, leads, "in the order asked for");
    let known: Vec<String> = story
        .truth()
        .calls
        .iter()
        .map(|call| call.sid.to_string())
        .collect();
    for call in calls {
        assert_eq!(call["status"], "initiated");
        assert!(known.iter().any(|sid| call["call_sid"] == **sid), "{call}");
    }
    assert_eq!(story.active(&office).await, 3);
    story.wait(60).await;
    assert_eq!(story.active(&office).await, 0);
    assert_eq!(story.assert_promise(3).calls.len(), 3);
    assert_eq!(story.run_count(&office).await, 0);
}

#[tokio::test(start_paused = true)]
async fn three_leads_at_the_most_and_no_more_than_the_limit_start_at_once() {
    for (limit, at_once) in [(1, 1), (2, 2), (3, 3), (10, 3)] {
        let mut story = Setting::plain().begin().await;
        let office = story.open(limit).await;
        let leads = story.import(&office, at_once + 1).await;
        let (_, few) = leads.split_last().unwrap();
        let answer = story.start(&office, few).await.of_status(200);
        assert_eq!(
            answer["calls"].as_array().unwrap().len(),
            few.len(),
            "limit {limit}"
        );
        story.wait(60).await;
        let answer = story.start(&office, &leads).await.of_status(201);
        assert_eq!(answer["mode"], "bulk_queue", "limit {limit}");
        assert_eq!(answer["queued"], leads.len(), "limit {limit}");
        let run = answer["run_id"].as_u64().unwrap();
        let end = story.end_of(&office, run, Duration::from_secs(200)).await;
        assert_eq!(end["completed"], leads.len(), "limit {limit}");
        story.assert_promise(limit);
    }
}

#[tokio::test(start_paused = true)]
async fn a_hundred_leads_are_called_three_at_a_time_to_the_end() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(3).await;
    let leads = story.import(&office, 100).await;
    let answer = story.start(&office, &leads).await.of_status(201);
    assert_eq!(answer["success"], true);
    assert_eq!(answer["message"], "הופעלו 100 שיחות בתור (3 במקביל)");
    assert_eq!(
        (&answer["queued"], &answer["mode"]),
        (&json!(100), &json!("bulk_queue"))
    );
    let run = answer["run_id"].as_u64().unwrap();
    let mut completed = 0;
    let end = loop {
        let status = story.run(&office, run).await;
        assert!(status["in_progress"].as_u64().unwrap() <= 3, "{status}");
        assert_eq!(
            (&status["total_leads"], &status["failed"]),
            (&json!(100), &json!(0))
        );
        let now_completed = status["completed"].as_u64().unwrap();
        assert!(
            now_completed >= completed,
            "nothing is counted off again: {status}"
        );
        completed = now_completed;
        if status["status"] != "running" {
            break status;
        }
        assert!(status["completed_at"].is_null());
        story.wait(3).await;
    };
    assert_eq!(
        (&end["status"], &end["completed"]),
        (&json!("completed"), &json!(100))
    );
    assert!(
        end["completed_at"].is_string() && end["last_error"].is_null(),
        "{end}"
    );
    let truth = story.assert_promise(3);
    assert_eq!(truth.calls.len(), 100);
    assert_eq!(truth.peak_live_by_business()[office.id.as_str()], 3);
    // Whoever was first on the list was called first.
    let called: Vec<String> = truth
        .calls
        .iter()
        .map(|call| call.tag.lead.clone().unwrap())
        .collect();
    assert_eq!(called, leads.iter().map(u64::to_string).collect::<Vec<_>>());
    // A freed slot is used again at once: 34 rounds of half a minute.
    let ended = truth
        .calls
        .iter()
        .map(|call| call.ended.unwrap().instant)
        .max()
        .unwrap();
    let took = ended.duration_since(truth.calls[0].accepted.instant);
    assert!(took < Duration::from_secs(34 * 30 + 2), "took {took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_run_waits_for_direct_calls_to_end_and_begins_then() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(3).await;
    let leads = story.import(&office, 23).await;
    story.start(&office, &leads[..3]).await.of_status(200);
    let run = story.start_run(&office, &leads[3..]).await;
    story.wait(20).await;
    let status = story.run(&office, run).await;
    assert_eq!(
        (&status["status"], &status["queued"]),
        (&json!("running"), &json!(20))
    );
    assert_eq!(
        story.truth().calls.len(),
        3,
        "the run takes no slot of theirs"
    );
    story.wait(11).await;
    assert_eq!(story.run(&office, run).await["in_progress"], 3);
    let end = story.end_of(&office, run, Duration::from_secs(300)).await;
    assert_eq!(end["completed"], 20);
    assert_eq!(story.assert_promise(3).calls.len(), 23);
}

#[tokio::test(start_paused = true)]
async fn all_five_thousand_leads_of_a_list_reach_an_outcome() {
    let seconds = |from, to| Duration::from_secs(from)..=Duration::from_secs(to);
    let behaviour = Behaviour {
        ring: seconds(1, 5),
        talk: seconds(5, 40),
        unanswered_ring: seconds(10, 20),
        busy: 0.1,
        no_answer: 0.1,
        ..Behaviour::exactly(Duration::ZERO, Duration::ZERO)
    };
    let mut story = Setting {
        behaviour,
        ..Setting::plain()
    }
    .begin()
    .await;
    let office = story.open(25).await;
    let list = story.import_list(&office, 5_000).await;
    let body = json!({ "list_id": list });
    let answer = story
        .post(&office, "/api/outbound_calls/start", body)
        .await
        .of_status(201);
    assert_eq!(answer["queued"], 5_000);
    let run = answer["run_id"].as_u64().unwrap();
    let end = loop {
        story.wait(20).await;
        let status = story.run(&office, run).await;
        assert!(status["in_progress"].as_u64().unwrap() <= 25, "{status}");
        if status["status"] != "running" {
            break status;
        }
    };
    assert_eq!(end["status"], "completed");
    assert!(
        end["failed"].as_u64().unwrap() > 500,
        "some are busy or do not answer: {end}"
    );
    let truth = story.assert_promise(25);
    assert_eq!(truth.calls.len(), 5_000);
    let completed = end["completed"].as_u64().unwrap();
    assert_eq!(
        truth.counts()["completed"],
        u32::try_from(completed).unwrap()
    );
}
