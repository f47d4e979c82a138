//! Answers: JSON, never cached, problems in the caller's language.

use lambda_http::{
    Body, Request, Response,
    http::{HeaderMap, HeaderValue, StatusCode, header},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::json;

use crate::problem::{self, Problem};

/// Bodies of the API are small; a webhook's too.
pub const BODY_LIMIT: usize = 64 * 1024;

/// What a handler comes to.
pub type Answer = Result<Response<Body>, Problem>;

/// A JSON answer.
pub fn ok(body: &impl Serialize) -> Answer {
    let text = serde_json::to_string(body).map_err(|error| {
        tracing::error!(alarm = true, %error, "answer could not be written");
        problem::BUSY
    })?;
    Ok(json_response(StatusCode::OK, text))
}

/// 204, nothing to say.
#[must_use]
pub fn no_content() -> Response<Body> {
    let mut response = Response::new(Body::Empty);
    *response.status_mut() = StatusCode::NO_CONTENT;
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// The response that an answer becomes, in the language that `headers` ask for.
#[must_use]
pub fn respond(answer: Answer, headers: &HeaderMap) -> Response<Body> {
    let problem = match answer {
        Ok(response) => return response,
        Err(problem) => problem,
    };
    let message = if wants_english(headers) { problem.english } else { problem.indonesian };
    let mut body = json!({"success": false, "code": problem.code, "error": message});
    if let (Some(seconds), Some(object)) = (problem.retry_after, body.as_object_mut()) {
        object.insert("retryAfter".to_owned(), seconds.into());
    }
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = json_response(status, body.to_string());
    if let Some(seconds) = problem.retry_after {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// Reads a JSON body.
pub fn body<T: DeserializeOwned>(request: &Request) -> Result<T, Problem> {
    let bytes: &[u8] = request.body().as_ref();
    if bytes.len() > BODY_LIMIT {
        return Err(problem::TOO_LARGE);
    }
    serde_json::from_slice(bytes).map_err(|_| problem::BAD_REQUEST)
}

fn json_response(status: StatusCode, text: String) -> Response<Body> {
    let mut response = Response::new(Body::Text(text));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Indonesian unless English comes first.
#[must_use]
pub fn wants_english(headers: &HeaderMap) -> bool {
    let first = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).and_then(|list| list.split(',').next());
    first.is_some_and(|tag| tag.trim().to_ascii_lowercase().starts_with("en"))
}

/// The parts of the path, such as `["api", "customer", "invoices", "<id>", "check"]`.
#[must_use]
pub fn path(request: &Request) -> Vec<&str> {
    request.uri().path().split('/').filter(|part| !part.is_empty()).collect()
}

/// A value of the query string; an empty one counts as absent.
#[must_use]
pub fn query<'a>(parameters: &'a lambda_http::aws_lambda_events::query_map::QueryMap, name: &str) -> Option<&'a str> {
    parameters.first(name).filter(|value| !value.is_empty())
}
