//! Events that leave through the outbox: ids, kinds and amounts, never personal data. Schemas: `infra/events`.

use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

use crate::id::{CustomerId, InvoiceId, OrderId, PackageId};
use crate::money::Rupiah;
use crate::payment::gateway::GatewayName;

/// How long an event is kept after it was relayed.
pub const KEPT: Duration = Duration::days(7);

/// Something that happened, as the rest of the system is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all_fields = "camelCase")]
pub enum Event {
    /// Somebody asked for a login code. Carries neither phone nor code; both are derived where it is sent.
    #[serde(rename = "login.code_requested")]
    LoginCodeRequested { login_id: String, request_id: String },
    /// A new invoice.
    #[serde(rename = "invoice.issued")]
    InvoiceIssued { customer_id: CustomerId, invoice_id: InvoiceId, amount: Rupiah },
    /// A renewal is not paid, and its due date is near.
    #[serde(rename = "invoice.reminder")]
    InvoiceReminder {
        customer_id: CustomerId,
        invoice_id: InvoiceId,
        /// Still to pay.
        amount: Rupiah,
        /// How near: `three_days_before` or `due_day`.
        stage: Stage,
    },
    /// A renewal is not paid, and its due date is over.
    #[serde(rename = "invoice.overdue")]
    InvoiceOverdue {
        customer_id: CustomerId,
        invoice_id: InvoiceId,
        /// Still to pay.
        amount: Rupiah,
    },
    /// An invoice became PAID.
    #[serde(rename = "payment.settled")]
    PaymentSettled { customer_id: CustomerId, invoice_id: InvoiceId, settlement_no: u32, amount: Rupiah },
    /// A settled invoice is no longer PAID.
    #[serde(rename = "payment.reversed")]
    PaymentReversed { customer_id: CustomerId, invoice_id: InvoiceId, settlement_no: u32, amount: Rupiah },
    /// Money that a person should look at.
    #[serde(rename = "payment.review")]
    PaymentReview {
        customer_id: CustomerId,
        invoice_id: InvoiceId,
        gateway: GatewayName,
        order_id: OrderId,
        amount: Rupiah,
        reason: ReviewReason,
    },
    /// A customer's service was extended.
    #[serde(rename = "subscription.extended")]
    SubscriptionExtended {
        customer_id: CustomerId,
        invoice_id: InvoiceId,
        settlement_no: u32,
        #[serde(with = "time::serde::rfc3339")]
        expires_at: OffsetDateTime,
        /// Version of the profile: a later one makes this one obsolete.
        version: u64,
    },
    /// Another package is active than before: the customer changed it, or the change was taken back.
    #[serde(rename = "package.changed")]
    PackageChanged {
        customer_id: CustomerId,
        invoice_id: InvoiceId,
        settlement_no: u32,
        /// The package before.
        from_package_id: PackageId,
        package_id: PackageId,
        #[serde(with = "time::serde::rfc3339")]
        expires_at: OffsetDateTime,
        /// Version of the profile: a later one makes this one obsolete.
        version: u64,
    },
    /// A customer's expiry has passed.
    #[serde(rename = "subscription.expired")]
    SubscriptionExpired {
        customer_id: CustomerId,
        #[serde(with = "time::serde::rfc3339")]
        expires_at: OffsetDateTime,
        /// Version of the profile: a later one makes this one obsolete.
        version: u64,
    },
    /// An extension was taken back.
    #[serde(rename = "subscription.reverted")]
    SubscriptionReverted {
        customer_id: CustomerId,
        invoice_id: InvoiceId,
        settlement_no: u32,
        /// Served until, after it.
        #[serde(with = "time::serde::rfc3339")]
        expires_at: OffsetDateTime,
        version: u64,
    },
}

/// Why a payment needs a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReviewReason {
    /// More arrived than was due; the rest is credit.
    Surplus,
    /// Less arrived than was due; the invoice stays open for the rest.
    Partial,
    /// Part of a payment was refunded; nothing is revoked by itself.
    PartialRefund,
    /// A payment was charged back; nothing is revoked by itself.
    Chargeback,
    /// The gateway took money back that opens no invoice again: it had become credit, which may be spent, or was a
    /// part-payment.
    TakenBack,
    /// The gateway says something that is not understood, or that a person has to decide: an unknown status, a card
    /// held for review, another currency. Nothing is booked; the amount is the order's.
    Unclear,
}

