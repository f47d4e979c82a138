//! `/p/<token>`: one bill, for whoever holds its link. It reads, and nothing else; who has no right to open it learns nothing by it.

use billing::invoice::InvoiceStatus;
use lambda_http::{Body, Response};
use web::{
    account::Bill,
    pay_page::{self, Token},
    problem::{self, Problem},
};

use crate::{
    Visit,
    pages::{self, Page, PublicBill, Step},
    reply, texts,
};

/// An address of this kind that never opens: the language of "this link does not work" is switched there.
const NOWHERE: &str = "/p/-";

/// The page, or a step of paying.
pub(crate) async fn page(visit: &Visit<'_>, token: &str, step: Option<&str>) -> Response<Body> {
    shown(visit, token, step).await.unwrap_or_else(|problem| {
        if problem.status != problem::NOT_FOUND.status {
            return visit.trouble(&problem);
        }
        let page = Page { path: NOWHERE, ..visit.page("", false) };
        reply::page(visit.request, problem.status, pages::bill_gone(&page))
    })
}

async fn shown(visit: &Visit<'_>, token: &str, step: Option<&str>) -> Result<Response<Body>, Problem> {
    let token = Token::parse(token);
    let step = Step::parse(step).ok_or(problem::NOT_FOUND)?;
    let store = &visit.installation.store;
    let invoice = pay_page::open(store, token.as_ref(), visit.now).await?;
    let token = token.ok_or(problem::NOT_FOUND)?;
    let receipt = match invoice.status {
        InvoiceStatus::Paid => Some(pay_page::receipt(store, &invoice).await?),
        InvoiceStatus::Unpaid | InvoiceStatus::Cancelled => None,
    };
    let bill = Bill::of(invoice, visit.installation.settings.zone, visit.now)?;
    let error = visit.query("error").and_then(|code| texts::message_of(&code, visit.lang));
    let view = PublicBill { token: &token, bill: &bill, receipt: receipt.as_ref(), step, error };
    Ok(reply::page(visit.request, 200, pages::public_bill(&view, &visit.page("", false))))
}
