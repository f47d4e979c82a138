//! What a person should look at: every `payment.review` and `payment.reversed`, and answers of a gateway that nobody
//! understands. Events are gone after a week; these stay until somebody has dealt with them.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::id::{CustomerId, InvoiceId, OrderId};
use crate::money::Rupiah;
use crate::payment::gateway::GatewayName;
use crate::payment::order::Order;
use crate::telling::event::{Event, ReviewReason};

/// One thing to look at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Review {
    pub customer_id: CustomerId,
    pub invoice_id: InvoiceId,
    pub gateway: GatewayName,
    pub order_id: OrderId,
    pub amount: Rupiah,
    pub why: Why,
    /// What the gateway said, if that was not understood.
    pub said: Option<String>,
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
}

/// Why a person should look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// More arrived than was due; the rest is credit.
    Surplus,
    /// Less arrived than was due; the invoice stays open for the rest.
    Partial,
    /// Part of a payment was refunded; nothing was revoked.
    PartialRefund,
    /// A payment was charged back; nothing was revoked.
    Chargeback,
    /// A settled payment is gone, refunded in full or taken back; what was granted for it is revoked.
    Reversed,
    /// The gateway took money back that had become credit, or was a part-payment.
    TakenBack,
    /// The gateway's answer is not understood; nothing was booked.
    Unclear,
}

impl Why {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Surplus => "surplus",
            Self::Partial => "partial",
            Self::PartialRefund => "partial_refund",
            Self::Chargeback => "chargeback",
            Self::Reversed => "reversed",
            Self::TakenBack => "taken_back",
            Self::Unclear => "unclear",
        }
    }
}

/// What is to be looked at because of an event that tells of a payment of `order`.
#[must_use]
pub fn of_event(order: &Order, event: &Event, now: OffsetDateTime) -> Option<Review> {
    let (amount, why) = match event {
        Event::PaymentReview { amount, reason, .. } => (*amount, Why::from(*reason)),
        Event::PaymentReversed { amount, .. } => (*amount, Why::Reversed),
        _ => return None,
    };
    Some(Review {
        customer_id: order.customer_id.clone(),
        invoice_id: order.invoice_id.clone(),
        gateway: order.gateway,
        order_id: order.id.clone(),
        amount,
        why,
        said: if why == Why::Unclear { order.unclear.last().cloned() } else { None },
        at: now,
    })
}

impl From<ReviewReason> for Why {
    fn from(reason: ReviewReason) -> Self {
        match reason {
            ReviewReason::Surplus => Self::Surplus,
            ReviewReason::Partial => Self::Partial,
            ReviewReason::PartialRefund => Self::PartialRefund,
            ReviewReason::Chargeback => Self::Chargeback,
            ReviewReason::TakenBack => Self::TakenBack,
            ReviewReason::Unclear => Self::Unclear,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        examples::{self, NOW},
        payment::{
            gateway::{Report, ReportedState},
            settlement::{SettleOutcome, settle},
        },
    };

    #[test]
    fn too_much_and_what_is_taken_back_is_to_be_looked_at_and_a_payment_of_what_is_due_is_not() {
        let whys = |order: &Order, invoice: &crate::payment::invoice::Invoice, received: i64| {
            let report = examples::report(vec![examples::transaction(received, 0)]);
            let Ok(SettleOutcome::Settled(settled)) = settle(order, invoice, &report, NOW) else {
                panic!("not settled")
            };
            let reviews: Vec<_> =
                settled.events.iter().filter_map(|event| of_event(&settled.order, event, NOW)).collect();
            assert!(reviews.iter().all(|review| review.order_id == order.id && review.invoice_id == invoice.id));
            (reviews.into_iter().map(|review| (review.why, review.amount.get())).collect::<Vec<_>>(), settled)
        };
        let (order, invoice) = (examples::order(), examples::invoice());
        assert_eq!(whys(&order, &invoice, 300_000).0, []);
        assert_eq!(whys(&order, &invoice, 350_000).0, [(Why::Surplus, 50_000)]);
        let (partly, settled) = whys(&order, &invoice, 100_000);
        assert_eq!(partly, [(Why::Partial, 100_000)]);
        let after = settled.invoice.unwrap();
        let (_, paid) = whys(&settled.order, &after, 300_000);
        assert_eq!(whys(&paid.order, &paid.invoice.unwrap(), 0).0, [(Why::Reversed, 300_000)]);
    }

    #[test]
    fn an_answer_that_nobody_understands_is_to_be_looked_at_once() {
        let report = Report { state: ReportedState::Unclear("status hold".into()), transactions: vec![] };
        let Ok(SettleOutcome::Noted(note)) = settle(&examples::order(), &examples::invoice(), &report, NOW) else {
            panic!("not noted")
        };
        let review = of_event(&note.order, &note.event.unwrap(), NOW).unwrap();
        assert_eq!(
            (review.why, review.said.as_deref(), review.amount.get()),
            (Why::Unclear, Some("status hold"), 300_000)
        );
        let later = crate::zone::later(NOW, time::Duration::MINUTE);
        assert_eq!(settle(&note.order, &examples::invoice(), &report, later), Ok(SettleOutcome::Unchanged));
    }
}
