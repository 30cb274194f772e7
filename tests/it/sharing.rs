//! Sharing: runs, direct calls, businesses and numbers beside each other.

use std::time::Duration;

use futures::future::{join, join_all};
use http::StatusCode;
use ringfence_local::twilio::Behaviour;
use ringfence_shell::message::Sqs;
use serde_json::{Value, json};

use crate::story::{Office, Setting, Story, phone};

/// Calls of different lengths, so that slots come free one by one.
fn varied() -> Setting {
    let behaviour = Behaviour {
        ring: Duration::from_millis(500)..=Duration::from_millis(2_500),
        talk: Duration::from_secs(2)..=Duration::from_secs(9),
        api_latency: Duration::from_millis(20)..=Duration::from_millis(90),
        callback_latency: Duration::from_millis(5)..=Duration::from_millis(50),
        ..Behaviour::exactly(Duration::ZERO, Duration::ZERO)
    };
    Setting {
        behaviour,
        ..Setting::plain()
    }
}

#[tokio::test(start_paused = true)]
async fn two_runs_share_the_slots_evenly_under_a_flood_of_wake_ups() {
    let mut story = varied().begin().await;
    let office = story.open(3).await;
    let leads = story.import(&office, 36).await;
    story.start(&office, &leads[..3]).await.of_status(200);
    let starts = [&leads[3..18], &leads[18..33]].map(|leads| story.start_run(&office, leads));
    let runs = join_all(starts).await;
    let (mut shared, mut refused) = (0, 0);
    let last = leads[33..].iter().cycle();
    for lead in last {
        // Eight functions at once look for work that is not there.
        flood(&story, &office, 80).await;
        let direct = story.start(&office, &[*lead]).await;
        refused += u32::from(direct.status == StatusCode::TOO_MANY_REQUESTS);
        let [first, second] = views(&story, &office, &runs).await;
        if first["status"] != "running" || second["status"] != "running" {
            break;
        }
        let live = |run: &Value| run["in_progress"].as_i64().unwrap();
        let queued = |run: &Value| run["queued"].as_i64().unwrap();
        assert!(live(&first) + live(&second) <= 3, "{first} {second}");
        if queued(&first).min(queued(&second)) > 0 {
            let apart = (live(&first) - live(&second)).abs();
            assert!(apart <= 1, "{first} {second}");
            let served = |run: &Value| 15 - queued(run);
            assert!(
                (served(&first) - served(&second)).abs() <= 2,
                "{first} {second}"
            );
            shared += 1;
        }
        story.wait(1).await;
    }
    assert!(
        shared > 10 && refused > 10,
        "{shared} looks, {refused} refusals"
    );
    for run in &runs {
        let end = story.end_of(&office, *run, Duration::from_secs(60)).await;
        assert_eq!(
            (&end["status"], &end["completed"]),
            (&json!("completed"), &json!(15))
        );
    }
    let truth = story.assert_promise(3);
    assert_eq!(truth.peak_live_by_business()[office.id.as_str()], 3);
}

#[tokio::test(start_paused = true)]
async fn direct_calls_take_the_slot_that_two_runs_leave() {
    let mut story = varied().begin().await;
    let office = story.open(3).await;
    let leads = story.import(&office, 30).await;
    let mut runs = Vec::new();
    for leads in [&leads[..8], &leads[8..16]] {
        let body = json!({ "lead_ids": leads, "concurrency": 1 });
        let answer = story
            .post(&office, "/api/outbound/bulk-enqueue", body)
            .await
            .of_status(201);
        runs.push(answer["run_id"].as_u64().unwrap());
    }
    story.wait(1).await;
    let mut started = 0;
    for lead in &leads[16..] {
        flood(&story, &office, 80).await;
        // Two people press the button at once; there is one slot at the most.
        let [one, other] =
            [lead, lead].map(|lead| story.start(&office, std::slice::from_ref(lead)));
        let (one, other) = Box::pin(join(one, other)).await;
        let is_started = [one.status, other.status].map(|status| status == StatusCode::OK);
        assert_ne!(is_started, [true, true], "{one:?} {other:?}");
        started += u32::from(is_started.contains(&true));
        story.wait(3).await;
    }
    assert!(started >= 4, "{started} direct calls");
    for run in runs {
        let end = story.end_of(&office, run, Duration::from_secs(120)).await;
        assert_eq!(end["completed"], 8);
    }
    let truth = story.assert_promise(3);
    assert_eq!(truth.peak_live_by_business()[office.id.as_str()], 3);
    assert_eq!(truth.calls.len(), 16 + usize::try_from(started).unwrap());
}

