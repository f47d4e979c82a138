//! Whole rupiah out of JSON numbers, without a float in between.

use serde_json::Value;

/// Largest amount that the sandbox takes: a thousand billion rupiah.
pub(crate) const MAX: i64 = 1_000_000_000_000;

/// A JSON number of whole rupiah: `300000` and `300000.0` are the same, `300000.5` and `"300000"` are none.
///
/// Xendit's Python client writes every amount as a float.
pub(crate) fn whole(value: &Value) -> Option<i64> {
    let Value::Number(number) = value else {
        return None;
    };
    let text = number.to_string();
    let (digits, fraction) = text.split_once('.').unwrap_or((&text, ""));
    if !fraction.bytes().all(|digit| digit == b'0') {
        return None;
    }
    digits.parse().ok().filter(|rupiah: &i64| (-MAX..=MAX).contains(rupiah))
}

/// A JSON integer; a float is refused even with a zero fraction, as Midtrans does.
pub(crate) fn integer(value: &Value) -> Option<i64> {
    value.as_i64().filter(|rupiah| (-MAX..=MAX).contains(rupiah))
}

/// `300000.00`, the string form of every amount that Midtrans sends.
pub(crate) fn two_decimals(rupiah: i64) -> String {
    format!("{rupiah}.00")
}

/// `Rp300.000`, for people.
pub(crate) fn display(rupiah: i64) -> String {
    let digits = rupiah.unsigned_abs().to_string();
    let mut grouped = String::with_capacity(digits.len().saturating_mul(2));
    for (index, digit) in digits.chars().enumerate() {
        let left = digits.len().saturating_sub(index);
        if index > 0 && left.is_multiple_of(3) {
            grouped.push('.');
        }
        grouped.push(digit);
    }
    let sign = if rupiah < 0 { "-" } else { "" };
    format!("{sign}Rp{grouped}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_whole_rupiah_are_amounts() {
        assert_eq!(whole(&json!(300_000)), Some(300_000));
        assert_eq!(whole(&json!(300_000.0)), Some(300_000));
        assert_eq!(whole(&serde_json::from_str("3e5").unwrap()), Some(300_000));
        assert_eq!(whole(&json!(300_000.5)), None);
        assert_eq!(whole(&json!("300000")), None);
        assert_eq!(whole(&json!(9_999_999_999_999_i64)), None);
    }

    #[test]
    fn midtrans_takes_integers_only() {
        assert_eq!(integer(&json!(300_000)), Some(300_000));
        assert_eq!(integer(&json!(300_000.0)), None);
    }

    #[test]
    fn people_read_thousands() {
        assert_eq!(display(1_250_000), "Rp1.250.000");
        assert_eq!(display(300), "Rp300");
        assert_eq!(display(-5_000), "-Rp5.000");
    }
}
