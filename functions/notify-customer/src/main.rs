//! Wiring of `notify-customer`.

use cloud::installation::Installation;
use lambda_runtime::{Error, LambdaEvent, run, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    cloud::telemetry::init();
    let installation = Installation::from_env()?;
    run(service_fn(async |event: LambdaEvent<_>| {
        Ok::<_, Error>(notify_customer::answer(&installation, event.payload).await?)
    }))
    .await
}
