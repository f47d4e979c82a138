//! `GET|POST /api/customer/invoices/payment`: the link to pay an invoice.
//!
//! The stored link if it can still be used (one read). Else an order is written, the gateway asked, the link recorded.
//! `billing::link` decides which. `GET …/payment/gateways` names the gateways to choose from.

mod open;
mod replace;

use billing::{
    gateway::GatewayName,
    id::InvoiceId,
    invoice::Invoice,
    link::{self, LinkDecision, choose, decide},
    zone::format,
};
use cloud::{installation::Installation, store::Caller};
use gateways::Gateway;
use lambda_http::{Body, Request, RequestExt as _, Response, http::Method};
use payments::Active;
use serde::Deserialize;
use serde_json::json;
use web::{
    answer::{self, Answer},
    caller::{Via, claim, identify, store_problem},
    problem::{self, Problem},
};

/// Decisions made anew because money arrived on the link that was to be replaced.
const ROUNDS: usize = 3;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Asked {
    invoice_id: Option<String>,
    gateway: Option<String>,
}

impl Asked {
    fn read(request: &Request) -> Result<Self, Problem> {
        let parameters = request.query_string_parameters();
        let query = |name| answer::query(&parameters, name).map(str::to_owned);
        let bytes: &[u8] = request.body().as_ref();
        let in_body: Self = if request.method() == Method::POST && !bytes.is_empty() { answer::body(request)? } else { Self::default() };
        Ok(Self { invoice_id: in_body.invoice_id.or_else(|| query("invoiceId")), gateway: in_body.gateway.or_else(|| query("gateway")) })
    }
}

/// Answers one request. The portal's forms are led to the page that opens the link.
pub async fn handle(installation: &Installation, request: Request) -> Response<Body> {
    let answer = match answer::path(&request).as_slice() {
        ["api", "customer", "invoices", "payment"] => payment_link(installation, &request).await,
        ["api", "customer", "invoices", "payment", "gateways"] => choices(installation, &request).await,
        _ => Err(problem::NOT_FOUND),
    };
    if answer::is_form(&request) {
        return answer::lead_to(&pay_page(&request), &answer);
    }
    answer::respond(answer, request.headers())
}

fn pay_page(request: &Request) -> String {
    let asked = Asked::read(request).ok().and_then(|asked| InvoiceId::parse(&asked.invoice_id?).ok());
    asked.map_or_else(|| "/customer".to_owned(), |invoice| format!("/customer/pay/{invoice}"))
}

/// The gateways that make links now.
async fn choices(installation: &Installation, request: &Request) -> Answer {
    let claim = claim(request, installation.settings.public_url.as_ref())?;
    identify(&installation.store, &claim, None, installation.clock.now()).await?;
    let active = payments::active_gateways(installation).await;
    let names: Vec<GatewayName> = active.gateways.iter().map(|gateway| gateway.name()).collect();
    answer::ok(&json!({"success": true, "gateways": names}))
}

async fn payment_link(installation: &Installation, request: &Request) -> Answer {
    // Before the body is read: whoever has no token learns nothing else.
    let claim = claim(request, installation.settings.public_url.as_ref())?;
    // A cookie goes along with a mere link on another site's page. So such a request finds a link, and makes none.
    let may_create = request.method() == Method::POST || claim.via == Via::Bearer;
    let asked = Asked::read(request)?;
    let invoice_id = asked.invoice_id.as_deref().filter(|id| !id.is_empty());
    let parsed = invoice_id.and_then(|id| InvoiceId::parse(id).ok());
    let mut caller = identify(&installation.store, &claim, parsed.as_ref(), installation.clock.now()).await?;
    if invoice_id.is_none() {
        return Err(problem::INVOICE_ID_MISSING);
    }
    let wanted = match asked.gateway.as_deref().filter(|name| !name.is_empty()) {
        Some(name) => Some(GatewayName::parse(name).ok_or(problem::UNKNOWN_GATEWAY)?),
        None => None,
    };
    let mut invoice = caller.invoice.take().ok_or(problem::INVOICE_NOT_FOUND)?;
    for _ in 0..ROUNDS {
        match answer_for(installation, &caller, &invoice, wanted, may_create).await? {
            Step::Answer(response) => return response,
            Step::DecideAgain => {
                let read = installation.store.invoice(&invoice.customer_id, &invoice.id).await.map_err(store_problem)?;
                invoice = read.ok_or(problem::INVOICE_NOT_FOUND)?;
            }
        }
    }
    Err(problem::LINK_IN_PROGRESS)
}

enum Step {
    Answer(Answer),
    DecideAgain,
}

async fn answer_for(
    installation: &Installation,
    caller: &Caller,
    invoice: &Invoice,
    wanted: Option<GatewayName>,
    may_create: bool,
) -> Result<Step, Problem> {
    let Active { gateways, unreadable } = payments::active_gateways(installation).await;
    // Nothing is known of that gateway: its link may be good, and must not be replaced.
    let now = installation.clock.now();
    let usable_link = link::reusable(invoice, invoice.amount_due().map_err(money_problem)?, now);
    if usable_link.is_some_and(|link| unreadable.contains(&link.gateway)) {
        return Err(problem::GATEWAY_NOT_CONFIGURED);
    }
    let active: Vec<GatewayName> = gateways.iter().map(|gateway| gateway.name()).collect();
    let usable: Vec<_> = gateways.iter().map(|gateway| (gateway.name(), gateway.mode())).collect();
    let (amount, replaces) = match decide(invoice, wanted, &usable, now).map_err(money_problem)? {
        LinkDecision::NotPayable => return Err(problem::INVOICE_NOT_FOUND),
        LinkDecision::Busy => return Err(problem::LINK_IN_PROGRESS),
        LinkDecision::TooMany { retry_after } => return Err(problem::TOO_MANY.retry_after(retry_after)),
        LinkDecision::Reuse(link) => return Ok(Step::Answer(link_answer(invoice, &link.url))),
        LinkDecision::Open { .. } if !may_create => return Err(problem::NOT_FROM_HERE),
        LinkDecision::Open { amount, replaces } => (amount, replaces),
    };
    let chosen = choose(wanted, installation.settings.default_gateway, &active).ok_or(problem::GATEWAY_NOT_CONFIGURED)?;
    let gateway: &dyn Gateway =
        gateways.iter().find(|gateway| gateway.name() == chosen).map(AsRef::as_ref).ok_or(problem::GATEWAY_NOT_CONFIGURED)?;
    open::open(installation, gateway, caller, invoice, amount, replaces).await
}

fn link_answer(invoice: &Invoice, link: &str) -> Answer {
    answer::ok(&json!({
        "success": true,
        "paymentLink": link,
        "invoice": {
            "id": invoice.id,
            "invoiceNumber": invoice.number,
            "amount": invoice.amount,
            "amountDue": invoice.amount_due().map_err(money_problem)?,
            "dueDate": format::date(invoice.due_date),
        },
    }))
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn money_problem(error: billing::money::MoneyError) -> Problem {
    tracing::error!(alarm = true, %error, "amounts of an invoice do not add up");
    problem::BUSY
}
