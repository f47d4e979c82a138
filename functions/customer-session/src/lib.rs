//! `POST /api/customer/otp|login|logout`: logging in by a code sent to the phone.

mod code;
mod session;

use std::sync::Arc;

use billing::phone::Phone;
use cloud::{
    aws::Account,
    clock::Clock,
    secrets::Secrets,
    settings::{SettingError, Settings},
    store::Store,
};
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

/// The store, the keys and the installation.
#[derive(Debug, Clone)]
pub struct Login {
    /// The table.
    pub store: Store,
    /// The keys.
    pub secrets: Secrets,
    /// The installation.
    pub settings: Arc<Settings>,
    /// The time.
    pub clock: Clock,
}

impl Login {
    /// What Lambda puts into the environment.
    pub fn from_env() -> Result<Self, SettingError> {
        let settings = Settings::from_env()?;
        let account = Account::from_env();
        let clock = Clock::default();
        Ok(Self {
            store: Store::new(account.dynamodb(), settings.table.clone()),
            secrets: Secrets::new(account.secretsmanager(), &settings.stage, clock.clone()),
            settings: Arc::new(settings),
            clock,
        })
    }
}

/// Answers one request.
pub async fn handle(login: &Login, request: Request) -> Response<Body> {
    answer::respond(route(login, &request).await, request.headers())
}

async fn route(login: &Login, request: &Request) -> Answer {
    if request.method() != Method::POST {
        return Err(problem::NOT_FOUND);
    }
    match answer::path(request).as_slice() {
        ["api", "customer", "otp"] => code::request(login, request).await,
        ["api", "customer", "login"] => session::open(login, request).await,
        ["api", "customer", "logout"] => {
            let claim = claim(request.headers())?;
            login.store.delete_session(&claim.customer_id, &claim.token_hash).await.map_err(store_problem)?;
            Ok(answer::no_content())
        }
        _ => Err(problem::NOT_FOUND),
    }
}

/// Counts the request against its address, before anything else is done for it.
pub(crate) async fn limit_address(login: &Login, request: &Request) -> Result<(), Problem> {
    let now = login.clock.now();
    let window = now.unix_timestamp().div_euclid(HOUR_SECONDS).saturating_mul(HOUR_SECONDS);
    let kept_until = now.saturating_add(time::Duration::hours(2));
    let count = login.store.count_request("login", &address::of(request), window, kept_until).await.map_err(store_problem)?;
    if count > login.settings.requests_per_address {
        let ends = window.saturating_add(HOUR_SECONDS).saturating_sub(now.unix_timestamp()).max(1);
        return Err(problem::TOO_MANY.retry_after(ends));
    }
    Ok(())
}

pub(crate) fn phone(text: &str) -> Result<Phone, Problem> {
    Phone::parse(text).map_err(|_| problem::INVALID_PHONE)
}

pub(crate) async fn master_key(login: &Login) -> Result<MasterKey, Problem> {
    MasterKey::read(&login.secrets).await.map_err(|error| {
        tracing::error!(alarm = true, %error, "no key for login codes");
        problem::BUSY
    })
}
