//! Asking for a code. The answer, the writes and the time are the same whether anybody has that phone or not: who has
//! it is found out behind the bus, where the message is sent.

use std::ops::ControlFlow::Break;
use std::sync::Arc;

use billing::access::login::{self, Asked};
use billing::access::phone::Phone;
use cloud::app::App;
use cloud::secrets::Rows;
use cloud::store::{retry_stale, unless_stale};
use lambda_http::Request;

use super::{limit_address, master_key};
use crate::problem::{self, Problem};

/// Has a code sent to a phone number, unless that was just done. `request` says where the wish came from, for the limits.
pub async fn request_code(app: &App, request: &Request, phone: &Phone) -> Result<(), Problem> {
    limit_address(app, request).await?;
    let rows = require_provider(app).await?;
    let key = master_key(app).await?;
    let (login_id, settings) = (&key.login_id(phone), &key.settings_of(&rows));
    retry_stale((), |()| async move {
        let now = app.clock.now();
        let (state, sender) = app.store.login_state_and_sender(login_id).await?;
        if sender.is_stopped(settings, now) {
            return Err(problem::MESSAGING_STOPPED);
        }
        let asked = login::request(state.as_ref(), phone, new_request_id()?, app.settings.zone, now)
            .map_err(|too_many| problem::TOO_MANY.retry_after(too_many.retry_after))?;
        match asked {
            Asked::Send(next) => Ok(unless_stale(app.store.request_code(login_id, &next, now).await)?),
            Asked::JustSent => Ok(Break(())),
        }
    })
    .await
}

/// Can no code be sent at the moment, as far as is known? For who waits for one. One read.
pub async fn is_stopped(app: &App) -> Result<bool, Problem> {
    let settings = master_key(app).await?.settings_of(&*require_provider(app).await?);
    let sender = app.store.sender().await?;
    Ok(sender.is_stopped(&settings, app.clock.now()))
}

async fn require_provider(app: &App) -> Result<Arc<Rows>, Problem> {
    let rows = app.secrets.rows("whatsapp").await.map_err(|error| {
        tracing::error!(alarm = true, %error, "message provider could not be read");
        problem::MESSAGING_NOT_CONFIGURED
    })?;
    if rows.contains_key("provider") { Ok(rows) } else { Err(problem::MESSAGING_NOT_CONFIGURED) }
}

fn new_request_id() -> Result<String, Problem> {
    let mut random = [0_u8; 16];
    getrandom::fill(&mut random).map_err(|error| {
        tracing::error!(alarm = true, %error, "no randomness");
        problem::BUSY
    })?;
    Ok(hex::encode(random))
}
