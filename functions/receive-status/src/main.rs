//! Wiring of `receive-status`.

use cloud::app::App;
use lambda_http::{Error, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    cloud::telemetry::init();
    let app = App::from_env()?;
    web::run(service_fn(async |request| Ok::<_, Error>(receive_status::handle(&app, request).await))).await
}
