//! The business function: settings and keys.

use lambda_http::{Error, run, service_fn};
use ringfence_shell::{cloud, config, logging};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    logging::init();
    let office = cloud::desk(&config::environment).await?;
    run(service_fn(async |request| {
        Ok::<_, Error>(business::handle(&office, request).await)
    }))
    .await
}
