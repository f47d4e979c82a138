//! `POST /api/webhooks/{gateway}`: a hint that something happened.
//!
//! Verified over the raw bytes, fail closed. Then the gateway's own GET status decides what is booked
//! (`billing::payment::settlement::settle`), and the answer tells the gateway whether to send again: 2xx no, 503 yes.

use billing::id::OrderId;
use billing::payment::gateway::{GatewayName, Report, ReportedState};
use billing::payment::order::Order;
use cloud::app::App;
use gateways::{Gateway, Hint, OrderRef, VerifyError, WebhookRequest};
use lambda_http::{Body, Request, Response};
use payments::BookingError;
use payments::booking::book;
use payments::connect::{ask, connect, connect_with_fresh_keys, order_ref, require_same_mode};
use time::Duration;
use web::answer::{self, Answer, BODY_LIMIT};
use web::problem::{self, Problem};
use web::routes;

/// A verified hint that could not be confirmed is followed up by reconcile this soon.
const FOLLOW_UP: Duration = Duration::seconds(30);

/// Answers one webhook.
pub async fn handle(app: &App, request: Request) -> Response<Body> {
    match answer::path(&request).as_slice() {
        ["api", "webhooks", gateway] => answer::respond(receive(app, &request, gateway).await, request.headers()),
        // The route takes whatever lies behind it, so that a slash too many reaches this function.
        _ => routes::elsewhere(&request),
    }
}

async fn receive(app: &App, request: &Request, gateway: &str) -> Answer {
    let gateway = GatewayName::parse(gateway).ok_or(problem::NOT_FOUND)?;
    let body: &[u8] = request.body().as_ref();
    if body.len() > BODY_LIMIT {
        return Err(problem::TOO_LARGE);
    }
    let (gateway, hint) = verify(app, gateway, &WebhookRequest { body, headers: request.headers() }).await?;
    match hint {
        Hint::NotOurs(why) => {
            tracing::info!(gateway = gateway.name().as_str(), why, "authentic webhook without an order");
        }
        Hint::OtherWord { order_id, status } => book_if_ours(app, &*gateway, &order_id, status).await?,
        Hint::Order { order_id, transaction_id, reference, claims_payment } => {
            book_hinted(app, &*gateway, OrderRef { order_id, reference, transaction_id }, claims_payment).await?;
        }
    }
    answer::success(())
}

/// Verifies with the keys at hand, and once more with keys read again: they may just have been rotated, or typed in.
async fn verify(
    app: &App,
    gateway: GatewayName,
    webhook: &WebhookRequest<'_>,
) -> Result<(Box<dyn Gateway>, Hint), Problem> {
    match connect(app, gateway).await {
        Ok(connected) => match connected.verify(webhook) {
            Ok(hint) => return Ok((connected, hint)),
            Err(VerifyError::Malformed(what)) => return Err(not_verified(gateway, &VerifyError::Malformed(what))),
            Err(VerifyError::Forged | VerifyError::NotConfigured) => {}
        },
        Err(BookingError::Setup(_)) => {}
        Err(trouble) => return Err(no_keys(gateway, &trouble)),
    }
    let fresh = connect_with_fresh_keys(app, gateway).await.map_err(|trouble| no_keys(gateway, &trouble))?;
    match fresh.verify(webhook) {
        Ok(hint) => Ok((fresh, hint)),
        Err(error) => Err(not_verified(gateway, &error)),
    }
}

fn not_verified(gateway: GatewayName, error: &VerifyError) -> Problem {
    match error {
        VerifyError::Malformed(what) => {
            tracing::warn!(gateway = gateway.as_str(), what, "malformed webhook");
            problem::BAD_REQUEST
        }
        VerifyError::Forged => {
            tracing::warn!(gateway = gateway.as_str(), "webhook with a wrong signature");
            problem::FORGED
        }
        VerifyError::NotConfigured => {
            tracing::error!(alarm = true, gateway = gateway.as_str(), "webhook cannot be verified: no key configured");
            problem::SEND_AGAIN
        }
    }
}

