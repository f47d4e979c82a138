//! The NBI's answers.

use std::time::Duration;

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::device::{Behaviour, Device};
use super::projection::project;
use super::query::{at, matches};
use super::store::{Fleet, Genieacs};
use crate::core::Authorized;

#[derive(Debug, Default, Deserialize)]
pub(crate) struct Listing {
    query: Option<String>,
    projection: Option<String>,
    sort: Option<String>,
    skip: Option<usize>,
    limit: Option<usize>,
}

pub(crate) type Asked = (Method, Query<Listing>, Authorized);

/// A page of documents, framed as the NBI frames it, with `total`: the count of the whole query.
fn list(documents: Vec<Value>, (method, Query(listing), _): &Asked) -> Response {
    match page(documents, listing) {
        Ok((total, documents)) => {
            let texts: Vec<String> = documents.iter().map(Value::to_string).collect();
            let body = if texts.is_empty() { "[\n\n]".to_owned() } else { format!("[\n{}\n]", texts.join(",\n")) };
            let body = if method == Method::HEAD { Body::empty() } else { Body::from(body) };
            let mut response = Response::new(body);
            response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
            response.headers_mut().insert("total", HeaderValue::from(total));
            response
        }
        Err(why) => (StatusCode::BAD_REQUEST, why).into_response(),
    }
}

fn page(mut documents: Vec<Value>, listing: &Listing) -> Result<(usize, Vec<Value>), String> {
    let query = parsed(listing.query.as_deref())?;
    let mut found = Vec::new();
    for document in documents.drain(..) {
        if matches(&document, &query)? {
            found.push(document);
        }
    }
    let total = found.len();
    let sort = parsed(listing.sort.as_deref())?;
    for (path, direction) in sort.as_object().into_iter().flatten().rev() {
        let key = |document: &Value| {
            at(document, path).map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
        };
        found.sort_by_key(key);
        if direction.as_i64() == Some(-1) {
            found.reverse();
        }
    }
    let shown = found.into_iter().skip(listing.skip.unwrap_or(0)).take(listing.limit.unwrap_or(usize::MAX));
    let projected = shown.map(|document| project(&document, listing.projection.as_deref().unwrap_or_default()));
    Ok((total, projected.collect::<Result<_, _>>()?))
}

fn parsed(text: Option<&str>) -> Result<Value, String> {
    serde_json::from_str(text.unwrap_or("{}")).map_err(|error| error.to_string())
}

/// `GET` and `HEAD /devices`. A slow modem holds whoever asks about it.
pub(crate) async fn devices(State(genieacs): State<Genieacs>, asked: Asked) -> Response {
    let Query(Listing { query, .. }) = &asked.1;
    let parsed = parsed(query.as_deref()).unwrap_or_default();
    let is_slow = |device: &Device| {
        device.behaviour == Behaviour::Slow && query.is_some() && matches(&device.document, &parsed) == Ok(true)
    };
    let (documents, slow) = {
        let mut store = genieacs.store();
        let devices = store.devices(genieacs.clock.now());
        (devices.iter().map(|device| device.document.clone()).collect(), devices.iter().any(is_slow))
    };
    if slow {
        hold(&genieacs).await;
    }
    list(documents, &asked)
}

async fn hold(genieacs: &Genieacs) {
    let wait = Duration::from_millis(genieacs.settings().genieacs_slow_ms);
    tokio::select! {
        () = tokio::time::sleep(wait) => {}
        () = genieacs.stopped() => {}
    }
}

