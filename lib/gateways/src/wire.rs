//! Small readers and writers that the gateways share. All pure.

use billing::{id::OrderId, money::Rupiah};
use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::value::RawValue;
use time::{Duration, OffsetDateTime};
use url::Url;

use crate::{GatewayError, NewOrder};

/// A JSON string or number as its text. Gateways write the same field now as `"300000.00"`, now as `300000.0`; an
/// amount is read from these characters, never through a float.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Scalar(String);

impl Scalar {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The amount, if it is one of whole rupiah.
    pub(crate) fn rupiah(&self) -> Option<Rupiah> {
        Rupiah::parse_decimal(&self.0).ok()
    }
}

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        let text = raw.get();
        if text.starts_with('"') {
            return serde_json::from_str(text).map(Self).map_err(D::Error::custom);
        }
        if text.starts_with(|c: char| c == '-' || c.is_ascii_digit()) {
            return Ok(Self(text.to_owned()));
        }
        Err(D::Error::custom("neither text nor number"))
    }
}

/// Why a body could not be read. Serde's own words would repeat values of it, which can be personal data.
pub(crate) fn unreadable(error: &serde_json::Error) -> String {
    let problem = match error.classify() {
        serde_json::error::Category::Data => "a field is missing or has the wrong type",
        _ => "not JSON",
    };
    format!("{problem} (line {}, column {})", error.line(), error.column())
}

/// A gateway's id (transaction, token, invoice) that may become a part of a path or a key: 1 to 64 of `A-Za-z0-9-_`.
pub(crate) fn plain_id(text: &str) -> Option<&str> {
    let well_formed =
        (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
    well_formed.then_some(text)
}

/// An order id as one segment of a path. `.` and `..` are order ids too, and would walk through the path.
pub(crate) fn path_segment(order_id: &OrderId) -> Result<&str, GatewayError> {
    let text = order_id.as_str();
    if text.bytes().all(|b| b == b'.') {
        return Err(GatewayError::Rejected { status: 400, detail: "this order id cannot be asked for".to_owned() });
    }
    Ok(text)
}

/// Text for a gateway's page: one line, without `|` (Alfamart's separator), at most `max` characters, never empty.
pub(crate) fn page_text(text: &str, max: usize, fallback: &str) -> String {
    let cleaned: String = text.chars().map(|c| if c == '|' || c.is_control() { ' ' } else { c }).collect();
    let line: String = cleaned.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(max).collect();
    let line = line.trim();
    if line.is_empty() { fallback.to_owned() } else { line.to_owned() }
}

/// A word of the gateway (status, channel) that is safe to store and show.
pub(crate) fn word(text: &str) -> String {
    text.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-')).take(40).collect()
}

/// Channel of a payment, such as `bank_transfer/bca`.
pub(crate) fn method(kind: Option<&str>, detail: Option<&str>) -> Option<String> {
    let clean = |text: Option<&str>| text.map(|text| word(text).to_ascii_lowercase()).filter(|text| !text.is_empty());
    let kind = clean(kind)?;
    Some(match clean(detail) {
        Some(detail) => format!("{kind}/{detail}"),
        None => kind,
    })
}

/// When a new link starts and stops working.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Validity {
    pub(crate) starts_at: OffsetDateTime,
    /// Whole minutes, five minutes to seven days: what both gateways take.
    pub(crate) minutes: i64,
    pub(crate) ends_at: OffsetDateTime,
}

impl Validity {
    /// The order's wish in whole minutes, never longer than wished unless that would be under five minutes.
    pub(crate) fn of(order: &NewOrder) -> Result<Self, GatewayError> {
        let impossible =
            || GatewayError::Rejected { status: 400, detail: "the link's expiry is not a usable time".to_owned() };
        let starts_at = order.now.replace_nanosecond(0).map_err(|_| impossible())?;
        let seconds = order.expires_at.unix_timestamp().saturating_sub(starts_at.unix_timestamp());
        let minutes = (seconds / 60).clamp(5, 7 * 24 * 60);
        let ends_at = starts_at.checked_add(Duration::minutes(minutes)).ok_or_else(impossible)?;
        Ok(Self { starts_at, minutes, ends_at })
    }
}

