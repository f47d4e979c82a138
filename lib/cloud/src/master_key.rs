//! The deployment's key, and what is derived from it for logins. Login codes are derived, never stored. The same
//! request of the same phone always has the same code.

use std::collections::BTreeMap;

use billing::access::phone::Phone;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

use crate::secrets::{SecretError, Secrets};

const SHORTEST_KEY: usize = 32;

/// The deployment's key, from the secret `app`. Every use has a key of its own, derived from it.
pub struct MasterKey(String);

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The secret could not be read.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The secret `app` has no usable `masterKey`.
    #[error("secret app: masterKey is missing or shorter than 32 characters; the stack generates it, do not edit it")]
    Missing,
}

impl MasterKey {
    /// Reads it.
    pub async fn read(secrets: &Secrets) -> Result<Self, KeyError> {
        let rows = secrets.rows("app").await?;
        rows.get("masterKey").filter(|key| key.len() >= SHORTEST_KEY).cloned().map(Self).ok_or(KeyError::Missing)
    }

    fn mac(&self, purpose: &str, parts: &[&str]) -> [u8; 32] {
        // HMAC takes keys of any length.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(self.0.as_bytes()) else { return [0; 32] };
        for part in std::iter::once(&purpose).chain(parts) {
            mac.update(part.as_bytes());
            mac.update(&[0]);
        }
        mac.finalize().into_bytes().into()
    }

    /// The key of the pay pages' tokens.
    pub(crate) fn pay_page(&self) -> [u8; 32] {
        self.mac("pay-page", &[])
    }

    /// The key of the item that knows a phone: tells nothing to those who see it.
    #[must_use]
    pub fn login_id(&self, phone: &Phone) -> String {
        let mut id = hex::encode(self.mac("login-id", &[phone.as_str()]));
        id.truncate(32);
        id
    }

    #[must_use]
    pub fn code(&self, phone: &Phone, request_id: &str) -> String {
        let mac = self.mac("login-code", &[phone.as_str(), request_id]);
        let number =
            mac.first_chunk().map_or(0, |chunk| u64::from_be_bytes(*chunk)).checked_rem(1_000_000).unwrap_or_default();
        format!("{number:06}")
    }

    /// Tells settings apart without telling them: changes with every row.
    #[must_use]
    pub fn settings_of(&self, rows: &BTreeMap<String, String>) -> String {
        let parts: Vec<&str> = rows.iter().flat_map(|(name, value)| [name.as_str(), value.as_str()]).collect();
        let mut id = hex::encode(self.mac("settings", &parts));
        id.truncate(16);
        id
    }

    #[must_use]
    pub fn fits(&self, code: &str, phone: &Phone, request_id: &str) -> bool {
        self.code(phone, request_id).as_bytes().ct_eq(code.trim().as_bytes()).into()
    }
}

#[cfg(test)]
impl MasterKey {
    /// A key for tests.
    pub(crate) fn example() -> Self {
        Self("0123456789abcdef0123456789abcdef".into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_belongs_to_one_phone_and_one_request() {
        let key = MasterKey::example();
        let (a, b) = (Phone::parse("081234567890").unwrap(), Phone::parse("081234567891").unwrap());
        let code = key.code(&a, "r1");
        assert!(code.len() == 6 && code.bytes().all(|b| b.is_ascii_digit()));
        assert!(key.fits(&code, &a, "r1") && key.fits(&format!(" {code} "), &a, "r1"));
        assert!(!key.fits(&code, &a, "r2") && !key.fits(&code, &b, "r1") && !key.fits("", &a, "r1"));
        assert_ne!(key.login_id(&a), key.login_id(&b));
    }
}
