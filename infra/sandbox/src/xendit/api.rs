//! The Invoice API.
//!
//! Source: <https://github.com/xendit/xendit-node/blob/master/docs/Invoice.md>.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::default_expiry;
use super::invoice::{Invoice, Status};
use crate::clock::parse_utc_time;
use crate::partner::Partner;
use crate::world::{Partners, Shared};
use crate::{basic_auth, locked, webhooks};

/// Invoices per page of the list, unless `limit` says otherwise.
const DEFAULT_LIMIT: usize = 10;
const MAX_LIMIT: usize = 100;

fn refused(status: StatusCode, code: &str, message: &str) -> Response {
    (status, Json(json!({"error_code": code, "message": message}))).into_response()
}

fn not_found(message: &str) -> Response {
    refused(StatusCode::NOT_FOUND, "INVOICE_NOT_FOUND_ERROR", message)
}

fn unauthorized(world: &Partners, headers: &HeaderMap) -> Option<Response> {
    let user = basic_auth::user(headers);
    if user.is_some_and(|user| user == world.settings().xendit_api_key) {
        return None;
    }
    let body = Partner::Xendit.error_body("", 401);
    Some((StatusCode::UNAUTHORIZED, Json(body)).into_response())
}

pub(crate) async fn create(State(world): State<Shared>, headers: HeaderMap, body: Bytes) -> Response {
    if let Some(refusal) = unauthorized(&world, &headers) {
        return refusal;
    }
    let Ok(body) = serde_json::from_slice::<Value>(&body) else {
        return refused(StatusCode::BAD_REQUEST, "INVALID_JSON_FORMAT", "The request body is not JSON");
    };
    match Invoice::read(&body, world.clock.now(), default_expiry(&world)) {
        Ok(invoice) => {
            let answer = invoice.answered(&world.urls.xendit);
            locked(&world.xendit).add(invoice);
            Json(answer).into_response()
        }
        Err((code, message)) => refused(StatusCode::BAD_REQUEST, code, &message),
    }
}

pub(crate) async fn get(State(world): State<Shared>, Path(id): Path<String>, headers: HeaderMap) -> Response {
    if let Some(refusal) = unauthorized(&world, &headers) {
        return refusal;
    }
    match looked_at(&world, &id) {
        Some(invoice) => Json(invoice.answered(&world.urls.xendit)).into_response(),
        None => not_found("Invoice not found"),
    }
}

pub(crate) async fn list(
    State(world): State<Shared>,
    Query(query): Query<Vec<(String, String)>>,
    headers: HeaderMap,
) -> Response {
    if let Some(refusal) = unauthorized(&world, &headers) {
        return refusal;
    }
    let filter = match Filter::read(query) {
        Ok(filter) => filter,
        Err(message) => return refused(StatusCode::BAD_REQUEST, "API_VALIDATION_ERROR", &message),
    };
    let ids = locked(&world.xendit).ids(filter.external_id.as_deref());
    let found: Vec<Value> = ids
        .iter()
        .filter_map(|id| looked_at(&world, id))
        .filter(|invoice| filter.admits(invoice))
        .take(filter.limit)
        .map(|invoice| invoice.answered(&world.urls.xendit))
        .collect();
    Json(found).into_response()
}

pub(crate) async fn expire(State(world): State<Shared>, Path(id): Path<String>, headers: HeaderMap) -> Response {
    if let Some(refusal) = unauthorized(&world, &headers) {
        return refusal;
    }
    // Xendit looks for a pending invoice and finds none once it is paid or expired.
    let none = "Could not find and update PENDING invoice";
    if looked_at(&world, &id).is_none_or(|invoice| invoice.status != Status::Pending) {
        return not_found(none);
    }
    let token = world.settings().xendit_callback_token;
    let mut store = locked(&world.xendit);
    let Some(invoice) = store.get(&id).filter(|invoice| invoice.status == Status::Pending) else {
        return not_found(none);
    };
    invoice.change(Status::Expired, world.clock.now());
    webhooks::deliver_in_background(&world, vec![invoice.notification(&token)]);
    Json(invoice.answered(&world.urls.xendit)).into_response()
}

/// A copy of the invoice, expired if its time has come.
pub(crate) fn looked_at(world: &Shared, id: &str) -> Option<Invoice> {
    let token = world.settings().xendit_callback_token;
    let mut store = locked(&world.xendit);
    let invoice = store.get(id)?;
    if invoice.look(world.clock.now()) {
        webhooks::deliver_in_background(world, vec![invoice.notification(&token)]);
    }
    Some(invoice.clone())
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
