//! Wiring of `relay-events`.

use lambda_runtime::{Error, LambdaEvent, run, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    cloud::telemetry::init();
    let state = relay_events::Relay::from_env()?;
    run(service_fn(async |event: LambdaEvent<_>| {
        relay_events::handle(&state, event.payload).await;
        Ok::<_, Error>(())
    }))
    .await
}
