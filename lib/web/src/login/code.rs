//! Asking for a code. The answer, the writes and the time are the same whether anybody has that phone or not: who has it is
//! found out behind the bus, where the message is sent.

use billing::login;
use cloud::{installation::Installation, store::StoreError};
use lambda_http::Request;

use super::{TRIES, limit_address, master_key, phone};
use crate::{
    caller::store_problem,
    problem::{self, Problem},
};

/// Has a code sent to a phone number, as it was typed in. `request` says where the wish came from, for the limits.
pub async fn request_code(installation: &Installation, request: &Request, typed_phone: &str) -> Result<(), Problem> {
    let phone = phone(typed_phone)?;
    limit_address(installation, request).await?;
    require_provider(installation).await?;
    let login_id = master_key(installation).await?.login_id(&phone);
    for _ in 0..TRIES {
        let now = installation.clock.now();
        let state = installation.store.login_state(&login_id).await.map_err(store_problem)?;
        let next = login::request(state.as_ref(), &phone, new_request_id()?, installation.settings.zone, now)
            .map_err(|too_many| problem::TOO_MANY.retry_after(too_many.retry_after))?;
        match installation.store.request_code(&login_id, &next, now).await {
            Ok(()) => return Ok(()),
            Err(StoreError::Stale) => {}
            Err(error) => return Err(store_problem(error)),
        }
    }
    Err(problem::BUSY)
}

async fn require_provider(installation: &Installation) -> Result<(), Problem> {
    let rows = installation.secrets.rows("whatsapp").await.map_err(|error| {
        tracing::error!(alarm = true, %error, "message provider could not be read");
        problem::MESSAGING_NOT_CONFIGURED
    })?;
    if rows.contains_key("provider") { Ok(()) } else { Err(problem::MESSAGING_NOT_CONFIGURED) }
}

fn new_request_id() -> Result<String, Problem> {
    let mut random = [0_u8; 16];
    getrandom::fill(&mut random).map_err(|error| {
        tracing::error!(alarm = true, %error, "no randomness");
        problem::BUSY
    })?;
    Ok(hex::encode(random))
}
