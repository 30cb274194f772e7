//! The sweep function, run every minute.

use aws_lambda_events::event::eventbridge::EventBridgeEvent;
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use ringfence_shell::metrics::EmbeddedMetrics;
use ringfence_shell::{cloud, config, logging};
use serde_json::Value;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    logging::init();
    let desk = cloud::cold_desk(&config::environment, &cloud::aws_config().await?)?;
    let metrics = EmbeddedMetrics::from_env(&config::environment);
    run(service_fn(
        async |_: LambdaEvent<EventBridgeEvent<Value>>| {
            sweep::handle(&desk, &metrics).await.map_err(Error::from)
        },
    ))
    .await
}
