//! Wiring of `apply-payment`.

use lambda_runtime::{Error, LambdaEvent, run, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    cloud::telemetry::init();
    let state = apply_payment::from_env()?;
    run(service_fn(async |event: LambdaEvent<_>| Ok::<_, Error>(apply_payment::handle(&state, event.payload).await)))
        .await
}
