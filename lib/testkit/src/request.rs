//! Requests as API Gateway hands them to a function.

use lambda_http::{Body, Request, Response};
use serde_json::{Value, json};

use crate::notification::Notification;

/// Where requests come from.
const HOME: &str = "203.0.113.7";

/// A request of an HTTP API, format 2.0.
///
/// # Panics
/// When the event is not one.
#[must_use]
pub fn request(method: &str, path_and_query: &str, token: Option<&str>, body: Option<&Value>) -> Request {
    request_from(HOME, method, path_and_query, token, body)
}

/// The same from another address.
///
/// # Panics
/// When the event is not one.
#[must_use]
pub fn request_from(
    source_ip: &str,
    method: &str,
    path_and_query: &str,
    token: Option<&str>,
    body: Option<&Value>,
) -> Request {
    let (path, query) = path_and_query.split_once('?').unwrap_or((path_and_query, ""));
    let mut headers = serde_json::Map::new();
    if let Some(token) = token {
        headers.insert("authorization".to_owned(), format!("Bearer {token}").into());
    }
    headers.insert("content-type".to_owned(), "application/json".into());
    event(source_ip, method, path, query, &headers, &[], body.map(Value::to_string).as_deref())
}

/// What a browser sends: headers of its own, cookies as `name=value`, a body that is a form if `Content-Type` says so.
///
/// # Panics
/// When the event is not one.
#[must_use]
pub fn from_browser(
    method: &str,
    path_and_query: &str,
    headers: &[(&str, &str)],
    cookies: &[&str],
    body: Option<&str>,
) -> Request {
    let (path, query) = path_and_query.split_once('?').unwrap_or((path_and_query, ""));
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), Value::from(*value))).collect();
    event(HOME, method, path, query, &headers, cookies, body)
}

/// The delivery of a gateway's notification.
#[must_use]
pub fn delivery(notification: &Notification) -> Request {
    let headers = notification
        .headers
        .iter()
        .filter_map(|(name, value)| Some((name.to_string(), Value::from(value.to_str().ok()?))));
    let (path, query) = notification.path.split_once('?').unwrap_or((&notification.path, ""));
    event(HOME, "POST", path, query, &headers.collect(), &[], Some(&String::from_utf8_lossy(&notification.body)))
}

fn event(
    source_ip: &str,
    method: &str,
    path: &str,
    query: &str,
    headers: &serde_json::Map<String, Value>,
    cookies: &[&str],
    body: Option<&str>,
) -> Request {
    let event = json!({
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": query,
        "headers": headers,
        "cookies": cookies,
        "queryStringParameters": query.split('&').filter_map(|pair| pair.split_once('=')).collect::<std::collections::BTreeMap<_, _>>(),
        "requestContext": {
            "accountId": "1", "apiId": "a", "domainName": "example", "domainPrefix": "e", "requestId": "r", "routeKey": "$default",
            "stage": "$default", "time": "", "timeEpoch": 0,
            "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": source_ip, "userAgent": "test"},
        },
        "body": body,
        "isBase64Encoded": false,
    });
    lambda_http::request::from_str(&event.to_string()).expect("an event of API Gateway")
}

/// Status and JSON of an answer.
#[must_use]
pub fn answer(response: &Response<Body>) -> (u16, Value) {
    let body: &[u8] = response.body().as_ref();
    (response.status().as_u16(), serde_json::from_slice(body).unwrap_or(Value::Null))
}

pub(crate) fn random_token() -> String {
    use base64::Engine as _;
    let mut random = [0_u8; 32];
    getrandom::fill(&mut random).expect("randomness");
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(random)
}

pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    use sha2::Digest as _;
    sha2::Sha256::digest(bytes).into()
}
