//! The line to a partner: every request goes through the tap.

use axum::Router;
use axum::extract::{ConnectInfo, Request, State};
use axum::response::Response;
use lunas_sandbox::Connection;
use tokio::net::TcpListener;

use crate::broken_build::write_withheld;
use crate::tap::{Call, Tap};
use crate::wire::{faithful_client, forward, over, serve};

#[derive(Debug, Clone)]
struct PartnerLine {
    tap: Tap,
    service: String,
    url: String,
    client: reqwest::Client,
}

impl Tap {
    /// A listener that passes every request on to `url`, through the tap. Answers its address.
    ///
    /// # Panics
    /// When no port can be had.
    pub async fn in_front_of(&self, service: &str, url: &str) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = format!("http://{}", listener.local_addr().expect("an address"));
        let state = PartnerLine {
            tap: self.clone(),
            service: service.to_owned(),
            url: url.to_owned(),
            client: faithful_client(),
        };
        let router = Router::new().fallback(pass_on).with_state(state);
        tokio::spawn(serve(listener, router));
        address
    }
}

async fn pass_on(
    State(line): State<PartnerLine>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 20 << 20).await.unwrap_or_default();
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
    let call = Call {
        service: line.service.clone(),
        operation: format!("{} {path}", parts.method),
        actions: Vec::new(),
        resource: String::new(),
    };
    let is_create = line.tap.saboteur.is_create(&call.operation);
    let url = format!("{}{path}", line.url);
    let answer = async { line.tap.altered(&line.service, forward(&line.client, &url, parts, body).await).await };
    let answer = line.tap.pass(call, answer).await;
    if is_create {
        write_withheld(&line.tap).await;
    }
    over(&connection, answer)
}
