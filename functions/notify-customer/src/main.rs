//! Wiring of `notify-customer`.

use lambda_runtime::{Error, LambdaEvent, run, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    cloud::telemetry::init();
    let state = notify_customer::Notify::from_env()?;
    run(service_fn(async |event: LambdaEvent<_>| Ok::<_, Error>(notify_customer::handle(&state, event.payload).await))).await
}
