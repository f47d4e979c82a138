//! Keys of the one table. Every id in a key has been parsed (`billing::id`), so no key can be made to reach elsewhere.

use std::{collections::HashMap, fmt};

use aws_sdk_dynamodb::types::AttributeValue;
use billing::access::phone::Phone;
use billing::id::{CustomerId, InvoiceId, MessageId, OrderId, PackageId};
use billing::payment::gateway::GatewayName;
use billing::telling::event::made_at;
use time::Date;

/// A primary key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    pub pk: String,
    pub sk: String,
}

impl Key {
    /// The key of an item, or where a page ended.
    pub(super) fn of(item: &HashMap<String, AttributeValue>) -> Self {
        let text = |name: &str| item.get(name).and_then(|value| value.as_s().ok()).cloned().unwrap_or_default();
        Self { pk: text("PK"), sk: text("SK") }
    }

    fn new(pk: impl Into<String>, sk: impl Into<String>) -> Self {
        Self { pk: pk.into(), sk: sk.into() }
    }

    #[must_use]
    pub fn attributes(&self) -> HashMap<String, AttributeValue> {
        HashMap::from([
            ("PK".to_owned(), AttributeValue::S(self.pk.clone())),
            ("SK".to_owned(), AttributeValue::S(self.sk.clone())),
        ])
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} / {}", self.pk, self.sk)
    }
}

/// Everything of one customer lies in this partition.
#[must_use]
pub fn customer_partition(customer: &CustomerId) -> String {
    format!("CUSTOMER#{customer}")
}

/// Sort-key prefix of invoices.
pub const INVOICE: &str = "INVOICE#";
/// Sort-key prefix of ledger entries.
pub const LEDGER: &str = "LEDGER#";
/// Sort-key prefix of grants.
pub const GRANT: &str = "GRANT#";

/// The profile of a customer.
#[must_use]
pub fn profile(customer: &CustomerId) -> Key {
    Key::new(customer_partition(customer), "PROFILE")
}

/// A session, by the SHA-256 of its token in hex.
#[must_use]
pub fn session(customer: &CustomerId, token_hash: &str) -> Key {
    Key::new(customer_partition(customer), format!("SESSION#{token_hash}"))
}

/// What is remembered of a customer's modem.
#[must_use]
pub fn device(customer: &CustomerId) -> Key {
    Key::new(customer_partition(customer), "DEVICE")
}

/// What the network was told of a customer's line.
#[must_use]
pub fn network_update(customer: &CustomerId) -> Key {
    Key::new(customer_partition(customer), "NETWORK")
}

/// An invoice.
#[must_use]
pub fn invoice(customer: &CustomerId, invoice: &InvoiceId) -> Key {
    Key::new(customer_partition(customer), format!("{INVOICE}{invoice}"))
}

/// A ledger entry, by its own UUIDv7.
#[must_use]
pub fn ledger(customer: &CustomerId, entry: &str) -> Key {
    Key::new(customer_partition(customer), format!("{LEDGER}{entry}"))
}

/// The grant of one settlement of an invoice.
#[must_use]
pub fn grant(customer: &CustomerId, invoice: &InvoiceId, settlement_no: u32) -> Key {
    Key::new(customer_partition(customer), format!("{GRANT}{invoice}#{settlement_no:06}"))
}

/// The grant of an import, by its sequence.
#[must_use]
pub fn import_grant(customer: &CustomerId, sequence: u32) -> Key {
    Key::new(customer_partition(customer), format!("{GRANT}import#{sequence:06}"))
}

/// An order at a gateway.
#[must_use]
pub fn order(gateway: GatewayName, order: &OrderId) -> Key {
    Key::new(format!("ORDER#{gateway}#{order}"), "ORDER")
}

/// An event in the outbox.
#[must_use]
pub fn event(id: &str) -> Key {
    Key::new(format!("EVENT#{id}"), "EVENT")
}

