//! Wiring of `reconcile-payments`.

use cloud::app::App;
use lambda_runtime::{Error, LambdaEvent, run, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    cloud::telemetry::init();
    let app = App::from_env()?;
    run(service_fn(async |event: LambdaEvent<_>| {
        reconcile_payments::handle(&app, event.payload).await;
        Ok::<_, Error>(())
    }))
    .await
}
