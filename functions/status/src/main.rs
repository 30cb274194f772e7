//! The status function: reads only.

use lambda_http::{Error, run, service_fn};
use ringfence_ledger::Side;
use ringfence_shell::{cloud, config, logging};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    logging::init();
    let ledger = cloud::ledger(&config::environment, Side::Businesses).await?;
    let clock = cloud::wall_clock();
    run(service_fn(async |request| {
        Ok::<_, Error>(status::handle(&ledger, clock(), request).await)
    }))
    .await
}
