//! Money: whole rupiah, checked arithmetic, no floating point anywhere.

use std::fmt;

use serde::{Deserialize, Serialize};

/// An amount of whole Indonesian rupiah. May be negative (a contra entry, a credit overdrawn by a reversal).
///
/// The rupiah has no minor unit in use: gateways send `"300000.00"` (Midtrans) or `300000.0` (Xendit), always with a
/// zero fraction.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Rupiah(i64);

/// The smallest amount that a customer is asked for at a gateway. What is left of a bill below it is carried to the next
/// one ([`credit`](crate::money::credit)).
///
/// Channels differ. Of those that everybody can pay with, the dearest minimum is Rp1.000 (direct debit, Jenius Pay); QRIS
/// and most virtual accounts take Rp1, wallets Rp100. Virtual accounts of BCA and shop counters take Rp10.000 and more,
/// cards Rp5.000: below that the gateway's page does not offer them.
/// <https://docs.xendit.co/ewallet/rules-and-limitation>, <https://docs.xendit.co/direct-debit/rules-limitations>,
/// <https://docs.xendit.co/docs/qris>, <https://docs.xendit.co/docs/alfamart>, <https://docs.xendit.co/credit-cards>,
/// <https://docs.xendit.co/xenpayments/virtual-account/rules-and-limitations>
pub const LEAST_AMOUNT: Rupiah = Rupiah::new(1_000);

/// Why an amount could not be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// The result does not fit 64 bits: some input is not an amount of money.
    #[error("amount out of range")]
    OutOfRange,
    /// The text is not a whole amount, for example `12.50`, `1e6` or `Rp300`.
    #[error("not a whole rupiah amount: {0:?}")]
    NotRupiah(String),
}

impl Rupiah {
    pub const ZERO: Self = Self(0);

    /// An amount of `rupiah` whole rupiah.
    #[must_use]
    pub const fn new(rupiah: i64) -> Self {
        Self(rupiah)
    }

    /// The amount as an integer, for wire formats and storage.
    #[must_use]
    pub const fn get(self) -> i64 {
        self.0
    }

    /// Sum of both.
    pub fn plus(self, other: Self) -> Result<Self, MoneyError> {
        self.0.checked_add(other.0).map(Self).ok_or(MoneyError::OutOfRange)
    }

    /// This less the other.
    pub fn minus(self, other: Self) -> Result<Self, MoneyError> {
        self.0.checked_sub(other.0).map(Self).ok_or(MoneyError::OutOfRange)
    }

    /// The amount with the other sign: the contra of a ledger entry.
    pub fn negated(self) -> Result<Self, MoneyError> {
        self.0.checked_neg().map(Self).ok_or(MoneyError::OutOfRange)
    }

    #[must_use]
    pub const fn is_positive(self) -> bool {
        self.0 > 0
    }

    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// Something, but less than a gateway is asked to collect ([`LEAST_AMOUNT`]).
    #[must_use]
    pub fn is_too_little(self) -> bool {
        self.is_positive() && self < LEAST_AMOUNT
    }

    /// Parses a gateway's decimal text: digits, optionally a point and one or two zeros (three would be thousands).
    /// Never through a float.
    pub fn parse_decimal(text: &str) -> Result<Self, MoneyError> {
        let refused = || MoneyError::NotRupiah(text.chars().take(40).collect());
        let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
        let digits = whole.strip_prefix('-').unwrap_or(whole);
        let well_formed = (1..=15).contains(&digits.len())
            && digits.bytes().all(|b| b.is_ascii_digit())
            && (1..=2).contains(&fraction.len())
            && fraction.bytes().all(|b| b == b'0');
        if !well_formed {
            return Err(refused());
        }
        whole.parse().map(Self).map_err(|_| refused())
    }
}

/// `Rp300.000`, as written in Indonesia.
impl fmt::Display for Rupiah {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.0.unsigned_abs().to_string();
        let mut grouped = String::with_capacity(digits.len().saturating_mul(2));
        for (index, digit) in digits.chars().enumerate() {
            if index > 0 && digits.len().saturating_sub(index).is_multiple_of(3) {
                grouped.push('.');
            }
            grouped.push(digit);
        }
        let sign = if self.0 < 0 { "-" } else { "" };
        write!(f, "{sign}Rp{grouped}")
    }
}

impl fmt::Debug for Rupiah {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<i64>) {
        assert_eq!(Rupiah::parse_decimal(text).ok().map(Rupiah::get), expected, "{text:?}");
    }

    #[test]
    fn decimal_text_is_read_exactly_or_refused() {
        check("300000.00", Some(300_000));
        check("300000", Some(300_000));
        check("300000.0", Some(300_000));
        check("0.00", Some(0));
        check("-5000.00", Some(-5_000));
        for refused in [
            "",
            ".",
            "1.",
            ".0",
            "12.50",
            "1e6",
            "Rp300",
            " 1",
            "1 ",
            "+1",
            "--1",
            "1.00000",
            "300.000",
            "1,000",
            "9999999999999999",
            "٣",
        ] {
            check(refused, None);
        }
    }

    #[test]
    fn amounts_are_written_the_indonesian_way() {
        let texts = [0, 999, 1_000, 300_000, 1_234_567, -50_000].map(|n| Rupiah::new(n).to_string());
        assert_eq!(texts, ["Rp0", "Rp999", "Rp1.000", "Rp300.000", "Rp1.234.567", "-Rp50.000"]);
    }

    #[test]
    fn arithmetic_refuses_to_wrap() {
        assert_eq!(Rupiah::new(i64::MAX).plus(Rupiah::new(1)), Err(MoneyError::OutOfRange));
        assert_eq!(Rupiah::new(i64::MIN).minus(Rupiah::new(1)), Err(MoneyError::OutOfRange));
        assert_eq!(Rupiah::new(i64::MIN).negated(), Err(MoneyError::OutOfRange));
    }

    proptest! {
        #[test]
        fn any_text_parses_or_is_refused_without_panic(text in ".{0,24}") {
            let _ = Rupiah::parse_decimal(&text);
        }

        #[test]
        fn what_is_written_with_two_decimals_is_read_back(n in -999_999_999_999_i64..999_999_999_999) {
            prop_assert_eq!(Rupiah::parse_decimal(&format!("{n}.00")), Ok(Rupiah::new(n)));
        }
    }
}
