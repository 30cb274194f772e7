//! `ringfence admin --stack`: what it reads of a deployed stack, in the forms in which AWS answers.
//!
//! DynamoDB, SQS, Twilio and the webhook are those of a local stack; of the services that no
//! local stack has, the test gives the answers.

#[path = "deployed/permitted.rs"]
mod permitted;
#[path = "support/process.rs"]
mod process;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::response::Response;
use process::{Running, ringfence};
use serde_json::{Value, json};

const ACCOUNT: &str = "AC0123456789abcdef0123456789abcdef";
const TOKEN: &str = "a-token-of-this-test";

/// A stack as somebody deployed it.
struct Account {
    dynamodb: String,
    sqs: String,
    outputs: Vec<(&'static str, String)>,
    variables: Value,
    fill_seconds: u32,
    rule_state: &'static str,
    mapping_state: &'static str,
    /// What of a function the schedule and the queue invoke.
    invoked: &'static str,
    /// What the functions were set to last, where that is not what runs.
    latest_seconds: Option<u32>,
    /// The versions that traffic moves to, and how much of it.
    weights: Value,
    recovery: &'static str,
    /// What was asked of it, as a policy would name it.
    used: Arc<Mutex<BTreeSet<String>>>,
}

const RESOURCES: [(&str, &str); 4] = [
    ("FillFunction", "ringfence-fill-1"),
    ("WebhookFunction", "ringfence-webhook-1"),
    ("SweepSchedule", "ringfence-sweep-1"),
    ("FillWakeUps", "00000000-0000-4000-8000-000000000003"),
];

impl Account {
    /// A status, and a body.
    async fn answer(&self, request: Request) -> (u16, String) {
        let (parts, body) = request.into_parts();
        let body = to_bytes(body, 1_000_000).await.expect("it is small");
        let target = parts.headers.get("x-amz-target");
        let target = target.map(|target| target.to_str().expect("it is plain").to_owned());
        let path = parts.uri.path();
        let actions = permitted::actions(target.as_deref(), path, &body);
        let used = self.used.lock();
        used.expect("nobody panics with it").extend(actions);
        let answer = match target.as_deref() {
            Some("AWSEvents.DescribeRule") => {
                let asked: Value = serde_json::from_slice(&body).expect("it is JSON");
                assert_eq!(asked["Name"], "ringfence-sweep-1");
                json!({ "State": self.rule_state, "ScheduleExpression": "rate(1 minute)" }).to_string()
            }
            Some("AWSEvents.ListTargetsByRule") => {
                let arn = format!("arn:aws:lambda:eu-west-1:1:function:ringfence-sweep-1:{}", self.invoked);
                json!({ "Targets": [{ "Id": "sweep", "Arn": arn }] }).to_string()
            }
            Some("AmazonSSM.GetParameter") => {
                let asked: Value = serde_json::from_slice(&body).expect("it is JSON");
                match asked["Name"].as_str() {
                    Some("/ringfence/placing" | "/ringfence/signing") => {
                        json!({ "Parameter": { "Value": TOKEN } }).to_string()
                    }
                    _ => panic!("{asked}"),
                }
            }
            Some("DynamoDB_20120810.DescribeContinuousBackups") => json!({
                "ContinuousBackupsDescription": {
                    "ContinuousBackupsStatus": "ENABLED",
                    "PointInTimeRecoveryDescription": { "PointInTimeRecoveryStatus": self.recovery },
                },
            })
            .to_string(),
            Some(other) if other.starts_with("AmazonSQS.") => {
                return forward(&self.sqs, other, body).await;
            }
            Some(other) => return forward(&self.dynamodb, other, body).await,
            None if path.starts_with("/2015-03-31/") => {
                let live = parts.uri.query() == Some("Qualifier=live");
                self.lambda(path, live)
            }
            None => self.cloudformation(&body),
        };
        (200, answer)
    }

    /// What is asked is about what runs, or about what was set last.
    fn lambda(&self, path: &str, live: bool) -> String {
        let answer = match path.trim_start_matches("/2015-03-31/") {
            "functions/ringfence-fill-1/configuration" => {
                let latest = self.latest_seconds.filter(|_| !live);
                json!({
                    "Timeout": latest.unwrap_or(self.fill_seconds),
                    "Environment": { "Variables": self.variables },
                })
            }
            "functions/ringfence-webhook-1/configuration" => json!({
                "Environment": {
                    "Variables": { "TWILIO_SIGNING_PARAMETER": "/ringfence/signing" },
                },
            }),
            mapping if mapping.starts_with("event-source-mappings/0000") => {
                let invoked = self.invoked;
                let arn = format!("arn:aws:lambda:eu-west-1:1:function:ringfence-fill-1:{invoked}");
                json!({ "State": self.mapping_state, "FunctionArn": arn })
            }
            alias => {
                assert!(alias.ends_with("/aliases/live"), "{alias}");
                json!({
                    "Name": "live",
                    "FunctionVersion": "7",
                    "RoutingConfig": { "AdditionalVersionWeights": self.weights },
                })
            }
        };
        answer.to_string()
    }

