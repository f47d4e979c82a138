//! How the senders of WhatsApp messages differ from the other partners.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::refusal::Refusal;
use crate::core::options::DEMO_WAHA_SESSION;
use crate::core::{ApiCall, Partner, PartnerRules};

pub(crate) static RULES: PartnerRules = PartnerRules {
    references: &["/to", "/chatId"],
    hidden: &["/text", "/template/components"],
    refusal: Some(refusal),
    // Meta goes on for days; the others less. Nobody has to wait for that here.
    retry_minutes: |status| if matches!(status, Some(200..=299)) { &[] } else { &[1, 5, 15, 60] },
    ..PartnerRules::new(Partner::Whatsapp, api_call, error)
};

fn api_call<'a>(post: bool, parts: &[&'a str]) -> Option<ApiCall<'a>> {
    let sends =
        matches!(parts, ["send"] | ["fonnte", "send"] | ["waha", "api", "sendText"] | ["meta", _, _, "messages"]);
    (post && sends).then_some(("whatsapp.send", None))
}

/// An answer in which a sender refuses a message, as `reason` says: a code of Meta's, a sentence of Fonnte's, a state
/// of WAHA's session.
fn refusal(path: &str, reason: &str) -> Response {
    if path.starts_with("/meta/") {
        let code = reason.parse().unwrap_or(131_000);
        return Refusal::new(code, "Refused on demand").into_response();
    }
    if path.starts_with("/waha/") {
        return waha_session(reason);
    }
    Json(json!({"status": false, "reason": reason})).into_response()
}

/// What a session that is not `WORKING` answers.
fn waha_session(status: &str) -> Response {
    let body = json!({
        "error": "Session status is not as expected. Try again later or restart the session",
        "session": DEMO_WAHA_SESSION,
        "status": status,
        "expected": ["WORKING"],
    });
    (StatusCode::UNPROCESSABLE_ENTITY, Json(body)).into_response()
}

fn error(path: &str, status: StatusCode) -> Response {
    let reason = match status.as_u16() {
        401 => "invalid token",
        404 => "not found",
        429 => "too many requests",
        _ => "internal server error",
    };
    let body = match path {
        path if path.starts_with("/meta/") => {
            let code = match status.as_u16() {
                401 => 190,
                404 => 100,
                429 => 130_429,
                _ => 131_000,
            };
            Refusal::new(code, reason).body()
        }
        path if path.starts_with("/waha/") => json!({"statusCode": status.as_u16(), "message": reason}),
        _ => json!({"status": false, "reason": reason}),
    };
    (status, Json(body)).into_response()
}
