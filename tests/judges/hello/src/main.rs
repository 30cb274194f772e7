//! The least that can be a function behind an API, for the judge `cold-start` to compare with.

use lambda_http::{Body, Error, Request, Response, run, service_fn};

async fn handle(_request: Request) -> Result<Response<Body>, Error> {
    Ok(Response::new(Body::from("hello")))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    run(service_fn(handle)).await
}
