//! A tap in every line between the functions and what they call. It numbers the calls, and breaks the one it is told to:
//! before it had its effect, or after it.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    response::Response,
};
use bytes::Bytes;
use serde_json::Value;
use tokio::{net::TcpListener, sync::Notify};

/// When a call is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// It never arrives.
    Before,
    /// It is carried out and its answer is lost.
    After,
}

/// How a call is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// The caller dies at this point ([`Tap::or_crash`]).
    Crash,
    /// The caller gets HTTP 500.
    Error,
}

/// One call that went through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// `dynamodb`, `events`, `secretsmanager`, or a partner.
    pub service: String,
    /// What it was, such as `TransactWriteItems` or `POST /snap/v1/transactions`.
    pub operation: String,
    /// IAM actions that it needs, for AWS.
    pub actions: Vec<String>,
    /// What they act on: `table`, `index/due`, the id of a secret, the name of a bus. Empty for a partner.
    pub resource: String,
}

#[derive(Debug, Default)]
struct Inner {
    calls: Vec<Call>,
    /// The calls by number: the sixteen queries of the index of due work are one, because how they interleave is chance.
    numbered: Vec<Call>,
    plan: Option<(usize, When, How)>,
    broke: bool,
    /// DynamoDB calls under way, and how many times one began while none was.
    under_way: usize,
    steps: usize,
    /// The same of all calls, whomever they go to.
    any_under_way: usize,
    waits: usize,
    slow: Option<Duration>,
    hold: Option<String>,
}

/// The tap. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Tap {
    inner: Arc<Mutex<Inner>>,
    crashed: Arc<Notify>,
    held: Arc<Notify>,
    released: Arc<Notify>,
    alteration: Arc<Mutex<Option<Alteration>>>,
}

/// What a partner's answers are changed to on their way.
struct Alteration {
    service: String,
    alter: Box<dyn Fn(&mut Value) + Send + Sync>,
}

impl std::fmt::Debug for Alteration {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Alteration").field("service", &self.service).finish_non_exhaustive()
    }
}

impl Tap {
    fn locked(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Breaks call number `n`, counted from 1 since the last [`Tap::forget`].
    pub fn break_call(&self, n: usize, when: When, how: How) {
        let mut inner = self.locked();
        inner.plan = Some((n, when, how));
        inner.broke = false;
    }

    /// Was the planned call reached?
    #[must_use]
    pub fn broke(&self) -> bool {
        self.locked().broke
    }

    /// The calls since the last [`Tap::forget`].
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        self.locked().calls.clone()
    }

    /// The calls that [`Tap::break_call`] counts.
    #[must_use]
    pub fn numbered_calls(&self) -> Vec<Call> {
        self.locked().numbered.clone()
    }

    /// DynamoDB round trips one after another since the last [`Tap::forget`]; calls at the same time count once.
    #[must_use]
    pub fn steps(&self) -> usize {
        self.locked().steps
    }

    /// Times that the caller had to wait since the last [`Tap::forget`]: calls one after another, whomever they went to.
    #[must_use]
    pub fn waits(&self) -> usize {
        self.locked().waits
    }

    /// Calls to everything but AWS since the last [`Tap::forget`].
    #[must_use]
    pub fn partner_calls(&self) -> usize {
        self.locked().calls.iter().filter(|call| call.actions.is_empty()).count()
    }

    /// Starts counting anew; plans nothing.
    pub fn forget(&self) {
        let mut inner = self.locked();
        inner.calls.clear();
        inner.numbered.clear();
        inner.steps = 0;
        inner.waits = 0;
        inner.plan = None;
    }

    /// Makes every call take at least so long, so that calls made at the same time are seen to be.
    pub fn slow_down(&self, by: Duration) {
        self.locked().slow = Some(by);
    }

    /// Keeps the next answer of `service` back until [`Tap::release`]: it grows old on its way.
    pub fn hold_answer(&self, service: &str) {
        self.locked().hold = Some(service.to_owned());
    }

    /// Waits until an answer is kept back.
    pub async fn held(&self) {
        self.held.notified().await;
    }

    /// Lets the answer that is kept back go on.
    pub fn release(&self) {
        self.released.notify_one();
    }

    /// Changes every JSON answer of `service` on its way.
    pub fn alter_answers(&self, service: &str, alter: impl Fn(&mut Value) + Send + Sync + 'static) {
        let alteration = Alteration { service: service.to_owned(), alter: Box::new(alter) };
        *self.alteration.lock().unwrap_or_else(PoisonError::into_inner) = Some(alteration);
    }

