//! What a business has set, and who may set it.

use business::defaults::Defaults;
use http::Method;
use serde_json::{Map, Value, json};

use crate::story::{Office, Setting, Story};

const PATH: &str = "/api/business";

async fn business(story: &Story, office: &Office) -> Value {
    story.get(office, PATH).await.of_status(200)
}

async fn put(story: &Story, office: &Office, body: Value) -> crate::story::Answer {
    story.send(&office.key, Method::PUT, PATH, body).await
}

/// A business that the system's administrator has made, with a key for its admin.
async fn office_of(story: &Story, made: &Value) -> Office {
    let id = made["business_id"].as_str().expect("an id");
    let mut office = Office {
        id: id.parse().expect("it is an id"),
        key: String::new(),
    };
    let path = format!("/api/businesses/{}/keys", office.id);
    let role = json!({ "role": "admin" });
    let key = story.send_as_system(&office, Method::POST, &path, role);
    let key = key.await.of_status(201);
    office.key = key["api_key"].as_str().expect("a key").to_owned();
    office
}

#[tokio::test(start_paused = true)]
async fn the_system_admin_makes_a_business_and_its_admin_sees_it() {
    let story = Setting::plain().begin().await;
    let wish = json!({
        "name": "מרפאת לב",
        "phone_e164": "+97231234567",
        "limit": 7,
        "region": "GB",
        "time_zone": "Europe/London",
        "call_flow": { "kind": "play", "url": "https://media.example/a.mp3" },
    });
    let bearer = format!("Bearer {}", story.system_key);
    let create = async |body: Value| {
        let headers = [("authorization", bearer.as_str())];
        story
            .send_with(Method::POST, "/api/businesses", &headers, body.to_string())
            .await
    };
    let made = create(wish.clone()).await.of_status(201);
    let office = office_of(&story, &made).await;
    let seen = business(&story, &office).await;
    assert_eq!(seen, made);
    for (field, value) in wish.as_object().unwrap() {
        assert_eq!(&seen[field], value, "{field}");
    }

    let plain = create(json!({ "name": " X " })).await.of_status(201);
    assert_ne!(plain["business_id"], made["business_id"]);
    assert_eq!((&plain["name"], &plain["limit"]), (&json!("X"), &json!(3)));
    assert_eq!(plain["phone_e164"], Value::Null);
    assert_eq!(
        (&plain["region"], &plain["time_zone"]),
        (&json!("IL"), &json!("Asia/Jerusalem"))
    );
    let answer = create(json!({ "limit": 3 })).await;
    assert_eq!(answer.assert_refused(400, "bad_field"), Some("name"));
}

#[tokio::test(start_paused = true)]
async fn a_business_of_which_nothing_is_said_is_made_as_the_stack_has_it() {
    let set = |name: &str| match name {
        "DEFAULT_LIMIT" => Some("5".to_owned()),
        "DEFAULT_REGION" => Some("US".to_owned()),
        "DEFAULT_TIME_ZONE" => Some("America/New_York".to_owned()),
        _ => None,
    };
    let setting = Setting {
        defaults: Defaults::from_env(&set).unwrap(),
        ..Setting::plain()
    };
    let story = setting.begin().await;
    let bearer = format!("Bearer {}", story.system_key);
    let create = async |body: Value| {
        let headers = [("authorization", bearer.as_str())];
        story
            .send_with(Method::POST, "/api/businesses", &headers, body.to_string())
            .await
    };
    let made = create(json!({ "name": "X" })).await;
    let made = made.of_status(201);
    assert_eq!(
        (&made["limit"], &made["region"], &made["time_zone"]),
        (&json!(5), &json!("US"), &json!("America/New_York"))
    );
    assert_eq!(made["destinations"], json!(["US"]));
    let wish = json!({ "name": "Y", "region": "IL", "limit": 2 });
    let made = create(wish).await.of_status(201);
    assert_eq!(
        (&made["limit"], &made["region"], &made["time_zone"]),
        (&json!(2), &json!("IL"), &json!("America/New_York"))
    );
}

#[tokio::test(start_paused = true)]
async fn nobody_else_makes_a_business() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(3).await;
    let agent = story.key_for(&office, "agent").await;
    for key in [&office.key, &agent] {
        let body = json!({ "name": "X" });
        let answer = story.send(key, Method::POST, "/api/businesses", body).await;
        answer.assert_refused(403, "forbidden");
    }
}

