//! `POST /api/customer/otp|login|logout`: logging in by a code sent to the phone.

mod code;
mod session;

use billing::phone::Phone;
use cloud::installation::Installation;
use lambda_http::{Body, Request, Response, http::Method};
use web::{
    address,
    answer::{self, Answer},
    caller::{claim, store_problem},
    login::MasterKey,
    problem::{self, Problem},
};

/// Deciding anew after somebody else wrote the same login.
pub(crate) const TRIES: usize = 5;
const HOUR_SECONDS: i64 = 3600;

/// Answers one request.
pub async fn handle(installation: &Installation, request: Request) -> Response<Body> {
    answer::respond(route(installation, &request).await, request.headers())
}

async fn route(installation: &Installation, request: &Request) -> Answer {
    if request.method() != Method::POST {
        return Err(problem::NOT_FOUND);
    }
    match answer::path(request).as_slice() {
        ["api", "customer", "otp"] => code::request(installation, request).await,
        ["api", "customer", "login"] => session::open(installation, request).await,
        ["api", "customer", "logout"] => {
            let claim = claim(request.headers())?;
            installation.store.delete_session(&claim.customer_id, &claim.token_hash).await.map_err(store_problem)?;
            Ok(answer::no_content())
        }
        _ => Err(problem::NOT_FOUND),
    }
}

/// Counts the request against its address, before anything else is done for it.
pub(crate) async fn limit_address(installation: &Installation, request: &Request) -> Result<(), Problem> {
    let now = installation.clock.now();
    let window = now.unix_timestamp().div_euclid(HOUR_SECONDS).saturating_mul(HOUR_SECONDS);
    let kept_until = now.saturating_add(time::Duration::hours(2));
    let count = installation.store.count_request("login", &address::of(request), window, kept_until).await.map_err(store_problem)?;
    if count > installation.settings.requests_per_address {
        let ends = window.saturating_add(HOUR_SECONDS).saturating_sub(now.unix_timestamp()).max(1);
        return Err(problem::TOO_MANY.retry_after(ends));
    }
    Ok(())
}

pub(crate) fn phone(text: &str) -> Result<Phone, Problem> {
    Phone::parse(text).map_err(|_| problem::INVALID_PHONE)
}

pub(crate) async fn master_key(installation: &Installation) -> Result<MasterKey, Problem> {
    MasterKey::read(&installation.secrets).await.map_err(|error| {
        tracing::error!(alarm = true, %error, "no key for login codes");
        problem::BUSY
    })
}
