//! Wiring of `customer-portal`.

use cloud::app::App;
use lambda_http::{Error, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    cloud::telemetry::init();
    let app = App::from_env()?;
    web::run(service_fn(async |request| Ok::<_, Error>(customer_portal::handle(&app, request).await))).await
}