/// How far an unpaid renewal has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Three days before the due date.
    ThreeDaysBefore,
    /// The due date.
    DueDay,
    /// The day after it: the invoice is overdue.
    Overdue,
}

impl Event {
    /// The event's kind, which is the `detail-type` on the bus.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::LoginCodeRequested { .. } => "login.code_requested",
            Self::InvoiceIssued { .. } => "invoice.issued",
            Self::InvoiceReminder { .. } => "invoice.reminder",
            Self::InvoiceOverdue { .. } => "invoice.overdue",
            Self::PaymentSettled { .. } => "payment.settled",
            Self::PaymentReversed { .. } => "payment.reversed",
            Self::PaymentReview { .. } => "payment.review",
            Self::SubscriptionExtended { .. } => "subscription.extended",
            Self::SubscriptionReverted { .. } => "subscription.reverted",
            Self::SubscriptionExpired { .. } => "subscription.expired",
            Self::PackageChanged { .. } => "package.changed",
        }
    }
}

/// When something with that id was written: the time in its UUIDv7, which ids of events and ledger entries are. `None`
/// if it is none.
#[must_use]
pub fn made_at(id: &str) -> Option<OffsetDateTime> {
    let milliseconds = id.get(..12).and_then(|digits| i64::from_str_radix(digits, 16).ok())?;
    OffsetDateTime::UNIX_EPOCH.checked_add(Duration::milliseconds(milliseconds))
}

impl Event {
    /// The customer and the invoice that it is about; `None` if it is about no invoice.
    #[must_use]
    pub fn about(&self) -> Option<(CustomerId, InvoiceId)> {
        match self {
            Self::LoginCodeRequested { .. } | Self::SubscriptionExpired { .. } => None,
            Self::InvoiceIssued { customer_id, invoice_id, .. }
            | Self::InvoiceReminder { customer_id, invoice_id, .. }
            | Self::InvoiceOverdue { customer_id, invoice_id, .. }
            | Self::PaymentSettled { customer_id, invoice_id, .. }
            | Self::PaymentReversed { customer_id, invoice_id, .. }
            | Self::PaymentReview { customer_id, invoice_id, .. }
            | Self::SubscriptionExtended { customer_id, invoice_id, .. }
            | Self::PackageChanged { customer_id, invoice_id, .. }
            | Self::SubscriptionReverted { customer_id, invoice_id, .. } => {
                Some((customer_id.clone(), invoice_id.clone()))
            }
        }
    }
}

