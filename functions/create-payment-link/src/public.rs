//! `POST /api/pay/{token}/link` and `GET /api/pay/{token}/gateways`: the same for whoever holds the link of a bill's
//! public page.
//!
//! The token is all that a request has: no cookie counts here, so another site's page can bring nothing about that its
//! visitor could not do. What is answered names nobody.

use cloud::{app::App, pay_page_key::Token};
use lambda_http::{Request, http::Method};
use payments::link::{LinkOutcome, LinkRequest, Payer};
use web::answer::{self, Answer};
use web::{pay_page, problem};

use crate::{Asked, PaymentLink, gateway_names, made, paid_by_credit, wanted};

pub(crate) async fn payment_link(app: &App, request: &Request, token: Option<&Token>) -> Answer {
    if request.method() != Method::POST {
        return Err(problem::NOT_FOUND);
    }
    let (invoice, profile) = pay_page::open(&app.store, token, app.clock.now()).await?;
    let gateway = wanted(&Asked::read(request)?)?;
    let finish = token.ok_or(problem::NOT_FOUND)?.page(Some("finish"));
    let link_request = LinkRequest { gateway, may_open: true, payer: Payer::Public { finish: &finish } };
    match made(payments::link::link(app, &profile, invoice, link_request).await)? {
        LinkOutcome::Link(link) => answer::success(PaymentLink { payment_link: &link.url, invoice: None }),
        LinkOutcome::PaidByCredit(paid) => paid_by_credit(request, &paid, None),
    }
}

/// The gateways that make links now.
pub(crate) async fn choices(app: &App, token: Option<&Token>) -> Answer {
    pay_page::open(&app.store, token, app.clock.now()).await?;
    gateway_names(app).await
}
