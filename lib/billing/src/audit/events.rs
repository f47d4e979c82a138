//! Events: each was relayed, or will be.

use super::books::{Audit, Filed, KnownEvent, Place, is_kept};
use super::finding::{Pending, Rule, Wait};

impl Audit<'_> {
    pub(super) fn events(&mut self) {
        for event in &self.books.events {
            if let Some(what) = lost(event) {
                self.find(Rule::EventLost, Place::default(), what);
            }
            if event.state.relayed_at.is_none() {
                let customer_id = Some(self.books.profile.id.clone());
                self.said.pending.push(Pending {
                    wait: Wait::Relay,
                    customer_id,
                    invoice_id: None,
                    order_id: None,
                    wake_at: event.filed,
                });
            }
        }
        for line in &self.books.ledger {
            for id in &line.events {
                let known = self.books.events.iter().any(|event| event.state.id == *id);
                if is_kept(id, self.now) && !known {
                    let what = format!("event {id}, written with ledger entry {}, does not exist", line.id);
                    let place = Place { invoice: line.entry.invoice_id.as_ref(), order: None };
                    self.find(Rule::EventLost, place, what);
                }
            }
        }
    }
}

/// What is wrong with an event, whoever it is about.
#[must_use]
pub fn lost(event: &Filed<KnownEvent>) -> Option<String> {
    let KnownEvent { id, kind, relayed_at } = &event.state;
    match (relayed_at, event.filed) {
        (None, None) => Some(format!("event {id} ({kind}) was never relayed, and is not due")),
        (Some(_), Some(_)) => Some(format!("event {id} ({kind}) was relayed, and is still due")),
        _ => None,
    }
}
