//! A tap in every line between the functions and what they call. It numbers the calls, and breaks the one it is told
//! to: before it had its effect, or after it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::{body::Body, response::Response};
use serde_json::Value;
use tokio::sync::Notify;

use crate::sabotage::{Sabotage, Saboteur};
use crate::wire::{broken_off, conflict, garbled, status, throttled};

/// How the operation of a query of the index ends.
pub(crate) const OF_WAKE_UPS: &str = " of wake-ups";

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
    /// The connection breaks instead of an answer.
    Cut,
    /// The caller gets HTTP 200 and the first half of the answer. Only after its effect: nobody says 200 of what was
    /// not done.
    Garbled,
    /// Too much at once: HTTP 429, from DynamoDB that the throughput is exceeded. Only before its effect: it says that
    /// nothing was done.
    Throttled,
    /// A transaction meets another one. Any other call is throttled. Only before its effect.
    Conflict,
    /// Nothing breaks: the call waits until [`Tap::release`], with its request or with its answer. Meanwhile others get
    /// on.
    Held,
}

/// What is to happen to which calls.
#[derive(Debug, Clone, Copy)]
struct Plan {
    from: usize,
    /// How many are still to be broken.
    times: usize,
    when: When,
    how: How,
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
    /// The calls by number: the sixteen queries of the index of wake-ups are one, because how they interleave is
    /// chance.
    numbered: Vec<Call>,
    plan: Option<Plan>,
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
    /// Breaks the system on purpose, to see that tests notice.
    pub(crate) saboteur: Saboteur,
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
        self.break_calls(n, 1, when, how);
    }

    /// Breaks so many calls from number `n` on: more than a client tries by itself, and it has to give up.
    pub fn break_calls(&self, n: usize, times: usize, when: When, how: How) {
        let mut inner = self.locked();
        inner.plan = Some(Plan { from: n, times, when, how });
        inner.broke = false;
    }

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

    /// Times that the caller had to wait since the last [`Tap::forget`]: calls one after another, whomever they went
    /// to.
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
        inner.broke = false;
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

    pub(crate) async fn altered(&self, service: &str, answer: Response) -> Response {
        let is_meant = |alteration: &Alteration| alteration.service == service;
        if !self.alteration.lock().unwrap_or_else(PoisonError::into_inner).as_ref().is_some_and(is_meant) {
            return answer;
        }
        let (mut parts, body) = answer.into_parts();
        let bytes = axum::body::to_bytes(body, 20 << 20).await.unwrap_or_default();
        let Ok(mut json) = serde_json::from_slice(&bytes) else {
            return Response::from_parts(parts, Body::from(bytes));
        };
        if let Some(alteration) = self.alteration.lock().unwrap_or_else(PoisonError::into_inner).as_ref() {
            (alteration.alter)(&mut json);
        }
        parts.headers.remove(http::header::CONTENT_LENGTH);
        Response::from_parts(parts, Body::from(json.to_string()))
    }

    /// From now on the build behaves as a broken one would.
    pub fn sabotage(&self, sabotage: Sabotage) {
        self.saboteur.begin(sabotage);
    }

    /// Runs a function until it is done, or until the planned crash: then it is dropped where it stands.
    pub async fn or_crash<T>(&self, run: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            () = self.crashed.notified() => {
                self.saboteur.forget();
                None
            }
            done = run => Some(done),
        }
    }

    /// Notes a call, breaks it if that is the plan, and else lets `forward` carry it out.
    pub(crate) async fn pass(&self, call: Call, forward: impl Future<Output = Response>) -> Response {
        let dynamodb = call.service == "dynamodb";
        let transaction = call.operation == "TransactWriteItems";
        let (plan, slow, hold) = {
            let mut inner = self.locked();
            let hold = inner.hold.take_if(|held| *held == call.service).is_some();
            let repeated = call.operation.ends_with(OF_WAKE_UPS) && inner.numbered.last() == Some(&call);
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
            let plan = inner.plan.filter(|plan| plan.from <= number && !repeated).map(|plan| (plan.when, plan.how));
            if plan.is_some() {
                inner.plan = inner
                    .plan
                    .filter(|plan| plan.times > 1)
                    .map(|plan| Plan { times: plan.times.saturating_sub(1), ..plan });
                inner.broke = true;
            }
            (plan, inner.slow, hold)
        };
        let answer = match plan {
            Some((When::Before, How::Held)) => {
                self.hold().await;
                Some(forward.await)
            }
            Some((_, How::Garbled)) => Some(forward.await),
            Some((When::Before, _) | (_, How::Conflict | How::Throttled)) => None,
            _ => Some(forward.await),
        };
        if let Some(slow) = slow {
            tokio::time::sleep(slow).await;
        }
        if hold || plan == Some((When::After, How::Held)) {
            self.hold().await;
        }
        {
            let mut inner = self.locked();
            inner.under_way = inner.under_way.saturating_sub(usize::from(dynamodb));
            inner.any_under_way = inner.any_under_way.saturating_sub(1);
        }
        match (plan, answer) {
            (None | Some((_, How::Held)), Some(answer)) => answer,
            (Some((_, How::Crash)), _) => {
                self.crashed.notify_one();
                std::future::pending().await
            }
            (Some((_, How::Cut)), _) => broken_off(),
            (Some((_, How::Garbled)), answer) => garbled(answer).await,
            (Some((_, How::Throttled)), _) => {
                if dynamodb {
                    throttled()
                } else {
                    status(429)
                }
            }
            (Some((_, How::Conflict)), _) => {
                if transaction {
                    conflict()
                } else if dynamodb {
                    throttled()
                } else {
                    status(429)
                }
            }
            _ => status(500),
        }
    }

    /// Says that a call is held, and waits.
    async fn hold(&self) {
        self.held.notify_one();
        self.released.notified().await;
    }
}
