//! AWS on loopback: the embedded DynamoDB behind the tap, and stand-ins of Secrets Manager and EventBridge.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::response::Response;
use bytes::Bytes;
use lunas_sandbox::Connection;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::tap::{Call, OF_WAKE_UPS, Tap};
use crate::wire::{self, conflict, json_answer, over, status};
use crate::{broken_build, table};

/// The stand-in.
#[derive(Debug, Clone)]
pub struct StandIn {
    /// Where the functions find every AWS service.
    pub url: String,
    /// A client of the table that goes past the tap, for looking at what is there.
    pub direct: aws_sdk_dynamodb::Client,
    state: Arc<Mutex<State_>>,
}

#[derive(Debug, Default)]
struct State_ {
    secrets: HashMap<String, String>,
    bus: Vec<Value>,
    failing_entries: usize,
    bus_down: bool,
    conflicts: usize,
    unprocessed: usize,
    index_hidden: bool,
    index_answers: HashMap<String, Bytes>,
    index_frozen: bool,
}

#[derive(Debug, Clone)]
struct AwsLine {
    aws: StandIn,
    tap: Tap,
}

impl StandIn {
    pub(crate) async fn start(tap: &Tap) -> Self {
        let dynamodb = table::serve().await;
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let aws = Self { url, direct: table::client(&dynamodb), state: Arc::default() };
        tap.saboteur.leads_to(&dynamodb);
        let line = AwsLine { aws: aws.clone(), tap: tap.clone() };
        let router = Router::new().fallback(serve).with_state(line);
        tokio::spawn(wire::serve(listener, router));
        aws
    }

    fn locked(&self) -> MutexGuard<'_, State_> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What an admin types in the console.
    pub fn set_secret(&self, name: &str, text: &str) {
        self.locked().secrets.insert(name.to_owned(), text.to_owned());
    }

    /// Takes everything that is on the bus: the entries as `PutEvents` got them.
    #[must_use]
    pub fn take_bus(&self) -> Vec<Value> {
        std::mem::take(&mut self.locked().bus)
    }

    /// The next so many entries of `PutEvents` fail inside an answer of 200.
    pub fn fail_entries(&self, entries: usize) {
        self.locked().failing_entries = entries;
    }

    /// The bus answers every call with HTTP 500, or works.
    pub fn stop_bus(&self, down: bool) {
        self.locked().bus_down = down;
    }

    /// The next so many transactions meet another one.
    pub fn conflict(&self, transactions: usize) {
        self.locked().conflicts = transactions;
    }

    /// The next so many batch reads leave all their keys unprocessed.
    pub fn leave_unprocessed(&self, batches: usize) {
        self.locked().unprocessed = batches;
    }

    /// The index of wake-ups shows nothing (it has not caught up yet), or what there is.
    pub fn hide_index(&self, hidden: bool) {
        self.locked().index_hidden = hidden;
    }

    /// The index of wake-ups goes on answering what it answered before, or what there is.
    pub fn freeze_index(&self, frozen: bool) {
        self.locked().index_frozen = frozen;
    }

    fn put_events(&self, body: &Value) -> Response {
        let mut state = self.locked();
        if state.bus_down {
            return json_answer(500, &json!({"__type": "InternalException", "message": "injected"}));
        }
        let entries = body.get("Entries").and_then(Value::as_array).cloned().unwrap_or_default();
        let mut answers = Vec::new();
        let mut failed: usize = 0;
        for entry in entries {
            if state.failing_entries > 0 {
                state.failing_entries = state.failing_entries.saturating_sub(1);
                failed = failed.saturating_add(1);
                answers.push(json!({"ErrorCode": "InternalFailure", "ErrorMessage": "injected"}));
            } else {
                state.bus.push(entry);
                answers.push(json!({"EventId": state.bus.len().to_string()}));
            }
        }
        json_answer(200, &json!({"FailedEntryCount": failed, "Entries": answers}))
    }

    fn secret(&self, body: &Value) -> Response {
        let name = body.get("SecretId").and_then(Value::as_str).unwrap_or_default();
        match self.locked().secrets.get(name) {
            Some(text) => json_answer(
                200,
                &json!({"Name": name, "SecretString": text, "ARN": "arn:aws:secretsmanager:us-east-1:0:secret:x", "VersionId": "v"}),
            ),
            None => json_answer(400, &json!({"__type": "ResourceNotFoundException", "Message": "no such secret"})),
        }
    }

