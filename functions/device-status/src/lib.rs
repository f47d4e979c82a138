//! `GET /api/customer/device`: the state of the customer's modem.
//!
//! No management system of modems (ACS) can be asked yet, so the answer always is that none is configured.

use cloud::installation::Installation;
use lambda_http::{Body, Request, Response};
use web::{
    answer::{self, Answer},
    caller::{claim, identify},
    problem,
};

/// Answers one request.
pub async fn handle(installation: &Installation, request: Request) -> Response<Body> {
    answer::respond(status(installation, &request).await, request.headers())
}

async fn status(installation: &Installation, request: &Request) -> Answer {
    let claim = claim(request, installation.settings.public_url.as_ref())?;
    identify(&installation.store, &claim, None, installation.clock.now()).await?;
    Err(problem::ACS_NOT_CONFIGURED)
}