/// The amount as it goes out: positive, or nothing is asked for at all.
pub(crate) fn payable(order: &NewOrder) -> Result<i64, GatewayError> {
    if order.amount.is_positive() {
        return Ok(order.amount.get());
    }
    Err(GatewayError::Rejected { status: 400, detail: "an order needs a positive amount".to_owned() })
}

/// The page to send a customer to, if it is the gateway's own: https on a host that `is_own` knows, or a stand-in on
/// loopback while one is configured. A customer sent anywhere else could be robbed, so this is worth an alarm.
pub(crate) fn checked_link(text: &str, stand_in: bool, is_own: impl Fn(&str) -> bool) -> Result<String, GatewayError> {
    let refused = |what: &str| GatewayError::ForeignPage(what.to_owned());
    let url = Url::parse(text).map_err(|_| refused("not an address"))?;
    let host = url.host_str().unwrap_or_default();
    let own = if stand_in {
        partner_http::is_loopback_http(&url)
    } else {
        url.scheme() == "https" && url.port().is_none() && is_own(host)
    };
    if !own || !url.username().is_empty() || url.password().is_some() || text.len() > 2_000 {
        return Err(refused(&host.chars().take(100).collect::<String>()));
    }
    Ok(url.into())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use time::macros::datetime;

    use super::*;

    #[test]
    fn a_link_leads_to_the_gateways_own_host_only() {
        let own = |host: &str| host.ends_with(".xendit.co");
        assert!(checked_link("https://checkout.xendit.co/v2/1", false, own).is_ok());
        for refused in [
            "http://checkout.xendit.co/v2/1",
            "https://xendit.co.example/1",
            "https://evilxendit.co/1",
            "https://checkout.xendit.co:8443/1",
            "https://a@checkout.xendit.co/1",
            "https://checkout.xendit.co@example.com/1",
            "http://127.0.0.1/1",
            "javascript:alert(1)",
            "",
        ] {
            assert!(matches!(checked_link(refused, false, own), Err(GatewayError::ForeignPage(_))), "{refused}");
        }
        assert!(checked_link("http://127.0.0.1:9/1", true, own).is_ok());
        assert!(checked_link("https://checkout.xendit.co/1", true, own).is_err());
    }

    #[test]
    fn a_link_is_valid_for_whole_minutes_from_five_to_a_week() {
        let minutes = |expires_at| {
            let order = NewOrder {
                order_id: OrderId::parse("a").unwrap(),
                amount: Rupiah::new(1),
                description: String::new(),
                customer_name: String::new(),
                customer_phone: None,
                expires_at,
                now: datetime!(2026-11-20 02:00:00.9 UTC),
                finish_url: None,
            };
            Validity::of(&order).unwrap().minutes
        };
        assert_eq!(minutes(datetime!(2026-11-20 03:00:59 UTC)), 60);
        assert_eq!(minutes(datetime!(2026-11-20 01:00 UTC)), 5);
        assert_eq!(minutes(datetime!(2027-11-20 02:00 UTC)), 10_080);
    }

    proptest! {
        #[test]
        fn text_for_a_page_is_one_short_line(text in ".{0,80}") {
            let line = page_text(&text, 50, "Internet");
            prop_assert!(!line.is_empty() && line.chars().count() <= 50 && !line.contains('|') && !line.chars().any(char::is_control));
        }

        #[test]
        fn any_text_is_a_link_or_refused(text in ".{0,60}") {
            prop_assert!(checked_link(&text, false, |host| host.ends_with(".xendit.co")).is_err());
        }
    }
}
