//! `POST /api/customer/invoices/{id}/check`: the customer came back from the gateway's page, so the gateway is asked now.
//!
//! It marks nothing by itself: the same confirmation and the same settle as for a webhook.

use billing::{
    id::InvoiceId,
    invoice::{Invoice, InvoiceStatus},
};
use cloud::installation::Installation;
use lambda_http::{Body, Request, Response};
use payments::Trouble;
use serde_json::json;
use web::{
    answer::{self, Answer},
    caller::{identify, store_problem},
    problem::{self, Problem},
};

/// Answers one request.
pub async fn handle(installation: &Installation, request: Request) -> Response<Body> {
    answer::respond(check(installation, &request).await, request.headers())
}

async fn check(installation: &Installation, request: &Request) -> Answer {
    let path = answer::path(request);
    let id = match path.as_slice() {
        ["api", "customer", "invoices", id, "check"] => InvoiceId::parse(id).ok(),
        _ => return Err(problem::NOT_FOUND),
    };
    let caller = identify(&installation.store, request.headers(), id.as_ref(), installation.clock.now()).await?;
    let invoice = caller.invoice.ok_or(problem::INVOICE_NOT_FOUND)?;
    let status = status_now(installation, invoice).await?;
    answer::ok(&json!({"success": true, "status": status}))
}

async fn status_now(installation: &Installation, invoice: Invoice) -> Result<InvoiceStatus, Problem> {
    let status = invoice.status;
    let Some(link) = invoice.link.clone().filter(|_| status == InvoiceStatus::Unpaid) else { return Ok(status) };
    let order = installation.store.order(link.gateway, &link.order_id).await.map_err(store_problem)?;
    let Some(order) = order else { return Ok(status) };
    match payments::confirm(installation, order, Some(invoice), "check").await {
        Ok(booked) => Ok(booked.invoice_status),
        Err(Trouble::Store(error)) => Err(store_problem(error)),
        Err(trouble) => {
            tracing::error!(order = link.order_id.as_str(), error = %trouble, "payment could not be checked");
            Err(problem::BUSY)
        }
    }
}
