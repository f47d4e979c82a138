//! Where the gateways' notifications arrive in tests: they are kept, and the test decides when they are delivered, how
//! often and in which order.

use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::{Request, State};
use bytes::Bytes;
use http::HeaderMap;
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// One notification, as the gateway sent it.
#[derive(Debug, Clone)]
pub struct Notification {
    /// Path and query, such as `/api/webhooks/midtrans`.
    pub path: String,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Notification {
    /// What Midtrans would send if `fields` were so: signed over order id, code and amount with `server_key`.
    #[must_use]
    pub fn midtrans(mut fields: Value, server_key: &str) -> Self {
        use sha2::Digest as _;
        use std::fmt::Write as _;
        let signed: String =
            ["order_id", "status_code", "gross_amount"].iter().filter_map(|field| fields[*field].as_str()).collect();
        let mut signature = String::new();
        for byte in sha2::Sha512::digest(format!("{signed}{server_key}")) {
            let _ = write!(signature, "{byte:02x}");
        }
        fields["signature_key"] = json!(signature);
        Self { path: "/api/webhooks/midtrans".to_owned(), headers: HeaderMap::new(), body: fields.to_string().into() }
    }

    /// What Xendit would send if `fields` were so.
    ///
    /// # Panics
    /// When the token is no header value.
    #[must_use]
    pub fn xendit(fields: &Value, token: &str) -> Self {
        let headers = HeaderMap::from_iter([(
            http::HeaderName::from_static("x-callback-token"),
            token.parse().expect("a header value"),
        )]);
        Self { path: "/api/webhooks/xendit".to_owned(), headers, body: fields.to_string().into() }
    }

    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    #[must_use]
    pub fn with_body(&self, body: impl Into<Bytes>) -> Self {
        Self { body: body.into(), ..self.clone() }
    }
}

/// The notifications that came.
#[derive(Debug, Clone)]
pub struct Inbox {
    url: String,
    arrived: Arc<Mutex<Vec<Notification>>>,
}

impl Inbox {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let inbox =
            Self { url: format!("http://{}", listener.local_addr().expect("an address")), arrived: Arc::default() };
        let router = Router::new().fallback(keep).with_state(inbox.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        inbox
    }

    /// Where they are sent to: what the sandbox takes for the address of Lunas.
    #[must_use]
    pub fn url(&self) -> String {
        self.url.clone()
    }

    /// Takes what arrived, oldest first, once there are that many.
    ///
    /// # Panics
    /// When they do not come within ten seconds.
    pub async fn take_all(&self, count: usize) -> Vec<Notification> {
        for _ in 0..1_000 {
            if self.arrived.lock().unwrap_or_else(PoisonError::into_inner).len() >= count {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        let arrived = self.take();
        assert!(arrived.len() >= count, "{} of {count} notifications came", arrived.len());
        arrived
    }

    /// Takes what arrived, oldest first.
    #[must_use]
    pub fn take(&self) -> Vec<Notification> {
        std::mem::take(&mut *self.arrived.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

async fn keep(State(inbox): State<Inbox>, request: Request) {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 20).await.unwrap_or_default();
    let notification = Notification {
        path: parts.uri.path_and_query().map_or_else(String::new, ToString::to_string),
        headers: parts.headers,
        body,
    };
    inbox.arrived.lock().unwrap_or_else(PoisonError::into_inner).push(notification);
}