/// A gateway that the provider does not use (no key at all) is no alarm: anybody can post to its address, and an alarm
/// that strangers can hold up hides the others.
fn no_keys(gateway: GatewayName, trouble: &BookingError) -> Problem {
    let alarm = match trouble {
        BookingError::Setup(error) => error.needs_a_person(),
        _ => true,
    };
    tracing::error!(alarm, gateway = gateway.as_str(), error = %trouble, "webhook cannot be verified");
    problem::SEND_AGAIN
}

/// Asks the gateway beside reading the order, and books what it says.
async fn book_hinted(app: &App, gateway: &dyn Gateway, hinted: OrderRef, claims_payment: bool) -> Result<(), Problem> {
    let (order, report) = tokio::join!(app.store.order(gateway.name(), &hinted.order_id), ask(app, gateway, &hinted));
    let Some(order) = order? else {
        not_ours(gateway, &hinted.order_id);
        return Ok(());
    };
    book_reported(app, gateway, order, report, hinted.transaction_id, claims_payment).await
}

/// The same for a word that is not known: strangers' ids must not make us ask, so the order is read first. It is asked
/// about by what we know of it, as the notification may be another product's.
async fn book_if_ours(
    app: &App,
    gateway: &dyn Gateway,
    order_id: &OrderId,
    status: Option<String>,
) -> Result<(), Problem> {
    let Some(order) = app.store.order(gateway.name(), order_id).await? else {
        not_ours(gateway, order_id);
        return Ok(());
    };
    if let Some(status) = status {
        tracing::error!(alarm = true, order = order.id.as_str(), status, "the webhook's status is not known");
    }
    let report = ask(app, gateway, &order_ref(&order)).await;
    book_reported(app, gateway, order, report, None, false).await
}

fn not_ours(gateway: &dyn Gateway, order_id: &OrderId) {
    let (gateway, order) = (gateway.name().as_str(), order_id.as_str());
    tracing::info!(gateway, order, "authentic webhook for an order that is not ours");
}

async fn book_reported(
    app: &App,
    gateway: &dyn Gateway,
    order: Order,
    report: Result<Report, BookingError>,
    transaction_id: Option<String>,
    claims_payment: bool,
) -> Result<(), Problem> {
    let confirmed = match report.and_then(|report| require_same_mode(gateway, &order).map(|()| report)) {
        Ok(report) => book(app, gateway, order.clone(), None, report, "webhook").await,
        Err(trouble) => Err(trouble),
    };
    match confirmed {
        Ok(booked) if claims_payment && booked.state != ReportedState::Paid => {
            // Signed, paid, and not even known: the key may be of another merchant account than the order.
            let alarm = booked.state == ReportedState::Unknown;
            tracing::error!(alarm, order = order.id.as_str(), "the gateway does not confirm the webhook yet");
            follow_up(app, &booked.order, transaction_id).await;
            Err(problem::SEND_AGAIN)
        }
        Ok(_) => Ok(()),
        Err(trouble) => {
            tracing::error!(alarm = trouble.needs_a_person(), order = order.id.as_str(), error = %trouble, "webhook not settled");
            follow_up(app, &order, transaction_id).await;
            Err(problem::SEND_AGAIN)
        }
    }
}

/// Brings the next look forward, and keeps the gateway's own id: some channels can only be asked by it. Should this
/// fail too, the planned look is still there, and the gateway sends again.
async fn follow_up(app: &App, order: &Order, transaction_id: Option<String>) {
    let transaction_id = order.transaction_id.clone().or(transaction_id);
    let sooner = Order { transaction_id, ..order.looking_again_in(FOLLOW_UP, app.clock.now()) };
    if sooner != *order
        && let Err(error) = app.store.note_order(&sooner).await
    {
        tracing::warn!(order = order.id.as_str(), %error, "next look not brought forward");
    }
}
