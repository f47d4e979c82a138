//! Where the gateways' notifications arrive in tests: they are kept, and the test decides when they are delivered, how often and
//! in which order.

use std::sync::{Arc, Mutex, PoisonError};

use axum::{
    Router,
    extract::{Request, State},
};
use bytes::Bytes;
use http::HeaderMap;
use tokio::net::TcpListener;

/// One notification, as the gateway sent it.
#[derive(Debug, Clone)]
pub struct Notification {
    /// Such as `/api/webhooks/midtrans`.
    pub path: String,
    /// Headers.
    pub headers: HeaderMap,
    /// Raw body.
    pub body: Bytes,
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
        let inbox = Self { url: format!("http://{}", listener.local_addr().expect("an address")), arrived: Arc::default() };
        let router = Router::new().fallback(keep).with_state(inbox.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        inbox
    }

    pub(crate) fn url(&self) -> String {
        self.url.clone()
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
    let notification = Notification { path: parts.uri.path().to_owned(), headers: parts.headers, body };
    inbox.arrived.lock().unwrap_or_else(PoisonError::into_inner).push(notification);
}
