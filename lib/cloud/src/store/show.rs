//! Reads for people: what became of a payment. Nothing is decided from them.

use std::collections::HashMap;

use billing::{
    id::OrderId,
    payment::{gateway::GatewayName, order::Order},
};
use serde::Deserialize;
use time::OffsetDateTime;

use super::{Store, StoreError, item::from_item, keys};

/// What became of an event. Kept for a week.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct EventState {
    /// UUIDv7.
    pub id: String,
    /// The detail type, such as `payment.settled`.
    pub kind: String,
    /// When it first reached the bus; `None` = not yet.
    #[serde(default, with = "time::serde::rfc3339::option")]
    pub relayed_at: Option<OffsetDateTime>,
}

/// Events read for one list.
const EVENTS_READ: usize = 100;

impl Store {
    /// The orders with that id, whichever gateway has them: one at most in practice, ids are random.
    pub async fn orders_named(&self, order: &OrderId) -> Result<Vec<Order>, StoreError> {
        let keys: Vec<_> = GatewayName::ALL.into_iter().map(|gateway| keys::order(gateway, order)).collect();
        let (orders, _) = self.orders_and_invoices(&keys, &[]).await?;
        Ok(orders)
    }

    /// What became of these events, by id, of the first hundred. One that is missing was deleted after its week.
    pub async fn event_states(&self, ids: &[String]) -> Result<HashMap<String, EventState>, StoreError> {
        let mut keys: Vec<_> = ids.iter().map(|id| keys::event(id)).collect();
        // A key twice in one request is refused.
        keys.sort_by(|a, b| a.pk.cmp(&b.pk));
        keys.dedup();
        keys.truncate(EVENTS_READ);
        if keys.is_empty() {
            return Ok(HashMap::new());
        }
        let found = self.get_all(&keys).await?;
        let states = found.into_values().map(from_item::<EventState>);
        states.map(|state| state.map(|state| (state.id.clone(), state))).collect()
    }
}