#[tokio::test(start_paused = true)]
async fn changing_one_field_leaves_the_others() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(3).await;
    let mut expected = business(&story, &office).await;
    for (field, value) in [
        ("name", json!("אחר")),
        ("phone_e164", json!("+97237654321")),
        ("region", json!("US")),
        ("time_zone", json!("America/New_York")),
        (
            "call_flow",
            json!({ "kind": "redirect", "url": "https://flow.example/next" }),
        ),
    ] {
        expected[field] = value.clone();
        assert_eq!(
            put(&story, &office, json!({ field: value }))
                .await
                .of_status(200),
            expected
        );
        assert_eq!(business(&story, &office).await, expected, "{field}");
    }
    assert_eq!(
        put(&story, &office, json!({})).await.of_status(200),
        expected
    );
    expected["limit"] = json!(9);
    let limit = json!({ "limit": 9 });
    let set = story
        .send_as_system(&office, Method::PUT, PATH, limit)
        .await;
    assert_eq!(set.of_status(200), expected);
    assert_eq!(business(&story, &office).await, expected);
}

#[tokio::test(start_paused = true)]
async fn two_changes_at_once_both_hold() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(3).await;
    for round in 0..10 {
        let name = json!(format!("Round {round}"));
        let flow = json!({ "kind": "play", "url": format!("https://media.example/{round}") });
        let (one, other) = futures::join!(
            put(&story, &office, json!({ "name": name })),
            put(&story, &office, json!({ "call_flow": flow })),
        );
        assert_eq!((one.status.as_u16(), other.status.as_u16()), (200, 200));
        let seen = business(&story, &office).await;
        assert_eq!((&seen["name"], &seen["call_flow"]), (&name, &flow));
    }
}

#[tokio::test(start_paused = true)]
async fn destinations_follow_the_region_that_the_system_s_administrator_sets() {
    let story = Setting::plain().begin().await;
    let bearer = format!("Bearer {}", story.system_key);
    let headers = [("authorization", bearer.as_str())];
    let wish = json!({ "name": "X" }).to_string();
    let made = story
        .send_with(Method::POST, "/api/businesses", &headers, wish)
        .await
        .of_status(201);
    assert_eq!(made["destinations"], json!(["IL"]));
    let office = office_of(&story, &made).await;
    // An admin's region opens no country.
    let moved = put(&story, &office, json!({ "region": "SO" })).await;
    let moved = moved.of_status(200);
    assert_eq!(
        (&moved["region"], &moved["destinations"]),
        (&json!("SO"), &json!(["IL"]))
    );
    let change = async |wish: Value| {
        let answer = story.send_as_system(&office, Method::PUT, PATH, wish).await;
        answer.of_status(200)["destinations"].clone()
    };
    assert_eq!(change(json!({ "region": "US" })).await, json!(["US"]));
    let named = json!({ "destinations": ["US", "CA"] });
    assert_eq!(change(named).await, json!(["CA", "US"]));
    assert_eq!(change(json!({ "region": "FR" })).await, json!(["CA", "US"]));
    assert_eq!(business(&story, &office).await["region"], "FR");
}

#[tokio::test(start_paused = true)]
async fn an_admin_cannot_raise_the_own_limit() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(3).await;
    let before = business(&story, &office).await;
    for body in [
        json!({ "limit": 4 }),
        json!({ "limit": 3 }),
        json!({ "name": "X", "limit": 200 }),
    ] {
        put(&story, &office, body)
            .await
            .assert_refused(403, "forbidden");
    }
    assert_eq!(business(&story, &office).await, before);
}

/// Checks that each of these is refused with its field, and that nothing has changed.
async fn check_refused(cases: &[(Value, &str)]) {
    let mut story = Setting::plain().begin().await;
    let office = story.open(3).await;
    let before = business(&story, &office).await;
    for (body, field) in cases {
        let answer = story
            .send_as_system(&office, Method::PUT, PATH, body.clone())
            .await;
        assert_eq!(
            answer.assert_refused(400, "bad_field"),
            Some(*field),
            "{body}"
        );
        let error = answer.body["error"].as_str().expect("a text");
        assert_eq!(error, format!("ערך לא תקין בשדה {field}"), "{body}");
    }
    assert_eq!(business(&story, &office).await, before);
}

