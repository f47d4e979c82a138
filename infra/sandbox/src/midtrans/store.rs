//! The orders of the merchant account.

use std::collections::{HashMap, VecDeque};

use time::{Duration, OffsetDateTime};

use super::channel::Channel;
use super::request::CreateRequest;
use super::transaction::{Status, Transaction};
use crate::core::PartnerState;

/// Orders kept; the oldest goes when one more comes.
const MAX_ORDERS: usize = 50_000;

pub(crate) type Midtrans = PartnerState<Orders>;

impl Midtrans {
    /// The key that signs: the newest, once a new one was made.
    pub(crate) fn signing_key(&self) -> String {
        let keys = self.settings().midtrans_server_keys;
        keys.into_iter().next().unwrap_or_default()
    }
}

/// Orders by id, with the tokens of their pages and the ids of their transactions.
#[derive(Debug, Default)]
pub(crate) struct Orders {
    by_id: HashMap<String, Transaction>,
    newest_last: VecDeque<String>,
    /// Token → order id; also tokens that a newer one replaced.
    tokens: HashMap<String, String>,
    tokens_newest_last: VecDeque<String>,
    transactions: HashMap<String, String>,
    refusals: u64,
}

impl Orders {
    /// A page for the order: its token, or how Snap says that the order id is taken.
    pub(crate) fn create(
        &mut self,
        request: CreateRequest,
        now: OffsetDateTime,
        default: Duration,
    ) -> Result<String, String> {
        let order_id = request.order_id.clone();
        match self.by_id.get(&order_id) {
            // Only the page existed: a new one takes its place.
            Some(known) if known.status == Status::NotChosen => {}
            Some(_) => {
                // Both texts are seen in the field, so callers meet both here.
                self.refusals = self.refusals.wrapping_add(1);
                return Err(if self.refusals.is_multiple_of(2) {
                    "transaction_details.order_id sudah digunakan".to_owned()
                } else {
                    "transaction_details.order_id has already been taken".to_owned()
                });
            }
            None => self.make_room(&order_id),
        }
        let transaction = Transaction::new(request, now, default);
        let token = transaction.token.clone();
        self.remember_token(token.clone(), order_id.clone());
        self.by_id.insert(order_id, transaction);
        Ok(token)
    }

    fn make_room(&mut self, order_id: &str) {
        if self.newest_last.len() >= MAX_ORDERS
            && let Some(oldest) = self.newest_last.pop_front()
            && let Some(gone) = self.by_id.remove(&oldest)
        {
            self.tokens.remove(&gone.token);
            if let Some(id) = gone.transaction_id {
                self.transactions.remove(&id);
            }
        }
        self.newest_last.push_back(order_id.to_owned());
    }

    fn remember_token(&mut self, token: String, order_id: String) {
        if self.tokens_newest_last.len() >= MAX_ORDERS.saturating_mul(2)
            && let Some(oldest) = self.tokens_newest_last.pop_front()
        {
            self.tokens.remove(&oldest);
        }
        self.tokens.insert(token.clone(), order_id);
        self.tokens_newest_last.push_back(token);
    }

    /// The order behind a page's token, an order id or a transaction id; and whether the page is still the order's own.
    pub(crate) fn order_of_link(&self, link: &str) -> Option<(String, bool)> {
        if let Some(order_id) = self.tokens.get(link) {
            let living = self.by_id.get(order_id)?.token == link;
            return Some((order_id.clone(), living));
        }
        let order_id = self.transactions.get(link).map_or(link, String::as_str);
        self.by_id.contains_key(order_id).then(|| (order_id.to_owned(), true))
    }

    /// The order of a page, and whether the token is still the living one.
    pub(crate) fn of_token(&mut self, token: &str) -> Option<(&mut Transaction, bool)> {
        let order_id = self.tokens.get(token)?;
        let transaction = self.by_id.get_mut(order_id)?;
        let living = transaction.token == token;
        Some((transaction, living))
    }

    /// What the Core API knows under `id`: an order id, unless its method goes by transaction id only, or a transaction
    /// id.
    pub(crate) fn of_core_id(&mut self, id: &str) -> Option<&mut Transaction> {
        let by_transaction = self.transactions.get(id);
        let order_id = by_transaction.cloned().unwrap_or_else(|| id.to_owned());
        let by_order_id = by_transaction.is_none();
        let transaction = self.by_id.get_mut(&order_id)?;
        let hidden = by_order_id && transaction.channel.as_ref().is_some_and(Channel::known_by_transaction_id_only);
        (transaction.status != Status::NotChosen && !hidden).then_some(transaction)
    }

    pub(crate) fn of_order(&mut self, order_id: &str) -> Option<&mut Transaction> {
        self.by_id.get_mut(order_id)
    }

    /// Makes an order's transaction id known, after a method was chosen.
    pub(crate) fn index_transaction(&mut self, order_id: &str) {
        if let Some(id) = self.by_id.get(order_id).and_then(|order| order.transaction_id.clone()) {
            self.transactions.insert(id, order_id.to_owned());
        }
    }

    /// The newest orders, newest first.
    pub(crate) fn newest(&self, count: usize) -> Vec<&Transaction> {
        self.newest_last.iter().rev().filter_map(|order_id| self.by_id.get(order_id)).take(count).collect()
    }
}