    /// Answers arrive as they are.
    pub fn answer_as_they_are(&self) {
        *self.alteration.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    async fn altered(&self, service: &str, answer: Response) -> Response {
        let is_meant = |alteration: &Alteration| alteration.service == service;
        if !self.alteration.lock().unwrap_or_else(PoisonError::into_inner).as_ref().is_some_and(is_meant) {
            return answer;
        }
        let (mut parts, body) = answer.into_parts();
        let bytes = axum::body::to_bytes(body, 20 << 20).await.unwrap_or_default();
        let Ok(mut json) = serde_json::from_slice(&bytes) else { return Response::from_parts(parts, Body::from(bytes)) };
        if let Some(alteration) = self.alteration.lock().unwrap_or_else(PoisonError::into_inner).as_ref() {
            (alteration.alter)(&mut json);
        }
        parts.headers.remove(http::header::CONTENT_LENGTH);
        Response::from_parts(parts, Body::from(json.to_string()))
    }

    /// Runs a function until it is done, or until the planned crash: then it is dropped where it stands.
    pub async fn or_crash<T>(&self, run: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            () = self.crashed.notified() => None,
            done = run => Some(done),
        }
    }

    /// Notes a call, breaks it if that is the plan, and else lets `forward` carry it out.
    pub(crate) async fn pass(&self, call: Call, forward: impl Future<Output = Response>) -> Response {
        let dynamodb = call.service == "dynamodb";
        let (plan, slow, hold) = {
            let mut inner = self.locked();
            let hold = inner.hold.take_if(|held| *held == call.service).is_some();
            let repeated = call.operation.ends_with(crate::aws::OF_DUE_WORK) && inner.numbered.last() == Some(&call);
            if !repeated {
                inner.numbered.push(call.clone());
            }
            inner.calls.push(call);
            if inner.any_under_way == 0 {
                inner.waits = inner.waits.saturating_add(1);
            }
            inner.any_under_way = inner.any_under_way.saturating_add(1);
            if dynamodb {
                if inner.under_way == 0 {
                    inner.steps = inner.steps.saturating_add(1);
                }
                inner.under_way = inner.under_way.saturating_add(1);
            }
            let number = inner.numbered.len();
            let plan = inner.plan.filter(|(n, ..)| *n == number && !repeated).map(|(_, when, how)| (when, how));
            if plan.is_some() {
                inner.plan = None;
                inner.broke = true;
            }
            (plan, inner.slow, hold)
        };
        let answer = if matches!(plan, Some((When::Before, _))) { None } else { Some(forward.await) };
        if let Some(slow) = slow {
            tokio::time::sleep(slow).await;
        }
        if hold {
            self.held.notify_one();
            self.released.notified().await;
        }
        {
            let mut inner = self.locked();
            inner.under_way = inner.under_way.saturating_sub(usize::from(dynamodb));
            inner.any_under_way = inner.any_under_way.saturating_sub(1);
        }
        match (plan, answer) {
            (None, Some(answer)) => answer,
            (Some((_, How::Crash)), _) => {
                self.crashed.notify_one();
                std::future::pending().await
            }
            _ => status(500),
        }
    }

    /// A listener that passes every request on to `url`, through the tap. Answers its address.
    ///
    /// # Panics
    /// When no port can be had.
    pub async fn in_front_of(&self, service: &str, url: &str) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = format!("http://{}", listener.local_addr().expect("an address"));
        let state = Line { tap: self.clone(), service: service.to_owned(), url: url.to_owned(), client: faithful_client() };
        let router = Router::new().fallback(pass_on).with_state(state);
        tokio::spawn(async move { axum::serve(listener, router).await });
        address
    }
}

#[derive(Debug, Clone)]
struct Line {
    tap: Tap,
    service: String,
    url: String,
    client: reqwest::Client,
}

async fn pass_on(State(line): State<Line>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 20 << 20).await.unwrap_or_default();
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
    let call =
        Call { service: line.service.clone(), operation: format!("{} {path}", parts.method), actions: Vec::new(), resource: String::new() };
    let url = format!("{}{path}", line.url);
    let answer = async { line.tap.altered(&line.service, forward(&line.client, &url, parts, body).await).await };
    line.tap.pass(call, answer).await
}

/// A client that hands redirects on instead of following them.
pub(crate) fn faithful_client() -> reqwest::Client {
    reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().expect("a client")
}

/// Passes a request on as it is. A connection that breaks becomes 502.
pub(crate) async fn forward(client: &reqwest::Client, url: &str, parts: http::request::Parts, body: Bytes) -> Response {
    let mut headers = parts.headers;
    headers.remove(http::header::HOST);
    headers.remove(http::header::CONTENT_LENGTH);
    let Ok(answer) = client.request(parts.method, url).headers(headers).body(body).send().await else { return status(502) };
    let mut response = Response::builder().status(answer.status());
    for (name, value) in answer.headers() {
        if name != http::header::TRANSFER_ENCODING && name != http::header::CONTENT_LENGTH {
            response = response.header(name, value);
        }
    }
    match answer.bytes().await {
        Ok(body) => response.body(Body::from(body)).unwrap_or_else(|_| status(502)),
        Err(_) => status(502),
    }
}

pub(crate) fn status(code: u16) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = http::StatusCode::from_u16(code).unwrap_or_default();
    response
}
