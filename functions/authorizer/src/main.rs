//! The authorizer function.

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use ringfence_shell::{cloud, config, logging};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    logging::init();
    let ledger = cloud::ledger(&config::environment).await?;
    run(service_fn(async |event: LambdaEvent<_>| {
        authorizer::handle(&ledger, event.payload)
            .await
            .map_err(Error::from)
    }))
    .await
}
