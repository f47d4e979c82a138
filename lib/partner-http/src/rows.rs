//! The rows of a partner's secret, as an admin types them.
//!
//! They are read here because whoever calls a partner reads its secret first, and because this crate knows neither AWS
//! nor any partner: messaging, devices, gateways and the network's receivers all read rows in the same way.

use std::{borrow::Cow, collections::BTreeMap};

use http::{HeaderName, HeaderValue, header};

/// A row that cannot be used. Never tells its value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("secret {secret}, row {row}: {problem}")]
pub struct RowError {
    pub secret: &'static str,
    pub row: &'static str,
    pub problem: Cow<'static, str>,
}

/// Reads the rows of one secret. A row left empty is absent.
#[derive(Clone, Copy)]
pub struct RowReader<'a> {
    secret: &'static str,
    rows: &'a BTreeMap<String, String>,
}

impl<'a> RowReader<'a> {
    #[must_use]
    pub const fn new(secret: &'static str, rows: &'a BTreeMap<String, String>) -> Self {
        Self { secret, rows }
    }

    pub fn error(self, row: &'static str, problem: impl Into<Cow<'static, str>>) -> RowError {
        RowError { secret: self.secret, row, problem: problem.into() }
    }

    /// The text of a row, trimmed.
    #[must_use]
    pub fn text(self, row: &str) -> Option<&'a str> {
        self.rows.get(row).map(|text| text.trim()).filter(|text| !text.is_empty())
    }

    pub fn required(self, row: &'static str, problem: &'static str) -> Result<&'a str, RowError> {
        self.text(row).ok_or_else(|| self.error(row, problem))
    }

    /// Yes or no, in English or Indonesian. What is neither is refused: a slip must not switch anything.
    pub fn flag(self, row: &'static str, absent: bool) -> Result<bool, RowError> {
        let Some(text) = self.text(row) else { return Ok(absent) };
        match text.to_ascii_lowercase().as_str() {
            "true" | "ya" | "yes" | "1" => Ok(true),
            "false" | "tidak" | "no" | "0" => Ok(false),
            _ => Err(self.error(row, "type true or false, or leave it empty")),
        }
    }

    /// A header's name out of `row`, unless it is one that frames the request.
    pub fn header_name(self, row: &'static str, text: &str) -> Result<HeaderName, RowError> {
        let framing =
            [header::HOST, header::CONTENT_LENGTH, header::TRANSFER_ENCODING, header::CONNECTION, header::UPGRADE];
        let name = HeaderName::try_from(text).map_err(|_| self.error(row, "holds a name that is not a header's"))?;
        if framing.contains(&name) {
            return Err(
                self.error(row, "Host, Content-Length, Transfer-Encoding, Connection and Upgrade cannot be set")
            );
        }
        Ok(name)
    }

    /// A header's value made of `row`, which no log shows.
    pub fn secret_header(self, row: &'static str, text: &str) -> Result<HeaderValue, RowError> {
        let mut value =
            HeaderValue::try_from(text).map_err(|_| self.error(row, "must be on one line, without accents"))?;
        value.set_sensitive(true);
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SPELLINGS: [(&str, bool); 8] = [
        ("true", true),
        ("ya", true),
        ("yes", true),
        ("1", true),
        ("false", false),
        ("tidak", false),
        ("no", false),
        ("0", false),
    ];

    const REFUSED: &str = "secret partner, row isOn: type true or false, or leave it empty";

    fn flag(typed: &str, absent: bool) -> Result<bool, RowError> {
        RowReader::new("partner", &BTreeMap::from([("isOn".to_owned(), typed.to_owned())])).flag("isOn", absent)
    }

    #[test]
    fn an_absent_row_is_the_default_and_an_empty_one_is_absent() {
        let rows = BTreeMap::from([("isOn".to_owned(), " \t".to_owned())]);
        let reader = RowReader::new("partner", &rows);
        for absent in [true, false] {
            assert_eq!((reader.flag("isOn", absent), reader.flag("other", absent)), (Ok(absent), Ok(absent)));
        }
        assert_eq!((reader.text("isOn"), reader.text("other")), (None, None));
        let error = reader.required("isOn", "type something").unwrap_err();
        assert_eq!(error.to_string(), "secret partner, row isOn: type something");
    }

    #[test]
    fn headers_that_frame_the_request_cannot_be_typed() {
        let rows = BTreeMap::new();
        let reader = RowReader::new("partner", &rows);
        assert_eq!(reader.header_name("headers", "X-Key").unwrap(), "x-key");
        for name in ["Host", "content-length", "Transfer-Encoding", "CONNECTION", "upgrade", "x key", ""] {
            assert_eq!(reader.header_name("headers", name).unwrap_err().row, "headers", "{name}");
        }
        assert!(reader.secret_header("key", "geheim").unwrap().is_sensitive());
        assert!(!reader.secret_header("key", "geheim\n1").unwrap_err().to_string().contains("geheim"));
    }

    #[test]
    fn a_slip_is_refused_by_its_row_and_never_told() {
        for slip in ["on", "off", "benar", "truee", "y", "2", "yes please", "нет"] {
            let error = flag(slip, true).unwrap_err();
            assert_eq!(error.to_string(), REFUSED, "{slip}");
        }
    }

    proptest! {
        #[test]
        fn every_spelling_is_read_in_any_case_and_between_blanks(
            (word, expected) in prop::sample::select(&SPELLINGS[..]),
            upper in prop::collection::vec(any::<bool>(), 5),
            blanks in prop::array::uniform2("[ \t\r\n]{0,3}"),
            absent: bool,
        ) {
            let cased = word.chars().zip(upper).map(|(c, upper)| if upper { c.to_ascii_uppercase() } else { c });
            let typed = format!("{}{}{}", blanks[0], cased.collect::<String>(), blanks[1]);
            prop_assert_eq!(flag(&typed, absent), Ok(expected));
        }

        #[test]
        fn any_text_is_a_spelling_or_refused_without_repeating_it(typed in "\\PC{1,20}", absent: bool) {
            let spelled = SPELLINGS.iter().find(|(word, _)| word.eq_ignore_ascii_case(typed.trim()));
            match flag(&typed, absent) {
                Ok(read) => prop_assert_eq!(read, if typed.trim().is_empty() { absent } else { spelled.unwrap().1 }),
                Err(error) => {
                    prop_assert!(spelled.is_none() && error.row == "isOn");
                    prop_assert_eq!(error.to_string(), REFUSED);
                }
            }
        }
    }
}
