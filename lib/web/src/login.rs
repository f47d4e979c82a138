//! Logging in by a code sent to the phone: for the API and for the portal's forms, which only differ in how they say
//! it.

mod code;
mod session;

use billing::{access::phone::Phone, zone::retry_after};
use cloud::{app::App, master_key::MasterKey};
use lambda_http::Request;
use time::Duration;

pub use self::code::{is_stopped, request_code};
pub use self::session::{LoggedIn, Login, log_in};
use crate::address;
use crate::problem::{self, Problem};

/// What a person types in to log in.
#[derive(Debug, Clone, Copy)]
pub struct Typed<'a> {
    pub phone: &'a Phone,
    pub code: &'a str,
    /// The line, where several share the phone.
    pub customer_id: Option<&'a str>,
    /// A secret of at least 128 bits that only the sender's browser holds, if it has one.
    pub browser: Option<&'a str>,
}

/// Reads a phone number as people write it.
pub fn phone(text: &str) -> Result<Phone, Problem> {
    Phone::parse(text).map_err(|_| problem::INVALID_PHONE)
}

/// Counts the request against its address, before anything else is done for it.
async fn limit_address(app: &App, request: &Request) -> Result<(), Problem> {
    let now = app.clock.now();
    let (since, kept_until) = (now.truncate_to_hour(), now.saturating_add(Duration::hours(2)));
    let count = app.store.count_request("login", &address::of(request), since.unix_timestamp(), kept_until).await?;
    if count > app.settings.requests_per_address {
        return Err(problem::TOO_MANY.retry_after(retry_after(since.saturating_add(Duration::HOUR), now)));
    }
    Ok(())
}

async fn master_key(app: &App) -> Result<MasterKey, Problem> {
    MasterKey::read(&app.secrets).await.map_err(|error| {
        tracing::error!(alarm = true, %error, "no key for login codes");
        problem::BUSY
    })
}
