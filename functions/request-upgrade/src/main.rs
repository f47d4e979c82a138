//! Wiring of `request-upgrade`.

use cloud::installation::Installation;
use lambda_http::{Error, run, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    cloud::telemetry::init();
    let installation = Installation::from_env()?;
    run(service_fn(async |request| Ok::<_, Error>(Box::pin(request_upgrade::handle(&installation, request)).await)))
        .await
}
