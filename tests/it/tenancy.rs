//! Every route, with every caller who must not pass: refused as the contract says, and
//! nothing written. The routes come from the table by which they are served, so a new
//! one is walked too, or fails here until somebody says how it is asked.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_dynamodb::types::AttributeValue;
use http::Method;
use ringfence_local::gateway::{Function, OPEN, ROUTES};
use ringfence_shell::secrets::ApiKey;
use serde_json::{Value, json};

use crate::story::{Answer, Office, Setting, Story};

/// Who may use a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Least {
    Anybody,
    Twilio,
    Agent,
    Admin,
    SystemAdmin,
}

/// What another business's admin gets who asks with this one's ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Others {
    /// Such a thing is not there.
    NotThere,
    /// The route takes no id: the caller sees and changes the own business.
    Own,
}

/// One request to a route, with the ids of the business whose things they are.
struct Ask {
    path: String,
    body: Value,
    least: Least,
    others: Others,
}

/// A business with one of everything, and the keys that do not open it.
struct Scene {
    story: Story,
    victim: Office,
    run: u64,
    list: u64,
    lead: u64,
    upload: String,
    entry: String,
    key_id: String,
    agent: String,
    stranger: Office,
    revoked: String,
}

impl Scene {
    async fn set() -> Self {
        let mut story = Setting::plain().begin().await;
        let (victim, stranger) = (story.open(3).await, story.open(3).await);
        let list = story.import_list(&victim, 4).await;
        let leads = story.lead_ids(&victim, list).await;
        let run = story.start_run(&victim, &leads).await;
        let agent = story.key_for(&victim, "agent").await;
        let revoked = story.key_for(&victim, "admin").await;
        let key_id = ApiKey::parse(&revoked).expect("the story has it").key_id;
        let path = format!("/api/businesses/{}/keys/{key_id}", victim.id);
        let gone = story
            .send(&victim.key, Method::DELETE, &path, Value::Null)
            .await;
        gone.of_status(200);
        let key_id = ApiKey::parse(&agent).expect("the story has it").key_id;
        let wish = json!({ "bytes": 100 });
        let upload = story.post(&victim, "/api/outbound/uploads", wish).await;
        let upload = upload.of_status(201)["upload_id"]
            .as_str()
            .expect("the story has it")
            .to_owned();
        // It is nobody's number whom the run calls.
        let path = "/api/outbound/do-not-call";
        let nobody = json!({ "phone": "0501112233" });
        story.post(&victim, path, nobody).await.of_status(200);
        let entries = story.get(&victim, path).await.of_status(200);
        let entry = entries["items"][0]["id"].as_str();
        let entry = entry.expect("an id").to_owned();
        // Until the run is filed, nothing else is written. The hour in which these keys
        // are used is noted first.
        story.wait(150).await;
        for key in [&victim.key, &stranger.key, &agent, &story.system_key] {
            story
                .send(key, Method::GET, "/api/outbound/runs", Value::Null)
                .await;
        }
        Self {
            lead: leads[0],
            story,
            victim,
            run,
            list,
            upload,
            entry,
            key_id,
            agent,
            stranger,
            revoked,
        }
    }

    /// How a route is asked for what is the victim's.
    fn ask(&self, method: &str, pattern: &str) -> Ask {
        let Self {
            run, list, lead, ..
        } = self;
        let ids = json!({ "lead_ids": [lead] });
        let (least, others, body) = match (method, pattern) {
            ("GET" | "HEAD", "/healthz") | ("GET", "/openapi.json") => {
                (Least::Anybody, Others::Own, Value::Null)
            }
            (_, path) if path.starts_with("/webhook/") => (Least::Twilio, Others::Own, Value::Null),
            ("POST", "/api/outbound_calls/start" | "/api/outbound/bulk-enqueue") => {
                (Least::Agent, Others::NotThere, ids)
            }
            ("GET", "/api/outbound/runs/*" | "/api/outbound/runs/*/calls") => {
                (Least::Agent, Others::NotThere, Value::Null)
            }
            ("POST", "/api/outbound/stop-queue") => {
                (Least::Agent, Others::NotThere, json!({ "run_id": run }))
            }
            (
                "GET",
                "/api/outbound_calls/counts"
                | "/api/outbound/runs"
                | "/api/outbound/bulk/active"
                | "/api/outbound/recent-calls"
                | "/api/outbound/import-leads"
                | "/api/outbound/import-lists",
            ) => (Least::Agent, Others::Own, Value::Null),
            ("POST", "/api/outbound/cleanup-stuck-jobs") | ("GET", "/api/business") => {
                (Least::Admin, Others::Own, Value::Null)
            }
            ("POST", "/api/outbound/import-leads") => {
                let upload = json!({ "upload_id": self.upload });
                (Least::Admin, Others::NotThere, upload)
            }
            ("POST", "/api/outbound/uploads") => {
                (Least::Admin, Others::Own, json!({ "bytes": 100 }))
            }
            ("POST", "/api/outbound/import-leads/bulk-delete") => (Least::Admin, Others::Own, ids),
            ("DELETE", "/api/outbound/import-leads/*")
            | ("POST", "/api/outbound/leads/*/erase" | "/api/outbound/do-not-call/*/erase") => {
                (Least::Admin, Others::NotThere, Value::Null)
            }
            ("GET", "/api/outbound/do-not-call") => (Least::Admin, Others::Own, Value::Null),
            ("POST", "/api/outbound/do-not-call") => {
                let phones = json!({ "phones": ["0501234567"] });
                (Least::Admin, Others::Own, phones)
            }
            ("DELETE", "/api/outbound/do-not-call/*") => {
                (Least::Admin, Others::NotThere, Value::Null)
            }
            ("GET", "/api/outbound/leads/*/calls") => (Least::Agent, Others::NotThere, Value::Null),
            ("PUT", "/api/business") => (Least::Admin, Others::Own, json!({ "name": "X" })),
            ("POST", "/api/businesses") => {
                (Least::SystemAdmin, Others::Own, json!({ "name": "X" }))
            }
            ("DELETE", "/api/businesses/*") => (Least::SystemAdmin, Others::Own, Value::Null),
            ("POST", "/api/businesses/*/keys") => {
                (Least::Admin, Others::NotThere, json!({ "role": "admin" }))
            }
            ("GET", "/api/businesses/*/keys") | ("DELETE", "/api/businesses/*/keys/*") => {
                (Least::Admin, Others::NotThere, Value::Null)
            }
            _ => panic!("say here how {method} {pattern} is asked, and who may"),
        };
        let path = match pattern {
            "/api/outbound/import-leads" if method == "GET" => format!("{pattern}?list_id={list}"),
            "/api/outbound/recent-calls" => format!("{pattern}?run_id={run}"),
            _ => self.fill_in(pattern),
        };
        Ask {
            path,
            body,
            least,
            others,
        }
    }

