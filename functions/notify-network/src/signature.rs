//! Signatures of Standard Webhooks 1.0, symmetric form:
//! <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// What a secret begins with, so that people recognise it.
const PREFIX: &str = "whsec_";
/// Lengths that the standard allows, in bytes.
const KEY_BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// A key to sign with. Never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Key(Vec<u8>);

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key")
    }
}

impl Key {
    /// Reads `whsec_` and 24 to 64 bytes in base64. The prefix may be missing.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = STANDARD.decode(text.strip_prefix(PREFIX).unwrap_or(text)).ok()?;
        KEY_BYTES.contains(&bytes.len()).then_some(Self(bytes))
    }

    fn sign(&self, id: &str, timestamp: i64, body: &str) -> Option<String> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).ok()?;
        mac.update(format!("{id}.{timestamp}.{body}").as_bytes());
        Some(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
    }
}

/// The header `webhook-signature`: one signature per key, so that a receiver which knows either accepts it. `id` holds
/// no full stop; `timestamp` is the second of this try.
#[must_use]
pub fn header(keys: &[Key], id: &str, timestamp: i64, body: &str) -> String {
    let signatures: Vec<String> = keys.iter().filter_map(|key| key.sign(id, timestamp, body)).collect();
    signatures.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vector in the tests of the standard's own libraries; `openssl dgst` computes the same.
    #[test]
    fn a_signature_is_the_standards() {
        let key = Key::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let signed = header(&[key], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, r#"{"test": 2432232314}"#);
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    /// Computed with Python's `hmac` and `base64`.
    #[test]
    fn while_a_secret_is_replaced_both_sign() {
        let keys = ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_bGFtYWxhbWFsYW1hbGFtYWxhbWFsYW1h"]
            .map(|text| Key::parse(text).unwrap());
        let signed = header(&keys, "c1-7", 1_795_402_800, r#"{"active":true}"#);
        assert_eq!(
            signed,
            "v1,eHm6qMmutSuEfCDc6N5US+/6r9A1LnZ4go8nqcQOB9U= v1,0cQPY0RE+C4mslNvrBoA5lV5u3jXp8Xwh8mt8BZHaqs="
        );
    }

    #[test]
    fn what_is_no_secret_is_refused() {
        let long = format!("whsec_{}", STANDARD.encode([7; 65]));
        for refused in ["", "whsec_", "whsec_abc", "whsec_bGFtYQ==", "not base64 at all!", &long] {
            assert_eq!(Key::parse(refused), None, "{refused}");
        }
        assert_eq!(
            Key::parse("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
            Key::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
        );
    }
}
