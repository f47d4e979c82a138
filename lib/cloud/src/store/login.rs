//! Login: codes, their limits, and the session that uses a code up.

use aws_sdk_dynamodb::types::TransactWriteItem;
use billing::{access::login::LoginState, telling::event::Event};
use time::{Duration, OffsetDateTime};

use super::error::StoreError;
use super::item::{Versioned, put_new, put_version, set_ttl, to_item};
use super::keys;
use super::session::Session;
use super::table::Store;

/// Kept for the daily count.
const LOGIN_KEPT: Duration = Duration::days(2);

impl Store {
    /// What is known of a phone's logins.
    pub async fn login_state(&self, login_id: &str) -> Result<Option<LoginState>, StoreError> {
        self.get(&keys::login(login_id)).await
    }

    /// A code is to be sent: the state and the event that makes the sending happen.
    pub async fn request_code(
        &self,
        login_id: &str,
        state: &LoginState,
        now: OffsetDateTime,
    ) -> Result<(), StoreError> {
        let event = Event::LoginCodeRequested { login_id: login_id.to_owned(), request_id: state.request_id.clone() };
        self.transact(vec![self.login_item(login_id, state, now)?, self.event_item(&event, now)?]).await
    }

    /// Counts a try.
    pub async fn count_try(
        &self,
        login_id: &str,
        state: LoginState,
        now: OffsetDateTime,
    ) -> Result<LoginState, StoreError> {
        self.transact(vec![self.login_item(login_id, &state, now)?]).await?;
        Ok(state.stored())
    }

    /// Opens the session, with the code that `used` says is used up.
    pub async fn open_session(&self, login_id: &str, used: &LoginState, session: &Session) -> Result<(), StoreError> {
        let mut item = to_item(&keys::session(&session.customer_id, &session.token_hash), session)?;
        set_ttl(&mut item, session.expires_at);
        self.transact(vec![self.login_item(login_id, used, session.created_at)?, put_new(&self.table, item)?]).await
    }

    fn login_item(
        &self,
        login_id: &str,
        state: &LoginState,
        now: OffsetDateTime,
    ) -> Result<TransactWriteItem, StoreError> {
        let mut item = to_item(&keys::login(login_id), state)?;
        set_ttl(&mut item, now.saturating_add(LOGIN_KEPT));
        put_version(&self.table, item, state.version)
    }

    /// Counts a request of `who` in the window that begins at `window` (Unix seconds); answers how many there are.
    pub async fn count_request(
        &self,
        what: &str,
        who: &str,
        window: i64,
        kept_until: OffsetDateTime,
    ) -> Result<u64, StoreError> {
        self.count_up(&keys::rate(what, who, window), Some(kept_until)).await
    }
}
