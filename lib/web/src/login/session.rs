//! Logging in with a code. A try is counted and stored before anything is compared, so guessing in parallel gains
//! nothing; the session and the end of the code are one transaction.

use std::ops::ControlFlow::{Break, Continue};

use billing::access::login::{self, LoginState, NotTried};
use billing::access::phone::Phone;
use billing::service::customer::Profile;
use cloud::app::App;
use cloud::store::{retry_stale, unless_stale};
use lambda_http::Request;
use sha2::{Digest as _, Sha256};
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
    let Typed { phone, code, customer_id, browser } = typed;
    limit_address(app, request).await?;
    let key = master_key(app).await?;
    let login_id = key.login_id(phone);
    // Hashed like a session's token: what is stored opens nothing.
    let browser = browser.map(|secret| hex::encode(Sha256::digest(secret.as_bytes())));
    let attempt = Attempt { app, login_id: &login_id, browser: browser.as_deref() };
    let state = attempt.count().await?;
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
    attempt.open_session(state, lines.swap_remove(chosen), phone).await
}

/// One try, of whoever holds the secret that `browser` is the hash of.
#[derive(Clone, Copy)]
struct Attempt<'a> {
    app: &'a App,
    login_id: &'a str,
    browser: Option<&'a str>,
}

impl Attempt<'_> {
    /// Counts the try.
    async fn count(self) -> Result<LoginState, Problem> {
        let Self { app, login_id, browser } = self;
        retry_stale((), |()| async move {
            let now = app.clock.now();
            let state = app.store.login_state(login_id).await?;
            let counted =
                login::count_try(state.as_ref(), browser, app.settings.zone, now).map_err(
                    |not_tried| match not_tried {
                        NotTried::Expired => problem::CODE_EXPIRED,
                        NotTried::TooMany(too_many) => problem::TOO_MANY.retry_after(too_many.retry_after),
                    },
                )?;
            Ok(unless_stale(app.store.count_try(login_id, counted, now).await)?)
        })
        .await
    }

    /// Opens the session with the code that fitted. Another try may have been counted meanwhile, or the same form sent
    /// twice: so it is decided from the state as it stands then.
    async fn open_session(self, tried: LoginState, profile: Profile, phone: &Phone) -> Result<Login, Problem> {
        let Self { app, login_id, browser } = self;
        let (token, session) = new_session(&profile.id, phone, app.settings.session_lifetime, app.clock.now())?;
        let (request_id, session) = (&tried.request_id.clone(), &session);
        retry_stale(Some(tried), |state| async move {
            let state = match state {
                Some(state) => state,
                None => app.store.login_state(login_id).await?.ok_or(problem::CODE_EXPIRED)?,
            };
            let used = login::use_up(&state, request_id, browser, app.clock.now()).ok_or(problem::CODE_EXPIRED)?;
            Ok::<_, Problem>(match unless_stale(app.store.open_session(login_id, &used, session).await)? {
                Break(()) => Break(()),
                Continue(()) => Continue(None),
            })
        })
        .await?;
        Ok(Login::In(Box::new(LoggedIn { token, expires_at: session.expires_at, profile })))
    }
}
