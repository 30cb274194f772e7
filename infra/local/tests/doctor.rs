//! `ringfence admin doctor`: what it finds, and that it changes nothing.

#[path = "support/process.rs"]
mod process;
#[path = "support/said.rs"]
mod said;
#[path = "support/scene.rs"]
mod scene;

use said::Said;
use scene::{CALLER_ID, Scene, TOKEN};
use serde_json::json;

/// What the doctor said of one check.
#[track_caller]
fn line<'a>(said: &'a Said, check: &str) -> &'a str {
    let is_about = |line: &&str| line.get(8..).is_some_and(|line| line.starts_with(check));
    let found = said.stdout.lines().find(is_about);
    found.unwrap_or_else(|| panic!("{check} in {}", said.stdout))
}

#[tokio::test]
async fn the_doctor_finds_a_local_stack_well_and_says_what_it_did_not_check() {
    let scene = Scene::new(&[], None);
    let business = scene.business(1);
    let said = scene.admin(&["doctor", "--business", &business]);
    assert!(said.is_good, "{}{}", said.stdout, said.stderr);
    for check in [
        "Twilio secret",
        "clock",
        "caller id",
        "webhook, unsigned",
        "webhook, signed",
        "table",
        "index work",
        "table, expiry",
        "table, stream",
        "queue",
        "queue, redrive",
        "dead letters",
    ] {
        assert!(
            line(&said, check).starts_with("ok"),
            "{}",
            line(&said, check)
        );
    }
    for check in [
        "table, recovery",
        "table, protection",
        "schedule",
        "event source",
        "versions",
    ] {
        assert!(
            line(&said, check).starts_with("skipped"),
            "{}",
            line(&said, check)
        );
    }
    assert!(
        !said.stdout.contains(CALLER_ID) && !said.stdout.contains(TOKEN),
        "{}",
        said.stdout
    );
    assert_eq!(
        scene.truth().await["creates"],
        json!([]),
        "nobody was called"
    );
}

#[tokio::test]
async fn the_doctor_names_each_thing_that_is_wrong_and_exits_with_one() {
    let mut scene = Scene::new(&[], None);
    let other = scene.admin(&[
        "create-business",
        "--name",
        "Other",
        "--phone",
        "+97239999999",
    ]);
    let other = other.json()["business_id"]
        .as_str()
        .expect("an id")
        .to_owned();
    let said = scene.admin(&["doctor", "--business", &other]);
    assert!(!said.is_good);
    assert!(
        line(&said, "caller id").starts_with("FAIL"),
        "{}",
        said.stdout
    );
    assert!(
        line(&said, "caller id").contains("…9999 of"),
        "{}",
        said.stdout
    );

    scene.token = "another-token".to_owned();
    let said = scene.admin(&["doctor"]);
    assert!(!said.is_good);
    assert!(
        line(&said, "Twilio secret").starts_with("FAIL"),
        "{}",
        said.stdout
    );
    assert!(
        line(&said, "webhook, unsigned").starts_with("ok"),
        "{}",
        said.stdout
    );
    assert!(
        line(&said, "webhook, signed").starts_with("FAIL"),
        "{}",
        said.stdout
    );

    scene.token = TOKEN.to_owned();
    scene.public_host = "http://127.0.0.1:9".to_owned();
    let said = scene.admin(&["doctor"]);
    assert!(
        !said.is_good && line(&said, "webhook").starts_with("FAIL"),
        "{}",
        said.stdout
    );

    let said = scene.admin(&["--table", "elsewhere", "doctor"]);
    assert!(
        !said.is_good && line(&said, "table").starts_with("FAIL"),
        "{}",
        said.stdout
    );
}
