//! `/p/<token>`: one bill, for whoever holds its link. It reads, and nothing else; who has no right to open it learns
//! nothing by it. And how customers get the link of a bill of theirs.

use billing::{access::pay_page::is_open, id::InvoiceId, payment::invoice::InvoiceStatus};
use cloud::pay_page_key::{PayPageKey, Token};
use lambda_http::{Body, Response};
use serde::Deserialize;
use web::account::Bill;
use web::caller::{claim, identify};
use web::problem::{self, Problem};
use web::{answer, pay_page};

use crate::pages::{self, Page, PublicBill, Step};
use crate::{Visit, log_in, reply, texts};

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
    let store = &visit.app.store;
    let (invoice, profile) = pay_page::open(store, token.as_ref(), visit.now).await?;
    let token = token.ok_or(problem::NOT_FOUND)?;
    let receipt = match invoice.status {
        InvoiceStatus::Paid => Some(pay_page::receipt(store, &invoice, &profile).await?),
        InvoiceStatus::Unpaid | InvoiceStatus::Cancelled => None,
    };
    let bill = Bill::of(invoice, visit.app.settings.zone, visit.now)?;
    let error = visit.query("error").and_then(|code| texts::message_of(&code, visit.lang));
    let view = PublicBill { token: &token, bill: &bill, receipt: receipt.as_ref(), step, error };
    Ok(reply::page(visit.request, 200, pages::public_bill(&view, &visit.page("", false))))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Shared {
    invoice_id: String,
}

/// Makes the link of a customer's own bill and opens its page: what stands in the address can be sent on.
pub(crate) async fn share(visit: &Visit<'_>) -> Response<Body> {
    match link_of(visit).await {
        Ok(token) => answer::see_other(&token.page(None)),
        Err(problem) if problem.status == problem::INVALID_TOKEN.status => log_in::first(visit, &[]),
        Err(problem) => visit.trouble(&problem),
    }
}

async fn link_of(visit: &Visit<'_>) -> Result<Token, Problem> {
    let app = visit.app;
    let claim = claim(visit.request, Some(visit.site))?;
    let id = InvoiceId::parse(&answer::body::<Shared>(visit.request)?.invoice_id).map_err(|_| problem::NOT_FOUND)?;
    let caller = identify(&app.store, &claim, Some(&id), visit.now).await?;
    let invoice = caller.invoice.filter(|invoice| is_open(invoice, visit.now)).ok_or(problem::NOT_FOUND)?;
    let key = PayPageKey::read(&app.secrets).await.map_err(|error| {
        tracing::error!(alarm = true, %error, "no key for pay pages");
        problem::BUSY
    })?;
    let token = key.token(&invoice.id);
    let remembered = app.store.remember_pay_page(&token.hash(), &invoice.customer_id, &invoice.id, visit.now).await;
    remembered?;
    Ok(token)
}
