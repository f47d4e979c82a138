//! The Snap API: creating a page and cancelling it.
//!
//! Sources: <https://docs.midtrans.com/reference/backend-integration>,
//! <https://docs.midtrans.com/reference/cancel-a-snap-session>.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::request::CreateRequest;
use super::store::Midtrans;
use super::transaction::Status;
use crate::core::{Authorized, loopback_url, utc_time};

/// Midtrans takes at most three addresses per transaction.
const MAX_ADDRESSES: usize = 3;

fn refused(status: StatusCode, messages: &[String]) -> Response {
    (status, Json(json!({"error_messages": messages}))).into_response()
}

pub(crate) async fn create(
    State(midtrans): State<Midtrans>,
    _: Authorized,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let Ok(body) = serde_json::from_slice::<Value>(&body) else {
        return refused(StatusCode::BAD_REQUEST, &["JSON body is malformed".to_owned()]);
    };
    let mut request = match CreateRequest::read(&body) {
        Ok(request) => request,
        Err(errors) => return refused(StatusCode::BAD_REQUEST, &errors),
    };
    request.notify_instead = addresses(&headers, "x-override-notification");
    request.notify_also = addresses(&headers, "x-append-notification");
    let now = midtrans.clock.now();
    if let Some(expiry) = request.expiry
        && expiry.start.is_some_and(|start| start.saturating_add(expiry.after) <= now)
    {
        let message = "expiry must end in the future".to_owned();
        return refused(StatusCode::BAD_REQUEST, &[message]);
    }
    let created = midtrans.store().create(request, now, midtrans.default_expiry());
    match created {
        Ok(token) => {
            let redirect_url = format!("{}/snap/v3/redirection/{token}", midtrans.urls.midtrans);
            let answer = json!({"token": token, "redirect_url": redirect_url});
            (StatusCode::CREATED, Json(answer)).into_response()
        }
        Err(message) => refused(StatusCode::BAD_REQUEST, &[message]),
    }
}

/// Comma-separated addresses of a header; those that are not on this machine are left out.
fn addresses(headers: &HeaderMap, name: &str) -> Vec<String> {
    headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
        .split(',')
        .map(str::trim)
        .filter(|url| loopback_url(url).is_ok())
        .take(MAX_ADDRESSES)
        .map(str::to_owned)
        .collect()
}

pub(crate) async fn cancel_session(
    State(midtrans): State<Midtrans>,
    Path(token): Path<String>,
    _: Authorized,
) -> Response {
    let now = midtrans.clock.now();
    let mut store = midtrans.store();
    let refusal = match store.of_token(&token) {
        Some((transaction, true)) if transaction.status != Status::NotChosen => "Transaction is on progress",
        Some((transaction, true)) if !transaction.session_cancelled => {
            transaction.session_cancelled = true;
            return Json(json!({"canceled_at": utc_time(now)})).into_response();
        }
        Some(_) => "token already canceled",
        None => return refused(StatusCode::NOT_FOUND, &["token not found".to_owned()]),
    };
    refused(StatusCode::BAD_REQUEST, &[refusal.to_owned()])
}
