//! HTTP on loopback: connections that can be broken, requests passed on as they are, and AWS's ways to refuse.

use axum::{Router, body::Body, response::Response};
use bytes::Bytes;
use lunas_sandbox::{BreakableListener, Connection};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// Marks an answer that never reaches the caller: its connection is to be broken off.
#[derive(Debug, Clone, Copy)]
struct BrokenOff;

/// Serves over connections that can be broken.
pub(crate) async fn serve(listener: TcpListener, router: Router) -> std::io::Result<()> {
    axum::serve(BreakableListener(listener), router.into_make_service_with_connect_info::<Connection>()).await
}

/// Breaks the connection off if that is what became of the call.
pub(crate) fn over(connection: &Connection, answer: Response) -> Response {
    if answer.extensions().get::<BrokenOff>().is_some() {
        connection.break_off();
    }
    answer
}

/// A client that hands redirects on instead of following them. It speaks plain http only: without the machine's
/// certificates it is built in no time, and every test builds several.
pub(crate) fn faithful_client() -> reqwest::Client {
    let builder = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy();
    builder.tls_certs_only(std::iter::empty()).build().expect("a client")
}

/// Passes a request on as it is. A connection that breaks becomes 502.
pub(crate) async fn forward(client: &reqwest::Client, url: &str, parts: http::request::Parts, body: Bytes) -> Response {
    let mut headers = parts.headers;
    headers.remove(http::header::HOST);
    headers.remove(http::header::CONTENT_LENGTH);
    let Ok(answer) = client.request(parts.method, url).headers(headers).body(body).send().await else {
        return status(502);
    };
    let mut response = Response::builder().status(answer.status());
    for (name, value) in answer.headers() {
        if name != http::header::TRANSFER_ENCODING && name != http::header::CONTENT_LENGTH {
            response = response.header(name, value);
        }
    }
    match answer.bytes().await {
        Ok(body) => response.body(Body::from(body)).unwrap_or_else(|_| status(502)),
        Err(_) => status(502),
    }
}

pub(crate) fn broken_off() -> Response {
    let mut answer = status(200);
    answer.extensions_mut().insert(BrokenOff);
    answer
}

pub(crate) async fn garbled(answer: Option<Response>) -> Response {
    let body = match answer {
        Some(answer) => axum::body::to_bytes(answer.into_body(), 20 << 20).await.unwrap_or_default(),
        None => Bytes::new(),
    };
    let half = body.len() / 2;
    let builder = Response::builder().status(200).header(http::header::CONTENT_TYPE, "application/json");
    builder.body(Body::from(body.slice(..half))).unwrap_or_else(|_| status(502))
}

pub(crate) fn status(code: u16) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = http::StatusCode::from_u16(code).unwrap_or_default();
    response
}

/// How DynamoDB says that a transaction met another one.
pub(crate) fn conflict() -> Response {
    let message =
        "Transaction cancelled, please refer cancellation reasons for specific reasons [TransactionConflict, None]";
    let kind = "com.amazonaws.dynamodb.v20120810#TransactionCanceledException";
    let reasons = json!([{"Code": "TransactionConflict"}, {"Code": "None"}]);
    json_answer(400, &json!({"__type": kind, "Message": message, "CancellationReasons": reasons}))
}

/// How DynamoDB says that there is too much to do.
pub(crate) fn throttled() -> Response {
    let kind = "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException";
    json_answer(
        400,
        &json!({"__type": kind, "message": "The level of configured provisioned throughput was exceeded."}),
    )
}

pub(crate) fn json_answer(code: u16, body: &Value) -> Response {
    let built = Response::builder()
        .status(code)
        .header("content-type", "application/x-amz-json-1.1")
        .body(Body::from(body.to_string()));
    built.unwrap_or_else(|_| status(500))
}
