//! `GET` and `POST /api/webhooks/whatsapp/{provider}`: what became of messages, and who wants none.
//!
//! Verified over the raw bytes, fail closed (`messaging::read_webhook`). A message only ever moves on, so reports may
//! come twice and in any order. 2xx says that everything was written down; anything else makes the provider send it
//! again. It is apart from `receive-webhook` because that one has the right to book money.

use billing::{id::MessageId, telling::delivery::DeliveryStatus};
use cloud::app::App;
use cloud::secrets::{Rows, SecretError};
use cloud::store::{Recorded, StatusReport, StoreError};
use lambda_http::http::{HeaderValue, Method, header};
use lambda_http::{Body, Request, RequestExt as _, Response};
use messaging::webhook::{ProviderReport, Status, WebhookError, WebhookRequest};
use messaging::{ProviderName, meta_handshake, read_webhook};
use time::OffsetDateTime;
use tokio::task::JoinSet;
use web::answer::{self, Answer};
use web::problem::{self, Problem};

/// Meta's posts hold up to this (<https://developers.facebook.com/docs/graph-api/webhooks/getting-started>).
const BODY_LIMIT: usize = 3 * 1024 * 1024;
/// Reports that are written at the same time.
const AT_ONCE: usize = 16;
const SECRET: &str = "whatsapp";

/// Answers one webhook, or Meta's handshake.
pub async fn handle(app: &App, request: Request) -> Response<Body> {
    answer::respond(receive(app, &request).await, request.headers())
}

async fn receive(app: &App, request: &Request) -> Answer {
    let provider = match answer::path(request).as_slice() {
        ["api", "webhooks", "whatsapp", name] => ProviderName::parse(name).ok_or(problem::NOT_FOUND)?,
        _ => return Err(problem::NOT_FOUND),
    };
    let query = request.query_string_parameters();
    if request.method() == Method::GET && provider == ProviderName::Meta {
        let find = |name: &str| query.first(name).map(str::to_owned);
        return verified(app, provider, |rows| meta_handshake(rows, find)).await.map(challenge);
    }
    if request.method() != Method::POST {
        return Err(problem::NOT_FOUND);
    }
    let body: &[u8] = request.body().as_ref();
    if body.len() > BODY_LIMIT {
        return Err(problem::TOO_LARGE);
    }
    let webhook = WebhookRequest { body, headers: request.headers(), token: query.first("token") };
    let reports = verified(app, provider, |rows| read_webhook(provider, rows, &webhook)).await?;
    record_all(app, provider, reports).await?;
    answer::success(())
}

/// Verifies with the keys at hand, and once more with keys read again: they may just have been typed in.
async fn verified<T>(
    app: &App,
    provider: ProviderName,
    read: impl Fn(&Rows) -> Result<T, WebhookError>,
) -> Result<T, Problem> {
    let unreadable = |error: SecretError| {
        tracing::error!(alarm = true, provider = provider.as_str(), %error, "webhook cannot be verified");
        problem::SEND_AGAIN
    };
    let rows = app.secrets.rows(SECRET).await.map_err(unreadable)?;
    match read(&rows) {
        Err(WebhookError::Forged | WebhookError::NotConfigured(_)) => {
            let rows = app.secrets.refreshed_rows(SECRET).await.map_err(unreadable)?;
            read(&rows).map_err(|error| refused(provider, error))
        }
        verdict => verdict.map_err(|error| refused(provider, error)),
    }
}

fn refused(provider: ProviderName, error: WebhookError) -> Problem {
    let name = provider.as_str();
    match error {
        WebhookError::NotConfigured(_) => {
            // No alarm: anybody can post to this address, and messages are sent without it too.
            tracing::warn!(provider = name, %error, "webhook cannot be verified");
            problem::SEND_AGAIN
        }
        WebhookError::Forged => {
            tracing::warn!(provider = name, "webhook with a wrong signature or token");
            problem::FORGED
        }
        WebhookError::Malformed(_) => {
            tracing::warn!(provider = name, %error, "malformed webhook");
            problem::BAD_REQUEST
        }
        WebhookError::NoWebhooks => problem::NOT_FOUND,
    }
}

/// The challenge as plain text, which is what Meta compares.
fn challenge(text: String) -> Response<Body> {
    let mut response = Response::new(Body::Text(text));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// Writes down everything, a few at a time; the first failure, if there was one.
async fn record_all(app: &App, provider: ProviderName, reports: Vec<ProviderReport>) -> Result<(), StoreError> {
    let mut outcome = Ok(());
    let mut running = JoinSet::new();
    for report in reports {
        if running.len() >= AT_ONCE {
            outcome = outcome.and(joined(running.join_next().await));
        }
        let app = app.clone();
        running.spawn(async move { record(&app, provider, report).await });
    }
    while let Some(done) = running.join_next().await {
        outcome = outcome.and(joined(Some(done)));
    }
    outcome
}

fn joined(done: Option<Result<Result<(), StoreError>, tokio::task::JoinError>>) -> Result<(), StoreError> {
    done.transpose().map_err(|error| StoreError::Unavailable(error.to_string()))?.unwrap_or(Ok(()))
}

async fn record(app: &App, provider: ProviderName, report: ProviderReport) -> Result<(), StoreError> {
    let now = app.clock.now();
    match report {
        ProviderReport::Status(status) => record_status(app, provider, &status, now).await,
        ProviderReport::OptOut { phone, opted_out, at } => {
            tracing::info!(provider = provider.as_str(), opted_out, "a customer wrote whether messages are wanted");
            let at = at.unwrap_or(now).min(now);
            app.store.set_opt_out(&phone, opted_out, at, provider.as_str()).await
        }
        ProviderReport::SenderProblem(detail) => {
            tracing::error!(alarm = true, provider = provider.as_str(), detail, "the sender of messages is in trouble");
            Ok(())
        }
    }
}

/// Found by our own id if the provider gives it back, else by its id.
async fn record_status(
    app: &App,
    provider: ProviderName,
    status: &Status,
    now: OffsetDateTime,
) -> Result<(), StoreError> {
    let store = &app.store;
    let report =
        StatusReport { status: status.status, at: status.at.unwrap_or(now).min(now), detail: status.detail.as_deref() };
    let ours = status.callback.as_deref().and_then(|id| MessageId::parse(id).ok());
    let recorded = match &ours {
        Some(message) => store.record_status(message, &report).await?,
        None => store.record_status_of(provider.as_str(), &status.provider_id, &report).await?,
    };
    if let Some(alias) = &status.alias
        && let Some(message) = store.message_of(provider.as_str(), &status.provider_id).await?
    {
        store.remember_provider_id(provider.as_str(), alias, &message, now).await?;
    }
    // Once, however often it is reported.
    if recorded == Recorded::Moved && status.status == DeliveryStatus::Failed {
        tracing::error!(
            alarm = status.needs_a_person(),
            provider = provider.as_str(),
            detail = status.detail,
            "a message did not arrive"
        );
    }
    Ok(())
}
