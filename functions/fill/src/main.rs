//! The fill function: SQS in, calls out.

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use ringfence_shell::metrics::EmbeddedMetrics;
use ringfence_shell::{cloud, config, logging};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    logging::init();
    let world = cloud::connect(&config::environment).await?;
    let metrics = EmbeddedMetrics::from_env(&config::environment);
    run(service_fn(async |event: LambdaEvent<_>| {
        Ok::<_, Error>(fill::handle(&world, &metrics, event.payload).await)
    }))
    .await
}
