//! Logging in by a code sent to the phone: for the API and for the portal's forms, which only differ in how they say
//! it.

mod code;
mod session;

use billing::access::phone::Phone;
use cloud::{app::App, master_key::MasterKey};
use lambda_http::Request;

pub use self::{
    code::{is_stopped, request_code},
    session::{LoggedIn, Login, log_in},
};
use crate::{
    address,
    problem::{self, Problem},
};

/// Deciding anew after somebody else wrote the same login.
const HOUR_SECONDS: i64 = 3600;

/// What a person types in to log in.
#[derive(Debug, Clone, Copy)]
pub struct Typed<'a> {
    pub phone: &'a Phone,
    pub code: &'a str,
    /// The line, where several share the phone.
    pub customer_id: Option<&'a str>,
}

/// Reads a phone number as people write it.
pub fn phone(text: &str) -> Result<Phone, Problem> {
    Phone::parse(text).map_err(|_| problem::INVALID_PHONE)
}

/// Counts the request against its address, before anything else is done for it.
async fn limit_address(app: &App, request: &Request) -> Result<(), Problem> {
    let now = app.clock.now();
    let window = now.unix_timestamp().div_euclid(HOUR_SECONDS).saturating_mul(HOUR_SECONDS);
    let kept_until = now.saturating_add(time::Duration::hours(2));
    let count = app.store.count_request("login", &address::of(request), window, kept_until).await?;
    if count > app.settings.requests_per_address {
        let ends = window.saturating_add(HOUR_SECONDS).saturating_sub(now.unix_timestamp()).max(1);
        return Err(problem::TOO_MANY.retry_after(ends));
    }
    Ok(())
}

async fn master_key(app: &App) -> Result<MasterKey, Problem> {
    MasterKey::read(&app.secrets).await.map_err(|error| {
        tracing::error!(alarm = true, %error, "no key for login codes");
        problem::BUSY
    })
}
