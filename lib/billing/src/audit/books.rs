//! What is audited, what an audit says, and the vocabulary of the rules.

use time::OffsetDateTime;

use super::finding::{Finding, Pending, Rule};
use crate::id::{InvoiceId, OrderId};
use crate::money::ledger::{Entry, EntryKind};
use crate::money::{MoneyError, Rupiah};
use crate::payment::invoice::Invoice;
use crate::payment::order::Order;
use crate::service::customer::Profile;
use crate::service::entitlement::Grant;
use crate::telling::event::{KEPT, made_at};
use crate::zone::{Zone, later};

/// Everything of one customer. Two readings that are equal, one after the other, are what stood there between them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Books {
    /// The line itself.
    pub profile: Profile,
    /// Every invoice.
    pub invoices: Vec<Filed<Invoice>>,
    /// Every ledger entry.
    pub ledger: Vec<StoredEntry>,
    /// Every grant, live or revoked.
    pub grants: Vec<Grant>,
    /// Every order that the ledger, a link or a lease names; others too if they are known.
    pub orders: Vec<Filed<Order>>,
    /// The events that the ledger names and that still exist; others too if they are known.
    pub events: Vec<Filed<KnownEvent>>,
}

/// A state that somebody may have to come back to, and where the index of wake-ups has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filed<T> {
    /// The state.
    pub state: T,
    /// The instant, in whole seconds, that the index files it under; `None` = it is not in the index.
    pub filed: Option<OffsetDateTime>,
}

/// A ledger entry as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEntry {
    /// UUIDv7.
    pub id: String,
    /// Ids of the events that were written with it.
    pub events: Vec<String>,
    /// What it records.
    pub entry: Entry,
}

/// What is known of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownEvent {
    /// UUIDv7.
    pub id: String,
    /// Its kind, such as `payment.settled`.
    pub kind: String,
    /// When it first reached the bus; `None` = not yet.
    pub relayed_at: Option<OffsetDateTime>,
}

/// What an audit says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Audited {
    /// What does not agree: a person has to look.
    pub findings: Vec<Finding>,
    /// What is due and not done yet: it is done without anybody.
    pub pending: Vec<Pending>,
}

impl Audited {
    /// Does everything agree?
    #[must_use]
    pub const fn is_clean(&self) -> bool {
        self.findings.is_empty()
    }

    /// Takes in what another audit says.
    pub fn extend(&mut self, other: Self) {
        self.findings.extend(other.findings);
        self.pending.extend(other.pending);
    }
}

/// An audit under way.
pub(super) struct Audit<'a> {
    pub(super) books: &'a Books,
    pub(super) zone: Zone,
    pub(super) now: OffsetDateTime,
    pub(super) said: Audited,
}

impl Books {
    pub(super) fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.ledger.iter().map(|line| &line.entry)
    }
}

impl<'a> Audit<'a> {
    pub(super) fn invoice(&self, id: &InvoiceId) -> Option<&'a Invoice> {
        self.books.invoices.iter().map(|filed| &filed.state).find(|invoice| invoice.id == *id)
    }

    pub(super) fn order(&self, id: &OrderId) -> Option<&'a Order> {
        self.books.orders.iter().map(|filed| &filed.state).find(|order| order.id == *id)
    }

    pub(super) fn find(&mut self, rule: Rule, of: Place<'_>, what: String) {
        self.said.findings.push(of.finding(rule, &self.books.profile.id, what));
    }

    /// Demands that `there` is what follows from the rest of the books.
    pub(super) fn demand(
        &mut self,
        rule: Rule,
        of: Place<'_>,
        what: &str,
        there: Rupiah,
        follows: Result<Rupiah, MoneyError>,
    ) {
        match follows {
            Ok(follows) if follows == there => {}
            Ok(follows) => self.find(rule, of, format!("{what}: {there} is noted, {follows} follows from the entries")),
            Err(error) => self.find(rule, of, format!("{what}: {error}")),
        }
    }
}

/// What a finding is about.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Place<'a> {
    pub(super) invoice: Option<&'a InvoiceId>,
    pub(super) order: Option<&'a OrderId>,
}

impl<'a> Place<'a> {
    pub(super) const fn invoice(invoice: &'a InvoiceId) -> Self {
        Self { invoice: Some(invoice), order: None }
    }

    pub(super) fn finding(self, rule: Rule, customer: &crate::id::CustomerId, what: String) -> Finding {
        Finding {
            rule,
            customer_id: Some(customer.clone()),
            invoice_id: self.invoice.cloned(),
            order_id: self.order.cloned(),
            what,
        }
    }
}

/// The sum of the entries of these kinds.
pub(super) fn sum<'a>(
    entries: impl IntoIterator<Item = &'a Entry>,
    counts: impl Fn(EntryKind) -> bool,
) -> Result<Rupiah, MoneyError> {
    entries.into_iter().filter(|entry| counts(entry.kind)).try_fold(Rupiah::ZERO, |sum, entry| sum.plus(entry.amount))
}

/// Is an item that has to wake up filed under that instant, and no other item filed? The index counts whole seconds.
pub(super) fn is_filed_at(wake_at: Option<OffsetDateTime>, filed: Option<OffsetDateTime>) -> bool {
    wake_at.map(OffsetDateTime::unix_timestamp) == filed.map(OffsetDateTime::unix_timestamp)
}

/// In words, for a finding.
pub(super) fn when(at: Option<OffsetDateTime>) -> String {
    at.map_or_else(|| "never".to_owned(), crate::zone::format::instant)
}

/// Is an event of that id kept for certain? The time in its UUIDv7 is when it was written, at the latest when it was
/// relayed.
#[must_use]
pub fn is_kept(event_id: &str, now: OffsetDateTime) -> bool {
    made_at(event_id).is_none_or(|made| now < later(made, KEPT))
}
