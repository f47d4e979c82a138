//! What a broken build would send to DynamoDB, while a [`Sabotage`] is on.

use axum::response::Response;
use bytes::Bytes;
use http::{HeaderValue, request::Parts};
use serde_json::{Value, json};

use crate::sabotage::{Sabotage, answer, nothing_booked, opens_an_order, without_grant, without_versions};
use crate::tap::{Call, Tap};

/// Writes the order that was withheld, as a call of its own.
pub(crate) async fn write_withheld(tap: &Tap) {
    if let Some((parts, body)) = tap.saboteur.take_withheld() {
        tap.pass(call("TransactWriteItems"), tap.saboteur.send(parts, body)).await;
    }
}

/// Passes a call on to DynamoDB; broken, if that was asked for.
pub(crate) async fn forward(tap: &Tap, operation: &str, json: &Value, parts: Parts, body: Bytes) -> Response {
    let saboteur = &tap.saboteur;
    match (saboteur.current(), operation) {
        (Some(Sabotage::GrantOutsideTheTransaction), "TransactWriteItems") => {
            grant_outside(tap, json, parts, body).await
        }
        (Some(Sabotage::NoVersionCondition), "TransactWriteItems") => {
            saboteur.send(parts, without_versions(json).to_string().into()).await
        }
        (Some(Sabotage::WholeInsteadOfDifference), "GetItem" | "BatchGetItem") => {
            nothing_booked(saboteur.send(parts, body).await).await
        }
        (Some(Sabotage::OrderAfterTheCall), "TransactWriteItems") => {
            if opens_an_order(json) {
                saboteur.withhold(parts, body);
                return answer(&json!({}));
            }
            write_withheld(tap).await;
            saboteur.send(parts, body).await
        }
        _ => saboteur.send(parts, body).await,
    }
}

/// First the transaction without the grant, then the grant: two calls, each of which can fail.
async fn grant_outside(tap: &Tap, json: &Value, parts: Parts, body: Bytes) -> Response {
    let saboteur = &tap.saboteur;
    let Some((rest, grant)) = without_grant(json) else { return saboteur.send(parts, body).await };
    let mut of_its_own = parts.clone();
    of_its_own.headers.insert("x-amz-target", HeaderValue::from_static("DynamoDB_20120810.PutItem"));
    let carried_out = saboteur.send(parts, rest.to_string().into()).await;
    if !carried_out.status().is_success() {
        return carried_out;
    }
    let put = json!({"TableName": grant["TableName"], "Item": grant["Item"]}).to_string();
    let written = tap.pass(call("PutItem"), saboteur.send(of_its_own, put.into())).await;
    if written.status().is_success() { carried_out } else { written }
}

fn call(operation: &str) -> Call {
    Call {
        service: "dynamodb".to_owned(),
        operation: operation.to_owned(),
        actions: Vec::new(),
        resource: "table".to_owned(),
    }
}
