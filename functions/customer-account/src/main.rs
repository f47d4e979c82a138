//! Wiring of `customer-account`.

use lambda_http::{Error, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    cloud::telemetry::init();
    let state = customer_account::AccountApi::from_env()?;
    web::run(service_fn(async |request| Ok::<_, Error>(customer_account::handle(&state, request).await))).await
}
