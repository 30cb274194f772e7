//! The start function: calls and runs.

use lambda_http::{Error, run, service_fn};
use ringfence_shell::metrics::EmbeddedMetrics;
use ringfence_shell::{cloud, config, logging};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    logging::init();
    let world = cloud::connect(&config::environment).await?;
    let metrics = EmbeddedMetrics::from_env(&config::environment);
    let host = world.public_host;
    run(service_fn(async |request| {
        Ok::<_, Error>(start::handle(&world, host, &metrics, request).await)
    }))
    .await
}
