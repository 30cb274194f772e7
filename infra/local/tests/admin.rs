//! `ringfence admin`, run for real against a local stack and a simulated Twilio.

#[path = "support/process.rs"]
mod process;
#[path = "support/said.rs"]
mod said;
#[path = "support/scene.rs"]
mod scene;

use std::io::Write;
use std::time::{Duration, Instant};

use leads::table::Limits;
use scene::{CALLER_ID, Scene};
use serde_json::{Value, json};

#[tokio::test]
async fn a_business_is_set_up_called_watched_and_exported_from_a_terminal() {
    let scene = Scene::new(&["--sweep-seconds", "1"], None);
    let business = scene.business(12);
    let business = business.as_str();

    let key = scene.admin(&["create-key", "--business", business, "--role", "agent"]);
    let key = key.json()["api_key"].as_str().expect("a key").to_owned();
    let http = reqwest::Client::builder()
        .no_proxy()
        .build()
        .expect("it needs nothing");
    let counts = format!(
        "{}/api/outbound_calls/counts",
        scene.stack.text("listening")
    );
    let counts: Value = http
        .get(counts)
        .bearer_auth(&key)
        .send()
        .await
        .expect("it answers")
        .json()
        .await
        .expect("it answers JSON");
    assert_eq!(counts["max_outbound"], 3);

    let unsure = scene.admin(&["start", "--business", business, "--list", "1"]);
    assert!(
        !unsure.is_good && unsure.stderr.contains("--yes"),
        "{}",
        unsure.stderr
    );
    let missing = scene.admin(&["start", "--business", business, "--list", "7", "--yes"]);
    assert!(
        !missing.is_good && missing.stderr.contains("list_not_found"),
        "{}",
        missing.stderr
    );
    let started = scene.admin(&["start", "--business", business, "--list", "1", "--yes"]);
    assert_eq!(started.json()["run_id"], 1);

    let watched = scene.admin(&["watch", "--business", business, "--run", "1"]);
    let last = watched.stdout.lines().last().expect("it says something");
    assert!(
        last.starts_with("run 1: 12/12  completed: 0 queued, 0 live"),
        "{}",
        watched.stdout
    );
    let truth = scene.truth().await;
    assert_eq!(truth["peak_live"]["by_business"][business], 3);
    assert_eq!(truth["calls"].as_array().map(Vec::len), Some(12));

    let export = ["export-calls", "--business", business, "--run", "1"];
    let masked = scene.admin(&export).stdout;
    assert_eq!(masked.lines().count(), 13);
    assert!(
        masked.contains("…0111") && !masked.contains("+1212555"),
        "{masked}"
    );
    assert!(
        masked.contains("'=1+0") && !masked.contains(",=1+0"),
        "{masked}"
    );
    let whole = scene.admin(&[&export[..], &["--reveal"]].concat()).stdout;
    assert!(whole.contains("'+12125550111"), "{whole}");

    let show = ["show-state", "--business", business];
    let state = scene.admin(&show).json();
    assert_eq!(
        (&state["limit"], &state["slots_in_use"]),
        (&json!(3), &json!(0))
    );
    assert_eq!(state["caller_ids"], json!(["…4567"]));
    let state = scene.admin(&[&show[..], &["--reveal"]].concat()).json();
    assert_eq!(state["caller_ids"], json!([CALLER_ID]));
}

#[tokio::test]
async fn a_run_is_stopped_and_silent_calls_are_settled_from_a_terminal() {
    // Twilio reaches nobody there, so no end is ever reported; and the sweep comes too late.
    let nowhere = "http://127.0.0.1:9";
    let scene = Scene::new(&["--sweep-seconds", "3600"], Some(nowhere));
    let business = scene.business(8);
    let business = business.as_str();
    let started = scene.admin(&["start", "--business", business, "--list", "1", "--yes"]);
    assert_eq!(started.json()["queued"], 8);
    let began = Instant::now();
    loop {
        let truth = scene.truth().await;
        let calls = truth["calls"].as_array().map_or(0, Vec::len);
        if calls == 3 && truth["live"] == 0 {
            break;
        }
        assert!(
            began.elapsed() < Duration::from_secs(60),
            "three calls end: {truth}"
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let stop = ["stop", "--business", business, "--run", "1"];
    let unsure = scene.admin(&stop);
    assert!(
        !unsure.is_good && unsure.stderr.contains("--yes"),
        "{}",
        unsure.stderr
    );
    let stopped = scene.admin(&[&stop[..], &["--yes"]].concat()).json();
    assert_eq!(
        (&stopped["cancelled_jobs"], &stopped["in_progress"]),
        (&json!(5), &json!(3))
    );
    let state = scene.admin(&["show-state", "--business", business]).json();
    assert_eq!(state["leases"].as_array().map(Vec::len), Some(3));
    assert!(
        state["leases"][0]["to_number"]
            .as_str()
            .is_some_and(|it| it.starts_with('…'))
    );

    // A call is asked about once nobody can be dialling it any more.
    tokio::time::sleep(Duration::from_millis(5_500).saturating_sub(began.elapsed())).await;
    let settled = scene.admin(&["settle", "--business", business]).json();
    assert_eq!(settled["cleaned_count"], 3, "{settled}");
    let watched = scene.admin(&["watch", "--business", business, "--run", "1"]);
    assert!(
        watched.stdout.contains("run 1: 8/8  stopped"),
        "{}",
        watched.stdout
    );
}

#[tokio::test]
async fn a_file_is_imported_from_a_terminal_as_long_as_an_upload_would_be() {
    let scene = Scene::new(&[], None);
    let business = scene.business(1);
    let longest = Limits::UPLOAD.file_bytes as usize;
    let import = |bytes: usize| {
        let mut text = "name,phone\nDana,+12125550100\nLong,".to_owned();
        text.extend(std::iter::repeat_n('x', bytes - text.len()));
        let mut file = tempfile::NamedTempFile::with_suffix(".csv").expect("a file can be made");
        file.write_all(text.as_bytes()).expect("it is written");
        let path = file.path().to_str().expect("its name is plain");
        scene.admin(&["import", "--business", &business, path])
    };
    let imported = import(longest).json();
    assert_eq!(imported["duplicate_count"], 1, "{imported}");
    assert_eq!(imported["skipped_count"], 1, "{imported}");
    let refused = import(longest + 1);
    assert!(
        !refused.is_good && refused.stderr.contains("too_large"),
        "{}",
        refused.stderr
    );
}
