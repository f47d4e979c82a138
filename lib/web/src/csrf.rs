//! The token that forms and scripts of our own pages carry, and no other site can know.
//!
//! It is derived from the secret in the visitor's cookie, so it needs no key and no storage, and ends with that cookie.
//! From the token in a page nobody can find the cookie.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use cloud::public_url::PublicUrl;
use hmac::{Hmac, KeyInit as _, Mac as _};
use lambda_http::{Request, http::header};
use serde::Deserialize;
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

use crate::answer;
use crate::problem::{self, Problem};

/// Where scripts put it.
pub const HEADER: &str = "x-csrf-token";

#[derive(Deserialize)]
struct Field {
    csrf: String,
}

/// The token that belongs to a cookie's value.
#[must_use]
pub fn token(cookie: &str) -> String {
    // HMAC takes keys of any length.
    let mac =
        Hmac::<Sha256>::new_from_slice(cookie.as_bytes()).map(|mac| mac.chain_update(b"csrf").finalize().into_bytes());
    mac.map(|mac| URL_SAFE_NO_PAD.encode(mac)).unwrap_or_default()
}

/// Was it sent by a page of our own?
#[must_use]
pub fn is_from(request: &Request, site: &PublicUrl) -> bool {
    request.headers().get(header::ORIGIN).is_some_and(|origin| origin.as_bytes() == site.origin().as_bytes())
}

/// Refuses what did not come from our own pages: the `Origin` has to be ours, and the header or the form's field `csrf`
/// the token that belongs to the cookie. Without a cookie there is no such token: that of an empty one can be computed
/// by everybody.
pub fn require(request: &Request, site: &PublicUrl, cookie: &str) -> Result<(), Problem> {
    let in_header = request.headers().get(HEADER).and_then(|value| value.to_str().ok().map(str::to_owned));
    let in_form =
        || answer::is_form(request).then(|| answer::body::<Field>(request).ok().map(|field| field.csrf)).flatten();
    let given = in_header.or_else(in_form).unwrap_or_default();
    let same: bool = given.as_bytes().ct_eq(token(cookie).as_bytes()).into();
    if same && !cookie.is_empty() && is_from(request, site) { Ok(()) } else { Err(problem::NOT_FROM_HERE) }
}
