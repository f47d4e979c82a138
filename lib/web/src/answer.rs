//! Answers: JSON, never cached, problems in the caller's language.

use std::collections::BTreeMap;

use billing::language::Language;
use cloud::pay_page_key::Token;
use lambda_http::http::{HeaderMap, HeaderValue, StatusCode, header};
use lambda_http::{Body, Request, Response};
use serde::{Serialize, de::DeserializeOwned};

use crate::problem::{self, Problem};

/// Bodies of the API are small; a webhook's too.
pub const BODY_LIMIT: usize = 64 * 1024;

/// What a handler comes to.
pub type Answer = Result<Response<Body>, Problem>;

/// `"success": true` before the fields of `body`; alone, if that is `()`.
pub fn success(body: impl Serialize) -> Answer {
    #[derive(Serialize)]
    struct Success<T> {
        success: bool,
        #[serde(flatten)]
        body: T,
    }
    ok(&Success { success: true, body })
}

/// The one field of an answer that has no other.
pub fn field<T: Serialize>(name: &'static str, value: T) -> impl Serialize {
    BTreeMap::from([(name, value)])
}

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
    match answer {
        Ok(response) => response,
        Err(problem) => refused(problem, headers, ()),
    }
}

/// The response to a problem, in the language that `headers` ask for, with the fields of `more` for the caller to go on
/// from; `()` for none.
#[must_use]
pub fn refused(problem: Problem, headers: &HeaderMap, more: impl Serialize) -> Response<Body> {
    saying(problem.message(language(headers)), problem, more)
}

/// The same, naming whom people can turn to: the provider's own words, perhaps none.
#[must_use]
pub fn refused_naming(problem: Problem, headers: &HeaderMap, contact: &str) -> Response<Body> {
    if contact.is_empty() {
        return refused(problem, headers, ());
    }
    let message = problem.naming(contact, language(headers));
    saying(&message, problem, field("contact", contact))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Refusal<'a, T> {
    success: bool,
    code: &'static str,
    error: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after: Option<i64>,
    #[serde(flatten)]
    more: T,
}

fn saying(message: &str, problem: Problem, more: impl Serialize) -> Response<Body> {
    let Problem { code, retry_after, .. } = problem;
    let text = serde_json::to_string(&Refusal { success: false, code, error: message, retry_after, more });
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    // Texts and numbers can always be written.
    let mut response = json_response(status, text.unwrap_or_default());
    if let Some(seconds) = retry_after {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// Reads a body: the fields of a form, else JSON.
pub fn body<T: DeserializeOwned>(request: &Request) -> Result<T, Problem> {
    let bytes: &[u8] = request.body().as_ref();
    if bytes.len() > BODY_LIMIT {
        return Err(problem::TOO_LARGE);
    }
    if is_form(request) {
        return serde_urlencoded::from_bytes(bytes).map_err(|_| problem::BAD_REQUEST);
    }
    serde_json::from_slice(bytes).map_err(|_| problem::BAD_REQUEST)
}

/// Sent by an HTML form, without a script: the answer is a page.
#[must_use]
pub fn is_form(request: &Request) -> bool {
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded"))
}

/// What a form's sender is shown next: `page`, which reads the new state itself; with `error=<code>` when there was a
/// problem; the login when nobody is logged in. `page` is a path of the portal.
#[must_use]
pub fn lead_to(page: &str, answer: &Answer) -> Response<Body> {
    match answer {
        Ok(_) => see_other(page),
        Err(problem) if problem.code == problem::INVALID_TOKEN.code => see_other(LOGIN_AFTER_END),
        Err(problem) => {
            let joint = if page.contains('?') { '&' } else { '?' };
            see_other(&format!("{page}{joint}error={}", problem.code))
        }
    }
}

/// The answer to a request of a bill's public page: JSON to its script; its form's sender is led to the page's `step`.
#[must_use]
pub fn to_pay_page(request: &Request, token: Option<&Token>, step: &str, answer: Answer) -> Response<Body> {
    match token {
        Some(token) if is_form(request) => lead_to(&token.page(Some(step)), &answer),
        _ => respond(answer, request.headers()),
    }
}

/// The login page, saying that the session is over.
pub const LOGIN_AFTER_END: &str = "/customer/login?ended=1";

/// 303: read this page now.
#[must_use]
pub fn see_other(page: &str) -> Response<Body> {
    let mut response = Response::new(Body::Empty);
    *response.status_mut() = StatusCode::SEE_OTHER;
    response
        .headers_mut()
        .insert(header::LOCATION, HeaderValue::from_str(page).unwrap_or(HeaderValue::from_static("/customer")));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// 308: the same request again, there. `address` is a path, perhaps with a query.
#[must_use]
pub fn moved(address: &str) -> Response<Body> {
    let mut response = see_other(address);
    *response.status_mut() = StatusCode::PERMANENT_REDIRECT;
    response
}

/// The address is right and the method is not: names those in `allowed`, such as `GET, POST`.
#[must_use]
pub fn wrong_method(headers: &HeaderMap, allowed: &str) -> Response<Body> {
    let mut response = refused(problem::WRONG_METHOD, headers, ());
    if let Ok(allowed) = HeaderValue::from_str(allowed) {
        response.headers_mut().insert(header::ALLOW, allowed);
    }
    response
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
pub fn language(headers: &HeaderMap) -> Language {
    let first = headers
        .get(header::ACCEPT_LANGUAGE)
        .and_then(|value| value.to_str().ok())
        .and_then(|list| list.split(',').next());
    if first.is_some_and(|tag| tag.trim().to_ascii_lowercase().starts_with("en")) {
        Language::English
    } else {
        Language::Indonesian
    }
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
