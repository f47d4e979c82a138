//! Sessions: the token, as a bearer or in a cookie, and who is calling.
//!
//! A cookie is sent by the browser, also on behalf of other sites. So whatever is not a `GET` needs two things besides
//! it that other sites cannot have: an `Origin` that is ours, and the CSRF token that stands in our pages. Both are
//! demanded here, in the one way to a [`Claim`], so that no function can forget them.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use billing::access::phone::Phone;
use billing::id::{CustomerId, InvoiceId};
use cloud::public_url::PublicUrl;
use cloud::store::{Caller, Session, Store};
use lambda_http::Request;
use lambda_http::http::{Method, header};
use sha2::{Digest as _, Sha256};
use time::{Duration, OffsetDateTime};

use crate::problem::{self, Problem};
use crate::{cookie, csrf};

/// Randomness of a token.
const TOKEN_BYTES: usize = 32;

/// A token that is well formed: whose it claims to be, and its hash. Neither proves anything before the session is
/// read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    pub customer_id: CustomerId,
    /// SHA-256 of the whole token, in hex.
    pub token_hash: String,
    pub via: Via,
}

/// Where a token was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Via {
    /// `Authorization: Bearer`: a program that holds the token.
    Bearer,
    /// The portal's cookie, with the CSRF token that belongs to it.
    Cookie { csrf: String },
}

/// Reads `Authorization: Bearer <customer>.<random>` or the session's cookie; the header comes first.
pub fn claim(request: &Request, site: Option<&PublicUrl>) -> Result<Claim, Problem> {
    if let Some(value) = request.headers().get(header::AUTHORIZATION) {
        let token = value.to_str().ok().and_then(bearer).ok_or(problem::INVALID_TOKEN)?;
        return parse(token, Via::Bearer).ok_or(problem::INVALID_TOKEN);
    }
    let site = site.ok_or(problem::INVALID_TOKEN)?;
    let token = cookie::read(request.headers(), &cookie::session_name(site)).ok_or(problem::INVALID_TOKEN)?;
    let claim = parse(token, Via::Cookie { csrf: csrf::token(token) }).ok_or(problem::INVALID_TOKEN)?;
    if request.method() != Method::GET {
        csrf::require(request, site, token)?;
    }
    Ok(claim)
}

fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn parse(token: &str, via: Via) -> Option<Claim> {
    let (customer, random) = token.split_once('.')?;
    let customer_id = CustomerId::parse(customer).ok()?;
    let decoded = URL_SAFE_NO_PAD.decode(random).ok()?;
    (decoded.len() == TOKEN_BYTES).then(|| Claim { customer_id, token_hash: hash(token), via })
}

fn hash(token: &str) -> String {
    hex::encode(Sha256::digest(token.as_bytes()))
}

/// A new token, and the session that is stored for it. The token itself is stored nowhere.
pub fn new_session(
    customer_id: &CustomerId,
    phone: &Phone,
    lifetime: Duration,
    now: OffsetDateTime,
) -> Result<(String, Session), Problem> {
    let mut random = [0_u8; TOKEN_BYTES];
    getrandom::fill(&mut random).map_err(|error| {
        tracing::error!(alarm = true, %error, "no randomness");
        problem::BUSY
    })?;
    let token = format!("{customer_id}.{}", URL_SAFE_NO_PAD.encode(random));
    let expires_at = now.saturating_add(lifetime);
    let phone = phone.clone();
    let session =
        Session { customer_id: customer_id.clone(), phone, token_hash: hash(&token), created_at: now, expires_at };
    Ok((token, session))
}

/// Who is calling, with an invoice of theirs if asked for. One read.
pub async fn identify(
    store: &Store,
    claim: &Claim,
    invoice: Option<&InvoiceId>,
    now: OffsetDateTime,
) -> Result<Caller, Problem> {
    let caller = store.caller(&claim.customer_id, &claim.token_hash, invoice, now).await?;
    caller.ok_or(problem::INVALID_TOKEN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_names_its_session_and_nothing_else_does() {
        let (customer, phone) = (CustomerId::parse("c1").unwrap(), Phone::parse("081234567890").unwrap());
        let (token, session) = new_session(&customer, &phone, Duration::days(1), OffsetDateTime::UNIX_EPOCH).unwrap();
        let claim = parse(&token, Via::Bearer).unwrap();
        assert_eq!((&claim.customer_id, &claim.token_hash), (&customer, &session.token_hash));
        assert!(!session.token_hash.contains(token.split_once('.').unwrap().1));
        let (other, _) = new_session(&customer, &phone, Duration::days(1), OffsetDateTime::UNIX_EPOCH).unwrap();
        assert_ne!(parse(&other, Via::Bearer).unwrap().token_hash, session.token_hash);
        for refused in ["", ".", "c1.", "c1.short", "C1.AAAA", "c#1.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"] {
            assert_eq!(parse(refused, Via::Bearer), None, "{refused}");
        }
    }
}
