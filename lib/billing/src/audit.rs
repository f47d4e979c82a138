//! The audit: do the books of one customer agree with each other, item by item?
//!
//! Nothing is decided here and nobody is served by it. It says in one place what must hold between profile, invoices,
//! ledger, grants, orders and events whatever happened, so that tests hold every story against it and an admin a live
//! table.
//!
//! What is due and only not done yet (a payment that waits to be applied) is [`Pending`], not a [`Finding`].

mod books;
mod events;
mod finding;
mod invoices;
mod orders;
mod service;

use time::OffsetDateTime;

use crate::{money::ledger::Entry, zone::Zone};

pub use books::{Audited, Books, Filed, KnownEvent, StoredEntry, is_kept};
pub use events::lost;
pub use finding::{Finding, Pending, Rule, Wait};
pub use orders::{is_of, order};

use books::Audit;

/// Audits one customer. `zone` is the provider's: periods are counted in it. The books must be of one moment: read
/// while a payment is booked they can be half of before and half of after.
#[must_use]
pub fn customer(books: &Books, zone: Zone, now: OffsetDateTime) -> Audited {
    let mut audit = Audit { books, zone, now, said: Audited::default() };
    audit.of_one_customer();
    audit.invoices();
    audit.open_invoices();
    audit.grants();
    audit.entitlement();
    audit.paid_service();
    audit.credit();
    audit.ledger();
    for filed in &books.orders {
        let invoice = audit.invoice(&filed.state.invoice_id);
        let entries: Vec<&Entry> = books.entries().filter(|entry| orders::is_of(entry, &filed.state)).collect();
        audit.said.extend(order(filed, invoice, &entries, now));
    }
    audit.events();
    audit.said
}

#[cfg(test)]
mod tests;
