//! The invoices of the account.

use std::collections::{HashMap, VecDeque};

use super::invoice::Invoice;

/// Invoices kept; the oldest goes when one more comes.
const MAX_INVOICES: usize = 50_000;

/// Invoices by id; external ids need not be unique.
#[derive(Debug, Default)]
pub(crate) struct Store {
    invoices: HashMap<String, Invoice>,
    newest_last: VecDeque<String>,
    by_external_id: HashMap<String, Vec<String>>,
}

impl Store {
    pub(crate) fn add(&mut self, invoice: Invoice) {
        if self.newest_last.len() >= MAX_INVOICES
            && let Some(oldest) = self.newest_last.pop_front()
            && let Some(gone) = self.invoices.remove(&oldest)
            && let Some(ids) = self.by_external_id.get_mut(&gone.external_id)
        {
            ids.retain(|id| *id != oldest);
            if ids.is_empty() {
                self.by_external_id.remove(&gone.external_id);
            }
        }
        self.newest_last.push_back(invoice.id.clone());
        self.by_external_id.entry(invoice.external_id.clone()).or_default().push(invoice.id.clone());
        self.invoices.insert(invoice.id.clone(), invoice);
    }

    pub(crate) fn get(&mut self, id: &str) -> Option<&mut Invoice> {
        self.invoices.get_mut(id)
    }

    /// The invoice behind the last part of a link, an id, or an external id (its newest invoice).
    pub(crate) fn id_of_link(&self, link: &str) -> Option<String> {
        if self.invoices.contains_key(link) {
            return Some(link.to_owned());
        }
        self.by_external_id.get(link)?.last().cloned()
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
