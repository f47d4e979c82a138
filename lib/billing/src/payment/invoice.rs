//! Invoices: what is owed, and the one link that may be paid.

use serde::{Deserialize, Serialize};
use time::{Date, Duration, OffsetDateTime};

use crate::id::{CustomerId, InvoiceId, OrderId};
use crate::money::{MoneyError, Rupiah};
use crate::payment::gateway::{GatewayName, Mode};
use crate::service::package::Package;
use crate::telling::event::Event;
use crate::zone::{Zone, format, later, retry_after};

/// What is owed for one period or one change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invoice {
    pub id: InvoiceId,
    pub customer_id: CustomerId,
    /// What people call it, such as `INV-2026-000001`.
    pub number: String,
    pub kind: InvoiceKind,
    /// The package as it stood when the invoice was made.
    pub package: Package,
    pub description: String,
    /// The amount, frozen.
    pub amount: Rupiah,
    /// Received for it so far, less what was reversed; while UNPAID also less what was refunded or charged back. Negative
    /// as long as it asks for more than its amount ([`carried`](Self::carried)).
    pub received: Rupiah,
    /// Of `received`, what came from the customer's credit.
    pub credit_applied: Rupiah,
    /// Of `received`, the rest that was too little for a gateway and is asked with a later bill; negative: what is left
    /// from bills of before, and is asked with this one ([`crate::money::credit`]).
    pub carried: Rupiah,
    /// Refunded of it since it became PAID; zero while UNPAID.
    pub refunded: Rupiah,
    /// Charged back of it since it became PAID; zero while UNPAID.
    pub charged_back: Rupiah,
    /// What the live grant knows of `refunded` and `charged_back`.
    pub granted_return: Rupiah,
    pub status: InvoiceStatus,
    pub settlement_no: u32,
    pub granted: Option<u32>,
    /// When that grant was written: since then the customer is served for it.
    #[serde(with = "time::serde::rfc3339::option")]
    pub applied_at: Option<OffsetDateTime>,
    /// Last day to pay without being overdue, in the provider's zone.
    #[serde(with = "format::day")]
    pub due_date: Date,
    #[serde(with = "time::serde::rfc3339::option")]
    pub paid_at: Option<OffsetDateTime>,
    /// The link that customers are given, if one was made.
    pub link: Option<PaymentLink>,
    /// The order of a payment that its gateway holds for review: nobody is asked to pay a second time beside it.
    pub in_review: Option<OrderKey>,
    /// A request that is making a link right now.
    pub lease: Option<Lease>,
    pub attempts: Option<Attempts>,
    /// What was agreed, if it is for a change of package.
    pub upgrade: Option<Terms>,
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    pub updated_at: OffsetDateTime,
    /// When the customer is reminded of it next, as long as it is unpaid ([`reminder`](crate::telling::reminder)).
    #[serde(with = "time::serde::rfc3339::option")]
    pub remind_at: Option<OffsetDateTime>,
    /// When it is to be looked at again, see [`Invoice::next_due`].
    #[serde(with = "time::serde::rfc3339::option")]
    pub wake_at: Option<OffsetDateTime>,
    pub version: u64,
}

/// What an invoice is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum InvoiceKind {
    /// Another period of the package.
    Renewal,
    /// A change to another package, upwards or downwards.
    Upgrade,
}

/// Where an invoice stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum InvoiceStatus {
    /// Something is due.
    Unpaid,
    /// Nothing is due any more.
    Paid,
    /// Withdrawn or refunded: takes no money.
    Cancelled,
}

/// A page to pay at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentLink {
    pub url: String,
    pub gateway: GatewayName,
    /// After sandbox keys were replaced by real ones, a link of the sandbox must not be given to customers.
    pub mode: Mode,
    pub order_id: OrderId,
    pub reference: String,
    pub amount: Rupiah,
    #[serde(with = "time::serde::rfc3339")]
    pub expires_at: OffsetDateTime,
    /// Opened for the invoice's public page: the gateway was told nothing of the customer, and leads back to that page.
    pub public: bool,
}

/// Which order, at which gateway.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderKey {
    pub gateway: GatewayName,
    pub order_id: OrderId,
}

/// The right to make the invoice's link, held by one request for a short time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    pub order_id: OrderId,
    /// After this, another request may open another order.
    #[serde(with = "time::serde::rfc3339")]
    pub until: OffsetDateTime,
}

/// What was agreed when the invoice of an upgrade was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// What the change costs by the rules. The invoice's amount is zero if that is negative.
    pub charge: Rupiah,
    /// The expiry up to which the difference is paid; the offer lapses then. `None`: a period of the new package is paid
    /// for.
    #[serde(with = "time::serde::rfc3339::option")]
    pub difference_until: Option<OffsetDateTime>,
}

impl Terms {
    /// A period of the new package is paid for: it takes the place of a renewal that is not paid yet.
    #[must_use]
    pub const fn new_period(&self) -> bool {
        self.difference_until.is_none()
    }
}

