//! Signatures: only the carrier reports on a call, and nothing that it reports gets lost here.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode};
use ringfence_carrier::settings::Secret;
use ringfence_carrier::signature::{HEADER, sign};
use ringfence_local::aws::queue::QueueFaults;
use ringfence_local::twilio::{Delivery, Script};

use crate::story::{Office, Setting, Story};

/// A call that lasts an hour, and the address to report on it.
pub(crate) struct Line {
    pub(crate) story: Story,
    office: Office,
    pub(crate) url: String,
    pub(crate) token: Secret,
    account: String,
    sid: String,
}

impl Line {
    pub(crate) async fn open(setting: Setting) -> Self {
        let mut story = setting.begin().await;
        let office = story.open(3).await;
        let (leads, numbers) = story.import_numbers(&office, 1).await;
        let hour = Duration::from_secs(3_600);
        story
            .twilio
            .script(numbers[0].clone(), Script::talks(Duration::ZERO, hour));
        story.start(&office, &leads).await.of_status(200);
        let telephony = &story.stack.plan.telephony;
        let (token, account) = (
            telephony.signing_tokens[0].clone(),
            telephony.account.sid.as_str(),
        );
        let account = account.to_owned();
        let truth = story.truth();
        let parameters = &truth.creates[0].parameters;
        let mut urls = parameters
            .iter()
            .filter(|(name, _)| name == "StatusCallback");
        let (_, url) = urls.next().expect("reports are asked for");
        let (url, _) = url.split_once('#').expect("with retries");
        let (url, sid) = (url.to_owned(), truth.calls[0].sid.to_string());
        Self {
            story,
            office,
            url,
            token,
            account,
            sid,
        }
    }

    /// What the carrier would tell of the call.
    pub(crate) fn form<'a>(&'a self, status: &'a str) -> Vec<(&'a str, &'a str)> {
        vec![
            ("AccountSid", &self.account),
            ("CallSid", &self.sid),
            ("CallStatus", status),
        ]
    }

    /// Sends a form to an address with this signature.
    pub(crate) async fn tell(
        &self,
        url: &str,
        form: &[(&str, &str)],
        signature: Option<&str>,
    ) -> StatusCode {
        let pairs: Vec<String> = form
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let mut request = Request::builder().method("POST").uri(url).header(
            "content-type",
            "application/x-www-form-urlencoded; charset=UTF-8",
        );
        if let Some(signature) = signature {
            request = request.header(HEADER, signature);
        }
        let request = request
            .body(Bytes::from(pairs.join("&")))
            .expect("it is well-formed");
        self.story.send_raw(request).await.status
    }

    /// How many slots are taken, once every message was dealt with.
    async fn active(&self) -> u64 {
        self.story.wait(2).await;
        self.story.active(&self.office).await
    }
}

#[tokio::test(start_paused = true)]
async fn a_report_is_believed_only_with_the_carrier_s_signature() {
    let line = Line::open(Setting::plain()).await;
    let (url, form) = (&line.url, line.form("completed"));
    let right = sign(&line.token, url, &form);
    let elsewhere = url.replace("ringfence.example", "other.example");
    let others_call = url.replace("c=", "c=0");
    let more = format!("{url}&x=1");
    let mut longer = form.clone();
    longer.push(("CallDuration", "9"));
    let cases = [
        (url, &form, None),
        (url, &form, Some(String::new())),
        (url, &form, Some("AAAAAAAAAAAAAAAAAAAAAAAAAAA=".to_owned())),
        (url, &form, Some(right.to_lowercase())),
        (url, &form, Some(sign(&Secret::new("another"), url, &form))),
        (url, &form, Some(sign(&Secret::new(""), url, &form))),
        (url, &form, Some(sign(&line.token, &elsewhere, &form))),
        (url, &form, Some(sign(&line.token, url, &line.form("busy")))),
        (url, &longer, Some(right.clone())),
        (&more, &form, Some(right.clone())),
        (&others_call, &form, Some(right.clone())),
    ];
    for (case, (url, form, signature)) in cases.into_iter().enumerate() {
        let status = line.tell(url, form, signature.as_deref()).await;
        assert_eq!(status, StatusCode::FORBIDDEN, "case {case}");
    }
    assert_eq!(line.active().await, 1, "none of them ended the call");
    assert_eq!(
        line.tell(url, &form, Some(&right)).await,
        StatusCode::NO_CONTENT
    );
    assert_eq!(line.active().await, 0, "the carrier's own did");
}

