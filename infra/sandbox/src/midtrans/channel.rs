//! Payment methods as `enabled_payments` names them, and what each puts into answers.
//!
//! Source: <https://docs.midtrans.com/docs/https-notification-webhooks>.

use serde_json::{Map, Value, json};

use crate::core::random;

/// Every method that the stand-in offers, in the order of the page.
const ALL: &[&str] = &[
    "bca_va",
    "bni_va",
    "bri_va",
    "permata_va",
    "cimb_va",
    "danamon_va",
    "bsi_va",
    "seabank_va",
    "saqu_va",
    "echannel",
    "other_qris",
    "gopay",
    "shopeepay",
    "dana",
    "ovo",
    "credit_card",
    "indomaret",
    "alfamart",
    "akulaku",
    "kredivo",
];

/// What a script pays with when it names no method: the first of these that is enabled.
const PREFERRED: &[&str] = &["bca_va", "other_qris", "gopay", "bni_va", "bri_va"];

/// Methods whose payments can be given back by API; bank accounts and counters cannot.
const REFUNDABLE: &[&str] = &["credit_card", "gopay", "shopeepay", "dana", "ovo", "other_qris", "kredivo", "akulaku"];

/// Methods that the Core API knows by transaction id only, and that answer with it in `order_id`.
const BY_TRANSACTION_ID: &[&str] = &["dana", "danamon_va", "bsi_va", "seabank_va", "saqu_va"];

/// A method with the account number, code or card of one transaction.
#[derive(Clone, Debug)]
pub(crate) struct Channel {
    pub(crate) name: &'static str,
    number: String,
}

/// The methods that a page over so many rupiah offers: of `enabled` with its aliases spelt out, or of all if it is empty.
pub(crate) fn offered(enabled: &[String], amount: i64) -> Vec<&'static str> {
    let is_enabled = |name: &str| {
        enabled.is_empty()
            || enabled.iter().any(|wish| match wish.as_str() {
                "bank_transfer" | "other_va" => name.ends_with("_va") || name == "echannel",
                "cstore" => name == "indomaret" || name == "alfamart",
                "qris" => name == "other_qris",
                wish => wish == name,
            })
    };
    ALL.iter().copied().filter(|name| least(name) <= amount && is_enabled(name)).collect()
}

/// The smallest amount that a method takes, in rupiah. Midtrans publishes none; those of shop counters are the chains'
/// own (<https://docs.fazz.com/v4-ID/docs/accept-retail-outlet>).
fn least(name: &str) -> i64 {
    match name {
        "alfamart" => 15_000,
        "indomaret" => 10_000,
        _ => 1,
    }
}

/// The method a script pays with when it names none.
pub(crate) fn preferred(offered: &[&'static str]) -> &'static str {
    PREFERRED.iter().find(|name| offered.contains(name)).or_else(|| offered.first()).copied().unwrap_or("bca_va")
}

impl Channel {
    /// `name` with a fresh account number; none if there is no such method.
    pub(crate) fn new(name: &str) -> Option<Self> {
        let name = if name == "qris" { "other_qris" } else { name };
        let name = ALL.iter().find(|known| **known == name)?;
        Some(Self { name, number: random::digits(11) })
    }

    pub(crate) fn is_card(&self) -> bool {
        self.name == "credit_card"
    }

    pub(crate) fn is_refundable(&self) -> bool {
        REFUNDABLE.contains(&self.name)
    }

    pub(crate) fn known_by_transaction_id_only(&self) -> bool {
        BY_TRANSACTION_ID.contains(&self.name)
    }

    /// DANA has been documented to write its statuses in capitals.
    pub(crate) fn shouts(&self) -> bool {
        self.name == "dana"
    }

    /// `payment_type` and the fields that come with it.
    pub(crate) fn describe(&self, into: &mut Map<String, Value>) {
        let number = &self.number;
        let (payment_type, fields) = match self.name {
            "permata_va" => ("bank_transfer", json!({"permata_va_number": number})),
            "echannel" => ("echannel", json!({"biller_code": "70012", "bill_key": number})),
            "other_qris" => (
                "qris",
                json!({"transaction_type": "off-us", "acquirer": "gopay", "issuer": "dana",
                       "merchant_cross_reference_id": number}),
            ),
            "indomaret" | "alfamart" => ("cstore", json!({"store": self.name, "payment_code": number})),
            "credit_card" => (
                "credit_card",
                json!({"masked_card": "48111111-1114", "bank": "bni", "card_type": "credit",
                       "approval_code": number, "eci": "05", "channel_response_code": "00",
                       "channel_response_message": "Approved"}),
            ),
            account if account.ends_with("_va") => (
                "bank_transfer",
                json!({"va_numbers": [{"va_number": number, "bank": account.trim_end_matches("_va")}],
                       "payment_amounts": []}),
            ),
            wallet => (wallet, json!({})),
        };
        into.insert("payment_type".to_owned(), payment_type.into());
        if let Value::Object(fields) = fields {
            into.extend(fields);
        }
    }

    /// What the customer copies or scans.
    pub(crate) fn instruction(&self) -> String {
        match self.name {
            "echannel" => format!("Mandiri bill: biller 70012, key {}", self.number),
            "indomaret" | "alfamart" => format!("Payment code {}", self.number),
            name if name.ends_with("_va") => format!("Account number {}", self.number),
            _ => String::new(),
        }
    }
}

/// A method's name for people.
pub(crate) fn label(name: &str) -> String {
    match name {
        "echannel" => "Mandiri bill".to_owned(),
        "other_qris" => "QRIS".to_owned(),
        "credit_card" => "Card".to_owned(),
        "gopay" => "GoPay".to_owned(),
        "shopeepay" => "ShopeePay".to_owned(),
        "ovo" | "dana" => name.to_uppercase(),
        account if account.ends_with("_va") => {
            format!("{} virtual account", account.trim_end_matches("_va").to_uppercase())
        }
        other => {
            let mut letters = other.chars();
            letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(enabled: &[&str]) -> Vec<&'static str> {
        offered(&enabled.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>(), 300_000)
    }

    #[test]
    fn a_page_offers_what_is_enabled() {
        assert_eq!(names(&[]).len(), ALL.len());
        assert_eq!(names(&["gopay", "bca_va"]), ["bca_va", "gopay"]);
        assert_eq!(names(&["cstore"]), ["indomaret", "alfamart"]);
        assert!(names(&["bank_transfer"]).contains(&"echannel"));
    }

    #[test]
    fn a_counter_takes_no_small_amounts() {
        let counters = |amount| offered(&["cstore".to_owned()], amount);
        assert_eq!(
            [9_999, 10_000, 14_999, 15_000].map(|amount| counters(amount).join(" ")),
            ["", "indomaret", "indomaret", "indomaret alfamart"]
        );
    }

    #[test]
    fn a_script_pays_with_a_sensible_method() {
        assert_eq!(preferred(&names(&[])), "bca_va");
        assert_eq!(preferred(&names(&["shopeepay", "gopay"])), "gopay");
        assert_eq!(preferred(&names(&["indomaret"])), "indomaret");
    }
}
