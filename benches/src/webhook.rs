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
use ringfence_carrier::host::PublicHost;
use ringfence_carrier::settings::Secret;
use ringfence_carrier::signature;
use ringfence_core::call::Job;
use ringfence_core::ids::{CallId, RunId};
use ringfence_core::time::Timestamp;
use ringfence_local::environment::Environment;
use ringfence_local::event::{lambda_request, payload};
use ringfence_local::twilio::Behaviour;

use crate::process::cpu_seconds;
use crate::report::Table;
use crate::stage::{Office, Stage};
use crate::stats::median;

const CALLBACKS: u32 = 1_000;
/// Ours and the floor take turns, so that a neighbour disturbs both.
const PASSES: u32 = 7;

/// A callback as it comes, and what it was signed over.
struct Signed {
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
    let host = plan
        .telephony
        .public_host
        .clone()
        .context("there is a host")?;
    let token = plan.telephony.signing_tokens[0].clone();
    let account = plan.telephony.account.sid.as_str().to_owned();
    let world = Environment::start(plan).world;
    let webhook = Webhook::new(Parts {
        account: plan.telephony.account.sid.clone(),
        tokens: plan.telephony.signing_tokens.clone(),
        host: plan.telephony.public_host.clone(),
        queue: world.queue,
        ledger: world.ledger,
        clock: Arc::clone(&plan.clock),
        metrics: plan.metrics.clone(),
    });
    let now = (plan.clock)();
    let signed: Vec<Signed> = (0..CALLBACKS)
        .map(|number| sign(&office, &host, &token, &account, number, now))
        .collect::<Result<_>>()?;

    let sqs = plan.queue.client();
    let mut spans: [Vec<f64>; 3] = Default::default();
    let mut cpu: [Vec<f64>; 3] = Default::default();
    for _ in 0..PASSES {
        let mut requests = Vec::new();
        for one in &signed {
            requests.push(lambda_request(&payload(
                &one.request()?,
                "$default",
                None,
                now,
            )?)?);
        }
        let watch = Watch::start()?;
        for request in requests {
            let answer = ::webhook::handle(&webhook, request).await;
            ensure!(
                answer.status() == 204,
                "a callback is taken: {}",
                answer.status()
            );
        }
        watch.stop(&mut spans[0], &mut cpu[0])?;

        let watch = Watch::start()?;
        for one in &signed {
            check(one, &token, now)?;
        }
        watch.stop(&mut spans[1], &mut cpu[1])?;

        let watch = Watch::start()?;
        for number in 0..CALLBACKS {
            // As long as a report is.
            let send = sqs.send_message().queue_url(plan.queue.url());
            send.message_body(format!("{number:0250}")).send().await?;
        }
        watch.stop(&mut spans[2], &mut cpu[2])?;
    }
    let [ours, floor, _] = spans.map(|spans| median(&spans).unwrap_or_default());
    let [our_cpu, floor_cpu, send_cpu] = cpu.map(|cpu| 1e6 * median(&cpu).unwrap_or_default());
    let mut table = Table::of("webhook");
    table.floored(
        CALLBACKS,
        "callbacks",
        "per second",
        1.0 / ours,
        1.0 / floor,
    );
    table.floored(
        CALLBACKS,
        "processor time of a callback",
        "us",
        our_cpu,
        floor_cpu,
    );
    let metric = "processor time; floor: the SDK sends one message";
    table.floored(CALLBACKS, metric, "us", our_cpu, send_cpu);
    Ok(table)
}

/// A pass, as it is measured.
struct Watch {
    begun: Instant,
    cpu: f64,
}

impl Watch {
    fn start() -> Result<Self> {
        let (begun, cpu) = (Instant::now(), cpu_seconds()?);
        Ok(Self { begun, cpu })
    }

    /// Notes the seconds of one callback.
    fn stop(self, spans: &mut Vec<f64>, cpu: &mut Vec<f64>) -> Result<()> {
        spans.push(self.begun.elapsed().as_secs_f64() / f64::from(CALLBACKS));
        cpu.push((cpu_seconds()? - self.cpu) / f64::from(CALLBACKS));
        Ok(())
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
fn sign(
    office: &Office,
    host: &PublicHost,
    token: &Secret,
    account: &str,
    number: u32,
    now: Timestamp,
) -> Result<Signed> {
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
    fn request(&self) -> Result<Request<Bytes>> {
        let request = Request::builder()
            .method("POST")
            .uri(&self.url)
            .header("content-type", "application/x-www-form-urlencoded")
            .header(signature::HEADER, &self.signature);
        Ok(request.body(self.body.clone())?)
    }
}
