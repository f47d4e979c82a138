//! Wiring of `check-payment`.

use lambda_http::{Error, run, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    cloud::telemetry::init();
    let state = payments::Payments::from_env()?;
    run(service_fn(async |request| Ok::<_, Error>(check_payment::handle(&state, request).await))).await
}
