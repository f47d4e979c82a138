//! `GET /api/customer/device`: is my connection working? `POST /api/customer/device/refresh`: have the modem tell
//! everything anew.
//!
//! The provider's GenieACS is asked at most once in half a minute per customer, and never longer than [`PATIENCE`].
//! What it answered last is remembered and shown with its age when it cannot be asked.

mod acs;
mod refresh;
mod status;

use cloud::app::App;
use lambda_http::{Body, Request, Response, http::Method};
use web::answer::{self, Answer};
use web::problem;

pub use devices::secret::PATIENCE;

/// What lives as long as the process.
#[derive(Debug)]
pub struct DeviceStatus {
    app: App,
    acs: acs::AcsConnection,
}

impl DeviceStatus {
    #[must_use]
    pub fn new(app: App) -> Self {
        Self { app, acs: acs::AcsConnection::default() }
    }
}

/// Answers one request.
pub async fn handle(state: &DeviceStatus, request: Request) -> Response<Body> {
    answer::respond(route(state, &request).await, request.headers())
}

async fn route(state: &DeviceStatus, request: &Request) -> Answer {
    match (request.method(), answer::path(request).as_slice()) {
        (&Method::GET, ["api", "customer", "device"]) => status::show(state, request).await,
        (&Method::POST, ["api", "customer", "device", "refresh"]) => refresh::refresh(state, request).await,
        _ => Err(problem::NOT_FOUND),
    }
}
