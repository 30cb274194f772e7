//! Callbacks that the webhook takes in a second, and the processor time of each; beside the
//! checking of the signature and the reading of the report alone.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ::webhook::{Parts, Webhook};
use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use http::Request;
use ringfence_carrier::callback::{CallTag, Callback};
use ringfence_carrier::form::Form;
use ringfence_carrier::settings::Secret;
use ringfence_carrier::signature;
use ringfence_core::call::Job;
use ringfence_core::ids::{CallId, RunId};
use ringfence_core::time::Timestamp;
use ringfence_local::environment::{Blueprint, Environment};
use ringfence_local::event::{lambda_request, payload};
use ringfence_local::twilio::Behaviour;
use ringfence_shell::config::Telephony;

use crate::process::cpu_seconds;
use crate::report::Table;
use crate::stage::{Office, Stage};
use crate::stats::median;

const CALLBACKS: u32 = 1_000;
/// Ours and the floor take turns, so that a neighbour disturbs both.
const PASSES: u32 = 7;

/// A callback as it comes, and what it was signed over.
pub(crate) struct Signed {
    url: String,
    query: String,
    body: Bytes,
    signature: String,
}

pub(crate) async fn run() -> Result<Table> {
    let mut stage = Stage::set(Behaviour::exactly(Duration::ZERO, Duration::ZERO)).await?;
    let office = stage.open(3).await?;
    stage.lose_messages();
    let plan = &stage.stack.plan;
    let token = &plan.telephony.signing_tokens[0];
    let (webhook, now) = (webhook(plan), (plan.clock)());
    let signed: Vec<Signed> = (0..CALLBACKS)
        .map(|number| sign(&office, &plan.telephony, number, now))
        .collect::<Result<_>>()?;
    let sqs = plan.queue.client();
    let mut passes: [Vec<Pass>; 3] = Default::default();
    for _ in 0..PASSES {
        let mut requests = Vec::new();
        for one in &signed {
            let event = payload(&one.request()?, "$default", None, now)?;
            requests.push(lambda_request(&event)?);
        }
        let watch = Watch::start()?;
        for request in requests {
            let status = ::webhook::handle(&webhook, request).await.status();
            ensure!(status == 204, "a callback is taken: {status}");
        }
        passes[0].push(watch.stop()?);

        let watch = Watch::start()?;
        for one in &signed {
            check(one, token, now)?;
        }
        passes[1].push(watch.stop()?);

        let watch = Watch::start()?;
        for number in 0..CALLBACKS {
            // As long as a report is.
            let send = sqs.send_message().queue_url(plan.queue.url());
            send.message_body(format!("{number:0250}")).send().await?;
        }
        passes[2].push(watch.stop()?);
    }
    let middle = |passes: &Vec<Pass>, of: fn(&Pass) -> f64| {
        let values: Vec<f64> = passes.iter().map(of).collect();
        median(&values).unwrap_or_default()
    };
    let [ours, floor, _] = passes
        .each_ref()
        .map(|some| middle(some, |pass| pass.seconds));
    let [our_cpu, floor_cpu, send_cpu] = passes
        .each_ref()
        .map(|some| middle(some, |pass| 1e6 * pass.cpu_seconds));
    let mut table = Table::of("webhook");
    table.floored(
        CALLBACKS,
        "callbacks",
        "per second",
        1.0 / ours,
        1.0 / floor,
    );
    let metric = "processor time of a callback; floor: check and parse";
    table.floored(CALLBACKS, metric, "us", our_cpu, floor_cpu);
    let metric = "processor time of a callback; floor: the SDK sends";
    table.floored(CALLBACKS, metric, "us", our_cpu, send_cpu);
    Ok(table)
}