    /// Puts the victim's ids in the place of the stars.
    fn fill_in(&self, pattern: &str) -> String {
        let mut before = "";
        let parts = pattern.split('/').map(|part| {
            let filled = match (part, before) {
                ("*", "runs") => self.run.to_string(),
                ("*", "import-leads" | "leads") => self.lead.to_string(),
                ("*", "businesses") => self.victim.id.to_string(),
                ("*", "keys") => self.key_id.clone(),
                ("*", "do-not-call") => self.entry.clone(),
                ("*", _) => panic!("say here which id of {pattern} this is"),
                (part, _) => part.to_owned(),
            };
            before = part;
            filled
        });
        parts.collect::<Vec<_>>().join("/")
    }

    /// Sends it with this `Authorization` header, and with one that names the victim.
    async fn send(&self, method: &str, ask: &Ask, authorization: Option<&str>) -> Answer {
        let mut headers = vec![
            ("content-type", "application/json"),
            ("x-business-id", self.victim.id.as_str()),
        ];
        headers.extend(authorization.map(|value| ("authorization", value)));
        let body = match &ask.body {
            Value::Null => String::new(),
            body => body.to_string(),
        };
        let method = Method::from_bytes(method.as_bytes()).expect("the story has it");
        self.story
            .send_with(method, &ask.path, &headers, body)
            .await
    }

    /// Everything that is stored, by its key.
    async fn stored(&self) -> BTreeMap<(String, String), String> {
        let client = self.story.stack.plan.dynamo.client();
        let mut stored = BTreeMap::new();
        let mut from = None;
        loop {
            let page = client
                .scan()
                .table_name(&self.story.stack.plan.table)
                .set_exclusive_start_key(from)
                .send()
                .await
                .expect("the story has it");
            for item in page.items() {
                let part = |name: &str| item[name].as_s().expect("the story has it").clone();
                stored.insert((part("pk"), part("sk")), in_order(item));
            }
            from = page.last_evaluated_key;
            if from.is_none() {
                return stored;
            }
        }
    }

    /// What is stored of the victim.
    async fn victims(&self) -> BTreeMap<(String, String), String> {
        let mut stored = self.stored().await;
        let own = ["BIZ", "DNC"].map(|part| format!("{part}#{}", self.stranger.id));
        stored.retain(|(pk, _), _| !own.contains(pk) && !pk.starts_with("ROSTER#"));
        stored
    }
}

/// The fields of an item or of a map in it as text, the same whenever they are the same.
fn in_order(fields: &HashMap<String, AttributeValue>) -> String {
    let text = |value: &AttributeValue| match value {
        AttributeValue::M(inner) => in_order(inner),
        value => format!("{value:?}"),
    };
    let fields: BTreeMap<_, _> = fields.iter().map(|(name, it)| (name, text(it))).collect();
    format!("{fields:?}")
}

