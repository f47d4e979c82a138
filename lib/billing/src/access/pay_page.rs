//! How long the public page of an invoice can be opened.

use time::{Duration, OffsetDateTime};

use crate::payment::invoice::{Invoice, InvoiceStatus};
use crate::zone::later;

/// After the payment the page is the receipt for so long.
pub const RECEIPT_FOR: Duration = Duration::days(30);

/// Can the invoice's page be opened? While something is to pay, and as its receipt afterwards. Never once it is
/// cancelled, or is an offer that lapsed.
#[must_use]
pub fn is_open(invoice: &Invoice, now: OffsetDateTime) -> bool {
    match invoice.status {
        InvoiceStatus::Unpaid => !invoice.is_lapsed(now),
        InvoiceStatus::Paid => now < later(invoice.paid_at.unwrap_or(invoice.updated_at), RECEIPT_FOR),
        InvoiceStatus::Cancelled => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        examples::{self, NOW},
        payment::invoice::InvoiceKind,
    };

    #[test]
    fn a_page_is_open_until_its_bill_is_cancelled_or_was_paid_thirty_days_ago() {
        let unpaid = examples::invoice();
        let years = later(NOW, Duration::days(1_000));
        assert!(is_open(&unpaid, NOW) && is_open(&unpaid, years));

        let paid = Invoice { status: InvoiceStatus::Paid, paid_at: Some(NOW), ..unpaid.clone() };
        let last = later(NOW, Duration::days(30)) - Duration::SECOND;
        assert!(is_open(&paid, NOW) && is_open(&paid, last) && !is_open(&paid, last + Duration::SECOND));
        // Nobody paid it, so it has no such moment: what counts is when it came to be settled.
        let settled = Invoice { paid_at: None, updated_at: NOW, ..paid };
        assert!(is_open(&settled, last) && !is_open(&settled, last + Duration::SECOND));

        let cancelled = Invoice { status: InvoiceStatus::Cancelled, paid_at: Some(NOW), ..unpaid.clone() };
        assert!(!is_open(&cancelled, NOW));

        let offer = Invoice { kind: InvoiceKind::Upgrade, ..unpaid };
        assert!(is_open(&offer, NOW) && !is_open(&offer, years));
    }
}
