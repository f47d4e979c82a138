//! A saboteur in the line to DynamoDB. It makes a good build behave as a broken one would, so that a test can prove
//! that it notices. No code of the functions knows of it: requests are rewritten on their way, and answers on the way
//! back.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::{body::Body, response::Response};
use bytes::Bytes;
use http::request::Parts;
use serde_json::{Value, json};

use crate::wire;

/// Largest body that is rewritten.
const BODY_LIMIT: usize = 20 << 20;
/// How a state is written over the version it was decided from.
const VERSION_CONDITION: &str = "#version = :read";

/// A way to be broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sabotage {
    /// The grant is written by itself, after the transaction that it belongs to.
    GrantOutsideTheTransaction,
    /// States are written whatever version they were decided from.
    NoVersionCondition,
    /// What is booked already is not seen: every report is booked as a whole instead of its difference.
    WholeInsteadOfDifference,
    /// An order is written after its gateway was called.
    OrderAfterTheCall,
}

/// Sits in the line; does nothing until it is told to.
#[derive(Debug, Clone, Default)]
pub(crate) struct Saboteur {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    sabotage: Option<Sabotage>,
    dynamodb: String,
    client: Option<reqwest::Client>,
    /// The opening write of an order that waits for the call of its gateway.
    withheld: Option<(Parts, Bytes)>,
}

impl Saboteur {
    fn locked(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Breaks the build from now on.
    pub(crate) fn begin(&self, sabotage: Sabotage) {
        self.locked().sabotage = Some(sabotage);
    }

    /// Where DynamoDB is.
    pub(crate) fn leads_to(&self, dynamodb: &str) {
        let mut state = self.locked();
        dynamodb.clone_into(&mut state.dynamodb);
        state.client = Some(wire::faithful_client());
    }

    /// The process died, and what it had not written yet with it.
    pub(crate) fn forget(&self) {
        self.locked().withheld = None;
    }

    /// Is this the call that an order is withheld for?
    pub(crate) fn is_create(&self, operation: &str) -> bool {
        let is_create =
            operation == "POST /snap/v1/transactions" || operation.trim_end_matches('/') == "POST /v2/invoices";
        is_create && self.locked().withheld.is_some()
    }

    pub(crate) fn current(&self) -> Option<Sabotage> {
        self.locked().sabotage
    }

    /// Holds an order's opening write back until its gateway was called.
    pub(crate) fn withhold(&self, parts: Parts, body: Bytes) {
        self.locked().withheld = Some((parts, body));
    }

    pub(crate) fn take_withheld(&self) -> Option<(Parts, Bytes)> {
        self.locked().withheld.take()
    }

    pub(crate) async fn send(&self, parts: Parts, body: Bytes) -> Response {
        let (client, url) = {
            let state = self.locked();
            (state.client.clone().unwrap_or_default(), state.dynamodb.clone())
        };
        wire::forward(&client, &url, parts, body).await
    }
}

fn items(json: &Value) -> Vec<Value> {
    json["TransactItems"].as_array().cloned().unwrap_or_default()
}

fn sort_key(item: &Value) -> &str {
    item["SK"]["S"].as_str().unwrap_or_default()
}

/// A transaction without the grant in it, and that grant; `None` if there is none.
pub(crate) fn without_grant(json: &Value) -> Option<(Value, Value)> {
    let mut rest = items(json);
    let is_grant = |item: &Value| item.get("Put").is_some_and(|put| sort_key(&put["Item"]).starts_with("GRANT#"));
    let position = rest.iter().position(is_grant)?;
    let grant = rest.remove(position)["Put"].clone();
    let mut json = json.clone();
    json["TransactItems"] = rest.into();
    Some((json, grant))
}

pub(crate) fn without_versions(json: &Value) -> Value {
    let is_version = |operation: &Value| operation["ConditionExpression"] == VERSION_CONDITION;
    let kept =
        items(json).into_iter().filter(|item| !item.get("ConditionCheck").is_some_and(is_version)).map(|mut item| {
            if let Some(put) = item.get_mut("Put").filter(|put| is_version(put)).and_then(Value::as_object_mut) {
                put.retain(|name, _| matches!(name.as_str(), "TableName" | "Item"));
            }
            item
        });
    let mut stripped = json.clone();
    stripped["TransactItems"] = kept.collect::<Vec<_>>().into();
    stripped
}

pub(crate) fn opens_an_order(json: &Value) -> bool {
    let opens =
        |item: &Value| sort_key(item) == "ORDER" && item["version"]["N"] == "1" && item["status"]["S"] == "CREATING";
    items(json).iter().any(|item| item.get("Put").is_some_and(|put| opens(&put["Item"])))
}

/// The orders in an answer, as if nothing were booked of them yet.
pub(crate) async fn nothing_booked(read: Response) -> Response {
    if !read.status().is_success() {
        return read;
    }
    let body = axum::body::to_bytes(read.into_body(), BODY_LIMIT).await.unwrap_or_default();
    let mut json: Value = serde_json::from_slice(&body).unwrap_or_default();
    let forget = |item: &mut Value| {
        if sort_key(item) == "ORDER" {
            item["booked"] = json!({"M": {}});
        }
    };
    if let Some(item) = json.get_mut("Item") {
        forget(item);
    }
    let tables = json.get_mut("Responses").and_then(Value::as_object_mut);
    let read = tables.into_iter().flat_map(|tables| tables.values_mut()).filter_map(Value::as_array_mut).flatten();
    read.for_each(forget);
    answer(&json)
}

pub(crate) fn answer(json: &Value) -> Response {
    let built = Response::builder()
        .header(http::header::CONTENT_TYPE, "application/x-amz-json-1.0")
        .body(Body::from(json.to_string()));
    built.unwrap_or_else(|_| wire::status(500))
}