/// Days in which the invoice of an upgrade is to be paid. It is no debt: an unpaid one changes nothing.
pub const DUE_IN: Duration = Duration::days(7);

/// How many of something were opened since when: orders of an invoice, invoices for changes of package.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempts {
    #[serde(with = "time::serde::rfc3339")]
    pub since: OffsetDateTime,
    pub count: u32,
}

/// A PAID invoice that is not applied after this long is looked at by reconcile.
const APPLY_WITHIN: Duration = Duration::minutes(2);
/// The window that [`Attempts`] counts in.
pub const ATTEMPTS_WINDOW: Duration = Duration::hours(1);

impl Attempts {
    #[must_use]
    pub fn counted(before: Option<Self>, now: OffsetDateTime) -> Self {
        match before {
            Some(attempts) if now < later(attempts.since, ATTEMPTS_WINDOW) => {
                Self { count: attempts.count.saturating_add(1), ..attempts }
            }
            _ => Self { since: now, count: 1 },
        }
    }

    /// Seconds to wait if `limit` is reached.
    #[must_use]
    pub fn wait(before: Option<Self>, limit: u32, now: OffsetDateTime) -> Option<i64> {
        let attempts = before.filter(|attempts| attempts.count >= limit)?;
        let free_at = later(attempts.since, ATTEMPTS_WINDOW);
        (now < free_at).then(|| retry_after(free_at, now))
    }
}

impl Invoice {
    /// What is still to pay; zero unless UNPAID.
    pub fn amount_due(&self) -> Result<Rupiah, MoneyError> {
        match self.status {
            InvoiceStatus::Unpaid => self.amount.minus(self.received).map(|due| due.max(Rupiah::ZERO)),
            InvoiceStatus::Paid | InvoiceStatus::Cancelled => Ok(Rupiah::ZERO),
        }
    }

    /// Unpaid although the due date is over in the provider's zone. A change of package is no debt: it lapses.
    #[must_use]
    pub fn is_overdue(&self, zone: Zone, now: OffsetDateTime) -> bool {
        self.status == InvoiceStatus::Unpaid && self.kind == InvoiceKind::Renewal && zone.date(now) > self.due_date
    }

    /// An offer to change the package that nobody took up in its time: else its price would hold for ever. It gets no
    /// link any more; the next choice withdraws it. Money that arrives all the same, on a link of before, is booked
    /// like any other.
    #[must_use]
    pub fn is_lapsed(&self, now: OffsetDateTime) -> bool {
        let is_offer = self.status == InvoiceStatus::Unpaid && self.kind == InvoiceKind::Upgrade;
        is_offer && now >= self.lapses_at()
    }

    /// Paid, reversed, or given back in part, and the entitlement does not show it yet.
    #[must_use]
    pub fn awaits_apply(&self) -> bool {
        match self.status {
            InvoiceStatus::Paid => {
                self.granted != Some(self.settlement_no) || self.service_given_back() != Ok(self.granted_return)
            }
            InvoiceStatus::Unpaid | InvoiceStatus::Cancelled => self.granted.is_some(),
        }
    }

    /// What went back to the payer since it became PAID, by a refund or a chargeback.
    pub fn given_back(&self) -> Result<Rupiah, MoneyError> {
        self.refunded.plus(self.charged_back)
    }

    /// The same, of what was paid for the service: not of what was carried from bills of before and paid with it.
    pub fn service_given_back(&self) -> Result<Rupiah, MoneyError> {
        self.given_back().map(|given_back| given_back.min(self.amount))
    }

    /// What it holds: the sum of its entries in the ledger.
    pub fn held(&self) -> Result<Rupiah, MoneyError> {
        self.received.minus(self.given_back()?)
    }

    /// When somebody has to come back to it. While it awaits apply: soon, in case the event about it is lost. An offer
    /// to change the package that holds money: when it lapses, so that the money becomes credit again.
    #[must_use]
    pub fn next_wake(&self, now: OffsetDateTime) -> Option<OffsetDateTime> {
        if self.awaits_apply() {
            return Some(later(now, APPLY_WITHIN));
        }
        let is_offer = self.status == InvoiceStatus::Unpaid && self.kind == InvoiceKind::Upgrade;
        (is_offer && self.received.is_positive()).then(|| self.lapses_at())
    }

    /// An invoice over a change of package is an offer until then.
    fn lapses_at(&self) -> OffsetDateTime {
        let at = later(self.created_at, DUE_IN.saturating_add(Duration::DAY));
        self.upgrade.and_then(|terms| terms.difference_until).map_or(at, |until| until.min(at))
    }

    /// It is paid, now: by credit, or because there is nothing to pay.
    pub(crate) fn settle_now(&mut self, now: OffsetDateTime) -> Event {
        self.status = InvoiceStatus::Paid;
        self.settlement_no = self.settlement_no.saturating_add(1);
        (self.paid_at, self.link, self.lease, self.updated_at) = (Some(now), None, None, now);
        self.in_review = None;
        self.wake_at = self.next_wake(now);
        let (customer_id, invoice_id) = (self.customer_id.clone(), self.id.clone());
        Event::PaymentSettled { customer_id, invoice_id, settlement_no: self.settlement_no, amount: self.amount }
    }
}