#[tokio::test(start_paused = true)]
async fn of_four_simultaneous_starts_one_gets_all_the_slots() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(3).await;
    let leads = story.import(&office, 12).await;
    let starts = leads.chunks(3).map(|leads| story.start(&office, leads));
    let answers = join_all(starts).await;
    let with = |status: StatusCode| answers.iter().filter(move |answer| answer.status == status);
    assert_eq!(with(StatusCode::OK).count(), 1);
    assert_eq!(with(StatusCode::TOO_MANY_REQUESTS).count(), 3);
    for refused in with(StatusCode::TOO_MANY_REQUESTS) {
        refused.assert_refused(429, "slots_busy");
        assert_eq!(
            (&refused.body["active"], &refused.body["available"]),
            (&json!(3), &json!(0))
        );
    }
    assert_eq!(story.truth().live(), 3);
    assert_eq!(story.active(&office).await, 3);
    story.wait(120).await;
    assert_eq!(story.assert_promise(3).calls.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn three_businesses_have_three_live_calls_each() {
    let mut story = Setting::plain().begin().await;
    let mut offices = Vec::new();
    for _ in 0..3 {
        let office = story.open(3).await;
        let leads = story.import(&office, 7).await;
        offices.push((office, leads));
    }
    let starts = offices
        .iter()
        .map(|(office, leads)| story.start_run(office, leads));
    let runs = join_all(starts).await;
    story.wait(1).await;
    assert_eq!(story.truth().live(), 9);
    for ((office, _), run) in offices.iter().zip(runs) {
        assert_eq!(run, 1, "runs are counted per business");
        let end = story.end_of(office, run, Duration::from_secs(200)).await;
        assert_eq!(end["completed"], 7);
    }
    let truth = story.assert_promise(3);
    let peaks: Vec<u32> = truth.peak_live_by_business().into_values().collect();
    assert_eq!((peaks, truth.calls.len()), (vec![3, 3, 3], 21));
}

#[tokio::test(start_paused = true)]
async fn leads_with_one_number_are_called_one_after_the_other() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(3).await;
    let leads = story.import(&office, 5).await;
    for lead in &leads[..3] {
        story.set_phone(&office, *lead, Some(&phone(0))).await;
    }
    let run = story.start_run(&office, &leads).await;
    story.wait(1).await;
    assert_eq!(story.active(&office).await, 3, "the others are not held up");
    // Nor does a direct call go to a number that is in a call.
    let answer = story.start(&office, &leads[2..3]).await;
    let call = &answer.body["calls"][0];
    assert_eq!(
        (answer.status, &answer.body["success"]),
        (StatusCode::UNPROCESSABLE_ENTITY, &json!(false))
    );
    assert_eq!(
        (&call["status"], &call["error"]),
        (&json!("failed"), &json!("already_in_call"))
    );
    let end = story.end_of(&office, run, Duration::from_secs(200)).await;
    assert_eq!(
        (&end["status"], &end["completed"]),
        (&json!("completed"), &json!(5))
    );
    let truth = story.assert_promise(3);
    let to_one = truth
        .calls
        .iter()
        .filter(|call| call.to.expose() == phone(0));
    assert_eq!((to_one.count(), truth.calls.len()), (3, 5));
}

