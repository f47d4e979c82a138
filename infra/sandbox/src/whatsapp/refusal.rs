//! Refusals of WhatsApp's Cloud API: <https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes>.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::core::random;

/// An error in Meta's shape.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) code: i64,
    pub(crate) subcode: Option<i64>,
    pub(crate) details: String,
}

impl Refusal {
    pub(crate) fn new(code: i64, details: impl Into<String>) -> Self {
        Self { code, subcode: None, details: details.into() }
    }

    /// What stands in a status of a message that failed.
    pub(crate) fn in_status(&self) -> Value {
        json!({"code": self.code, "title": self.details, "message": self.details, "error_data": {"details": self.details}})
    }

    pub(crate) fn body(&self) -> Value {
        json!({"error": {
            "message": format!("(#{}) {}", self.code, self.details),
            "type": "OAuthException",
            "code": self.code,
            "error_subcode": self.subcode,
            "error_data": {"messaging_product": "whatsapp", "details": self.details},
            "fbtrace_id": format!("A{}", random::digits(3)),
        }})
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = match self.code {
            190 => StatusCode::UNAUTHORIZED,
            4 | 80_007 | 130_429 => StatusCode::TOO_MANY_REQUESTS,
            131_000 => StatusCode::INTERNAL_SERVER_ERROR,
            131_016 => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::BAD_REQUEST,
        };
        (status, Json(self.body())).into_response()
    }
}
