//! Whether the webhook can be reached, turns strangers away, and knows Twilio's signature.
//!
//! It is told a report that is about no call, which it passes over.

use anyhow::Result;
use bytes::Bytes;
use http::{Method, Request, header};
use ringfence_carrier::callback::STATUS_PATH;
use ringfence_carrier::host::PublicHost;
use ringfence_carrier::settings::Secret;
use ringfence_carrier::signature;
use ringfence_carrier::transport::{HttpTransport, Transport};
use ringfence_core::timing::Timing;
use ringfence_shell::config::Telephony;

use super::report::Finding;
use crate::office::transport;
use crate::target::Place;

const REACHED: &str = "webhook";
const UNSIGNED: &str = "webhook, unsigned";
const SIGNED: &str = "webhook, signed";

pub(super) async fn check(
    place: &Place,
    telephony: &Telephony,
    timing: &Timing,
) -> Result<Vec<Finding>> {
    let Some(host) = &telephony.public_host else {
        let todo = match place
            .deployed
            .as_ref()
            .and_then(|it| it.output("WebhookUrl"))
        {
            Some(url) => format!("deploy again with PublicHost, the host of {url}"),
            None => "set PUBLIC_HOST to the host by which Twilio reaches the webhook".to_owned(),
        };
        return Ok(vec![Finding::fail(
            REACHED,
            "there is no public host, so nothing is called",
            todo,
        )]);
    };
    let way = transport(timing)?;
    let form = [("AccountSid", telephony.account.sid.as_str())];
    let unsigned = probe(&way, host, &form, None).await;
    let Some(unsigned) = unsigned else {
        let seen = format!("{} does not answer", host.url(""));
        let todo = "see whether PublicHost is the host of the output WebhookUrl, or leads there";
        return Ok(vec![Finding::fail(REACHED, seen, todo)]);
    };
    let mut findings = vec![judge_unsigned(unsigned)];
    if telephony.signing_tokens.is_empty() {
        findings.push(Finding::skipped(
            SIGNED,
            "the token that signs is not known",
        ));
    }
    for (place, token) in telephony.signing_tokens.iter().enumerate() {
        let answer = probe(&way, host, &form, Some(token)).await;
        findings.push(judge_signed(answer, place > 0));
    }
    Ok(findings)
}

/// Sends a report about no call, and says with what status it was answered.
async fn probe(
    way: &HttpTransport,
    host: &PublicHost,
    form: &[(&str, &str)],
    token: Option<&Secret>,
) -> Option<u16> {
    let url = host.url(STATUS_PATH);
    let body: String = form
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let mut request = Request::builder()
        .method(Method::POST)
        .uri(&url)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    if let Some(token) = token {
        request = request.header(signature::HEADER, signature::sign(token, &url, form));
    }
    let request = request.body(Bytes::from(body)).ok()?;
    let answer = way.send(request).await.ok()?;
    Some(answer.status().as_u16())
}

fn judge_unsigned(status: u16) -> Finding {
    match status {
        403 => Finding::ok(UNSIGNED, "a stranger is turned away"),
        200..=299 => {
            let todo =
                "let PublicHost lead to the webhook function, and to nothing that answers for it";
            Finding::fail(UNSIGNED, format!("a stranger is believed ({status})"), todo)
        }
        404 => {
            let todo =
                "see whether PublicHost is the host of the output WebhookUrl, or leads there";
            Finding::fail(UNSIGNED, "nobody there knows the path (404)", todo)
        }
        status => {
            let todo = "look into the webhook function's log";
            Finding::fail(UNSIGNED, format!("it answers {status}, not 403"), todo)
        }
    }
}

fn judge_signed(status: Option<u16>, is_previous: bool) -> Finding {
    let whose = if is_previous {
        "the previous token's"
    } else {
        "the token's"
    };
    match status {
        Some(200..=299) => Finding::ok(SIGNED, format!("{whose} signature is believed")),
        Some(403) => {
            let todo = "give the webhook function this account, this token and this PublicHost, and see that nothing on the way changes the path";
            Finding::fail(SIGNED, format!("{whose} signature is turned away"), todo)
        }
        Some(status) => {
            let todo = "look into the webhook function's log";
            Finding::fail(SIGNED, format!("it answers {status}"), todo)
        }
        None => Finding::fail(SIGNED, "it does not answer", "try again"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Verdict;

    #[test]
    fn only_a_webhook_that_tells_twilio_from_strangers_is_well() {
        for (status, expected) in [
            (403, Verdict::Ok),
            (204, Verdict::Fail),
            (404, Verdict::Fail),
            (502, Verdict::Fail),
        ] {
            assert_eq!(judge_unsigned(status).verdict, expected, "{status}");
        }
        for (status, expected) in [
            (Some(204), Verdict::Ok),
            (Some(403), Verdict::Fail),
            (Some(503), Verdict::Fail),
            (None, Verdict::Fail),
        ] {
            assert_eq!(judge_signed(status, false).verdict, expected, "{status:?}");
        }
    }
}