    /// <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStacks.html>
    fn cloudformation(&self, form: &[u8]) -> String {
        let form: Vec<(String, String)> = form_urlencoded::parse(form).into_owned().collect();
        let has = |name: &str, value: &str| form.contains(&(name.to_owned(), value.to_owned()));
        assert!(has("StackName", "ringfence"), "{form:?}");
        let time = "2026-01-01T00:00:00Z";
        let (action, result) = if has("Action", "DescribeStacks") {
            let outputs = self.outputs.iter().map(|(key, value)| format!(
                "<member><OutputKey>{key}</OutputKey><OutputValue>{value}</OutputValue></member>"
            ));
            let outputs: String = outputs.collect();
            (
                "DescribeStacks",
                format!(
                    "<Stacks><member><StackName>ringfence</StackName><CreationTime>{time}</CreationTime>\
                 <StackStatus>CREATE_COMPLETE</StackStatus><Outputs>{outputs}</Outputs></member></Stacks>"
                ),
            )
        } else {
            // In two pages, as for any stack with more than a hundred resources.
            let (some, next) = if has("NextToken", "more") {
                (&RESOURCES[1..], "")
            } else {
                (&RESOURCES[..1], "<NextToken>more</NextToken>")
            };
            let resources = some.iter().map(|(logical, physical)| format!(
                "<member><LogicalResourceId>{logical}</LogicalResourceId>\
                 <PhysicalResourceId>{physical}</PhysicalResourceId><ResourceType>AWS::X</ResourceType>\
                 <LastUpdatedTimestamp>{time}</LastUpdatedTimestamp>\
                 <ResourceStatus>CREATE_COMPLETE</ResourceStatus></member>"
            ));
            let resources: String = resources.collect();
            (
                "ListStackResources",
                format!("<StackResourceSummaries>{resources}</StackResourceSummaries>{next}"),
            )
        };
        format!(
            "<{action}Response xmlns=\"http://cloudformation.amazonaws.com/doc/2010-05-15/\">\
             <{action}Result>{result}</{action}Result></{action}Response>"
        )
    }
}

async fn forward(origin: &str, target: &str, body: axum::body::Bytes) -> (u16, String) {
    let http = reqwest::Client::builder()
        .no_proxy()
        .build()
        .expect("it needs nothing");
    let request = http.post(origin).header("x-amz-target", target).body(body);
    let answer = request.send().await.expect("it answers");
    let status = answer.status().as_u16();
    (status, answer.text().await.expect("it is text"))
}

async fn answer(State(account): State<Arc<Account>>, request: Request) -> Response {
    let (status, body) = account.answer(request).await;
    let answer = Response::builder().status(status);
    answer.body(Body::from(body)).expect("the status is one")
}

/// Serves an account, and says where.
async fn serve(account: Account) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port is free");
    let endpoint = format!("http://{}", listener.local_addr().expect("it is open"));
    let router = Router::new().fallback(answer).with_state(Arc::new(account));
    tokio::spawn(async move { axum::serve(listener, router).await });
    endpoint
}

/// Runs a command with nothing but the stack's name.
async fn admin(endpoint: &str, arguments: &[&str]) -> (String, bool) {
    let variables = [
        ("AWS_ACCESS_KEY_ID", "any"),
        ("AWS_SECRET_ACCESS_KEY", "any"),
        ("AWS_REGION", "eu-west-1"),
    ];
    let mut command = ringfence(
        &["admin", "--stack", "ringfence", "--endpoint-url", endpoint],
        &variables,
    );
    command.args(arguments);
    command.stdin(std::process::Stdio::null());
    let output = tokio::task::spawn_blocking(move || command.output()).await;
    let output = output.expect("it ends").expect("the binary runs");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    (format!("{said}{errors}"), output.status.success())
}

/// Serves an account, and runs the doctor.
async fn doctor(account: Account, business: Option<&str>) -> (String, bool) {
    let mut arguments = vec!["doctor"];
    arguments.extend(business.iter().flat_map(|id| ["--business", *id]));
    admin(&serve(account).await, &arguments).await
}