#[tokio::test(start_paused = true)]
async fn no_route_opens_without_a_key_that_is_good() {
    let scene = Scene::set().await;
    let before = scene.stored().await;
    let secret = "0".repeat(64);
    let id = ApiKey::parse(&scene.victim.key).unwrap().key_id;
    let headers = [
        None,
        Some(format!("Bearer rf_{id}_{secret}")),
        Some(format!("Bearer rf_0123456789abcdef_{secret}")),
        Some(format!("Bearer {}", scene.revoked)),
        Some("Bearer eyJhbGciOiJub25lIn0.e30.".to_owned()),
    ];
    for (method, pattern, function) in ROUTES {
        // Whatever the route is, somebody without a key is turned away before it is read.
        if function == Function::Webhook || OPEN.contains(&pattern) {
            continue;
        }
        let ask = scene.ask(method, pattern);
        for header in &headers {
            let answer = scene.send(method, &ask, header.as_deref()).await;
            answer.assert_refused(401, "unauthorized");
        }
    }
    assert_eq!(scene.stored().await, before);
}

#[tokio::test(start_paused = true)]
async fn a_route_without_keys_changes_nothing_for_a_stranger() {
    let scene = Scene::set().await;
    let before = scene.stored().await;
    let bearer = format!("Bearer {}", scene.victim.key);
    for (method, pattern, _) in ROUTES {
        let ask = scene.ask(method, pattern);
        let expected: &[u16] = match (ask.least, method) {
            (Least::Anybody, _) => &[200],
            (Least::Twilio, "POST") => &[403],
            (Least::Twilio, _) => &[405],
            (Least::Agent | Least::Admin | Least::SystemAdmin, _) => continue,
        };
        for header in [None, Some(bearer.as_str())] {
            let answer = scene.send(method, &ask, header).await;
            assert!(
                expected.contains(&answer.status.as_u16()),
                "{method} {pattern}: {}",
                answer.text
            );
        }
    }
    scene.story.wait(2).await;
    assert_eq!(scene.stored().await, before);
    assert_eq!(scene.story.stack.plan.queue.depth().dead, 0);
}

#[tokio::test(start_paused = true)]
async fn a_role_that_is_too_low_is_403_on_every_route_and_writes_nothing() {
    let scene = Scene::set().await;
    let before = scene.stored().await;
    let (agent, admin) = (&scene.agent, &scene.victim.key);
    let mut refused = 0;
    for (method, pattern, _) in ROUTES {
        let ask = scene.ask(method, pattern);
        for (least, key) in [(Least::Agent, agent), (Least::Admin, admin)] {
            if least < ask.least {
                let bearer = format!("Bearer {key}");
                let answer = scene.send(method, &ask, Some(&bearer)).await;
                answer.assert_refused(403, "forbidden");
                refused += 1;
            }
        }
    }
    assert!(refused >= 10, "{refused}");
    assert_eq!(scene.stored().await, before);
}

#[tokio::test(start_paused = true)]
async fn another_business_s_ids_are_404_on_every_route_and_nothing_of_it_is_touched() {
    let scene = Scene::set().await;
    let before = scene.stored().await;
    let victims = scene.victims().await;
    let bearer = format!("Bearer {}", scene.stranger.key);
    let mut own = Vec::new();
    for (method, pattern, _) in ROUTES {
        let ask = scene.ask(method, pattern);
        if !matches!(ask.least, Least::Agent | Least::Admin) {
            continue;
        }
        if ask.others == Others::Own {
            own.push((method, ask));
            continue;
        }
        let answer = scene.send(method, &ask, Some(&bearer)).await;
        assert_eq!(answer.status, 404, "{method} {pattern}: {}", answer.text);
        assert_eq!(answer.body["success"], false, "{method} {pattern}");
    }
    assert_eq!(scene.stored().await, before, "404s write nothing");

    for (method, ask) in own {
        let answer = scene.send(method, &ask, Some(&bearer)).await;
        assert!(
            matches!(answer.status.as_u16(), 200 | 201 | 404),
            "{method} {}: {}",
            ask.path,
            answer.text
        );
        for theirs in [scene.victim.id.as_str(), "Lead ", "+97255"] {
            assert!(!answer.text.contains(theirs), "{method} {}", ask.path);
        }
    }
    assert_eq!(scene.victims().await, victims);
}

#[tokio::test(start_paused = true)]
async fn a_deleted_business_is_404_on_every_route_while_its_key_is_still_remembered() {
    let scene = Scene::set().await;
    let bearer = format!("Bearer {}", scene.victim.key);
    let path = format!("/api/businesses/{}", scene.victim.id);
    let (story, system) = (&scene.story, &scene.story.system_key);
    let deleted = story.send(system, Method::DELETE, &path, Value::Null);
    deleted.await.of_status(200);
    let before = scene.stored().await;
    for (method, pattern, _) in ROUTES {
        let ask = scene.ask(method, pattern);
        if !matches!(ask.least, Least::Agent | Least::Admin) {
            continue;
        }
        let answer = scene.send(method, &ask, Some(&bearer)).await;
        assert_eq!(answer.status, 404, "{method} {pattern}: {}", answer.text);
        assert_eq!(answer.body["success"], false, "{method} {pattern}");
    }
    assert_eq!(scene.stored().await, before);
    assert_eq!(story.truth().calls.len(), 4, "nobody was called since");
}
