//! How Xendit differs from the other partners.
//!
//! Notifications: <https://docs.xendit.co/apidocs/webhook-behavior>.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::core::{ApiCall, Partner, PartnerRules, basic_auth};

pub(crate) static RULES: PartnerRules = PartnerRules {
    admits: |settings, headers| basic_auth::user(headers).is_some_and(|user| user == settings.xendit_api_key),
    references: &["/external_id"],
    retry_minutes,
    ..PartnerRules::new(Partner::Xendit, api_call, error)
};

fn api_call<'a>(post: bool, parts: &[&'a str]) -> Option<ApiCall<'a>> {
    Some(match parts {
        ["v2", "invoices"] if post => ("xendit.create", None),
        ["v2", "invoices"] => ("xendit.get", None),
        ["v2", "invoices", id] => ("xendit.get", Some(*id)),
        ["invoices", id, _] if post => ("xendit.expire", Some(*id)),
        _ => return None,
    })
}

fn error(_path: &str, status: StatusCode) -> Response {
    let (code, message) = match status.as_u16() {
        401 => (
            "INVALID_API_KEY",
            "API key provided is invalid. Please make sure to use the secret/public API key that \
             you can obtain from the Xendit Dashboard.",
        ),
        404 => ("NOT_FOUND", "The requested resource was not found"),
        429 => ("RATE_LIMIT_EXCEEDED", "Rate limit exceeded. Please try again later."),
        _ => ("SERVER_ERROR", "An unexpected error occurred, our team has been notified."),
    };
    (status, Json(json!({"error_code": code, "message": message}))).into_response()
}

fn retry_minutes(status: Option<u16>) -> &'static [u64] {
    if matches!(status, Some(200..=299)) { &[] } else { &[15, 45, 120, 180, 360, 720] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn xendit_repeats_six_times_within_a_day() {
        assert_eq!(retry_minutes(Some(200)), [0_u64; 0]);
        for status in [Some(302), Some(401), Some(500), Some(503), None] {
            assert_eq!(retry_minutes(status), [15, 45, 120, 180, 360, 720]);
        }
    }
}
