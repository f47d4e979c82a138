//! Payment methods as `payment_methods` names them.

use serde_json::{Value, json};

/// Name, `payment_method` of the family, and the array of the invoice that lists it.
const ALL: &[(&str, &str, &str)] = &[
    ("BCA", "BANK_TRANSFER", "available_banks"),
    ("BNI", "BANK_TRANSFER", "available_banks"),
    ("BRI", "BANK_TRANSFER", "available_banks"),
    ("MANDIRI", "BANK_TRANSFER", "available_banks"),
    ("PERMATA", "BANK_TRANSFER", "available_banks"),
    ("BSI", "BANK_TRANSFER", "available_banks"),
    ("CIMB", "BANK_TRANSFER", "available_banks"),
    ("BJB", "BANK_TRANSFER", "available_banks"),
    ("QRIS", "QR_CODE", "available_qr_codes"),
    ("OVO", "EWALLET", "available_ewallets"),
    ("DANA", "EWALLET", "available_ewallets"),
    ("SHOPEEPAY", "EWALLET", "available_ewallets"),
    ("LINKAJA", "EWALLET", "available_ewallets"),
    ("ASTRAPAY", "EWALLET", "available_ewallets"),
    ("ALFAMART", "RETAIL_OUTLET", "available_retail_outlets"),
    ("INDOMARET", "RETAIL_OUTLET", "available_retail_outlets"),
    ("CREDIT_CARD", "CREDIT_CARD", ""),
    ("DD_BRI", "DIRECT_DEBIT", "available_direct_debits"),
    ("KREDIVO", "PAYLATER", "available_paylaters"),
    ("AKULAKU", "PAYLATER", "available_paylaters"),
];

/// Arrays that every invoice carries: the official Node client fails without one of them.
pub(crate) const ARRAYS: [&str; 6] = [
    "available_banks",
    "available_retail_outlets",
    "available_ewallets",
    "available_qr_codes",
    "available_direct_debits",
    "available_paylaters",
];

/// The known methods among `wanted` that take so many rupiah; of all if nothing is wanted.
pub(crate) fn offered(wanted: &[String], amount: i64) -> Vec<&'static str> {
    ALL.iter()
        .filter(|(name, family, _)| least(name, family) <= amount)
        .map(|(name, _, _)| *name)
        .filter(|name| wanted.is_empty() || wanted.iter().any(|wish| wish == name))
        .collect()
}

/// The smallest amount that a method takes, in rupiah.
///
/// <https://docs.xendit.co/xenpayments/virtual-account/rules-and-limitations>, <https://docs.xendit.co/docs/qris>,
/// <https://docs.xendit.co/ewallet/rules-and-limitation>, <https://docs.xendit.co/docs/alfamart>,
/// <https://docs.xendit.co/docs/indomaret>, <https://docs.xendit.co/credit-cards>,
/// <https://docs.xendit.co/direct-debit/rules-limitations>. None is published for paying later.
fn least(name: &str, family: &str) -> i64 {
    match (name, family) {
        ("BCA", _) | (_, "RETAIL_OUTLET") => 10_000,
        (_, "CREDIT_CARD") => 5_000,
        (_, "EWALLET") => 100,
        _ => 1,
    }
}

pub(crate) fn is_known(name: &str) -> bool {
    ALL.iter().any(|(known, _, _)| *known == name)
}

/// `payment_method` of the method's family.
pub(crate) fn family(name: &str) -> &'static str {
    ALL.iter().find(|(known, _, _)| *known == name).map_or("BANK_TRANSFER", |(_, family, _)| family)
}

/// The entries of one of [`ARRAYS`].
pub(crate) fn entries(array: &str, wanted: &[String], amount: i64, merchant: &str) -> Value {
    let offered = offered(wanted, amount);
    ALL.iter()
        .filter(|(name, _, home)| *home == array && offered.contains(name))
        .map(|(name, family, _)| match *family {
            "BANK_TRANSFER" => json!({
                "bank_code": name, "collection_type": "POOL", "transfer_amount": amount,
                "bank_branch": "Virtual Account", "account_holder_name": merchant, "identity_amount": 0,
            }),
            "RETAIL_OUTLET" => json!({"retail_outlet_name": name}),
            "EWALLET" => json!({"ewallet_type": name}),
            "QR_CODE" => json!({"qr_code_type": name}),
            "DIRECT_DEBIT" => json!({"direct_debit_type": name}),
            _ => json!({"paylater_type": name}),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_method_is_offered_from_its_smallest_amount_on() {
        for (name, least) in [("BCA", 10_000), ("ALFAMART", 10_000), ("CREDIT_CARD", 5_000), ("OVO", 100), ("QRIS", 1)]
        {
            assert!(offered(&[], least).contains(&name) && !offered(&[], least - 1).contains(&name), "{name}");
        }
        assert_eq!(offered(&["BCA".to_owned(), "INDOMARET".to_owned()], 9_999), [""; 0]);
    }
}
