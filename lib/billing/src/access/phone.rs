//! Indonesian mobile numbers, as people type them and as they are stored.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Bytes of a typed number.
const LENGTH_LIMIT: usize = 40;

/// A mobile number as digits without plus, `628…`, 11 to 14 digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Phone(String);

/// The text is not one Indonesian mobile number.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an Indonesian mobile number, write it like 0812-3456-7890")]
pub struct NotAPhone;

impl Phone {
    /// Reads a number as typed or as a spreadsheet writes it: `0812-3456-7890`, `+62 (0)812…`, `0062…`, `812…`,
    /// `'0812…`, `="0812…"`, `81234567890.0`.
    ///
    /// Mobile numbers are `8[1-35-9]` and 7 to 10 digits after the country code (the numbering plan as Google's
    /// `libphonenumber` metadata has it). Any other character refuses the whole text, so digits are never joined over
    /// something that was not understood: `6.28E+12` has lost digits, `0812… atau 0813…` are two numbers, and
    /// `0812…#2` is nobody's.
    pub fn parse(text: &str) -> Result<Self, NotAPhone> {
        let digits = digits(text.trim()).ok_or(NotAPhone)?;
        let national = match digits.strip_prefix("62") {
            Some(rest) => rest.strip_prefix('0').unwrap_or(rest),
            None => digits.strip_prefix('0').unwrap_or(&digits),
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

/// The digits of a typed number, without what stands for "international". `None`: not a number, or another country's.
fn digits(text: &str) -> Option<String> {
    if text.len() > LENGTH_LIMIT {
        return None;
    }
    let quoted = text.strip_prefix("=\"").and_then(|text| text.strip_suffix('"'));
    let text = quoted.unwrap_or_else(|| text.trim_start_matches('\'')).trim();
    // What a spreadsheet took for a number gets a fraction, behind a comma in Indonesia.
    let (number, fraction) = text.split_once(['.', ',']).unwrap_or((text, ""));
    let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if matches!(fraction.len(), 1 | 2) && all_digits(number) && all_digits(fraction) {
        return if fraction.trim_matches('0').is_empty() { Some(number.to_owned()) } else { None };
    }
    let (plus, text) = text.strip_prefix('+').map_or((false, text), |text| (true, text));
    let mut digits = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '0'..='9' => digits.push(c),
            ' ' | '\u{a0}' | '-' | '.' | '(' | ')' => {}
            _ => return None,
        }
    }
    let international = digits.strip_prefix("00");
    let digits = international.unwrap_or(&digits);
    let is_abroad = (plus || international.is_some()) && !digits.starts_with("62");
    if is_abroad { None } else { Some(digits.to_owned()) }
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
            ("=\"081234567890\"", "6281234567890"),
            ("81910000204.0", "6281910000204"),
            ("81910000204,00", "6281910000204"),
            ("0812.3456.7890", "6281234567890"),
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
            "０８１２３４５６７８９０",
            "081234567890#2",
            "0812345678_90",
            "0812+34567890",
            "081234567890\u{200b}",
            "0812*34567890",
            "0065 8123 4567",
            "=081234567890",
            "81910000204.5",
            "0812,3456,7890",
            "08123456,7890",
        ] {
            assert_eq!(Phone::parse(refused), Err(NotAPhone), "{refused}");
        }
    }

    proptest! {
        #[test]
        fn what_was_read_reads_as_itself(text in r#"[0-9+().' ="\-\u{a0}\u{200b}x]{0,20}|[+0]?[628][0-9]{9,14}([.,][0-9])?"#) {
            if let Ok(phone) = Phone::parse(&text) {
                prop_assert_eq!(Phone::parse(phone.as_str()), Ok(phone));
            }
        }

        // A comma stands before a spreadsheet's fraction, see the table above.
        #[test]
        fn a_foreign_character_refuses_the_number(at in 1..12_usize, foreign in r"[^0-9 \u{a0}\-.(),]") {
            let mut text = "081234567890".to_owned();
            text.insert_str(at, &foreign);
            prop_assert_eq!(Phone::parse(&text), Err(NotAPhone));
        }
    }
}