/// A local stack, and how somebody might have deployed it.
fn deployed() -> (Running, Running, Account) {
    let credentials = [
        ("TWILIO_ACCOUNT_SID", ACCOUNT),
        ("TWILIO_AUTH_TOKEN", TOKEN),
    ];
    let twilio = Running::start(&["twilio", "--port", "0"], &credentials);
    let api_base = twilio.text("listening");
    let mut variables = credentials.to_vec();
    variables.push(("TWILIO_API_BASE", &api_base));
    let told = ["serve", "--port", "0", "--ddb-port", "0", "--sqs-port", "0"];
    let stack = Running::start(&told, &variables);
    let account = Account {
        dynamodb: stack.text("dynamodb"),
        sqs: stack.text("sqs"),
        outputs: vec![
            ("LedgerName", "ringfence".to_owned()),
            ("WakeUpQueueUrl", stack.text("queue_url")),
            (
                "WakeUpDeadLetterQueueUrl",
                stack.text("dead_letter_queue_url"),
            ),
        ],
        variables: json!({
            "TWILIO_ACCOUNT_SID": ACCOUNT,
            "TWILIO_PLACING_PARAMETER": "/ringfence/placing",
            "TWILIO_API_BASE": api_base,
            "PUBLIC_HOST": stack.text("listening"),
        }),
        fill_seconds: 40,
        rule_state: "ENABLED",
        mapping_state: "Enabled",
        invoked: "live",
        latest_seconds: None,
        weights: Value::Null,
        recovery: "ENABLED",
        used: Arc::default(),
    };
    (twilio, stack, account)
}

#[track_caller]
fn check(said: &str, lines: &[&str]) {
    for line in lines {
        assert!(
            said.lines().any(|one| one.starts_with(line)),
            "{line} in {said}"
        );
    }
}

#[tokio::test]
async fn the_name_of_a_stack_is_enough_to_check_all_of_it() {
    let (_twilio, stack, account) = deployed();
    let business = stack.text("business_id");
    let (said, is_good) = doctor(account, Some(&business)).await;
    assert!(is_good, "{said}");
    check(
        &said,
        &[
            "ok      Twilio secret:",
            "ok      clock:",
            "ok      caller id:",
            "ok      webhook, unsigned:",
            "ok      webhook, signed:",
            "ok      table:",
            "ok      index work:",
            "ok      table, recovery:",
            "ok      queue: messages are hidden for 240 s, functions live 40 s",
            "ok      queue, redrive:",
            "ok      dead letters:",
            "ok      schedule:",
            "ok      event source:",
            "ok      versions: what was deployed last runs, in 2 functions",
        ],
    );
    assert!(!said.contains(TOKEN), "{said}");
}

#[tokio::test]
async fn a_stack_that_somebody_has_changed_is_found_out() {
    let (_twilio, _stack, account) = deployed();
    let changed = Account {
        fill_seconds: 41,
        rule_state: "DISABLED",
        mapping_state: "Disabled",
        recovery: "DISABLED",
        ..account
    };
    let (said, is_good) = doctor(changed, None).await;
    assert!(!is_good, "{said}");
    check(
        &said,
        &[
            "skipped caller id:",
            "warn    queue: messages are hidden for 240 s, functions live 41 s",
            "warn    table, recovery:",
            "FAIL    schedule:",
            "FAIL    event source:",
        ],
    );
}

#[tokio::test]
async fn a_stack_where_something_else_runs_than_was_deployed_is_found_out() {
    let (_twilio, _stack, account) = deployed();
    let changed = Account {
        fill_seconds: 40,
        latest_seconds: Some(60),
        invoked: "ringfence-any-1",
        ..account
    };
    let (said, is_good) = doctor(changed, None).await;
    assert!(is_good, "it works: {said}");
    check(
        &said,
        &[
            "ok      queue: messages are hidden for 240 s, functions live 40 s",
            "warn    schedule: it does not invoke the alias live of the sweep",
            "warn    event source: it does not invoke the alias live of fill",
            "warn    versions: FillFunction runs version 7, which is not what it was set to last",
        ],
    );
    assert!(!said.contains("WebhookFunction runs"), "{said}");
}

#[tokio::test]
async fn a_stack_on_its_way_to_another_version_says_so() {
    let (_twilio, _stack, account) = deployed();
    let moving = Account {
        weights: json!({ "8": 0.1 }),
        ..account
    };
    let (said, is_good) = doctor(moving, None).await;
    assert!(is_good, "it works: {said}");
    for function in ["FillFunction", "WebhookFunction"] {
        check(
            &said,
            &[&format!(
                "warn    versions: {function} is on its way to another version"
            )],
        );
    }
}

#[tokio::test]
async fn a_stack_without_its_public_host_is_told_where_to_find_it() {
    let (_twilio, _stack, mut account) = deployed();
    account.variables["PUBLIC_HOST"] = json!("");
    account.outputs.push((
        "WebhookUrl",
        "https://x.lambda-url.eu-west-1.on.aws/".to_owned(),
    ));
    let (said, is_good) = doctor(account, None).await;
    assert!(!is_good, "{said}");
    check(&said, &["FAIL    webhook: there is no public host"]);
    assert!(
        said.contains("the host of https://x.lambda-url.eu-west-1.on.aws/"),
        "{said}"
    );
}
