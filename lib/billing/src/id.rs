//! Identifiers that become database keys: checked once, where they enter.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The text is not an identifier: 1 to 40 of `a-z`, `0-9`, `_`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an id: use 1 to 40 of a-z, 0-9 and _")]
pub struct NotAnId;

fn checked(text: &str) -> Result<String, NotAnId> {
    let well_formed = (1..=40).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    if well_formed { Ok(text.to_owned()) } else { Err(NotAnId) }
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Takes 1 to 40 of `a-z`, `0-9`, `_`; anything else could reach into another key.
            pub fn parse(text: &str) -> Result<Self, NotAnId> {
                checked(text).map(Self)
            }

            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = NotAnId;
            fn try_from(text: String) -> Result<Self, NotAnId> {
                Self::parse(&text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

id! {
    /// One subscription line of one customer.
    CustomerId
}
id! {
    /// One invoice; unique within the deployment.
    InvoiceId
}
id! {
    /// One package (bandwidth and price) that customers subscribe to.
    PackageId
}
id! {
    /// One message to a customer; also what providers give back with statuses.
    MessageId
}

/// The id of one order at a gateway: 1 to 50 of `A-Za-z0-9-_~.`, the narrowest rule among the gateways
/// (Midtrans, "Request body (JSON parameter)"). Made once, posted once, never reused, and nothing is read out of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct OrderId(String);

/// The text is not an order id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an order id: use 1 to 50 of A-Z, a-z, 0-9 and -_~.")]
pub struct NotAnOrderId;

impl OrderId {
    /// Takes 1 to 50 of `A-Za-z0-9-_~.`.
    pub fn parse(text: &str) -> Result<Self, NotAnOrderId> {
        let well_formed =
            (1..=50).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_~.".contains(&b));
        if well_formed { Ok(Self(text.to_owned())) } else { Err(NotAnOrderId) }
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for OrderId {
    type Error = NotAnOrderId;
    fn try_from(text: String) -> Result<Self, NotAnOrderId> {
        Self::parse(&text)
    }
}

impl From<OrderId> for String {
    fn from(id: OrderId) -> Self {
        id.0
    }
}

impl fmt::Display for OrderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_cannot_reach_into_another_key() {
        assert!(CustomerId::parse("c_01").is_ok());
        let long = "a".repeat(41);
        for refused in ["", "A", "a#b", "a b", "é", "a/b", long.as_str()] {
            assert_eq!(CustomerId::parse(refused), Err(NotAnId), "{refused:?}");
            assert!(serde_json::from_value::<CustomerId>(refused.into()).is_err());
        }
    }

    #[test]
    fn an_order_id_fits_every_gateway() {
        assert!(OrderId::parse("INV-2026-000001-k3x9.~_").is_ok());
        let long = "a".repeat(51);
        for refused in ["", "INV/1", "INV 1", "INV#1", long.as_str()] {
            assert_eq!(OrderId::parse(refused), Err(NotAnOrderId), "{refused:?}");
        }
    }
}