/// `POST /devices/<id>/tasks[?connection_request][&timeout=<ms>]`.
pub(crate) async fn add_task(
    State(genieacs): State<Genieacs>,
    Path(id): Path<String>,
    Query(options): Query<Map<String, Value>>,
    _: Authorized,
    body: Bytes,
) -> Response {
    let task: Option<Map<String, Value>> = serde_json::from_slice(&body).ok();
    let Some(task) = task.filter(|task| task.get("name").is_some_and(Value::is_string)) else {
        return (StatusCode::BAD_REQUEST, "invalid task").into_response();
    };
    let wake = options.contains_key("connection_request");
    let queued = {
        let mut store = genieacs.store();
        let slow = store
            .devices(genieacs.clock.now())
            .iter()
            .any(|device| device.id() == id && device.behaviour == Behaviour::Slow);
        store.add_task(&id, task, wake, genieacs.clock.now()).map(|queued| (queued, slow))
    };
    let Some(((task, done), slow)) = queued else { return (StatusCode::NOT_FOUND, "No such device").into_response() };
    if wake && slow {
        hold(&genieacs).await;
    }
    let status = if done { StatusCode::OK } else { StatusCode::ACCEPTED };
    (status, Json(task)).into_response()
}

pub(crate) async fn tasks(State(genieacs): State<Genieacs>, asked: Asked) -> Response {
    let documents = |fleet: &Fleet| fleet.tasks.iter().filter_map(|task| serde_json::to_value(task).ok()).collect();
    list(documents(&genieacs.fleet_now()), &asked)
}

pub(crate) async fn delete_task(State(genieacs): State<Genieacs>, Path(id): Path<String>, _: Authorized) -> Response {
    let mut store = genieacs.store();
    let before = store.tasks.len();
    store.tasks.retain(|task| task.id != id);
    if store.tasks.len() == before {
        (StatusCode::NOT_FOUND, "Task not found").into_response()
    } else {
        StatusCode::OK.into_response()
    }
}

pub(crate) async fn faults(State(genieacs): State<Genieacs>, asked: Asked) -> Response {
    list(genieacs.fleet_now().faults.clone(), &asked)
}

pub(crate) async fn delete_fault(State(genieacs): State<Genieacs>, Path(id): Path<String>, _: Authorized) -> Response {
    let mut store = genieacs.store();
    store.faults.retain(|fault| fault["_id"] != id.as_str());
    let task = id.rsplit_once(":task_").map(|(_, task)| task.to_owned());
    store.tasks.retain(|known| Some(&known.id) != task.as_ref());
    StatusCode::OK.into_response()
}

/// The scripts that the ACS has: those whose values some modem carries.
pub(crate) async fn virtual_parameters(State(genieacs): State<Genieacs>, asked: Asked) -> Response {
    let mut names = std::collections::BTreeSet::new();
    for device in genieacs.store().devices(genieacs.clock.now()) {
        let values = device.document["VirtualParameters"].as_object();
        names.extend(values.into_iter().flat_map(Map::keys).filter(|name| !name.starts_with('_')).cloned());
    }
    let scripts = names.into_iter().map(|name| json!({"_id": name, "script": "…"})).collect();
    list(scripts, &asked)
}

pub(crate) async fn add_tag(
    State(genieacs): State<Genieacs>,
    Path((id, tag)): Path<(String, String)>,
    _: Authorized,
) -> Response {
    tag_device(&genieacs, &id, |tags| {
        if !tags.contains(&json!(tag)) {
            tags.push(json!(tag));
        }
    })
}

pub(crate) async fn remove_tag(
    State(genieacs): State<Genieacs>,
    Path((id, tag)): Path<(String, String)>,
    _: Authorized,
) -> Response {
    tag_device(&genieacs, &id, |tags| tags.retain(|known| *known != json!(tag)))
}

fn tag_device(genieacs: &Genieacs, id: &str, change: impl FnOnce(&mut Vec<Value>)) -> Response {
    let mut store = genieacs.store();
    let device = store.devices(genieacs.clock.now()).iter_mut().find(|device| device.id() == id);
    match device.and_then(|device| device.document["_tags"].as_array_mut()) {
        Some(tags) => {
            change(tags);
            StatusCode::OK.into_response()
        }
        None => (StatusCode::NOT_FOUND, "No such device").into_response(),
    }
}
