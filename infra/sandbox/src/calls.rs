//! Every partner API call passes here: it is counted, recorded, and struck by whatever fault waits for it.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::Value;

use crate::clock::unix_millis;
use crate::connection::Connection;
use crate::faults::{Fault, FaultKind};
use crate::locked;
use crate::partner::{ApiCall, Partner};
use crate::whatsapp;
use crate::world::Partners;

/// Recorded calls kept; the counters go on beyond it.
const MAX_CALLS: usize = 1_000;
/// Largest request body that a partner takes.
const MAX_BODY_BYTES: usize = 1_000_000;
/// Larger bodies are counted, not recorded.
const MAX_RECORDED_BODY_BYTES: usize = 16_384;
const TIMEOUT_MS: u64 = 30_000;
const DELAY_MS: u64 = 1_000;
const HUGE_BYTES: usize = 2_000_000;

/// One API call that a partner received.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Call {
    /// Counts up from 1 over all partners.
    pub number: u64,
    /// When it came, milliseconds since 1970.
    pub at: i64,
    /// What it is, as in `POST /faults`: `midtrans.create`.
    pub target: &'static str,
    pub method: String,
    pub path: String,
    /// The caller's order id (Midtrans), external id or invoice id (Xendit) or phone number (WhatsApp).
    pub reference: Option<String>,
    /// JSON body. Message texts are left out: they carry login codes. Keys travel in headers, which are not recorded.
    pub body: Option<Value>,
    /// The answer; absent while the call is under way and where the connection was broken instead.
    pub status: Option<u16>,
    pub fault: Option<FaultKind>,
}

#[derive(Debug, Default)]
struct Log {
    next_number: u64,
    calls: VecDeque<Call>,
    counts: HashMap<&'static str, usize>,
}

/// The record of partner API calls.
#[derive(Debug, Default)]
pub(crate) struct Calls(Mutex<Log>);

impl Calls {
    fn begin(&self, mut call: Call) -> u64 {
        let mut log = locked(&self.0);
        log.next_number = log.next_number.saturating_add(1);
        call.number = log.next_number;
        let count = log.counts.entry(call.target).or_default();
        *count = count.saturating_add(1);
        if log.calls.len() >= MAX_CALLS {
            log.calls.pop_front();
        }
        let number = call.number;
        log.calls.push_back(call);
        number
    }

    fn finish(&self, number: u64, status: u16) {
        let mut log = locked(&self.0);
        if let Some(call) = log.calls.iter_mut().rfind(|call| call.number == number) {
            call.status = Some(status);
        }
    }

    pub(crate) fn count(&self, target: &str) -> usize {
        locked(&self.0).counts.get(target).copied().unwrap_or(0)
    }

    /// Oldest first.
    pub(crate) fn list(&self) -> Vec<Call> {
        locked(&self.0).calls.iter().cloned().collect()
    }

    pub(crate) fn clear(&self) {
        let mut log = locked(&self.0);
        log.calls.clear();
        log.counts.clear();
    }
}

/// The middleware of every partner's API routes.
pub(crate) async fn receive(
    State((world, partner)): State<(Arc<Partners>, Partner)>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    request: Request,
    next: Next,
) -> Response {
    let path = request.uri().path().to_owned();
    let Some(call) = partner.api_call(request.method(), &path) else {
        return next.run(request).await;
    };
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, MAX_BODY_BYTES).await else {
        return answer(partner, &path, StatusCode::PAYLOAD_TOO_LARGE);
    };
    let fault = world.faults.take(call.target);
    let path_and_query = parts.uri.path_and_query().map_or(path.clone(), ToString::to_string);
    let number = world.calls.begin(record(&world, &call, parts.method.as_str(), path_and_query, &body, fault.as_ref()));
    let request = Request::from_parts(parts, Body::from(body));
    let work = next.run(request);
    let response = match fault {
        Some(fault) => strike(partner, &path, &fault, &connection, work).await,
        None => carried_through(work).await,
    };
    if response.extensions().get::<Broken>().is_none() {
        world.calls.finish(number, response.status().as_u16());
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
    partner: Partner,
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
        FaultKind::Refuse => whatsapp::refusal(path, fault.reason.as_deref().unwrap_or_default()),
        _ => answer_instead(partner, path, fault.kind),
    }
}

fn answer_instead(partner: Partner, path: &str, kind: FaultKind) -> Response {
    match kind {
        FaultKind::TooManyRequests => answer(partner, path, StatusCode::TOO_MANY_REQUESTS),
        FaultKind::Unauthorized => answer(partner, path, StatusCode::UNAUTHORIZED),
        FaultKind::Gone => answer(partner, path, StatusCode::GONE),
        FaultKind::Redirect => {
            let mut response = StatusCode::FOUND.into_response();
            let elsewhere = HeaderValue::from_static("/elsewhere");
            response.headers_mut().insert(header::LOCATION, elsewhere);
            response
        }
        FaultKind::Huge => {
            let filler = "x".repeat(HUGE_BYTES);
            json_bytes(StatusCode::OK, format!("{{\"filler\":\"{filler}\"}}").into())
        }
        _ => answer(partner, path, StatusCode::INTERNAL_SERVER_ERROR),
    }
}

fn answer(partner: Partner, path: &str, status: StatusCode) -> Response {
    partner.error(path, status)
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

fn record(world: &Partners, call: &ApiCall, method: &str, path: String, body: &[u8], fault: Option<&Fault>) -> Call {
    let mut body: Option<Value> =
        (body.len() <= MAX_RECORDED_BODY_BYTES).then(|| serde_json::from_slice(body).ok()).flatten();
    if call.target == "whatsapp.send" {
        for pointer in ["/text", "/template/components"] {
            if let Some(words) = body.as_mut().and_then(|body| body.pointer_mut(pointer)) {
                *words = Value::from("…");
            }
        }
    }
    let reference = call.reference.clone().or_else(|| {
        ["/transaction_details/order_id", "/external_id", "/to", "/chatId"]
            .iter()
            .find_map(|pointer| body.as_ref()?.pointer(pointer)?.as_str())
            .map(str::to_owned)
    });
    Call {
        number: 0,
        at: unix_millis(world.clock.now()),
        target: call.target,
        method: method.to_owned(),
        path,
        reference,
        body,
        status: None,
        fault: fault.map(|fault| fault.kind),
    }
}
