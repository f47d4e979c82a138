//! Wiring of `notify-customer`.

use cloud::app::App;
use lambda_runtime::{Error, LambdaEvent, run, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    cloud::telemetry::init();
    let app = App::from_env()?;
    run(service_fn(async |event: LambdaEvent<_>| Ok::<_, Error>(notify_customer::handle(&app, event.payload).await?)))
        .await
}
