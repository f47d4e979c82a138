//! The control API at every base URL: what a person clicks, a script does here. And a page that says so.

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Form, Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::calls::Call;
use crate::faults::{Fault, TARGETS};
use crate::partner::Partner;
use crate::simulation::{self, Simulate, SimulateError};
use crate::webhooks::{self, Delivery};
use crate::world::Shared;
use crate::{genieacs, midtrans, network, page, whatsapp, xendit};

/// The control API as served at one partner's base URL.
pub(crate) fn router(partner: Partner) -> Router<Shared> {
    Router::new()
        .route("/", get(move |State(world): State<Shared>| async move { index(&world, partner) }))
        .route("/simulate", post(simulate))
        .route("/simulate-device", post(simulate_device))
        .route("/fleet", post(fleet))
        .route("/simulate-message", post(simulate_message))
        .route("/webhooks", get(deliveries))
        .route("/webhooks/replay", post(replay))
        .route("/webhooks/test", post(move |world, body| test_notification(world, partner, body)))
        .route("/faults", get(faults).post(add_fault).delete(clear_faults))
        .route("/requests", get(requests).delete(clear_requests))
        .route("/clock", post(advance_clock))
        .fallback(move |request: axum::extract::Request| async move {
            partner.error(request.uri().path(), StatusCode::NOT_FOUND)
        })
}

/// A control request's body as JSON; the error names the field.
fn read<T: serde::de::DeserializeOwned>(body: &[u8]) -> Result<T, Box<Response>> {
    let body = if body.is_empty() { b"{}" } else { body };
    serde_json::from_slice(body).map_err(|why| Box::new(refused(StatusCode::BAD_REQUEST, &why.to_string())))
}

fn refused(status: StatusCode, why: &str) -> Response {
    (status, Json(json!({"error": why}))).into_response()
}

impl IntoResponse for SimulateError {
    fn into_response(self) -> Response {
        let status = match self {
            Self::UnknownLink => StatusCode::NOT_FOUND,
            Self::Impossible(_) => StatusCode::CONFLICT,
            Self::Invalid(_) => StatusCode::BAD_REQUEST,
        };
        refused(status, &self.to_string())
    }
}

async fn simulate(State(world): State<Shared>, body: axum::body::Bytes) -> Response {
    let simulate: Simulate = match read(&body) {
        Ok(simulate) => simulate,
        Err(refusal) => return *refusal,
    };
    match simulation::run(&world, &simulate).await {
        Ok(simulated) => Json(simulated).into_response(),
        Err(error) => error.into_response(),
    }
}

/// Plays a customer's phone.
async fn simulate_message(State(world): State<Shared>, body: axum::body::Bytes) -> Response {
    let wish: whatsapp::SimulateMessage = match read(&body) {
        Ok(wish) => wish,
        Err(refusal) => return *refusal,
    };
    match whatsapp::run(&world, &wish).await {
        Ok(sent) => Json(json!({"webhook": sent})).into_response(),
        Err(error) => error.into_response(),
    }
}

/// Changes a modem of the fleet.
async fn simulate_device(State(world): State<Shared>, body: axum::body::Bytes) -> Response {
    let wish: genieacs::SimulateDevice = match read(&body) {
        Ok(wish) => wish,
        Err(refusal) => return *refusal,
    };
    match genieacs::simulate(&world, &wish) {
        Some(device) => Json(json!({"device": device})).into_response(),
        None => refused(StatusCode::NOT_FOUND, "no modem has this id, serial number or PPPoE user"),
    }
}

