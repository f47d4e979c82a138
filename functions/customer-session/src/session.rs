//! Logging in with a code. A try is counted and stored before anything is compared, so guessing in parallel gains nothing; the
//! session and the end of the code are one transaction.

use billing::{
    customer::Profile,
    login::{self, LoginState, NotTried},
    phone::Phone,
    zone::format,
};
use cloud::{installation::Installation, store::StoreError};
use lambda_http::Request;
use serde::Deserialize;
use serde_json::{Value, json};
use web::{
    answer::{self, Answer},
    caller::{new_session, store_problem},
    problem::{self, Problem},
};

use crate::{TRIES, limit_address, master_key, phone};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Asked {
    phone: String,
    code: String,
    customer_id: Option<String>,
}

pub(crate) async fn open(installation: &Installation, request: &Request) -> Answer {
    let asked: Asked = answer::body(request)?;
    let phone = phone(&asked.phone)?;
    limit_address(installation, request).await?;
    let key = master_key(installation).await?;
    let login_id = key.login_id(&phone);
    let state = count_try(installation, &login_id).await?;
    if !key.fits(&asked.code, &phone, &state.request_id) {
        return Err(problem::WRONG_CODE);
    }
    let lines = installation.store.lines_of(&phone).await.map_err(store_problem)?;
    let line = match (lines.as_slice(), asked.customer_id.as_deref()) {
        ([], _) => return Err(problem::WRONG_CODE),
        ([only], None) => only,
        (several, None) => return answer::ok(&json!({"success": true, "choose": several.iter().map(choice).collect::<Vec<_>>()})),
        (several, Some(id)) => several.iter().find(|line| line.id.as_str() == id).ok_or(problem::WRONG_CODE)?,
    };
    open_session(installation, &login_id, &state, line, &phone).await
}

/// Counts the try; answers the state as it is stored then.
async fn count_try(installation: &Installation, login_id: &str) -> Result<LoginState, Problem> {
    for _ in 0..TRIES {
        let now = installation.clock.now();
        let state = installation.store.login_state(login_id).await.map_err(store_problem)?;
        let counted = login::count_try(state.as_ref(), installation.settings.zone, now).map_err(|not_tried| match not_tried {
            NotTried::Expired => problem::CODE_EXPIRED,
            NotTried::TooMany(too_many) => problem::TOO_MANY.retry_after(too_many.retry_after),
        })?;
        match installation.store.count_try(login_id, &counted, now).await {
            Ok(()) => return Ok(LoginState { version: counted.version.saturating_add(1), ..counted }),
            Err(StoreError::Stale) => {}
            Err(error) => return Err(store_problem(error)),
        }
    }
    Err(problem::BUSY)
}

async fn open_session(installation: &Installation, login_id: &str, state: &LoginState, line: &Profile, phone: &Phone) -> Answer {
    let (token, session) = new_session(&line.id, phone, installation.settings.session_lifetime, installation.clock.now())?;
    match installation.store.open_session(login_id, state, &session).await {
        Ok(()) => answer::ok(&json!({
            "success": true,
            "token": token,
            "expiresAt": format::instant(session.expires_at),
            "customer": {"id": line.id, "name": line.name, "username": line.username},
        })),
        // Used by another request in this moment, or a new code was asked for.
        Err(StoreError::Stale) => Err(problem::CODE_EXPIRED),
        Err(error) => Err(store_problem(error)),
    }
}

fn choice(line: &Profile) -> Value {
    json!({"id": line.id, "name": line.name, "username": line.username, "package": line.entitlement.package.name})
}
