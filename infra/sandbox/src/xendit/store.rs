//! The invoices of the account.

use std::collections::{HashMap, VecDeque};

use super::invoice::Invoice;
use crate::core::PartnerState;

/// Invoices kept; the oldest goes when one more comes.
const MAX_INVOICES: usize = 50_000;

pub(crate) type Xendit = PartnerState<Invoices>;

impl Xendit {
    /// A copy of the invoice, expired if its time has come.
    pub(crate) fn looked_at(&self, id: &str) -> Option<Invoice> {
        let token = self.settings().xendit_callback_token;
        let mut store = self.store();
        let invoice = store.get(id)?;
        if invoice.look(self.clock.now()) {
            self.deliver_in_background(vec![invoice.notification(&token)]);
        }
        Some(invoice.clone())
    }
}

/// Invoices by id; external ids need not be unique.
#[derive(Debug, Default)]
pub(crate) struct Invoices {
    by_id: HashMap<String, Invoice>,
    newest_last: VecDeque<String>,
    by_external_id: HashMap<String, Vec<String>>,
}

impl Invoices {
    pub(crate) fn add(&mut self, invoice: Invoice) {
        if self.newest_last.len() >= MAX_INVOICES
            && let Some(oldest) = self.newest_last.pop_front()
            && let Some(gone) = self.by_id.remove(&oldest)
            && let Some(ids) = self.by_external_id.get_mut(&gone.external_id)
        {
            ids.retain(|id| *id != oldest);
            if ids.is_empty() {
                self.by_external_id.remove(&gone.external_id);
            }
        }
        self.newest_last.push_back(invoice.id.clone());
        self.by_external_id.entry(invoice.external_id.clone()).or_default().push(invoice.id.clone());
        self.by_id.insert(invoice.id.clone(), invoice);
    }

    pub(crate) fn get(&mut self, id: &str) -> Option<&mut Invoice> {
        self.by_id.get_mut(id)
    }

    /// The invoice behind the last part of a link, an id, or an external id (its newest invoice).
    pub(crate) fn id_of_link(&self, link: &str) -> Option<String> {
        if self.by_id.contains_key(link) {
            return Some(link.to_owned());
        }
        self.by_external_id.get(link)?.last().cloned()
    }

    pub(crate) fn oldest_first(&self) -> impl Iterator<Item = &Invoice> {
        self.newest_last.iter().filter_map(|id| self.by_id.get(id))
    }

    /// Ids, newest first; of one external id if given.
    pub(crate) fn ids(&self, external_id: Option<&str>) -> Vec<String> {
        match external_id {
            Some(external_id) => {
                self.by_external_id.get(external_id).map(|ids| ids.iter().rev().cloned().collect()).unwrap_or_default()
            }
            None => self.newest_last.iter().rev().cloned().collect(),
        }
    }
}
