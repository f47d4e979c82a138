//! Wiring of `customer-session`.

use lambda_http::{Error, run, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    cloud::telemetry::init();
    let state = customer_session::Login::from_env()?;
    run(service_fn(async |request| Ok::<_, Error>(customer_session::handle(&state, request).await))).await
}
