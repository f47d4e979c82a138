//! Wiring of `device-status`.

use cloud::app::App;
use device_status::DeviceStatus;
use lambda_http::{Error, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    cloud::telemetry::init();
    let state = DeviceStatus::new(App::from_env()?);
    web::run(service_fn(async |request| Ok::<_, Error>(device_status::handle(&state, request).await))).await
}
