//! `POST /api/customer/invoices/{id}/check`: the customer came back from the gateway's page, so the gateway is asked
//! now.
//!
//! It marks nothing by itself: the same confirmation and the same settle as for a webhook. Asked again too soon it
//! answers what is stored, so that a customer's impatience is never the gateway's. `POST /api/pay/{token}/check` is the
//! same for whoever holds the link of a bill's public page.

use billing::id::InvoiceId;
use billing::payment::gateway::ReportedState;
use billing::payment::invoice::{Invoice, InvoiceStatus};
use billing::zone::retry_after;
use cloud::{app::App, pay_page_key::Token};
use lambda_http::{Body, Request, Response};
use payments::{BookingError, booking::ask_and_book, connect::connect_for};
use serde::Serialize;
use time::Duration;
use web::answer::{self, Answer};
use web::caller::{claim, identify};
use web::pay_page;
use web::problem::{self, Problem};

/// An invoice's gateway is asked this often at most, whoever presses the button how often, in however many tabs.
const ASKED_EVERY: Duration = Duration::seconds(10);

/// Answers one request. The portal's form is led back to the page that it stands on.
pub async fn handle(app: &App, request: Request) -> Response<Body> {
    let path = answer::path(&request);
    if let ["api", "pay", token, "check"] = path.as_slice() {
        let token = Token::parse(token);
        let answer = check_public(app, token.as_ref()).await;
        return answer::to_pay_page(&request, token.as_ref(), "finish", answer);
    }
    let ["api", "customer", "invoices", id, "check"] = path.as_slice() else {
        return answer::respond(Err(problem::NOT_FOUND), request.headers());
    };
    let id = InvoiceId::parse(id).ok();
    let answer = check(app, &request, id.as_ref()).await;
    if answer::is_form(&request) {
        let page = id.map_or_else(|| "/customer".to_owned(), |id| format!("/customer/finish/{id}"));
        return answer::lead_to(&page, &answer);
    }
    answer::respond(answer, request.headers())
}

async fn check(app: &App, request: &Request, id: Option<&InvoiceId>) -> Answer {
    let claim = claim(request, app.settings.public_url.as_ref())?;
    let caller = identify(&app.store, &claim, id, app.clock.now()).await?;
    let invoice = caller.invoice.ok_or(problem::INVOICE_NOT_FOUND)?;
    told(app, invoice).await
}

async fn check_public(app: &App, token: Option<&Token>) -> Answer {
    let (invoice, _) = pay_page::open(&app.store, token, app.clock.now()).await?;
    told(app, invoice).await
}

/// Where the invoice stands.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Standing {
    status: InvoiceStatus,
    /// A payment is held for review at the gateway.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    in_review: bool,
    /// Seconds to wait, if the gateway was asked a moment ago and so was not asked again.
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after: Option<i64>,
}

async fn told(app: &App, invoice: Invoice) -> Answer {
    answer::success(standing(app, invoice).await?)
}

async fn standing(app: &App, invoice: Invoice) -> Result<Standing, Problem> {
    let status = invoice.status;
    let known = Standing {
        status,
        in_review: status == InvoiceStatus::Unpaid && invoice.in_review.is_some(),
        retry_after: None,
    };
    let behind_link = || Some((invoice.link.as_ref()?.gateway, invoice.link.as_ref()?.order_id.clone()));
    let held = invoice.in_review.as_ref().map(|held| (held.gateway, held.order_id.clone()));
    let Some((gateway, order_id)) = held.or_else(behind_link) else { return Ok(known) };
    if status != InvoiceStatus::Unpaid {
        return Ok(known);
    }
    let (store, now) = (&app.store, app.clock.now());
    let (order, wait) = tokio::join!(store.order(gateway, &order_id), store.claim_check(&invoice.id, ASKED_EVERY, now));
    if let Some(wait) = wait? {
        return Ok(Standing { retry_after: Some(retry_after(now.saturating_add(wait), now)), ..known });
    }
    let Some(order) = order? else { return Ok(known) };
    let booked = async {
        let gateway = connect_for(app, &order).await?;
        ask_and_book(app, &*gateway, order, Some(invoice), "check").await
    };
    match Box::pin(booked).await {
        Ok(booked) => Ok(Standing {
            status: booked.invoice_status,
            in_review: booked.invoice_status == InvoiceStatus::Unpaid
                && matches!(booked.state, ReportedState::InReview(_)),
            retry_after: None,
        }),
        Err(BookingError::Store(error)) => Err(error.into()),
        Err(trouble) => {
            tracing::error!(order = order_id.as_str(), error = %trouble, "payment could not be checked");
            Err(problem::BUSY.retry_after(ASKED_EVERY.whole_seconds()))
        }
    }
}
