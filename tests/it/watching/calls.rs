//! Every lead of a run with what became of it.

use std::collections::BTreeSet;

use ringfence_local::twilio::{Ending, Fate, Script, Silence};
use serde_json::{Value, json};

use super::{assert_fields, column, numbers};
use crate::story::{Office, Setting, Story};

const FIELDS: [&str; 13] = [
    "position",
    "lead_id",
    "lead_name",
    "to_number",
    "status",
    "call_status",
    "call_id",
    "call_sid",
    "started_at",
    "ended_at",
    "duration",
    "error",
    "do_not_call_checked_at",
];

async fn calls(story: &Story, office: &Office, run: u64, query: &str) -> Value {
    story
        .get(office, &format!("/api/outbound/runs/{run}/calls?{query}"))
        .await
        .of_status(200)
}

#[tokio::test(start_paused = true)]
async fn every_lead_is_there_with_its_outcome() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(3).await;
    let leads = story.import(&office, 9).await;
    let numbers = numbers(&story, &office).await;
    let busy = Script {
        ending: Some(Ending::Busy),
        ..Script::default()
    };
    story.twilio.script(numbers[0].clone(), busy);
    story.twilio.refuse(numbers[1].clone(), 21_211);
    // Its carrier never answers, so until the request is given up it is being dialled.
    let silent = Script::fated(Fate::MadeUnknown(Silence::Hang));
    story.twilio.script(numbers[4].clone(), silent);
    let run = story.start_run(&office, &leads).await;
    story.wait(1).await;
    let early = calls(&story, &office, run, "").await;
    assert_eq!(early["total_leads"], 9);
    assert_eq!(early["next_cursor"], Value::Null);
    assert_eq!(
        column(&early["items"], "lead_id"),
        leads.iter().map(|id| json!(id)).collect::<Vec<_>>()
    );
    assert_eq!(
        column(&early["items"], "position"),
        (0..9).map(|it| json!(it)).collect::<Vec<_>>()
    );
    for item in early["items"].as_array().unwrap() {
        assert_fields(item, &FIELDS);
    }
    let statuses = column(&early["items"], "status");
    assert_eq!(statuses[..2], ["failed", "failed"]);
    assert_eq!(statuses[2..5], ["calling", "calling", "dialing"]);
    assert!(
        statuses[5..].iter().all(|status| status == "queued"),
        "{statuses:?}"
    );
    assert_eq!(early["items"][0]["call_status"], "busy");
    assert_eq!(early["items"][1]["error"], "invalid_number");
    assert_eq!(early["items"][5]["to_number"], numbers[5].expose());
    assert_eq!(early["items"][5]["call_id"], Value::Null);

    story.wait(40).await;
    story
        .post(
            &office,
            "/api/outbound/stop-queue",
            json!({ "run_id": run }),
        )
        .await
        .of_status(200);
    story.wait(600).await;
    let late = calls(&story, &office, run, "format=json").await;
    let statuses = column(&late["items"], "status");
    assert_eq!(statuses[2..5], ["completed", "completed", "completed"]);
    assert_eq!(statuses[8], "canceled");
    assert_eq!(late["items"][2]["duration"], 25);
    let run = story.run(&office, run).await;
    for outcome in ["completed", "failed", "canceled"] {
        let count = statuses.iter().filter(|status| *status == outcome).count();
        assert_eq!(
            run[outcome], count,
            "the list and the run agree: {run} {statuses:?}"
        );
    }
    story.assert_promise(3);
}

#[tokio::test(start_paused = true)]
async fn the_csv_opens_in_a_spreadsheet_and_computes_nothing() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(1).await;
    let names = [
        "=1+1",
        "+1",
        "-2",
        "@SUM(A1)",
        "\"דנה\", לוי",
        "\t=1",
        "＝1+1",
    ];
    let rows: Vec<Value> = (0_u32..)
        .zip(names)
        .map(|(number, name)| json!({ "name": name, "phone": crate::story::phone(number) }))
        .collect();
    let imported = story
        .post(&office, "/api/outbound/import-leads", json!(rows))
        .await;
    let list = imported.of_status(200)["list_id"].as_u64().unwrap();
    let leads = story.lead_ids(&office, list).await;
    let run = story.start_run(&office, &leads).await;
    story.wait(45).await;
    let path = format!("/api/outbound/runs/{run}/calls?format=csv");
    let answer = story.get(&office, &path).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.headers["content-type"], "text/csv; charset=utf-8");
    let disposition = answer.headers["content-disposition"].to_str().unwrap();
    assert_eq!(
        disposition,
        format!("attachment; filename=\"run-{run}.csv\"")
    );
    let table = answer
        .text
        .strip_prefix('\u{feff}')
        .expect("a byte order mark");
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(lines.len(), 1 + names.len(), "{table}");
    assert_eq!(lines[0], FIELDS.join(","));
    assert!(lines[1].contains(",'=1+1,'+97255"), "{}", lines[1]);
    assert!(lines[5].contains(",\"\"\"דנה\"\", לוי\","), "{}", lines[5]);
    for line in &lines[1..] {
        for cell in line.split(',').map(|cell| cell.trim_start_matches('"')) {
            assert!(
                !cell.starts_with(['=', '+', '-', '@', '\t', '\r', '＝']),
                "{line}"
            );
        }
    }
    let statuses = |line: &&str| line.split(',').any(|cell| cell == "completed");
    assert_eq!(lines.iter().filter(|line| statuses(line)).count(), 1);
}

#[tokio::test(start_paused = true)]
async fn pages_give_every_lead_once() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(3).await;
    let leads = story.import(&office, 11).await;
    let run = story.start_run(&office, &leads).await;
    story.wait(40).await;
    let (mut positions, mut cursor) = (Vec::new(), String::new());
    for _ in 0..4 {
        let page = calls(&story, &office, run, &format!("limit=3&cursor={cursor}")).await;
        positions.extend(
            column(&page["items"], "position")
                .iter()
                .map(|it| it.as_u64().unwrap()),
        );
        cursor = page["next_cursor"].as_str().unwrap_or_default().to_owned();
    }
    assert_eq!(positions, (0..11).collect::<Vec<_>>());
    assert_eq!(cursor, "");
    let path = format!("/api/outbound/runs/{run}/calls?format=csv&limit=4");
    let mut lines = BTreeSet::new();
    for page in 0..3 {
        let answer = story
            .get(&office, &format!("{path}&cursor={}", 4 * page))
            .await;
        let next = answer
            .headers
            .get("x-next-cursor")
            .map(|next| next.to_str().unwrap());
        assert_eq!(next, [Some("4"), Some("8"), None][page]);
        lines.extend(answer.text.lines().skip(1).map(str::to_owned));
    }
    assert_eq!(lines.len(), 11);
    let beyond = calls(&story, &office, run, "cursor=11").await;
    assert_eq!(
        (&beyond["items"], &beyond["next_cursor"]),
        (&json!([]), &Value::Null)
    );
    for (query, field) in [
        ("limit=0", "limit"),
        ("limit=20001", "limit"),
        ("cursor=x", "cursor"),
        ("format=xlsx", "format"),
    ] {
        let answer = story
            .get(&office, &format!("/api/outbound/runs/{run}/calls?{query}"))
            .await;
        assert_eq!(
            answer.assert_refused(400, "bad_field"),
            Some(field),
            "{query}"
        );
    }
}
