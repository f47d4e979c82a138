//! Login: codes, their limits, and the session that uses a code up.

use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use billing::{
    access::{login::LoginState, phone::Phone},
    id::CustomerId,
    service::customer::Profile,
    telling::event::Event,
};
use time::{Duration, OffsetDateTime};

use super::{
    Session, Store, StoreError,
    item::{self, put_new, put_version, set_ttl, to_item},
    keys, unavailable,
};

/// Lines under one phone that are offered.
const LINES_PER_PHONE: i32 = 20;
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
    pub async fn count_try(&self, login_id: &str, state: &LoginState, now: OffsetDateTime) -> Result<(), StoreError> {
        self.transact(vec![self.login_item(login_id, state, now)?]).await
    }

    /// Uses the code up and opens the session.
    pub async fn open_session(&self, login_id: &str, state: &LoginState, session: &Session) -> Result<(), StoreError> {
        let used = LoginState { used: true, ..state.clone() };
        let mut item = to_item(&keys::session(&session.customer_id, &session.token_hash), session)?;
        set_ttl(&mut item, session.expires_at);
        self.transact(vec![self.login_item(login_id, &used, session.created_at)?, put_new(&self.table, item)?]).await
    }

    fn login_item(
        &self,
        login_id: &str,
        state: &LoginState,
        now: OffsetDateTime,
    ) -> Result<aws_sdk_dynamodb::types::TransactWriteItem, StoreError> {
        let mut item = to_item(&keys::login(login_id), state)?;
        set_ttl(&mut item, now.saturating_add(LOGIN_KEPT));
        put_version(&self.table, item, state.version)
    }

    /// The lines under a phone, at most twenty. One query, and one read if there are any.
    pub async fn lines_of(&self, phone: &Phone) -> Result<Vec<Profile>, StoreError> {
        let answer = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("PK = :pk")
            .expression_attribute_values(":pk", AttributeValue::S(keys::phone_partition(phone)))
            .consistent_read(true)
            .limit(LINES_PER_PHONE)
            .send()
            .await
            .map_err(|error| unavailable(&error))?;
        let ids = answer
            .items()
            .iter()
            .filter_map(|item| item.get("customer_id")?.as_s().ok())
            .filter_map(|id| CustomerId::parse(id).ok());
        let keys: Vec<_> = ids.map(|id| keys::profile(&id)).collect();
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let found = self.get_all(&keys).await?;
        let mut lines = found.into_values().map(item::from_item).collect::<Result<Vec<Profile>, _>>()?;
        // The look-up is a hint: what counts is the phone in the profile.
        lines.retain(|line| line.phone.as_ref() == Some(phone));
        lines.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(lines)
    }

    /// Counts a request of `who` in the window that begins at `window` (Unix seconds); answers how many there are.
    pub async fn count_request(
        &self,
        what: &str,
        who: &str,
        window: i64,
        kept_until: OffsetDateTime,
    ) -> Result<u64, StoreError> {
        let answer = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(keys::rate(what, who, window).attributes()))
            .update_expression("ADD #count :one SET #ttl = :ttl")
            .expression_attribute_names("#count", "count")
            .expression_attribute_names("#ttl", "ttl")
            .expression_attribute_values(":one", AttributeValue::N("1".to_owned()))
            .expression_attribute_values(":ttl", item::seconds(kept_until))
            .return_values(ReturnValue::UpdatedNew)
            .send()
            .await
            .map_err(|error| unavailable(&error))?;
        let count = answer.attributes().and_then(|attributes| attributes.get("count")?.as_n().ok()?.parse().ok());
        count.ok_or_else(|| StoreError::Damaged("rate counter without a count".to_owned()))
    }
}
