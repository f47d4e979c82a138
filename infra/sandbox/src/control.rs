//! The control API at every base URL: what a person clicks, a script does here. And a page that says so.

use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Form, Json, Router};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::core::{
    Call, Delivery, Gateway, Partner, PartnerRules, Sent, SimulateError, Simulated, TARGETS, shell, utc_time,
};
use crate::genieacs::SimulateDevice;
use crate::partners::Partners;
use crate::{genieacs, midtrans, network, whatsapp, xendit};

/// The control API as served at one partner's base URL.
pub(crate) fn router(rules: &'static PartnerRules) -> Router<Partners> {
    let partner = rules.partner;
    Router::new()
        .route("/", get(move |State(partners): State<Partners>| async move { index(&partners, partner) }))
        .route("/simulate", post(simulate))
        .route("/simulate-device", post(simulate_device))
        .route("/fleet", post(fleet))
        .route("/simulate-message", post(simulate_message))
        .route("/webhooks", get(deliveries))
        .route("/webhooks/replay", post(replay))
        .route("/webhooks/test", post(move |partners, body| test_notification(partners, partner, body)))
        .route("/faults", get(faults).post(add_fault).delete(clear_faults))
        .route("/requests", get(requests).delete(clear_requests))
        .route("/clock", post(advance_clock))
        .fallback(move |request: axum::extract::Request| async move {
            (rules.error)(request.uri().path(), StatusCode::NOT_FOUND)
        })
}

/// Why a request is not carried out.
struct Refused(StatusCode, String);

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        (self.0, Json(json!({"error": self.1}))).into_response()
    }
}

impl From<SimulateError> for Refused {
    fn from(error: SimulateError) -> Self {
        let status = match error {
            SimulateError::UnknownLink => StatusCode::NOT_FOUND,
            SimulateError::Impossible(_) => StatusCode::CONFLICT,
            SimulateError::Invalid(_) => StatusCode::BAD_REQUEST,
        };
        Self(status, error.to_string())
    }
}

/// A control request's body as JSON; the error names the field.
fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refused> {
    let body = if body.is_empty() { b"{}" } else { body };
    serde_json::from_slice(body).map_err(|why| Refused(StatusCode::BAD_REQUEST, why.to_string()))
}

async fn simulate(State(partners): State<Partners>, body: Bytes) -> Result<Json<Simulated>, Refused> {
    Ok(Json(partners.simulate(&read(&body)?).await?))
}

/// Plays a customer's phone.
async fn simulate_message(State(partners): State<Partners>, body: Bytes) -> Result<Response, Refused> {
    let sent = partners.whatsapp.simulate(&read(&body)?).await;
    Ok(sent.map(|sent| Json(json!({"webhook": sent}))).into_response())
}

async fn simulate_device(State(partners): State<Partners>, body: Bytes) -> Result<Json<Value>, Refused> {
    let wish: SimulateDevice = read(&body)?;
    let device = partners.genieacs.change(&wish.device, wish.change);
    let unknown = || Refused(StatusCode::NOT_FOUND, "no modem has this id, serial number or PPPoE user".to_owned());
    Ok(Json(json!({"device": device.ok_or_else(unknown)?})))
}

/// The same from the page.
async fn fleet(State(partners): State<Partners>, Form(wish): Form<SimulateDevice>) -> Response {
    partners.genieacs.change(&wish.device, wish.change);
    Redirect::to("/").into_response()
}

#[derive(Debug, Deserialize)]
struct Replay {
    link: String,
    #[serde(default = "one")]
    copies: usize,
    #[serde(default)]
    shuffle: bool,
}

fn one() -> usize {
    1
}

async fn replay(State(partners): State<Partners>, body: Bytes) -> Result<Json<Value>, Refused> {
    let replay: Replay = read(&body)?;
    let statuses = partners.replay(&replay.link, replay.copies, replay.shuffle).await?;
    let mut answers = serde_json::Map::new();
    for status in &statuses {
        let name = status.map_or_else(|| "none".to_owned(), |status| status.to_string());
        let count = answers.get(&name).and_then(Value::as_u64).unwrap_or(0);
        answers.insert(name, count.saturating_add(1).into());
    }
    Ok(Json(json!({"sent": statuses.len(), "answers": answers})))
}

#[derive(Debug, Deserialize)]
struct TestNotification {
    gateway: Option<Partner>,
}