#[tokio::test(start_paused = true)]
async fn a_lead_in_two_runs_is_called_once_for_each_and_never_twice_at_once() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(3).await;
    let leads = story.import(&office, 6).await;
    let runs = join_all([
        story.start_run(&office, &leads),
        story.start_run(&office, &leads),
    ])
    .await;
    for run in &runs {
        let end = story.end_of(&office, *run, Duration::from_secs(400)).await;
        assert_eq!(
            (&end["status"], &end["completed"]),
            (&json!("completed"), &json!(6))
        );
    }
    let truth = story.assert_promise(3);
    for lead in &leads {
        let mut of_lead: Vec<&str> = (truth.calls.iter())
            .filter(|call| call.tag.lead == Some(lead.to_string()))
            .map(|call| call.tag.run.as_deref().unwrap())
            .collect();
        of_lead.sort_unstable();
        assert_eq!(of_lead, ["1", "2"], "lead {lead}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_run_of_another_business_does_not_exist() {
    let mut story = Setting::plain().begin().await;
    let (office, stranger) = (story.open(3).await, story.open(3).await);
    let leads = story.import(&office, 10).await;
    let run = story.start_run(&office, &leads).await;
    story.wait(1).await;
    for path in ["/api/outbound/runs/{}", "/api/outbound/runs/{}/calls"] {
        let theirs = story
            .get(&stranger, &path.replace("{}", &run.to_string()))
            .await;
        let nobodys = story.get(&stranger, &path.replace("{}", "77")).await;
        theirs.assert_refused(404, "run_not_found");
        assert_eq!(theirs.body["error"], "הרצה לא נמצאה");
        assert_eq!(theirs.body, nobodys.body, "{path}");
    }
    let stop = |run: u64| {
        let body = json!({ "run_id": run, "hang_up": true });
        story.post(&stranger, "/api/outbound/stop-queue", body)
    };
    let (theirs, nobodys) = (stop(run).await, stop(77).await);
    theirs.assert_refused(404, "run_not_found");
    assert_eq!(theirs.body, nobodys.body);
    let seen = story
        .get(&stranger, "/api/outbound/runs")
        .await
        .of_status(200);
    assert_eq!(seen["items"], json!([]));
    let active = story
        .get(&stranger, "/api/outbound/bulk/active")
        .await
        .of_status(200);
    assert_eq!(active, json!({ "active": false }));
    // Nor do its leads and lists.
    let answer = story.start(&stranger, &leads[..1]).await;
    answer.assert_refused(404, "leads_not_found");
    let answer = story
        .post(
            &stranger,
            "/api/outbound_calls/start",
            json!({ "list_id": 1 }),
        )
        .await;
    answer.assert_refused(404, "list_not_found");
    // And the run goes on.
    let end = story.end_of(&office, run, Duration::from_secs(200)).await;
    assert_eq!(
        (&end["status"], &end["completed"]),
        (&json!("completed"), &json!(10))
    );
    assert_eq!(story.assert_promise(3).calls.len(), 10);
}

/// Sends so many wake-ups for an office at once.
async fn flood(story: &Story, office: &Office, count: usize) {
    let queue = &story.stack.plan.queue;
    let wake_ups = Sqs::new(queue.client(), queue.url().to_owned());
    let sent = wake_ups.wake_all(&vec![office.id.clone(); count]).await;
    sent.expect("the queue takes them");
}

/// How two runs stand at one moment.
async fn views(story: &Story, office: &Office, runs: &[u64]) -> [Value; 2] {
    let answer = story.get(office, "/api/outbound/runs").await.of_status(200);
    let items = answer["items"].as_array().expect("a list");
    let view = |run: &u64| items.iter().find(|item| item["run_id"] == *run);
    [&runs[0], &runs[1]].map(|run| view(run).expect("both are listed").clone())
}
