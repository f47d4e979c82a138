//! Sessions: the bearer token, and who is calling.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use billing::{
    id::{CustomerId, InvoiceId},
    phone::Phone,
};
use cloud::store::{Caller, Session, Store};
use lambda_http::http::{HeaderMap, header};
use sha2::{Digest as _, Sha256};
use time::{Duration, OffsetDateTime};

use crate::problem::{self, Problem};

/// Randomness of a token.
const TOKEN_BYTES: usize = 32;

/// A token that is well formed: whose it claims to be, and its hash. Neither proves anything before the session is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// Whose session.
    pub customer_id: CustomerId,
    /// SHA-256 of the whole token, in hex.
    pub token_hash: String,
}

/// Reads `Authorization: Bearer <customer>.<random>`.
pub fn claim(headers: &HeaderMap) -> Result<Claim, Problem> {
    let value = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).ok_or(problem::INVALID_TOKEN)?;
    let (scheme, token) = value.split_once(' ').ok_or(problem::INVALID_TOKEN)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(problem::INVALID_TOKEN);
    }
    parse(token.trim()).ok_or(problem::INVALID_TOKEN)
}

fn parse(token: &str) -> Option<Claim> {
    let (customer, random) = token.split_once('.')?;
    let customer_id = CustomerId::parse(customer).ok()?;
    let decoded = URL_SAFE_NO_PAD.decode(random).ok()?;
    (decoded.len() == TOKEN_BYTES).then(|| Claim { customer_id, token_hash: hash(token) })
}

fn hash(token: &str) -> String {
    hex::encode(Sha256::digest(token.as_bytes()))
}

/// A new token, and the session that is stored for it. The token itself is stored nowhere.
pub fn new_session(customer_id: &CustomerId, phone: &Phone, lifetime: Duration, now: OffsetDateTime) -> Result<(String, Session), Problem> {
    let mut random = [0_u8; TOKEN_BYTES];
    getrandom::fill(&mut random).map_err(|error| {
        tracing::error!(alarm = true, %error, "no randomness");
        problem::BUSY
    })?;
    let token = format!("{customer_id}.{}", URL_SAFE_NO_PAD.encode(random));
    let expires_at = now.saturating_add(lifetime);
    let phone = phone.clone();
    let session = Session { customer_id: customer_id.clone(), phone, token_hash: hash(&token), created_at: now, expires_at };
    Ok((token, session))
}

/// Who is calling, with an invoice of theirs if asked for. One read.
pub async fn identify(store: &Store, headers: &HeaderMap, invoice: Option<&InvoiceId>, now: OffsetDateTime) -> Result<Caller, Problem> {
    let claim = claim(headers)?;
    let caller = store.caller(&claim.customer_id, &claim.token_hash, invoice, now).await.map_err(store_problem)?;
    caller.ok_or(problem::INVALID_TOKEN)
}

/// The store gave no answer: said once in the log, and to the caller as "try again".
#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
pub fn store_problem(error: cloud::store::StoreError) -> Problem {
    let alarm = matches!(error, cloud::store::StoreError::Damaged(_));
    tracing::error!(alarm, %error, "the store failed");
    problem::BUSY
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_names_its_session_and_nothing_else_does() {
        let (customer, phone) = (CustomerId::parse("c1").unwrap(), Phone::parse("081234567890").unwrap());
        let (token, session) = new_session(&customer, &phone, Duration::days(1), OffsetDateTime::UNIX_EPOCH).unwrap();
        let claim = parse(&token).unwrap();
        assert_eq!((&claim.customer_id, &claim.token_hash), (&customer, &session.token_hash));
        assert!(!session.token_hash.contains(token.split_once('.').unwrap().1));
        let (other, _) = new_session(&customer, &phone, Duration::days(1), OffsetDateTime::UNIX_EPOCH).unwrap();
        assert_ne!(parse(&other).unwrap().token_hash, session.token_hash);
        for refused in ["", ".", "c1.", "c1.short", "C1.AAAA", "c#1.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"] {
            assert_eq!(parse(refused), None, "{refused}");
        }
    }
}