/// The dashboards' "test notification" button.
async fn test_notification(
    State(partners): State<Partners>,
    partner: Partner,
    body: Bytes,
) -> Result<Json<Sent>, Refused> {
    let refused = |status, why: &str| Refused(status, why.to_owned());
    let wish: TestNotification = read(&body)?;
    let gateway: &dyn Gateway = match wish.gateway.unwrap_or(partner) {
        Partner::Midtrans => &partners.midtrans,
        Partner::Xendit => &partners.xendit,
        _ => return Err(refused(StatusCode::BAD_REQUEST, "add \"gateway\": \"midtrans\" or \"xendit\"")),
    };
    let sent = gateway.deliver(gateway.canned_notification()).await;
    let nowhere = "there is no address to notify; start the sandbox with --webhook-base";
    sent.map(Json).ok_or_else(|| refused(StatusCode::CONFLICT, nowhere))
}

async fn deliveries(State(partners): State<Partners>) -> Json<Vec<Delivery>> {
    Json(partners.core.webhooks.deliveries())
}

async fn faults(State(partners): State<Partners>) -> Json<Value> {
    Json(json!({"faults": partners.core.faults.pending(), "targets": TARGETS}))
}

async fn add_fault(State(partners): State<Partners>, body: Bytes) -> Result<Json<Value>, Refused> {
    partners.core.faults.add(read(&body)?).map_err(|why| Refused(StatusCode::BAD_REQUEST, why))?;
    Ok(faults(State(partners)).await)
}

async fn clear_faults(State(partners): State<Partners>) -> StatusCode {
    partners.core.faults.clear();
    StatusCode::NO_CONTENT
}

#[derive(Debug, Deserialize)]
struct Which {
    target: Option<String>,
    reference: Option<String>,
}

/// Calls of one target or about one order only, if the query says so.
async fn requests(State(partners): State<Partners>, Query(which): Query<Which>) -> Json<Vec<Call>> {
    let mut calls = partners.core.calls.list();
    calls.retain(|call| {
        which.target.as_deref().is_none_or(|target| target == call.target)
            && (which.reference.is_none() || which.reference == call.reference)
    });
    Json(calls)
}

async fn clear_requests(State(partners): State<Partners>) -> StatusCode {
    partners.core.calls.clear();
    StatusCode::NO_CONTENT
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Advance {
    advance_seconds: u32,
}

async fn advance_clock(State(partners): State<Partners>, body: Bytes) -> Result<Json<Value>, Refused> {
    let advance: Advance = read(&body)?;
    partners.core.clock.advance(i64::from(advance.advance_seconds));
    Ok(Json(json!({"now": utc_time(partners.core.clock.now())})))
}

/// What is here, for people.
fn index(partners: &Partners, partner: Partner) -> Response {
    let rows = match partner {
        Partner::Midtrans => midtrans::overview(&partners.midtrans),
        Partner::Xendit => xendit::overview(&partners.xendit),
        Partner::Whatsapp => return whatsapp::inbox_page(&partners.whatsapp, None),
        Partner::Genieacs => genieacs::overview(&partners.genieacs),
        Partner::Network => return network::page(&partners.network),
    };
    let rows = if rows.is_empty() {
        "<p class=\"muted\">No transactions yet.</p>".to_owned()
    } else {
        format!("<table>{rows}</table>")
    };
    let (what, example) = match partner {
        Partner::Genieacs => {
            ("Modems", "/simulate-device \\\n  -d '{\"device\":\"budi@lunas\",\"change\":\"offline\"}'")
        }
        _ => ("Recent transactions", "/simulate \\\n  -d '{\"link\":\"&lt;payment link&gt;\",\"outcome\":\"paid\"}'"),
    };
    let others: Vec<String> =
        [Partner::Midtrans, Partner::Xendit, Partner::Whatsapp, Partner::Genieacs, Partner::Network]
            .into_iter()
            .filter(|other| *other != partner)
            .map(|other| format!("<a class=\"button\" href=\"{}/\">{}</a>", partners.core.url(other), other.name()))
            .collect();
    let others = others.concat();
    let base = partners.core.url(partner);
    let body = format!(
        "<h1>Stand-in of {name}</h1><div class=\"card\"><h2>{what}</h2>{rows}</div>\
         <div class=\"card\"><h2>For scripts</h2><pre>curl {base}{example}</pre>\
         <p class=\"muted\">Also POST /webhooks/replay, /webhooks/test, /faults, /clock; \
         GET <a href=\"/requests\">/requests</a>, <a href=\"/webhooks\">/webhooks</a>, <a href=\"/faults\">/faults</a>.</p></div>{others}",
        name = partner.name()
    );
    shell("Lunas sandbox", None, &body).into_response()
}