/// The function, in an environment of its own.
pub(crate) fn webhook(plan: &Blueprint) -> Webhook {
    let world = Environment::start(plan).world;
    Webhook::new(Parts {
        account: plan.telephony.account.sid.clone(),
        tokens: plan.telephony.signing_tokens.clone(),
        host: plan.telephony.public_host.clone(),
        queue: world.queue,
        ledger: world.ledger,
        clock: Arc::clone(&plan.clock),
        metrics: plan.metrics.clone(),
    })
}

/// What one callback took in a pass.
struct Pass {
    seconds: f64,
    cpu_seconds: f64,
}

/// Measures a pass.
struct Watch {
    begun: Instant,
    cpu: f64,
}

impl Watch {
    fn start() -> Result<Self> {
        let (begun, cpu) = (Instant::now(), cpu_seconds()?);
        Ok(Self { begun, cpu })
    }

    fn stop(self) -> Result<Pass> {
        let of_one = |seconds: f64| seconds / f64::from(CALLBACKS);
        Ok(Pass {
            seconds: of_one(self.begun.elapsed().as_secs_f64()),
            cpu_seconds: of_one(cpu_seconds()? - self.cpu),
        })
    }
}

/// The floor: what has to be computed for any callback.
fn check(signed: &Signed, token: &Secret, now: Timestamp) -> Result<()> {
    let form = Form::parse(&signed.body)?;
    let tokens = std::slice::from_ref(token);
    let is_signed = signature::verify(tokens, &signed.url, form.pairs(), &signed.signature);
    ensure!(is_signed, "the signature is right");
    let callback = Callback::parse(&signed.query, &form, now)?;
    callback.report().context("it is a report")?;
    Ok(())
}

/// The final callback of one call, as Twilio sends it.
pub(crate) fn sign(
    office: &Office,
    telephony: &Telephony,
    number: u32,
    now: Timestamp,
) -> Result<Signed> {
    let host = telephony.public_host.as_ref().context("there is a host")?;
    let (account, token) = (telephony.account.sid.as_str(), &telephony.signing_tokens[0]);
    let random = u128::from(number).to_be_bytes();
    let mut bytes = [0; 10];
    bytes.copy_from_slice(&random[6..]);
    let id = uuid::Builder::from_unix_timestamp_millis(now.as_millis(), &bytes);
    let tag = CallTag {
        business: office.id.clone(),
        call: CallId::new(id.into_uuid()),
        job: Job::OfRun {
            run: RunId::new(1).context("1 is a run")?,
            index: number,
        },
        lead: ringfence_core::ids::LeadId::new(number + 1).context("it is a lead")?,
    };
    let url = tag.status_url(host);
    // The fragment is for Twilio.
    let url = url.split('#').next().unwrap_or_default().to_owned();
    let (sid, from) = (format!("CA{number:032x}"), "+97231000000");
    let to = format!("+97250{number:07}");
    let pairs = [
        ("CallSid", sid.as_str()),
        ("AccountSid", account),
        ("From", from),
        ("To", &to),
        ("Caller", from),
        ("Called", &to),
        ("CallStatus", "completed"),
        ("Direction", "outbound-api"),
        ("ApiVersion", "2010-04-01"),
        ("Timestamp", "Mon, 16 Aug 2027 03:45:01 +0000"),
        ("CallbackSource", "call-progress-events"),
        ("SequenceNumber", "0"),
        ("CallDuration", "42"),
        ("Duration", "1"),
        ("SipResponseCode", "200"),
    ];
    let mut form = form_urlencoded::Serializer::new(String::new());
    let body = form.extend_pairs(pairs).finish();
    Ok(Signed {
        signature: signature::sign(token, &url, &pairs),
        query: url
            .split_once('?')
            .context("there is a query")?
            .1
            .to_owned(),
        body: body.into(),
        url,
    })
}

impl Signed {
    pub(crate) fn request(&self) -> Result<Request<Bytes>> {
        let request = Request::builder()
            .method("POST")
            .uri(&self.url)
            .header("content-type", "application/x-www-form-urlencoded")
            .header(signature::HEADER, &self.signature);
        Ok(request.body(self.body.clone())?)
    }
}