/// The same from the page.
async fn fleet(State(world): State<Shared>, Form(wish): Form<genieacs::SimulateDevice>) -> Response {
    genieacs::simulate(&world, &wish);
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

async fn replay(State(world): State<Shared>, body: axum::body::Bytes) -> Response {
    let replay: Replay = match read(&body) {
        Ok(replay) => replay,
        Err(refusal) => return *refusal,
    };
    match simulation::replay(&world, &replay.link, replay.copies, replay.shuffle).await {
        Ok(statuses) => {
            let mut answers = serde_json::Map::new();
            for status in &statuses {
                let name = status.map_or_else(|| "none".to_owned(), |status| status.to_string());
                let count = answers.get(&name).and_then(Value::as_u64).unwrap_or(0);
                answers.insert(name, count.saturating_add(1).into());
            }
            Json(json!({"sent": statuses.len(), "answers": answers})).into_response()
        }
        Err(error) => error.into_response(),
    }
}

#[derive(Debug, Deserialize)]
struct TestNotification {
    gateway: Option<Partner>,
}

/// The dashboards' "test notification" button.
async fn test_notification(State(world): State<Shared>, partner: Partner, body: axum::body::Bytes) -> Response {
    let wish: TestNotification = match read(&body) {
        Ok(wish) => wish,
        Err(refusal) => return *refusal,
    };
    let notification = match wish.gateway.unwrap_or(partner) {
        Partner::Midtrans => midtrans::canned_notification(&world),
        Partner::Xendit => xendit::canned_notification(&world),
        Partner::Whatsapp | Partner::Genieacs | Partner::Network => {
            return refused(StatusCode::BAD_REQUEST, "add \"gateway\": \"midtrans\" or \"xendit\"");
        }
    };
    match webhooks::deliver(&world, notification).await {
        Some(sent) => Json(sent).into_response(),
        None => refused(StatusCode::CONFLICT, "there is no address to notify; start the sandbox with --webhook-base"),
    }
}

async fn deliveries(State(world): State<Shared>) -> Json<Vec<Delivery>> {
    Json(world.sender.deliveries())
}

async fn faults(State(world): State<Shared>) -> Json<Value> {
    Json(json!({"faults": world.faults.pending(), "targets": TARGETS}))
}

async fn add_fault(State(world): State<Shared>, body: axum::body::Bytes) -> Response {
    let fault: Fault = match read(&body) {
        Ok(fault) => fault,
        Err(refusal) => return *refusal,
    };
    match world.faults.add(fault) {
        Ok(()) => faults(State(world)).await.into_response(),
        Err(why) => refused(StatusCode::BAD_REQUEST, &why),
    }
}

async fn clear_faults(State(world): State<Shared>) -> StatusCode {
    world.faults.clear();
    StatusCode::NO_CONTENT
}

#[derive(Debug, Deserialize)]
struct Which {
    target: Option<String>,
    reference: Option<String>,
}

/// Calls of one target or about one order only, if the query says so.
async fn requests(State(world): State<Shared>, Query(which): Query<Which>) -> Json<Vec<Call>> {
    let mut calls = world.calls.list();
    calls.retain(|call| {
        which.target.as_deref().is_none_or(|target| target == call.target)
            && (which.reference.is_none() || which.reference == call.reference)
    });
    Json(calls)
}

async fn clear_requests(State(world): State<Shared>) -> StatusCode {
    world.calls.clear();
    StatusCode::NO_CONTENT
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Advance {
    advance_seconds: u32,
}

async fn advance_clock(State(world): State<Shared>, body: axum::body::Bytes) -> Response {
    let advance: Advance = match read(&body) {
        Ok(advance) => advance,
        Err(refusal) => return *refusal,
    };
    world.clock.advance(i64::from(advance.advance_seconds));
    Json(json!({"now": crate::clock::utc_time(world.clock.now())})).into_response()
}

/// What is here, for people.
fn index(world: &Shared, partner: Partner) -> Response {
    let rows = match partner {
        Partner::Midtrans => midtrans::overview(world),
        Partner::Xendit => xendit::overview(world),
        Partner::Whatsapp => return whatsapp::inbox_page(world, None),
        Partner::Genieacs => genieacs::overview(world),
        Partner::Network => return network::page(world),
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
            .map(|other| format!("<a class=\"button\" href=\"{}/\">{}</a>", world.url(other), other.name()))
            .collect();
    let others = others.concat();
    let base = world.url(partner);
    let body = format!(
        "<h1>Stand-in of {name}</h1><div class=\"card\"><h2>{what}</h2>{rows}</div>\
         <div class=\"card\"><h2>For scripts</h2><pre>curl {base}{example}</pre>\
         <p class=\"muted\">Also POST /webhooks/replay, /webhooks/test, /faults, /clock; \
         GET <a href=\"/requests\">/requests</a>, <a href=\"/webhooks\">/webhooks</a>, <a href=\"/faults\">/faults</a>.</p></div>{others}",
        name = partner.name()
    );
    page::shell("Lunas sandbox", None, &body).into_response()
}