    /// An injected answer of DynamoDB, if one is planned for this call.
    fn injected(&self, operation: &str, body: &Value) -> Option<Response> {
        let mut state = self.locked();
        match operation {
            "TransactWriteItems" if state.conflicts > 0 => {
                state.conflicts = state.conflicts.saturating_sub(1);
                Some(conflict())
            }
            "BatchGetItem" if state.unprocessed > 0 => {
                state.unprocessed = state.unprocessed.saturating_sub(1);
                Some(json_answer(200, &json!({"Responses": {}, "UnprocessedKeys": body.get("RequestItems")})))
            }
            "Query" if body.get("IndexName").is_some() && state.index_hidden => {
                Some(json_answer(200, &json!({"Items": [], "Count": 0, "ScannedCount": 0})))
            }
            "Query" if body.get("IndexName").is_some() && state.index_frozen => {
                let remembered = state.index_answers.get(&shard(body))?.clone();
                Some(
                    Response::builder()
                        .status(200)
                        .header("content-type", "application/x-amz-json-1.0")
                        .body(Body::from(remembered))
                        .unwrap_or_default(),
                )
            }
            _ => None,
        }
    }
}

fn shard(body: &Value) -> String {
    body.pointer("/ExpressionAttributeValues/:key/S").and_then(Value::as_str).unwrap_or_default().to_owned()
}

async fn serve(
    State(line): State<AwsLine>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 20 << 20).await.unwrap_or_default();
    let target = parts.headers.get("x-amz-target").and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let Some((service, operation)) = target.split_once('.') else { return status(400) };
    let json: Value = serde_json::from_slice(&body).unwrap_or_default();
    let (service, actions) = match service {
        "DynamoDB_20120810" => ("dynamodb", actions(operation, &json)),
        "AWSEvents" => ("events", vec![format!("events:{operation}")]),
        "secretsmanager" => ("secretsmanager", vec![format!("secretsmanager:{operation}")]),
        _ => return status(400),
    };
    let of_index = if json.get("IndexName").is_some() { OF_WAKE_UPS } else { "" };
    let resource = resource(service, &json);
    let call = Call { service: service.to_owned(), operation: format!("{operation}{of_index}"), actions, resource };
    let answer = async {
        match service {
            "events" => line.aws.put_events(&json),
            "secretsmanager" => line.aws.secret(&json),
            _ => dynamodb(&line, operation, &json, parts, body).await,
        }
    };
    over(&connection, Box::pin(line.tap.pass(call, answer)).await)
}

async fn dynamodb(line: &AwsLine, operation: &str, json: &Value, parts: http::request::Parts, body: Bytes) -> Response {
    if let Some(injected) = line.aws.injected(operation, json) {
        return injected;
    }
    let answer = broken_build::forward(&line.tap, operation, json, parts, body).await;
    if operation != "Query" || json.get("IndexName").is_none() {
        return answer;
    }
    let (parts, body) = answer.into_parts();
    let body = axum::body::to_bytes(body, 20 << 20).await.unwrap_or_default();
    line.aws.locked().index_answers.insert(shard(json), body.clone());
    Response::from_parts(parts, Body::from(body))
}

/// What a call acts on, as a policy names it.
fn resource(service: &str, body: &Value) -> String {
    let text = |pointer: &str| body.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    match service {
        "events" => text("/Entries/0/EventBusName").to_owned(),
        "secretsmanager" => text("/SecretId").to_owned(),
        _ if body.get("IndexName").is_some() => format!("index/{}", text("/IndexName")),
        _ => "table".to_owned(),
    }
}

/// The IAM actions of a DynamoDB call: a transaction is authorised by the actions of its items.
fn actions(operation: &str, body: &Value) -> Vec<String> {
    if operation != "TransactWriteItems" {
        return vec![format!("dynamodb:{operation}")];
    }
    let items = body.get("TransactItems").and_then(Value::as_array).cloned().unwrap_or_default();
    let names = items.iter().filter_map(|item| item.as_object()?.keys().next().cloned());
    names
        .map(|name| {
            if name == "ConditionCheck" {
                "dynamodb:ConditionCheckItem".to_owned()
            } else {
                format!("dynamodb:{name}Item")
            }
        })
        .collect()
}