/// That a phone belongs to a customer.
#[must_use]
pub fn phone(phone: &Phone, customer: &CustomerId) -> Key {
    Key::new(phone_partition(phone), customer_partition(customer))
}

/// All customers with a phone.
#[must_use]
pub fn phone_partition(phone: &Phone) -> String {
    format!("PHONE#{phone}")
}

/// Whose user name it is.
#[must_use]
pub fn username(username: &str) -> Key {
    Key::new(format!("USERNAME#{username}"), "USERNAME")
}

/// The zone of the installation.
#[must_use]
pub fn zone() -> Key {
    Key::new("INSTALLATION", "ZONE")
}

/// A package; all lie in one partition, there are few.
#[must_use]
pub fn package(package: &PackageId) -> Key {
    Key::new(PACKAGES, format!("PACKAGE#{package}"))
}

/// The partition of packages.
pub const PACKAGES: &str = "PACKAGES";

/// The counter of invoice numbers of a year.
#[must_use]
pub fn invoice_counter(year: i32) -> Key {
    Key::new(format!("COUNTER#INVOICE#{year}"), "COUNTER")
}

/// Which invoice has that number.
#[must_use]
pub fn invoice_number(number: &str) -> Key {
    Key::new(format!("INVOICENUMBER#{number}"), "INVOICENUMBER")
}

/// Whose invoice it is, by the invoice's id.
#[must_use]
pub fn invoice_owner(invoice: &InvoiceId) -> Key {
    Key::new(format!("INVOICEID#{invoice}"), "INVOICEID")
}

/// Which invoice a pay page is about, by the SHA-256 of the page's token in hex.
#[must_use]
pub fn pay_page(token_hash: &str) -> Key {
    Key::new(format!("PAY#{token_hash}"), "PAY")
}

/// What is known of a phone's logins, by a keyed hash of the phone.
#[must_use]
pub fn login(login_id: &str) -> Key {
    Key::new(format!("LOGIN#{login_id}"), "LOGIN")
}

/// When a customer last had an invoice's gateway asked.
#[must_use]
pub fn check(invoice: &InvoiceId) -> Key {
    Key::new(format!("CHECK#{invoice}"), "CHECK")
}

/// Something that a person should look at, by the UUIDv7 of its event; `None` if the id is none.
#[must_use]
pub fn review(id: &str) -> Option<Key> {
    // The id becomes part of a key, and may be typed in.
    let is_id = id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit() && !b.is_ascii_uppercase());
    if !is_id {
        return None;
    }
    Some(Key::new(review_month(made_at(id)?.date()), format!("REVIEW#{id}")))
}

/// Everything that came up in the month of that day (UTC).
#[must_use]
pub fn review_month(day: Date) -> String {
    format!("REVIEW#{:04}-{:02}", day.year(), u8::from(day.month()))
}

/// A counter of requests within one window.
#[must_use]
pub fn rate(what: &str, who: &str, window: i64) -> Key {
    Key::new(format!("RATE#{what}#{who}#{window}"), "RATE")
}

/// A message to a customer.
#[must_use]
pub fn message(message: &MessageId) -> Key {
    Key::new(format!("MESSAGE#{message}"), "MESSAGE")
}

/// Which message a provider calls by an id of its own, by the SHA-256 of provider and id in hex.
#[must_use]
pub fn provider_message(hash: &str) -> Key {
    Key::new(format!("WAMID#{hash}"), "WAMID")
}

/// Whether a phone wants no messages.
#[must_use]
pub fn opt_out(phone: &Phone) -> Key {
    Key::new(format!("OPTOUT#{phone}"), "OPTOUT")
}

/// Whose turn it is to send a message; one for the deployment.
#[must_use]
pub fn sender() -> Key {
    Key::new("SENDER", "SENDER")
}

/// That a phone was sent a message lately.
#[must_use]
pub fn recipient(phone: &Phone) -> Key {
    Key::new(format!("RECIPIENT#{phone}"), "RECIPIENT")
}
