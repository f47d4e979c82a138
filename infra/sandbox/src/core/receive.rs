//! Every partner API call passes here: it is counted, recorded, and struck by whatever fault waits for it.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use super::calls::Call;
use super::clock::unix_millis;
use super::connection::Connection;
use super::faults::{Fault, FaultKind};
use super::partner::PartnerRules;
use super::state::Core;

/// Largest request body that a partner takes.
const MAX_BODY_BYTES: usize = 1_000_000;
/// Larger bodies are counted, not recorded.
const MAX_RECORDED_BODY_BYTES: usize = 16_384;
const TIMEOUT_MS: u64 = 30_000;
const DELAY_MS: u64 = 1_000;
const HUGE_BYTES: usize = 2_000_000;

/// The middleware of every partner's API routes.
pub(crate) async fn receive(
    State((core, rules)): State<(Arc<Core>, &'static PartnerRules)>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    request: Request,
    next: Next,
) -> Response {
    let path = request.uri().path().to_owned();
    let Some((target, in_path)) = rules.call(request.method(), &path) else {
        return next.run(request).await;
    };
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, MAX_BODY_BYTES).await else {
        return (rules.error)(&path, StatusCode::PAYLOAD_TOO_LARGE);
    };
    let fault = core.faults.take(target);
    let path_and_query = parts.uri.path_and_query().map_or(path.clone(), ToString::to_string);
    let (body_told, reference) = told(rules, &body, in_path);
    let number = core.calls.begin(Call {
        number: 0,
        at: unix_millis(core.clock.now()),
        target,
        method: parts.method.to_string(),
        path: path_and_query,
        reference,
        body: body_told,
        status: None,
        fault: fault.as_ref().map(|fault| fault.kind),
    });
    let request = Request::from_parts(parts, Body::from(body));
    let work = next.run(request);
    let response = match fault {
        Some(fault) => strike(rules, &path, &fault, &connection, work).await,
        None => carried_through(work).await,
    };
    if response.extensions().get::<Broken>().is_none() {
        core.calls.finish(number, response.status().as_u16());
    }
    response
}

/// Marks an answer that never reaches the caller.
#[derive(Clone)]
struct Broken;

/// A task of its own: a partner carries on with its work when the caller hangs up.
async fn carried_through(work: impl Future<Output = Response> + Send + 'static) -> Response {
    tokio::spawn(work).await.unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response())
}

async fn strike(
    rules: &PartnerRules,
    path: &str,
    fault: &Fault,
    connection: &Connection,
    work: impl Future<Output = Response> + Send + 'static,
) -> Response {
    let ms = fault.ms;
    let wait = move |default| tokio::time::sleep(Duration::from_millis(ms.unwrap_or(default)));
    match fault.kind {
        FaultKind::DropAfter => {
            carried_through(work).await;
            broken(connection)
        }
        FaultKind::Garbage => {
            let status = carried_through(work).await.status();
            let status = if status.is_success() { status } else { StatusCode::OK };
            json_bytes(status, Bytes::from_static(b"{\"token\": \"66e4fa55-fd"))
        }
        FaultKind::Delay => {
            carried_through(async move {
                wait(DELAY_MS).await;
                work.await
            })
            .await
        }
        FaultKind::Timeout => {
            wait(TIMEOUT_MS).await;
            broken(connection)
        }
        FaultKind::Refuse => match rules.refusal {
            Some(refuse) => refuse(path, fault.reason.as_deref().unwrap_or_default()),
            None => (rules.error)(path, StatusCode::INTERNAL_SERVER_ERROR),
        },
        FaultKind::TooManyRequests => (rules.error)(path, StatusCode::TOO_MANY_REQUESTS),
        FaultKind::Unauthorized => (rules.error)(path, StatusCode::UNAUTHORIZED),
        FaultKind::Gone => (rules.error)(path, StatusCode::GONE),
        FaultKind::InternalError => (rules.error)(path, StatusCode::INTERNAL_SERVER_ERROR),
        FaultKind::Redirect => (StatusCode::FOUND, [(header::LOCATION, "/elsewhere")]).into_response(),
        FaultKind::Huge => {
            let filler = "x".repeat(HUGE_BYTES);
            json_bytes(StatusCode::OK, format!("{{\"filler\":\"{filler}\"}}").into())
        }
    }
}

fn broken(connection: &Connection) -> Response {
    connection.break_off();
    let mut response = StatusCode::OK.into_response();
    response.extensions_mut().insert(Broken);
    response
}

fn json_bytes(status: StatusCode, bytes: Bytes) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], bytes).into_response()
}

/// The body as it is recorded, and which order or message the call is about.
fn told(rules: &PartnerRules, body: &[u8], in_path: Option<&str>) -> (Option<Value>, Option<String>) {
    let mut body: Option<Value> =
        if body.len() <= MAX_RECORDED_BODY_BYTES { serde_json::from_slice(body).ok() } else { None };
    for pointer in rules.hidden {
        if let Some(words) = body.as_mut().and_then(|body| body.pointer_mut(pointer)) {
            *words = Value::from("…");
        }
    }
    let in_body = || rules.references.iter().find_map(|pointer| body.as_ref()?.pointer(pointer)?.as_str());
    let reference = in_path.or_else(in_body).map(str::to_owned);
    (body, reference)
}