/// Who looks at an invoice next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NextLook {
    /// Whoever reconciles ([`Invoice::next_due`]).
    Reconcile(OffsetDateTime),
    /// Whoever reminds customers.
    Remind(OffsetDateTime),
}

impl Invoice {
    /// The one thing that it wakes up for. A reminder waits until that is done, and is no reminder once it is paid.
    #[must_use]
    pub fn next_look(&self) -> Option<NextLook> {
        if let Some(at) = self.wake_at {
            return Some(NextLook::Reconcile(at));
        }
        let may_remind = self.status == InvoiceStatus::Unpaid && !self.awaits_apply();
        if may_remind { self.remind_at.map(NextLook::Remind) } else { None }
    }
}

/// Identity of an invoice about to be issued.
#[derive(Debug, Clone)]
pub struct NewInvoice {
    pub id: InvoiceId,
    pub number: String,
    pub due_date: Date,
}

impl Invoice {
    /// An unpaid invoice over the package's price.
    pub(crate) fn issued(
        kind: InvoiceKind,
        customer_id: CustomerId,
        package: Package,
        new: NewInvoice,
        now: OffsetDateTime,
    ) -> Self {
        Self {
            id: new.id,
            customer_id,
            description: match kind {
                InvoiceKind::Renewal => format!("{} – {} bulan", package.name, package.period_months),
                InvoiceKind::Upgrade => format!("Ganti paket ke {}", package.name),
            },
            number: new.number,
            kind,
            amount: package.price,
            package,
            received: Rupiah::ZERO,
            credit_applied: Rupiah::ZERO,
            carried: Rupiah::ZERO,
            refunded: Rupiah::ZERO,
            charged_back: Rupiah::ZERO,
            granted_return: Rupiah::ZERO,
            status: InvoiceStatus::Unpaid,
            settlement_no: 0,
            granted: None,
            applied_at: None,
            due_date: new.due_date,
            paid_at: None,
            link: None,
            in_review: None,
            lease: None,
            attempts: None,
            upgrade: None,
            created_at: now,
            updated_at: now,
            remind_at: None,
            wake_at: None,
            version: 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;
    use crate::examples::{self, NOW};

    #[test]
    fn an_invoice_is_overdue_once_its_day_is_over_in_the_providers_zone() {
        // The example is due on 30 November. It is midnight in Jakarta at 17:00, in Makassar at 16:00, in Jayapura at
        // 15:00 UTC.
        let unpaid = examples::invoice();
        for (zone, last) in [
            (Zone::Jakarta, datetime!(2026-11-30 16:59:59 UTC)),
            (Zone::Makassar, datetime!(2026-11-30 15:59:59 UTC)),
            (Zone::Jayapura, datetime!(2026-11-30 14:59:59 UTC)),
        ] {
            let next = last + time::Duration::SECOND;
            assert_eq!((unpaid.is_overdue(zone, last), unpaid.is_overdue(zone, next)), (false, true), "{zone}");
            for status in [InvoiceStatus::Paid, InvoiceStatus::Cancelled] {
                assert!(!Invoice { status, ..unpaid.clone() }.is_overdue(zone, next));
            }
        }
    }

    #[test]
    fn an_invoice_is_due_for_one_thing_at_a_time() {
        use InvoiceStatus::{Cancelled, Paid, Unpaid};
        let look = |status, granted, wake_at| {
            Invoice { status, granted, wake_at, remind_at: Some(NOW), settlement_no: 1, ..examples::invoice() }
                .next_look()
        };
        assert_eq!(look(Unpaid, None, None), Some(NextLook::Remind(NOW)));
        assert_eq!(look(Paid, None, Some(NOW)), Some(NextLook::Reconcile(NOW)));
        assert_eq!(
            look(Unpaid, Some(1), Some(NOW)),
            Some(NextLook::Reconcile(NOW)),
            "reversed: the grant is revoked first"
        );
        for settled in [look(Paid, Some(1), None), look(Cancelled, None, None)] {
            assert_eq!(settled, None);
        }
    }

    #[test]
    fn what_waits_to_be_applied_is_a_grant_that_does_not_fit_the_status() {
        use InvoiceStatus::{Cancelled, Paid, Unpaid};
        for (status, granted, waits) in [
            (Paid, None, true),
            (Paid, Some(1), true),
            (Paid, Some(2), false),
            (Unpaid, None, false),
            (Unpaid, Some(2), true),
            (Cancelled, None, false),
            (Cancelled, Some(2), true),
        ] {
            let invoice = Invoice { status, granted, settlement_no: 2, ..examples::invoice() };
            assert_eq!(invoice.awaits_apply(), waits, "{status:?} {granted:?}");
        }
    }
}
