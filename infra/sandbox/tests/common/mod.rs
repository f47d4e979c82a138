//! A merchant for the stand-ins: calls their APIs and receives their notifications.
#![allow(dead_code, clippy::unwrap_used, reason = "every test file uses a part of it, and a test may fail")]

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use lunas_sandbox::{Options, Sandbox};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// A notification as the merchant got it.
#[derive(Clone, Debug)]
pub struct Received {
    pub path: String,
    pub headers: HeaderMap,
    pub body: Value,
}

#[derive(Clone, Default)]
pub struct Webhooks {
    pub received: Arc<Mutex<Vec<Received>>>,
    /// Answers in turn; 200 once they are used up.
    pub answers: Arc<Mutex<VecDeque<u16>>>,
}

impl Webhooks {
    pub fn all(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }

    pub fn answer(&self, statuses: &[u16]) {
        self.answers.lock().unwrap().extend(statuses);
    }

    /// Waits until `count` notifications have come.
    pub async fn wait_for(&self, count: usize) -> Vec<Received> {
        for _ in 0..500 {
            if self.all().len() >= count {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let all = self.all();
        assert!(all.len() >= count, "{} of {count} came", all.len());
        all
    }
}

async fn receive(
    State(webhooks): State<Webhooks>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, [(&'static str, &'static str); 1]) {
    webhooks.received.lock().unwrap().push(Received {
        path: uri.path().to_owned(),
        headers,
        body: serde_json::from_slice(&body).unwrap(),
    });
    let status = webhooks.answers.lock().unwrap().pop_front();
    let status = StatusCode::from_u16(status.unwrap_or(200)).unwrap();
    (status, [("location", "/moved")])
}

/// The sandbox, a merchant that is notified, and a client.
pub struct Merchant {
    pub sandbox: Sandbox,
    pub webhooks: Webhooks,
    pub http: reqwest::Client,
}

impl Merchant {
    pub async fn start() -> Self {
        // Two minutes become 6 ms: a test sees every repetition.
        Self::start_with(|options| options.retry_speedup = 20_000).await
    }

    pub async fn start_with(change: impl FnOnce(&mut Options)) -> Self {
        let webhooks = Webhooks::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let app = Router::new().fallback(receive).with_state(webhooks.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        let mut options = Options { webhook_base: Some(base), ..Options::default() };
        change(&mut options);
        Self {
            sandbox: lunas_sandbox::start(options).await.unwrap(),
            webhooks,
            http: reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap(),
        }
    }

    /// Creates a Snap page; the answer's status and body.
    pub async fn snap(&self, body: &Value) -> (u16, Value) {
        let url = format!("{}/snap/v1/transactions", self.sandbox.urls().midtrans);
        self.call(self.http.post(url).json(body), "SB-Mid-server-demo").await
    }

    /// Creates a Snap page for Rp300.000; its link.
    pub async fn page(&self, order_id: &str) -> String {
        let (status, body) = self.snap(&order(order_id)).await;
        assert_eq!(status, 201, "{body}");
        body["redirect_url"].as_str().unwrap().to_owned()
    }

    /// A Core API call; the body's own code and the body.
    pub async fn core(&self, id: &str, action: &str) -> (String, Value) {
        self.core_with(id, action, None).await
    }

    pub async fn core_with(&self, id: &str, action: &str, body: Option<Value>) -> (String, Value) {
        let url = format!("{}/v2/{id}/{action}", self.sandbox.urls().midtrans);
        let request = match (action, body) {
            ("status", _) => self.http.get(url),
            (_, Some(body)) => self.http.post(url).json(&body),
            (_, None) => self.http.post(url),
        };
        let (http, body) = self.call(request, "SB-Mid-server-demo").await;
        assert_eq!(http, 200, "{body}");
        (body["status_code"].as_str().unwrap().to_owned(), body)
    }

    /// Creates a Xendit invoice; its id and link.
    pub async fn invoice(&self, external_id: &str, more: Value) -> (String, String) {
        let mut body = json!({"external_id": external_id, "amount": 300_000});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let (status, invoice) = self.xendit_post("/v2/invoices", Some(&body)).await;
        assert_eq!(status, 200, "{invoice}");
        let text = |name: &str| invoice[name].as_str().unwrap().to_owned();
        (text("id"), text("invoice_url"))
    }

    pub async fn xendit_post(&self, path: &str, body: Option<&Value>) -> (u16, Value) {
        let mut request = self.http.post(format!("{}{path}", self.sandbox.urls().xendit));
        if let Some(body) = body {
            request = request.json(body);
        }
        self.call(request, "xnd_development_demo").await
    }

    pub async fn xendit_get(&self, path: &str) -> (u16, Value) {
        let request = self.http.get(format!("{}{path}", self.sandbox.urls().xendit));
        self.call(request, "xnd_development_demo").await
    }

    pub async fn call(&self, request: reqwest::RequestBuilder, key: &str) -> (u16, Value) {
        let response = request.basic_auth(key, Some("")).send().await.unwrap();
        let status = response.status().as_u16();
        (status, response.json().await.unwrap())
    }

    /// The control API, here at Midtrans' base URL.
    pub async fn control(&self, path: &str, body: Value) -> (u16, Value) {
        let url = format!("{}{path}", self.sandbox.urls().midtrans);
        let response = self.http.post(url).json(&body).send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }

    pub async fn simulate(&self, link: &str, outcome: &str, more: Value) -> (u16, Value) {
        let mut body = json!({"link": link, "outcome": outcome});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.control("/simulate", body).await
    }

    /// Simulates what must be possible.
    pub async fn play(&self, link: &str, outcome: &str) -> Value {
        let (status, body) = self.simulate(link, outcome, json!({})).await;
        assert_eq!(status, 200, "{body}");
        body
    }
}

pub fn order(order_id: &str) -> Value {
    json!({
        "transaction_details": {"order_id": order_id, "gross_amount": 300_000},
        "item_details": [{"id": "net", "name": "Internet", "price": 300_000, "quantity": 1}],
        "custom_field1": "tenant-1",
    })
}
