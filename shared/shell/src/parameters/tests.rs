//! A parameter is asked for once, signed, and read as what it stands for.

use aws_config::Region;
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::*;
use crate::config::Telephony;

const ACCOUNT: &str = "AC00000000000000000000000000000001";

/// Answers each request with the next of these, and gives back what was asked.
async fn service(answers: Vec<(u16, &'static str)>) -> (SdkConfig, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let heard = tokio::spawn(async move {
        let mut heard = Vec::new();
        for (status, body) in answers {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut asked = Vec::new();
            while !String::from_utf8_lossy(&asked).contains("\"WithDecryption\":true}") {
                let mut some = [0; 4096];
                let read = stream.read(&mut some).await.unwrap();
                asked.extend(&some[..read]);
            }
            heard.push(String::from_utf8(asked).unwrap());
            let length = body.len();
            let answer = format!(
                "HTTP/1.1 {status} X\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
            );
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
        heard
    });
    let credentials = Credentials::new(
        "AKID",
        "never sent",
        Some("session".to_owned()),
        None,
        "test",
    );
    let aws = SdkConfig::builder()
        .region(Region::new("eu-central-1"))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .endpoint_url(origin)
        .build();
    (aws, heard)
}

fn lookup(variable: &'static str) -> impl Fn(&str) -> Option<String> {
    move |name| match name {
        "TWILIO_ACCOUNT_SID" => Some(ACCOUNT.to_owned()),
        name if name == variable => Some("/ringfence/secret:2".to_owned()),
        _ => None,
    }
}

async fn read(lookup: Lookup<'_>, aws: &SdkConfig) -> Result<Secrets> {
    Named::from_env(lookup).read(lookup, aws).await
}

const HUSH: &str = r#"{"Parameter":{"Name":"/ringfence/secret","Value":"hush"}}"#;

#[tokio::test]
async fn a_parameter_is_asked_for_decrypted_and_signed() {
    let (aws, heard) = service(vec![(200, HUSH)]).await;
    let secrets = read(&lookup(SIGNING), &aws).await.unwrap();
    assert_eq!(secrets.get(&|_| None, "TWILIO_AUTH_TOKEN").unwrap(), "hush");
    let asked = heard.await.unwrap().remove(0);
    let (head, body) = asked.split_once("\r\n\r\n").unwrap();
    let head = head.to_lowercase();
    assert!(head.starts_with("post / "), "{head}");
    for part in [
        "x-amz-target: amazonssm.getparameter",
        "content-type: application/x-amz-json-1.1",
        "/eu-central-1/ssm/aws4_request",
        "signedheaders=content-type;host;x-amz-date;x-amz-security-token;x-amz-target",
        "x-amz-security-token: session",
    ] {
        assert!(head.contains(part), "{part} in {head}");
    }
    assert!(!asked.contains("never sent"));
    assert_eq!(
        body,
        r#"{"Name":"/ringfence/secret:2","WithDecryption":true}"#
    );
}

#[tokio::test]
async fn a_passing_fault_is_passed_over_and_a_refusal_is_not_repeated() {
    let (aws, heard) = service(vec![
        (500, "{}"),
        (400, r#"{"__type":"ThrottlingException"}"#),
        (200, HUSH),
    ])
    .await;
    assert!(read(&lookup(SIGNING), &aws).await.is_ok());
    assert_eq!(heard.await.unwrap().len(), 3);
    let denied = r#"{"__type":"AccessDeniedException","Message":"hush"}"#;
    let (aws, heard) = service(vec![(400, denied)]).await;
    let error = read(&lookup(PLACING), &aws).await.err().unwrap();
    let said = format!("{error:#}");
    assert!(
        said.contains("AccessDeniedException") && !said.contains("hush"),
        "{said}"
    );
    assert_eq!(heard.await.unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_asked_too_much_is_asked_more_and_more_seldom_and_not_for_ever() {
    let began = tokio::time::Instant::now();
    let asked = std::cell::RefCell::new(Vec::new());
    let answer = persist("/ringfence/secret", || {
        asked.borrow_mut().push(began.elapsed());
        async { Err(anyhow!("ThrottlingException")) }
    });
    let error = answer.await.unwrap_err();
    assert!(format!("{error:#}").contains("ThrottlingException"));
    let asked = asked.into_inner();
    assert!(asked.len() > 4, "{asked:?}");
    let pauses: Vec<_> = asked.windows(2).map(|two| two[1] - two[0]).collect();
    for (pause, most) in pauses.iter().zip([200, 400, 800, 1_600, 1_600]) {
        assert!(*pause <= Duration::from_millis(most + 1), "{pauses:?}");
    }
    assert!(*asked.last().unwrap() + PATIENCE <= PERSISTENCE);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_does_not_answer_is_not_waited_for_longer_than_a_start_may_last() {
    let began = tokio::time::Instant::now();
    let silence = persist("/ringfence/secret", std::future::pending);
    assert!(silence.await.is_err());
    assert!(began.elapsed() <= PERSISTENCE);
}

#[tokio::test]
async fn an_empty_parameter_stops_the_start() {
    let empty = r#"{"Parameter":{"Name":"n","Value":" "}}"#;
    let (aws, _) = service(vec![(200, empty)]).await;
    assert!(read(&lookup(SIGNING), &aws).await.is_err());
}

#[tokio::test]
async fn without_a_name_nobody_is_asked() {
    let aws = SdkConfig::builder().build();
    let secrets = read(&|_| Some(" ".to_owned()), &aws).await.unwrap();
    assert!(secrets.0.is_empty());
    let own = |name: &str| Some(format!("own {name}"));
    assert_eq!(secrets.get(&own, "X").unwrap(), "own X");
}

/// What a function that places calls makes of a parameter's text.
fn places_with(text: &str) -> (String, Vec<String>) {
    let secrets = Secrets::of(ACCOUNT.to_owned(), Some(text), None);
    let lookup = lookup(PLACING);
    let account = Telephony::placing_from_env(&|name| secrets.get(&lookup, name)).unwrap();
    let tokens = account
        .signing_tokens
        .iter()
        .map(|token| token.expose().to_owned());
    (
        format!(
            "{}:{}",
            account.account.user,
            account.account.secret.expose()
        ),
        tokens.collect(),
    )
}

#[test]
fn who_places_calls_has_nothing_that_signs() {
    assert_eq!(places_with("SK1:s:x\n"), ("SK1:s:x".to_owned(), vec![]));
    assert_eq!(places_with(" token "), (format!("{ACCOUNT}:token"), vec![]));
}

#[test]
fn both_tokens_of_a_rotation_are_believed() {
    let tokens = |text: &str| {
        let secrets = Secrets::of(ACCOUNT.to_owned(), None, Some(text));
        let lookup = lookup(SIGNING);
        let telephony = Telephony::from_env(&|name| secrets.get(&lookup, name)).unwrap();
        let tokens = telephony.signing_tokens.iter();
        tokens
            .map(|token| token.expose().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(tokens("one\n"), ["one"]);
    assert_eq!(tokens("new, old"), ["new", "old"]);
}
