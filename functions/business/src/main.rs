//! The business function: settings and keys.

use business::defaults::Defaults;
use lambda_http::{Error, run, service_fn};
use ringfence_shell::{cloud, config, logging};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    logging::init();
    let defaults = Defaults::from_env(&config::environment)?;
    let office = cloud::desk(&config::environment, &cloud::aws_config().await?).await?;
    run(service_fn(async |request| {
        Ok::<_, Error>(business::handle(&office, &defaults, request).await)
    }))
    .await
}
