//! Wiring of `notify-network`.

use cloud::app::App;
use lambda_runtime::{Error, LambdaEvent, run, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    cloud::telemetry::init();
    let network = notify_network::Network::new(App::from_env()?);
    run(service_fn(async |event: LambdaEvent<_>| Ok::<_, Error>(notify_network::handle(&network, event.payload).await)))
        .await
}