#[tokio::test(start_paused = true)]
async fn a_value_that_cannot_be_is_named_and_changes_nothing() {
    let cases = [
        (json!({ "limit": 0 }), "limit"),
        (json!({ "limit": 201 }), "limit"),
        (json!({ "limit": -1 }), "limit"),
        (json!({ "limit": 1.5 }), "limit"),
        (json!({ "limit": "3" }), "limit"),
        (json!({ "name": "" }), "name"),
        (json!({ "name": " " }), "name"),
        (json!({ "name": "x".repeat(201) }), "name"),
        (json!({ "name": 7 }), "name"),
        (json!({ "name": "Changed", "region": "il" }), "region"),
        (json!({ "name": "Changed", "region": "ISR" }), "region"),
        (json!({ "name": "Changed", "region": "QQ" }), "region"),
        (
            json!({ "name": "Changed", "time_zone": "Mars/Base" }),
            "time_zone",
        ),
        (
            json!({ "name": "Changed", "time_zone": "+02:00" }),
            "time_zone",
        ),
        (
            json!({ "name": "Changed", "phone_e164": "031234567" }),
            "phone_e164",
        ),
        (
            json!({ "name": "Changed", "phone_e164": "+0" }),
            "phone_e164",
        ),
        (json!({ "name": "Changed", "phone_e164": "" }), "phone_e164"),
        (
            json!({ "name": "Changed", "phone_e164": 97_231_234_567_u64 }),
            "phone_e164",
        ),
    ];
    check_refused(&cases).await;
}

#[tokio::test(start_paused = true)]
async fn a_call_flow_that_could_not_work_is_named_and_changes_nothing() {
    let many: Map<String, Value> = (0..33).map(|it| (format!("p{it}"), json!("x"))).collect();
    let say = |text: &str| json!({ "kind": "say", "text": text });
    let play = |url: &str| json!({ "kind": "play", "url": url });
    let stream = |url: &str| json!({ "kind": "stream", "url": url });
    let with = |mut flow: Value, field: &str, value: Value| {
        flow[field] = value;
        flow
    };
    let cases = [
        (json!("say"), "call_flow"),
        (json!({}), "call_flow.kind"),
        (json!({ "kind": "dance" }), "call_flow.kind"),
        (json!({ "kind": "say" }), "call_flow.text"),
        (say(" "), "call_flow.text"),
        (say(&"x".repeat(4097)), "call_flow.text"),
        (with(say("x"), "voice", json!("<x>")), "call_flow.voice"),
        (with(say("x"), "language", json!("")), "call_flow.language"),
        (json!({ "kind": "play" }), "call_flow.url"),
        (play("http://media.example/a"), "call_flow.url"),
        (play("https://u:p@media.example/a"), "call_flow.url"),
        (stream("https://ai.example/s"), "call_flow.url"),
        (stream("wss://ai.example/s?lead=1"), "call_flow.url"),
        (
            with(stream("wss://ai.example"), "parameters", json!(many)),
            "call_flow.parameters",
        ),
        (
            json!({ "kind": "redirect", "url": "ftp://flow.example" }),
            "call_flow.url",
        ),
    ];
    let body = |flow| json!({ "name": "Changed", "call_flow": flow });
    check_refused(&cases.map(|(flow, field)| (body(flow), field))).await;
}

#[tokio::test(start_paused = true)]
async fn each_kind_of_call_flow_is_kept_as_it_was_set() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(3).await;
    for flow in [
        json!({ "kind": "say", "text": "שלום {{name}}", "language": "he-IL" }),
        json!({ "kind": "say", "text": "Hi", "language": "en-GB", "voice": "Google.en-GB-Wavenet-A" }),
        json!({ "kind": "play", "url": "https://media.example/a.mp3?x=1&y=2" }),
        json!({ "kind": "stream", "url": "wss://ai.example/s", "parameters": { "who": "{{name}}" } }),
        json!({ "kind": "redirect", "url": "https://flow.example/next" }),
    ] {
        let set = put(&story, &office, json!({ "call_flow": flow }))
            .await
            .of_status(200);
        assert_eq!(set["call_flow"], flow);
        assert_eq!(business(&story, &office).await["call_flow"], flow);
    }
}

#[tokio::test(start_paused = true)]
async fn a_business_without_a_number_cannot_call() {
    let mut story = Setting::plain().begin().await;
    let bearer = format!("Bearer {}", story.system_key);
    let headers = [("authorization", bearer.as_str())];
    let made = story
        .send_with(Method::POST, "/api/businesses", &headers, r#"{"name":"X"}"#)
        .await;
    let office = office_of(&story, &made.of_status(201)).await;
    let leads = story.import(&office, 5).await;
    for leads in [&leads[..1], &leads[..]] {
        let answer = story.start(&office, leads).await;
        answer.assert_refused(400, "no_business_phone");
        assert_eq!(answer.body["error"], "מספר טלפון של העסק לא מוגדר");
    }
    let phone = json!({ "phone_e164": "+97231234567" });
    put(&story, &office, phone).await.of_status(200);
    story.start(&office, &leads[..1]).await.of_status(200);
    assert_eq!(story.truth().calls[0].from.expose(), "+97231234567");
}
