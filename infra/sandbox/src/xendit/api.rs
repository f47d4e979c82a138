//! The Invoice API.
//!
//! Source: <https://github.com/xendit/xendit-node/blob/master/docs/Invoice.md>.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::invoice::{Invoice, Status};
use super::store::Xendit;
use crate::core::{Authorized, parse_utc_time};

/// Invoices per page of the list, unless `limit` says otherwise.
const DEFAULT_LIMIT: usize = 10;
const MAX_LIMIT: usize = 100;

fn refused(status: StatusCode, code: &str, message: &str) -> Response {
    (status, Json(json!({"error_code": code, "message": message}))).into_response()
}

fn not_found(message: &str) -> Response {
    refused(StatusCode::NOT_FOUND, "INVOICE_NOT_FOUND_ERROR", message)
}

pub(crate) async fn create(State(xendit): State<Xendit>, _: Authorized, body: Bytes) -> Response {
    let Ok(body) = serde_json::from_slice::<Value>(&body) else {
        return refused(StatusCode::BAD_REQUEST, "INVALID_JSON_FORMAT", "The request body is not JSON");
    };
    match Invoice::read(&body, xendit.clock.now(), xendit.default_expiry()) {
        Ok(invoice) => {
            let answer = invoice.answered(&xendit.urls.xendit);
            xendit.store().add(invoice);
            Json(answer).into_response()
        }
        Err((code, message)) => refused(StatusCode::BAD_REQUEST, code, &message),
    }
}

pub(crate) async fn get(State(xendit): State<Xendit>, Path(id): Path<String>, _: Authorized) -> Response {
    match xendit.looked_at(&id) {
        Some(invoice) => Json(invoice.answered(&xendit.urls.xendit)).into_response(),
        None => not_found("Invoice not found"),
    }
}

pub(crate) async fn list(
    State(xendit): State<Xendit>,
    Query(query): Query<Vec<(String, String)>>,
    _: Authorized,
) -> Response {
    let filter = match Filter::read(query) {
        Ok(filter) => filter,
        Err(message) => return refused(StatusCode::BAD_REQUEST, "API_VALIDATION_ERROR", &message),
    };
    let ids = xendit.store().ids(filter.external_id.as_deref());
    let found: Vec<Value> = ids
        .iter()
        .filter_map(|id| xendit.looked_at(id))
        .filter(|invoice| filter.admits(invoice))
        .take(filter.limit)
        .map(|invoice| invoice.answered(&xendit.urls.xendit))
        .collect();
    Json(found).into_response()
}

pub(crate) async fn expire(State(xendit): State<Xendit>, Path(id): Path<String>, _: Authorized) -> Response {
    // Xendit looks for a pending invoice and finds none once it is paid or expired.
    let none = "Could not find and update PENDING invoice";
    if xendit.looked_at(&id).is_none_or(|invoice| invoice.status != Status::Pending) {
        return not_found(none);
    }
    let token = xendit.settings().xendit_callback_token;
    let mut store = xendit.store();
    let Some(invoice) = store.get(&id).filter(|invoice| invoice.status == Status::Pending) else {
        return not_found(none);
    };
    invoice.change(Status::Expired, xendit.clock.now());
    xendit.deliver_in_background(vec![invoice.notification(&token)]);
    Json(invoice.answered(&xendit.urls.xendit)).into_response()
}

/// The parts of the list's query that the stand-in knows; it ignores the others.
struct Filter {
    external_id: Option<String>,
    statuses: Vec<String>,
    limit: usize,
    created_after: Option<OffsetDateTime>,
    created_before: Option<OffsetDateTime>,
}

impl Filter {
    fn read(query: Vec<(String, String)>) -> Result<Self, String> {
        let mut filter = Self {
            external_id: None,
            statuses: Vec::new(),
            limit: DEFAULT_LIMIT,
            created_after: None,
            created_before: None,
        };
        for (name, value) in query {
            match name.as_str() {
                "external_id" => filter.external_id = Some(value),
                "statuses" => filter.statuses.extend(statuses(&value)),
                "limit" => filter.limit = value.parse().map_err(|_| "\"limit\" must be a number".to_owned())?,
                "created_after" => filter.created_after = Some(date(&name, &value)?),
                "created_before" => filter.created_before = Some(date(&name, &value)?),
                _ => {}
            }
        }
        filter.limit = filter.limit.min(MAX_LIMIT);
        Ok(filter)
    }

    fn admits(&self, invoice: &Invoice) -> bool {
        let status = invoice.status.word();
        (self.statuses.is_empty() || self.statuses.iter().any(|wanted| wanted == status))
            && self.created_after.is_none_or(|after| invoice.created > after)
            && self.created_before.is_none_or(|before| invoice.created < before)
    }
}

fn date(name: &str, value: &str) -> Result<OffsetDateTime, String> {
    parse_utc_time(value).ok_or_else(|| format!("\"{name}\" must have the form 2026-11-20T02:03:10.000Z"))
}

/// One status, or a JSON list of them: both forms are in use.
fn statuses(value: &str) -> Vec<String> {
    serde_json::from_str(value).unwrap_or_else(|_| vec![value.to_owned()])
}
