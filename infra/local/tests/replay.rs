//! `ringfence admin replay-dead-letters`: which messages are put back, and which stay.

#[path = "support/process.rs"]
mod process;
#[path = "support/said.rs"]
mod said;

use process::{Running, ringfence};
use ringfence_shell::https;
use said::{Said, ports, run};
use serde_json::json;

/// A store of its own, with dead letters in it.
struct Graveyard {
    store: Running,
    client: aws_sdk_sqs::Client,
}

impl Graveyard {
    async fn with(bodies: &[&str]) -> Self {
        let store = Running::start(&["aws", "--ddb-port", "0", "--sqs-port", "0"], &[]);
        let credentials = aws_credential_types::Credentials::new("a", "b", None, None, "test");
        let connector = https::connector().expect("an HTTP client can be made");
        let config = aws_sdk_sqs::Config::builder()
            .endpoint_url(store.text("sqs"))
            .region(aws_sdk_sqs::config::Region::new("us-east-1"))
            .credentials_provider(credentials)
            .http_client(https::client(connector))
            .build();
        let client = aws_sdk_sqs::Client::from_conf(config);
        let queue = store.text("queue_url");
        for body in bodies {
            let send = client.send_message().queue_url(&queue).message_body(*body);
            send.send().await.expect("it is taken");
        }
        // Five tries, and then they are given up on.
        for _ in 0..6 {
            let receive = client.receive_message().queue_url(&queue);
            let receive = receive.max_number_of_messages(10).visibility_timeout(0);
            receive.send().await.expect("it answers");
        }
        Self { store, client }
    }

    fn admin(&self, arguments: &[&str]) -> Said {
        let mut command = ringfence(&["admin"], &[]);
        run(command.args(ports(&self.store)).args(arguments))
    }

    /// The bodies of the messages that can be received now.
    async fn bodies(&self, url: &str) -> Vec<String> {
        let receive = self.client.receive_message().queue_url(url);
        let received = receive.max_number_of_messages(10).send().await;
        let messages = received.expect("it answers").messages.unwrap_or_default();
        messages.into_iter().filter_map(|it| it.body).collect()
    }
}

const WAKE_UP: &str = r#"{"business":"local"}"#;

#[tokio::test]
async fn dead_letters_are_put_back_and_those_that_nobody_can_read_stay() {
    let yard = Graveyard::with(&[WAKE_UP, "nobody can read this", WAKE_UP]).await;
    let unsure = yard.admin(&["replay-dead-letters"]);
    assert!(
        !unsure.is_good && unsure.stderr.contains("--yes"),
        "{}",
        unsure.stderr
    );
    let replay = ["replay-dead-letters", "--yes"];
    let one = yard.admin(&[&replay[..], &["--max", "1"]].concat()).json();
    assert_eq!(
        one,
        json!({ "replayed": 1, "unreadable": 0, "came_back": 0 })
    );
    let rest = yard.admin(&replay).json();
    assert_eq!(
        rest,
        json!({ "replayed": 1, "unreadable": 1, "came_back": 0 })
    );
    let (queue, dead) = ("queue_url", "dead_letter_queue_url");
    let queue = yard.bodies(&yard.store.text(queue)).await;
    assert_eq!(queue, [WAKE_UP, WAKE_UP]);
    let dead = yard.bodies(&yard.store.text(dead)).await;
    assert_eq!(dead, ["nobody can read this"]);
}

#[tokio::test]
async fn a_dead_letter_that_comes_back_meanwhile_is_not_put_back_again() {
    let yard = Graveyard::with(&[WAKE_UP]).await;
    // What is put back is a dead letter at once.
    let dead = yard.store.text("dead_letter_queue_url");
    let replayed = yard.admin(&["--queue-url", &dead, "replay-dead-letters", "--yes"]);
    assert_eq!(
        replayed.json(),
        json!({ "replayed": 1, "unreadable": 0, "came_back": 1 })
    );
    assert_eq!(yard.bodies(&dead).await, [WAKE_UP]);
}
