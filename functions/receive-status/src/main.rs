//! Wiring of `receive-status`.

use cloud::installation::Installation;
use lambda_http::{Error, run, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    cloud::telemetry::init();
    let installation = Installation::from_env()?;
    run(service_fn(async |request| Ok::<_, Error>(receive_status::handle(&installation, request).await))).await
}
