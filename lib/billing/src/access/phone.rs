//! Indonesian mobile numbers, as people type them and as they are stored.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A mobile number as digits without plus, `628…`, 11 to 14 digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Phone(String);

/// The text is not one Indonesian mobile number.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an Indonesian mobile number, write it like 0812-3456-7890")]
pub struct NotAPhone;

impl Phone {
    /// Reads a number as typed: `0812-3456-7890`, `+62 (0)812…`, `0062…`, `812…`.
    ///
    /// Mobile numbers are `8[1-35-9]` and 7 to 10 digits after the country code (the numbering plan as Google's
    /// `libphonenumber` metadata has it). Letters refuse the whole text: `6.28E+12` from a spreadsheet has lost digits,
    /// and `0812… atau 0813…` are two numbers.
    pub fn parse(text: &str) -> Result<Self, NotAPhone> {
        let text = text.trim().trim_start_matches('\'');
        if text.len() > 40 || text.chars().any(|c| c.is_alphabetic() || "/,;|".contains(c)) {
            return Err(NotAPhone);
        }
        let digits: String = text.chars().filter(char::is_ascii_digit).collect();
        let international = digits.strip_prefix("00").unwrap_or(&digits);
        if text.starts_with('+') && !international.starts_with("62") {
            return Err(NotAPhone);
        }
        let national = match international.strip_prefix("62") {
            Some(rest) => rest.strip_prefix('0').unwrap_or(rest),
            None => international.strip_prefix('0').unwrap_or(international),
        };
        let bytes = national.as_bytes();
        let mobile = (9..=12).contains(&bytes.len())
            && bytes.first() == Some(&b'8')
            && matches!(bytes.get(1), Some(b'1'..=b'3' | b'5'..=b'9'));
        if mobile { Ok(Self(format!("62{national}"))) } else { Err(NotAPhone) }
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Phone {
    type Error = NotAPhone;
    fn try_from(text: String) -> Result<Self, NotAPhone> {
        Self::parse(&text)
    }
}

impl From<Phone> for String {
    fn from(phone: Phone) -> Self {
        phone.0
    }
}

impl fmt::Display for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_are_read_as_people_write_them() {
        for (typed, stored) in [
            ("0812-3456-7890", "6281234567890"),
            ("+62 (0)812-3456-7890", "6281234567890"),
            ("0062 812 3456 7890", "6281234567890"),
            ("81234567890", "6281234567890"),
            ("6281234567890", "6281234567890"),
            ("0811123456", "62811123456"),
            ("'0812\u{a0}3456\u{a0}7890", "6281234567890"),
        ] {
            assert_eq!(Phone::parse(typed).unwrap().as_str(), stored, "{typed}");
        }
    }

    #[test]
    fn what_is_not_one_mobile_number_is_refused() {
        for refused in [
            "",
            "08123456",
            "021-5551234",
            "+65 8123 4567",
            "08123456789 / 08133456789",
            "0812 atau 0813",
            "6.28123E+12",
            "0841234567890",
            "٠٨١٢٣٤٥٦٧٨٩",
        ] {
            assert_eq!(Phone::parse(refused), Err(NotAPhone), "{refused}");
        }
    }

    proptest! {
        #[test]
        fn what_was_read_reads_as_itself(text in ".{0,30}") {
            if let Ok(phone) = Phone::parse(&text) {
                prop_assert_eq!(Phone::parse(phone.as_str()), Ok(phone));
            }
        }
    }
}
