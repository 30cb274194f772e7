//! The same Twilio on a port.

use super::*;

async fn post(client: &reqwest::Client, url: &str) -> Result<Bytes, reqwest::Error> {
    let form = [
        ("To", TO),
        ("From", FROM),
        ("Url", "http://127.0.0.1:9/twiml"),
    ];
    let request = client
        .post(url)
        .basic_auth(ACCOUNT, Some(TOKEN))
        .form(&form);
    request.send().await?.bytes().await
}

#[tokio::test]
async fn a_port_answers_breaks_off_or_stays_silent() {
    let twilio = SimTwilio::new(settings(Faults::none(), 7));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(twilio.clone().serve(listener));
    let client = reqwest::Client::builder()
        .no_proxy()
        .timeout(Duration::from_millis(300))
        .build()
        .unwrap();
    let url = format!("http://{address}/2010-04-01/Accounts/{ACCOUNT}/Calls.json");

    let body: Value = serde_json::from_slice(&post(&client, &url).await.unwrap()).unwrap();
    assert_eq!(body["status"], "queued");
    twilio.script(number(TO), Script::fated(Fate::MadeUnknown(Silence::Reset)));
    assert!(!post(&client, &url).await.unwrap_err().is_timeout());
    twilio.script(number(TO), Script::fated(Fate::MadeUnknown(Silence::Hang)));
    assert!(post(&client, &url).await.unwrap_err().is_timeout());
    assert_eq!(twilio.truth().calls.len(), 3);
    server.abort();
}
