//! How Midtrans differs from the other partners.
//!
//! Notifications: <https://docs.midtrans.com/docs/https-notification-webhooks>.

use std::time::Duration;

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::core::{ApiCall, Partner, PartnerRules, basic_auth, random};

pub(crate) static RULES: PartnerRules = PartnerRules {
    // Any of the valid server keys.
    admits: |settings, headers| {
        basic_auth::user(headers).is_some_and(|user| settings.midtrans_server_keys.contains(&user))
    },
    references: &["/transaction_details/order_id"],
    patience: Duration::from_secs(15),
    retry_minutes,
    ..PartnerRules::new(Partner::Midtrans, api_call, error)
};

fn api_call<'a>(post: bool, parts: &[&'a str]) -> Option<ApiCall<'a>> {
    Some(match parts {
        ["snap", "v1", "transactions"] if post => ("midtrans.create", None),
        ["snap", "v1", "transactions", token, "cancel"] if post => ("midtrans.cancel", Some(*token)),
        ["v2", id, action, ..] => (core_api_call(action)?, Some(*id)),
        _ => return None,
    })
}

fn core_api_call(action: &str) -> Option<&'static str> {
    Some(match action {
        "status" => "midtrans.status",
        "cancel" => "midtrans.cancel",
        "expire" => "midtrans.expire",
        "refund" => "midtrans.refund",
        "approve" => "midtrans.approve",
        "deny" => "midtrans.deny",
        _ => return None,
    })
}

fn error(path: &str, status: StatusCode) -> Response {
    let message = match status.as_u16() {
        401 => "Access denied due to unauthorized transaction, please check client or server key",
        404 => "The requested resource is not found",
        429 => "API rate limit exceeded",
        _ => "Sorry, we encountered internal server error. We will fix this soon.",
    };
    let body = if path.starts_with("/snap/") {
        json!({"error_messages": [message], "locale": "en"})
    } else {
        json!({"status_code": status.as_str(), "status_message": message, "id": random::uuid()})
    };
    (status, Json(body)).into_response()
}

fn retry_minutes(status: Option<u16>) -> &'static [u64] {
    match status {
        Some(200..=299 | 301..=303) => &[],
        Some(500) => &[2],
        Some(400 | 404) => &[2, 10],
        Some(503) => &[2, 10, 30, 90],
        _ => &[2, 10, 30, 90, 210],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn midtrans_repeats_as_often_as_the_answer_tells() {
        for status in [200, 202, 204, 301, 302, 303] {
            assert_eq!(retry_minutes(Some(status)), [0_u64; 0]);
        }
        assert_eq!(retry_minutes(Some(500)), [2]);
        assert_eq!(retry_minutes(Some(400)), [2, 10]);
        assert_eq!(retry_minutes(Some(404)), [2, 10]);
        assert_eq!(retry_minutes(Some(503)), [2, 10, 30, 90]);
        for status in [Some(401), Some(403), Some(422), Some(502), None] {
            assert_eq!(retry_minutes(status), [2, 10, 30, 90, 210]);
        }
    }
}