/// An event as it is stored, relayed and received: the `detail` on the bus.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope {
    /// Unique; consumers recognise a repetition by it.
    pub id: String,
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs, path::PathBuf};

    use serde_json::Value;
    use time::macros::datetime;

    use super::*;
    use crate::examples::{self, NOW};

    /// One event of every kind; `infra/events/examples` holds them as they go over the bus.
    fn one_of_each() -> Vec<Event> {
        let (customer_id, invoice_id) = (examples::invoice().customer_id, examples::invoice().id);
        let amount = Rupiah::new(300_000);
        vec![
            Event::LoginCodeRequested {
                login_id: "LOGIN#0a1b2c".into(),
                request_id: "01926f5e-7b1a-7c3d-9e4f-5a6b7c8d9e0f".into(),
            },
            Event::InvoiceIssued { customer_id: customer_id.clone(), invoice_id: invoice_id.clone(), amount },
            Event::InvoiceReminder {
                customer_id: customer_id.clone(),
                invoice_id: invoice_id.clone(),
                amount,
                stage: Stage::ThreeDaysBefore,
            },
            Event::InvoiceOverdue { customer_id: customer_id.clone(), invoice_id: invoice_id.clone(), amount },
            Event::PaymentSettled {
                customer_id: customer_id.clone(),
                invoice_id: invoice_id.clone(),
                settlement_no: 1,
                amount,
            },
            Event::PaymentReversed {
                customer_id: customer_id.clone(),
                invoice_id: invoice_id.clone(),
                settlement_no: 1,
                amount,
            },
            Event::PaymentReview {
                customer_id: customer_id.clone(),
                invoice_id: invoice_id.clone(),
                gateway: GatewayName::Midtrans,
                order_id: examples::order().id,
                amount: Rupiah::new(50_000),
                reason: ReviewReason::Surplus,
            },
            Event::SubscriptionExtended {
                customer_id: customer_id.clone(),
                invoice_id: invoice_id.clone(),
                settlement_no: 1,
                expires_at: datetime!(2026-12-30 16:59:59 UTC),
                version: 2,
            },
            Event::PackageChanged {
                customer_id: customer_id.clone(),
                invoice_id: invoice_id.clone(),
                settlement_no: 1,
                from_package_id: PackageId::parse("home20").unwrap(),
                package_id: PackageId::parse("home50").unwrap(),
                expires_at: datetime!(2026-12-27 16:59:59 UTC),
                version: 2,
            },
            Event::SubscriptionExpired {
                customer_id: customer_id.clone(),
                expires_at: datetime!(2026-11-22 16:59:59 UTC),
                version: 3,
            },
            Event::SubscriptionReverted {
                customer_id,
                invoice_id,
                settlement_no: 1,
                expires_at: datetime!(2026-11-30 16:59:59 UTC),
                version: 3,
            },
        ]
    }

    fn events() -> PathBuf {
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../infra/events")
    }

    fn read(file: &str) -> Value {
        let text = fs::read_to_string(events().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{file}: {error}"))
    }

    fn names(object: &Value) -> BTreeSet<String> {
        object.as_object().unwrap().keys().cloned().collect()
    }

    #[test]
    fn every_event_goes_over_the_bus_as_its_example_and_is_read_back() {
        for event in one_of_each() {
            let envelope = Envelope { id: "01926f5e-6a09-7b2c-8d3e-4f5061728394".into(), at: NOW, event };
            let wire = serde_json::to_value(&envelope).unwrap();
            assert_eq!(wire, read(&format!("examples/{}.json", envelope.event.kind())));
            assert_eq!(serde_json::from_value::<Envelope>(wire).unwrap(), envelope);
        }
    }

    #[test]
    fn every_schema_names_exactly_the_fields_of_its_event() {
        for event in one_of_each() {
            let kind = event.kind();
            let schema = read(&format!("{kind}.schema.json"));
            let fields = names(&read(&format!("examples/{kind}.json")));
            assert_eq!(schema["properties"]["kind"]["const"], kind);
            assert_eq!(names(&schema["properties"]), fields, "{kind}");
            let required: BTreeSet<String> = serde_json::from_value(schema["required"].clone()).unwrap();
            assert_eq!(required, fields, "{kind}");
            assert_eq!(schema["additionalProperties"], false, "{kind}");
        }
    }

    #[test]
    fn no_schema_or_example_is_without_an_event() {
        let kinds: BTreeSet<String> = one_of_each().iter().map(|event| event.kind().to_owned()).collect();
        let told = |folder: PathBuf, ending: &str| -> BTreeSet<String> {
            let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
            files.filter_map(|name| name.strip_suffix(ending).map(str::to_owned)).collect()
        };
        assert_eq!(told(events(), ".schema.json"), kinds);
        assert_eq!(told(events().join("examples"), ".json"), kinds);
    }

    #[test]
    fn a_review_says_why_in_a_stable_word() {
        let words = [
            ReviewReason::Surplus,
            ReviewReason::Partial,
            ReviewReason::PartialRefund,
            ReviewReason::Chargeback,
            ReviewReason::TakenBack,
            ReviewReason::Unclear,
        ];
        let schema = read("payment.review.schema.json");
        assert_eq!(serde_json::to_value(words).unwrap(), schema["properties"]["reason"]["enum"]);
        assert_eq!(serde_json::to_value(GatewayName::ALL).unwrap(), schema["properties"]["gateway"]["enum"]);
    }
}
