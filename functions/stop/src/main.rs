//! The stop function: stops runs and settles on demand.

use lambda_http::{Error, run, service_fn};
use ringfence_shell::metrics::EmbeddedMetrics;
use ringfence_shell::{cloud, config, logging};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    logging::init();
    let world = cloud::connect(&config::environment).await?;
    let metrics = EmbeddedMetrics::from_env(&config::environment);
    run(service_fn(async |request| {
        Ok::<_, Error>(stop::handle(&world, &metrics, request).await)
    }))
    .await
}
