//! Wiring of `receive-webhook`.

use lambda_http::{Error, run, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    cloud::telemetry::init();
    let state = payments::Payments::from_env()?;
    run(service_fn(async |request| Ok::<_, Error>(receive_webhook::handle(&state, request).await))).await
}
