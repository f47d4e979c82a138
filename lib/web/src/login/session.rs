//! Logging in with a code. A try is counted and stored before anything is compared, so guessing in parallel gains
//! nothing; the session and the end of the code are one transaction.

use billing::access::login::{self, LoginState, NotTried};
use billing::access::phone::Phone;
use billing::service::customer::Profile;
use cloud::app::App;
use cloud::store::{StoreError, retry_stale, unless_stale};
use lambda_http::Request;
use time::OffsetDateTime;

use super::{Typed, limit_address, master_key};
use crate::caller::new_session;
use crate::problem::{self, Problem};

/// What became of the right code.
#[derive(Debug)]
pub enum Login {
    /// Several lines share the phone: the same request again, with one of them.
    Choose(Vec<Profile>),
    /// A session.
    In(Box<LoggedIn>),
}

/// A session that was just opened.
#[derive(Debug)]
pub struct LoggedIn {
    /// Proves who is calling; stored nowhere.
    pub token: String,
    pub expires_at: OffsetDateTime,
    pub profile: Profile,
}

/// Logs in with what was typed in. `request` says where it came from, for the limits.
pub async fn log_in(app: &App, request: &Request, typed: Typed<'_>) -> Result<Login, Problem> {
    let Typed { phone, code, customer_id } = typed;
    limit_address(app, request).await?;
    let key = master_key(app).await?;
    let login_id = key.login_id(phone);
    let state = count_try(app, &login_id).await?;
    if !key.fits(code, phone, &state.request_id) {
        return Err(problem::WRONG_CODE);
    }
    let mut lines = app.store.lines_of(phone).await?;
    let chosen = match customer_id {
        Some(id) => lines.iter().position(|line| line.id.as_str() == id).ok_or(problem::WRONG_CODE)?,
        None if lines.is_empty() => return Err(problem::WRONG_CODE),
        None if lines.len() > 1 => return Ok(Login::Choose(lines)),
        None => 0,
    };
    open_session(app, &login_id, &state, lines.swap_remove(chosen), phone).await
}

/// Counts the try.
async fn count_try(app: &App, login_id: &str) -> Result<LoginState, Problem> {
    retry_stale((), |()| async move {
        let now = app.clock.now();
        let state = app.store.login_state(login_id).await?;
        let counted =
            login::count_try(state.as_ref(), app.settings.zone, now).map_err(|not_tried| match not_tried {
                NotTried::Expired => problem::CODE_EXPIRED,
                NotTried::TooMany(too_many) => problem::TOO_MANY.retry_after(too_many.retry_after),
            })?;
        Ok(unless_stale(app.store.count_try(login_id, counted, now).await)?)
    })
    .await
}

async fn open_session(
    app: &App,
    login_id: &str,
    state: &LoginState,
    profile: Profile,
    phone: &Phone,
) -> Result<Login, Problem> {
    let (token, session) = new_session(&profile.id, phone, app.settings.session_lifetime, app.clock.now())?;
    match app.store.open_session(login_id, state, &session).await {
        Ok(()) => Ok(Login::In(Box::new(LoggedIn { token, expires_at: session.expires_at, profile }))),
        // Used by another request in this moment, or a new code was asked for.
        Err(StoreError::Stale) => Err(problem::CODE_EXPIRED),
        Err(error) => Err(error.into()),
    }
}
