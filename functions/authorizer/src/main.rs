//! The authorizer function.

use std::time::Duration;

use authorizer::Authorizer;
use authorizer::tokens::{Tokens, Trusted};
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use ringfence_carrier::transport::{HttpTransport, Timeouts};
use ringfence_ledger::Side;
use ringfence_shell::{cloud, config, logging};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    logging::init();
    let tokens = match Trusted::from_env(&config::environment)? {
        Some(trusted) => Some(Tokens::new(trusted, issuer()?)),
        None => None,
    };
    let authorizer = Authorizer {
        ledger: cloud::ledger(&config::environment, Side::Keys).await?,
        clock: cloud::wall_clock(),
        tokens,
    };
    run(service_fn(async |event: LambdaEvent<_>| {
        authorizer::handle(&authorizer, event.payload)
            .await
            .map_err(Error::from)
    }))
    .await
}

/// The way to the issuer: twice two seconds are well within the ten that API Gateway waits.
fn issuer() -> anyhow::Result<HttpTransport> {
    HttpTransport::new(Timeouts {
        connect: Duration::from_secs(1),
        total: Duration::from_secs(2),
    })
}
