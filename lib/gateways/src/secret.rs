//! Keys that cannot be printed, and comparisons that take the same time whatever they find.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use billing::payment::gateway::GatewayName;
use http::HeaderValue;
use sha2::{Digest, Sha256, Sha512};
use subtle::{Choice, ConstantTimeEq};

/// A key or token. Never printed.
#[derive(Clone)]
pub(crate) struct Secret(String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl Secret {
    pub(crate) fn new(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// The `Authorization` header of both gateways: HTTP Basic, the key as user, no password.
    pub(crate) fn basic_auth(&self) -> Option<HeaderValue> {
        let mut header = HeaderValue::try_from(format!("Basic {}", STANDARD.encode(format!("{}:", self.0)))).ok()?;
        header.set_sensitive(true);
        Some(header)
    }

    /// Tells two keys apart and says nothing about either: the start of a hash, in hex.
    pub(crate) fn fingerprint(&self, gateway: GatewayName) -> String {
        let mut hash = hex::encode(Sha256::digest(format!("key of {gateway}:{}", self.0)));
        hash.truncate(12);
        hash
    }

    /// Is the text exactly this secret? Compares digests, so that not even the length shows.
    pub(crate) fn is(&self, text: &[u8]) -> Choice {
        Sha256::digest(&self.0).as_slice().ct_eq(Sha256::digest(text).as_slice())
    }

    /// Is `signature` the lower-case hex SHA-512 of the parts followed by this secret?
    pub(crate) fn signs(&self, parts: &[&str], signature: &str) -> Choice {
        let mut hash = Sha512::new();
        for part in parts {
            hash.update(part);
        }
        hash.update(&self.0);
        hex::encode(hash.finalize()).as_bytes().ct_eq(signature.as_bytes())
    }
}

/// The secret in use and the one before it, which notifications may still carry for a while.
#[derive(Debug, Clone)]
pub(crate) struct Rotating {
    pub(crate) current: Secret,
    pub(crate) previous: Option<Secret>,
}

impl Rotating {
    /// Does either secret pass? Both are always tried.
    pub(crate) fn any(&self, passes: impl Fn(&Secret) -> Choice) -> bool {
        let previous = self.previous.as_ref().map_or_else(|| Choice::from(0), &passes);
        bool::from(passes(&self.current) | previous)
    }
}
