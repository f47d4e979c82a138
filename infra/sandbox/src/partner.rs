//! The partners and what their API calls are called.

use axum::Json;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{random, whatsapp};

/// A company that the sandbox stands in for. Each has a module, a port and a base URL of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Partner {
    /// Snap and Core API.
    Midtrans,
    /// Invoice API.
    Xendit,
    /// Meta, Fonnte, WAHA and a generic HTTP sender, with one inbox.
    Whatsapp,
    /// The provider's own TR-069 server.
    Genieacs,
    /// The provider's RADIUS server, or whatever lets customers online.
    Network,
}

/// An API call as faults and counters name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ApiCall {
    pub(crate) target: &'static str,
    /// Order or invoice id in the path, where there is one.
    pub(crate) reference: Option<String>,
}

impl Partner {
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Midtrans => "midtrans",
            Self::Xendit => "xendit",
            Self::Whatsapp => "whatsapp",
            Self::Genieacs => "genieacs",
            Self::Network => "network",
        }
    }

    /// Which API call a request is.
    pub(crate) fn api_call(self, method: &Method, path: &str) -> Option<ApiCall> {
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        let post = method == Method::POST;
        let (target, reference) = match (self, parts.as_slice()) {
            (Self::Midtrans, ["snap", "v1", "transactions"]) if post => ("midtrans.create", None),
            (Self::Midtrans, ["snap", "v1", "transactions", token, "cancel"]) if post => {
                ("midtrans.cancel", Some(*token))
            }
            (Self::Midtrans, ["v2", id, action, ..]) => (midtrans_action(action)?, Some(*id)),
            (Self::Xendit, ["v2", "invoices"]) if post => ("xendit.create", None),
            (Self::Xendit, ["v2", "invoices"]) => ("xendit.get", None),
            (Self::Xendit, ["v2", "invoices", id]) => ("xendit.get", Some(*id)),
            (Self::Xendit, ["invoices", id, _]) if post => ("xendit.expire", Some(*id)),
            (
                Self::Whatsapp,
                ["send"] | ["fonnte", "send"] | ["waha", "api", "sendText"] | ["meta", _, _, "messages"],
            ) if post => ("whatsapp.send", None),
            (Self::Genieacs, ["devices"]) if !post => ("genieacs.devices", None),
            (Self::Genieacs, ["devices", id, "tasks"]) if post => ("genieacs.tasks", Some(*id)),
            (Self::Genieacs, ["tasks", ..]) => ("genieacs.tasks", None),
            (Self::Network, ["webhook"]) if post => ("network.webhook", None),
            _ => return None,
        };
        Some(ApiCall { target, reference: reference.map(str::to_owned) })
    }

    /// An error answer, in the partner's shape for that path.
    pub(crate) fn error(self, path: &str, status: StatusCode) -> Response {
        match self {
            Self::Genieacs => html(status),
            _ => (status, Json(self.error_body(path, status.as_u16()))).into_response(),
        }
    }

    /// The body of an error answer, in the partner's shape for that path.
    pub(crate) fn error_body(self, path: &str, status: u16) -> Value {
        match self {
            Self::Midtrans if path.starts_with("/snap/") => {
                json!({"error_messages": [midtrans_message(status)], "locale": "en"})
            }
            Self::Midtrans => json!({
                "status_code": status.to_string(),
                "status_message": midtrans_message(status),
                "id": random::uuid(),
            }),
            Self::Xendit => {
                let (code, message) = xendit_error(status);
                json!({"error_code": code, "message": message})
            }
            Self::Whatsapp => whatsapp::error_body(path, status),
            Self::Genieacs => Value::Null,
            Self::Network => json!({"error": StatusCode::from_u16(status).unwrap_or_default().canonical_reason()}),
        }
    }
}

/// What a proxy in front of the partner says: HTML, where JSON is expected.
pub(crate) fn html(status: StatusCode) -> Response {
    let title = status.to_string();
    let body = format!(
        "<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
    );
    let challenge = (status == StatusCode::UNAUTHORIZED).then_some([(header::WWW_AUTHENTICATE, "Basic realm=\"acs\"")]);
    (
        status,
        challenge.map_or_else(HeaderMap::new, |pairs| {
            pairs.into_iter().map(|(name, value)| (name, HeaderValue::from_static(value))).collect()
        }),
        Html(body),
    )
        .into_response()
}

fn midtrans_action(action: &str) -> Option<&'static str> {
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

fn midtrans_message(status: u16) -> &'static str {
    match status {
        401 => "Access denied due to unauthorized transaction, please check client or server key",
        404 => "The requested resource is not found",
        429 => "API rate limit exceeded",
        _ => "Sorry, we encountered internal server error. We will fix this soon.",
    }
}

fn xendit_error(status: u16) -> (&'static str, &'static str) {
    match status {
        401 => (
            "INVALID_API_KEY",
            "API key provided is invalid. Please make sure to use the secret/public API key that \
             you can obtain from the Xendit Dashboard.",
        ),
        404 => ("NOT_FOUND", "The requested resource was not found"),
        429 => ("RATE_LIMIT_EXCEEDED", "Rate limit exceeded. Please try again later."),
        _ => ("SERVER_ERROR", "An unexpected error occurred, our team has been notified."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(partner: Partner, method: &Method, path: &str, target: Option<&str>) {
        let call = partner.api_call(method, path);
        assert_eq!(call.map(|call| call.target), target, "{path}");
    }

    #[test]
    fn every_partner_call_has_its_target() {
        check(Partner::Midtrans, &Method::POST, "/snap/v1/transactions", Some("midtrans.create"));
        check(Partner::Midtrans, &Method::GET, "/v2/INV-1/status", Some("midtrans.status"));
        check(Partner::Midtrans, &Method::POST, "/v2/INV-1/refund/online/direct", Some("midtrans.refund"));
        check(Partner::Midtrans, &Method::GET, "/snap/v3/redirection/abc", None);
        check(Partner::Xendit, &Method::POST, "/v2/invoices/", Some("xendit.create"));
        check(Partner::Xendit, &Method::GET, "/v2/invoices", Some("xendit.get"));
        check(Partner::Xendit, &Method::POST, "/invoices/1/expire!", Some("xendit.expire"));
        check(Partner::Xendit, &Method::GET, "/web/1", None);
        check(Partner::Whatsapp, &Method::POST, "/send", Some("whatsapp.send"));
        check(Partner::Whatsapp, &Method::POST, "/meta/v23.0/106540352242922/messages", Some("whatsapp.send"));
        check(Partner::Whatsapp, &Method::POST, "/fonnte/send", Some("whatsapp.send"));
        check(Partner::Whatsapp, &Method::POST, "/waha/api/sendText", Some("whatsapp.send"));
        check(Partner::Whatsapp, &Method::POST, "/meta/v23.0/1/message_templates", None);
        check(Partner::Whatsapp, &Method::GET, "/inbox", None);
        check(Partner::Genieacs, &Method::GET, "/devices/", Some("genieacs.devices"));
        check(Partner::Genieacs, &Method::POST, "/devices/00259E-HG8245H-1/tasks", Some("genieacs.tasks"));
        check(Partner::Genieacs, &Method::GET, "/tasks", Some("genieacs.tasks"));
        check(Partner::Genieacs, &Method::GET, "/virtual_parameters", None);
        check(Partner::Network, &Method::POST, "/webhook", Some("network.webhook"));
        check(Partner::Network, &Method::GET, "/lines", None);
    }
}