#[tokio::test(start_paused = true)]
async fn a_report_of_another_account_is_not_believed() {
    let line = Line::open(Setting::plain()).await;
    let other = "AC11111111111111111111111111111111";
    let others = [
        ("AccountSid", other),
        ("CallSid", &line.sid),
        ("CallStatus", "completed"),
    ];
    let nobodys = [("CallSid", line.sid.as_str()), ("CallStatus", "completed")];
    let mut both = line.form("completed");
    both.push(("AccountSid", other));
    for form in [&others[..], &nobodys[..], &both[..]] {
        let signature = sign(&line.token, &line.url, form);
        let status = line.tell(&line.url, form, Some(&signature)).await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{form:?}");
    }
    assert_eq!(line.active().await, 1);
}

#[tokio::test(start_paused = true)]
async fn a_signed_report_of_something_that_we_do_not_know_changes_nothing() {
    let line = Line::open(Setting::plain()).await;
    let strangers = line
        .url
        .replace("/webhook/call_status?b=", "/webhook/call_status?b=x");
    let no_call = line.url.replace("c=", "d=");
    let cases = [
        (&line.url, line.form("on-hold")),
        (&line.url, line.form("")),
        (&line.url, line.form("Completed")),
        (&strangers, line.form("completed")),
        (&no_call, line.form("completed")),
        (&line.url, line.form("in-progress")),
    ];
    for (case, (url, form)) in cases.into_iter().enumerate() {
        let signature = sign(&line.token, url, &form);
        let status = line.tell(url, &form, Some(&signature)).await;
        assert_eq!(status, StatusCode::NO_CONTENT, "case {case}");
    }
    assert_eq!(line.active().await, 1);
    assert_eq!(line.story.stack.plan.queue.depth().dead, 0);
}

#[tokio::test(start_paused = true)]
async fn the_old_token_is_accepted_while_it_is_being_rotated() {
    let mut story = Setting::plain().begin().await;
    let tokens = &mut story.stack.plan.telephony.signing_tokens;
    tokens.insert(0, Secret::new("the new token"));
    story.restart().await;
    let office = story.open(3).await;
    let leads = story.import(&office, 3).await;
    story.start(&office, &leads).await.of_status(200);
    story.wait(32).await;
    assert_eq!(
        story.active(&office).await,
        0,
        "reports signed with the old one are believed"
    );
    let record = story
        .get(&office, "/api/outbound/recent-calls")
        .await
        .of_status(200);
    assert_eq!(record["items"][0]["status"], "completed");
}

#[tokio::test(start_paused = true)]
async fn a_report_that_cannot_be_handed_on_is_asked_for_again() {
    let mut story = Setting::plain().begin().await;
    let told: Arc<Mutex<Vec<StatusCode>>> = Arc::default();
    let (gateway, log) = (Arc::clone(&story.stack.gateway), Arc::clone(&told));
    story
        .twilio
        .deliver_by(Delivery::in_process(move |request| {
            let (gateway, log) = (Arc::clone(&gateway), Arc::clone(&log));
            Box::pin(async move {
                let answer = gateway.answer(request).await;
                log.lock().unwrap().push(answer.status());
                Ok(answer)
            })
        }));
    let office = story.open(3).await;
    let leads = story.import(&office, 1).await;
    story.start(&office, &leads).await.of_status(200);
    story.wait(29).await;
    told.lock().unwrap().clear();
    story.stack.plan.queue.misbehave(QueueFaults {
        refuse: 1.0,
        ..QueueFaults::NONE
    });
    tokio::time::sleep(Duration::from_millis(1_300)).await;
    story.stack.plan.queue.misbehave(QueueFaults::NONE);
    story.wait(5).await;
    let told = told.lock().unwrap().clone();
    let (last, before) = told.split_last().expect("it was told");
    assert!(!before.is_empty());
    assert!(
        before
            .iter()
            .all(|status| *status == StatusCode::SERVICE_UNAVAILABLE),
        "{told:?}"
    );
    assert_eq!(*last, StatusCode::NO_CONTENT);
    assert_eq!(story.active(&office).await, 0);
}
