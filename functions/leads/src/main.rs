//! The leads function: imports, lists and deletes leads.

use lambda_http::{Error, run, service_fn};
use leads::store::{Store, bucket_from_env};
use ringfence_shell::{cloud, config, logging};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    logging::init();
    let ledger = cloud::ledger(&config::environment).await?;
    let s3 = aws_sdk_s3::Client::new(&cloud::aws_config().await);
    let store = Store::new(&s3, bucket_from_env(&config::environment)?);
    let clock = cloud::wall_clock();
    let leads_max = config::leads_max_from_env(&config::environment)?;
    run(service_fn(async |request| {
        Ok::<_, Error>(leads::handle(&ledger, &store, leads_max, clock(), request).await)
    }))
    .await
}
