//! The embedded DynamoDB and SQS in a process of their own, as the SDK's clients see them.

#[path = "support/process.rs"]
mod process;

use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_sqs::types::QueueAttributeName;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use process::Running;
use ringfence_shell::https;
use serde_json::Value;

fn aws(arguments: &[&str]) -> Running {
    let mut all = vec!["aws", "--ddb-port", "0", "--sqs-port", "0"];
    all.extend(arguments);
    Running::start(&all, &[])
}

fn credentials() -> aws_credential_types::Credentials {
    aws_credential_types::Credentials::new("any", "any", None, None, "test")
}

fn https() -> SharedHttpClient {
    https::client(https::connector().expect("an HTTP client can be made"))
}

fn dynamo(aws: &Running) -> aws_sdk_dynamodb::Client {
    let config = aws_sdk_dynamodb::Config::builder()
        .endpoint_url(aws.text("dynamodb"))
        .region(aws_sdk_dynamodb::config::Region::new("us-east-1"))
        .credentials_provider(credentials())
        .http_client(https())
        .build();
    aws_sdk_dynamodb::Client::from_conf(config)
}

fn sqs(aws: &Running) -> aws_sdk_sqs::Client {
    let config = aws_sdk_sqs::Config::builder()
        .endpoint_url(aws.text("sqs"))
        .region(aws_sdk_sqs::config::Region::new("us-east-1"))
        .credentials_provider(credentials())
        .http_client(https())
        .build();
    aws_sdk_sqs::Client::from_conf(config)
}

#[tokio::test]
async fn the_table_of_the_template_is_served_and_outlives_the_process() {
    let data = tempfile::tempdir().expect("a directory can be made");
    let data = data.path().to_str().expect("the directory's name is plain");
    let running = aws(&["--data", data]);
    assert_eq!(running.text("business_id"), "local");
    assert!(running.text("api_key").starts_with("rf_"));
    let table = running.text("table_name");
    let client = dynamo(&running);
    let described = client.describe_table().table_name(&table).send().await;
    let described = described.expect("it answers").table.expect("it is there");
    let indexes = described.global_secondary_indexes();
    assert_eq!(indexes[0].index_name(), Some("work"));
    let key = |name: &str| AttributeValue::S(name.to_owned());
    let put = client.put_item().table_name(&table);
    let put = put.item("pk", key("a")).item("sk", key("b"));
    put.send().await.expect("it is stored");
    drop(running);

    let running = aws(&["--data", data]);
    assert_eq!(
        running.first_line["api_key"],
        Value::Null,
        "it is made once"
    );
    let get = dynamo(&running).get_item().table_name(&table);
    let read = get.key("pk", key("a")).key("sk", key("b")).send().await;
    assert!(read.expect("it answers").item.is_some());
}

#[tokio::test]
async fn the_queue_of_the_template_is_served_with_its_dead_letters() {
    let running = aws(&[]);
    let client = sqs(&running);
    let (queue, dead) = (
        running.text("queue_url"),
        running.text("dead_letter_queue_url"),
    );
    let listed = client.list_queues().send().await.expect("it answers");
    assert_eq!(listed.queue_urls(), [queue.clone(), dead.clone()]);
    let found = client.get_queue_url().queue_name("wake-ups").send().await;
    assert_eq!(found.expect("it answers").queue_url, Some(queue.clone()));

    let attributes = client.get_queue_attributes().queue_url(&queue);
    let attributes = attributes.attribute_names(QueueAttributeName::All);
    let attributes = attributes.send().await.expect("it answers");
    let attributes = attributes.attributes.expect("there are some");
    assert_eq!(attributes[&QueueAttributeName::VisibilityTimeout], "240");
    let redrive = &attributes[&QueueAttributeName::RedrivePolicy];
    let redrive: Value = serde_json::from_str(redrive).expect("it is JSON");
    assert_eq!(redrive["maxReceiveCount"], 5);

    // By the name that a container has for this machine it is the same queue.
    let elsewhere = "http://host.docker.internal:1/000000000000/wake-ups";
    let send = client.send_message().queue_url(elsewhere);
    let sent = send
        .message_body("hello")
        .send()
        .await
        .expect("it is taken");
    for _ in 0..5 {
        let receive = client.receive_message().queue_url(&queue);
        let received = receive.visibility_timeout(0).send().await;
        assert_eq!(received.expect("it answers").messages().len(), 1);
    }
    let receive = client.receive_message().queue_url(&queue);
    assert_eq!(receive.send().await.expect("it answers").messages(), []);
    let receive = client.receive_message().queue_url(&dead).send().await;
    let messages = receive.expect("it answers").messages.unwrap_or_default();
    assert_eq!(messages.len(), 1);
    assert_eq!(messages[0].body(), Some("hello"));
    assert_eq!(messages[0].message_id(), sent.message_id());
}

#[tokio::test]
async fn a_page_in_a_browser_cannot_reach_the_table() {
    let running = aws(&[]);
    let http = reqwest::Client::builder().no_proxy().build();
    let http = http.expect("it needs nothing");
    // What a page may send without asking first has no such header.
    let request = http.post(running.text("dynamodb")).body("{}");
    let refused = request.send().await.expect("it answers").status();
    assert_eq!(refused, 400);
}

#[test]
fn a_port_that_is_taken_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let port = taken.local_addr().expect("it is open").port().to_string();
    let mut command = process::ringfence(&["aws", "--ddb-port", "0", "--sqs-port", &port], &[]);
    let output = command.output().expect("the binary runs");
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains(&format!("--sqs-port {port}")), "{said}");
}
