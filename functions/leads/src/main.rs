//! The leads function: imports, lists and deletes leads, and keeps the do-not-call list.

use lambda_http::{Error, run, service_fn};
use leads::store::{Store, bucket_from_env};
use ringfence_shell::{cloud, config, logging};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    logging::init();
    let aws = cloud::aws_config().await?;
    let office = cloud::desk(&config::environment, &aws).await?;
    let s3 = aws_sdk_s3::Client::new(&aws);
    let store = Store::new(&s3, bucket_from_env(&config::environment)?);
    let leads_max = config::leads_max_from_env(&config::environment)?;
    run(service_fn(async |request| {
        let now = (office.clock)();
        Ok::<_, Error>(leads::handle(&office, &store, leads_max, now, request).await)
    }))
    .await
}
