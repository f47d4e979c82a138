//! Answers of the portal: pages that are never kept, assets that are kept for ever, and the headers that fence a page
//! in.

use std::io::Write as _;

use cloud::public_url::PublicUrl;
use flate2::{Compression, write::GzEncoder};
use lambda_http::http::header::{
    CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, SET_COOKIE,
    STRICT_TRANSPORT_SECURITY, VARY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use lambda_http::http::{HeaderName, HeaderValue, StatusCode};
use lambda_http::{Body, Request, Response};
use maud::Markup;

use crate::accepted_encodings;
use crate::assets::{self, Asset};

/// Nothing but our own files; nothing inline; forms go to us only; nobody frames us.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; manifest-src 'self'; \
     worker-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
const PERMISSIONS: &str = "camera=(), geolocation=(), microphone=(), payment=(), usb=()";
const ONE_YEAR: &str = "public, max-age=31536000, immutable";

/// A page with its status.
pub(crate) fn page(request: &Request, status: u16, markup: Markup) -> Response<Body> {
    let mut response = compressed(request, markup.into_string().into_bytes());
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    put(&mut response, CONTENT_TYPE, "text/html; charset=utf-8");
    put(&mut response, CACHE_CONTROL, "no-store");
    response
}

/// A file whose name changes with its content.
pub(crate) fn asset(request: &Request, asset: &Asset) -> Response<Body> {
    let mut response = precompressed(request, asset);
    put(&mut response, CACHE_CONTROL, ONE_YEAR);
    response
}

/// A file that keeps its name, so browsers ask for it anew.
pub(crate) fn fixed_name(request: &Request, asset: &Asset) -> Response<Body> {
    let mut response = precompressed(request, asset);
    put(&mut response, CACHE_CONTROL, "no-cache");
    response
}

/// What a phone needs to put the portal on its home screen.
pub(crate) fn manifest() -> Response<Body> {
    let mut response = Response::new(Body::Text(assets::manifest()));
    put(&mut response, CONTENT_TYPE, "application/manifest+json");
    put(&mut response, CACHE_CONTROL, "no-cache");
    response
}

/// What every answer of the portal carries.
pub(crate) fn fence(response: &mut Response<Body>, site: &PublicUrl) {
    put(response, CONTENT_SECURITY_POLICY, POLICY);
    put(response, X_CONTENT_TYPE_OPTIONS, "nosniff");
    put(response, X_FRAME_OPTIONS, "DENY");
    // Not no-referrer: browsers would then send `Origin: null` with our own forms.
    put(response, REFERRER_POLICY, "same-origin");
    put(response, HeaderName::from_static("permissions-policy"), PERMISSIONS);
    put(response, HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
    put(response, HeaderName::from_static("cross-origin-resource-policy"), "same-origin");
    if site.is_secure() {
        put(response, STRICT_TRANSPORT_SECURITY, "max-age=31536000");
    }
}

/// For pages whose address is a secret: no other site is told it, and no search engine keeps it. Their forms do without
/// `Origin`: they carry the token of the address, which no other site has.
pub(crate) fn keep_address(response: &mut Response<Body>) {
    put(response, REFERRER_POLICY, "no-referrer");
    put(response, HeaderName::from_static("x-robots-tag"), "noindex, nofollow, noarchive");
}

/// Adds a cookie.
pub(crate) fn set_cookie(response: &mut Response<Body>, line: &str) {
    if let Ok(value) = HeaderValue::from_str(line) {
        response.headers_mut().append(SET_COOKIE, value);
    }
}

fn put(response: &mut Response<Body>, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}

fn compressed(request: &Request, plain: Vec<u8>) -> Response<Body> {
    let packed = assets::accepts(accepted_encodings(request), "gzip").then(|| gzip(&plain)).flatten();
    let mut response = Response::new(Body::Empty);
    if let Some(packed) = packed {
        *response.body_mut() = Body::Binary(packed);
        put(&mut response, CONTENT_ENCODING, "gzip");
    } else {
        *response.body_mut() = String::from_utf8(plain).map_or(Body::Empty, Body::Text);
    }
    put(&mut response, VARY, "accept-encoding");
    response
}

fn gzip(plain: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::new(6));
    encoder.write_all(plain).ok()?;
    encoder.finish().ok()
}

fn precompressed(request: &Request, asset: &Asset) -> Response<Body> {
    let (encoding, bytes) = asset.encoded(accepted_encodings(request));
    let mut response = Response::new(Body::Binary(bytes.to_vec()));
    put(&mut response, CONTENT_TYPE, asset.content_type);
    put(&mut response, VARY, "accept-encoding");
    if let Some(encoding) = encoding {
        put(&mut response, CONTENT_ENCODING, encoding);
    }
    response
}
