//! The webhook function, behind a URL that Twilio calls.

use lambda_http::{Error, run, service_fn};
use ringfence_shell::metrics::EmbeddedMetrics;
use ringfence_shell::{cloud, config, logging};
use webhook::{Parts, Webhook, handle};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    logging::init();
    let (telephony, desk) = cloud::reports(&config::environment).await?;
    let webhook = Webhook::new(Parts {
        account: telephony.account.sid,
        tokens: telephony.signing_tokens,
        host: telephony.public_host,
        queue: desk.queue,
        ledger: desk.ledger,
        clock: desk.clock,
        metrics: EmbeddedMetrics::from_env(&config::environment),
    });
    run(service_fn(async |request| {
        Ok::<_, Error>(handle(&webhook, request).await)
    }))
    .await
}
