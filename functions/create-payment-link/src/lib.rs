//! `GET|POST /api/customer/invoices/payment`: the link to pay an invoice.
//!
//! The stored link if it can still be used (one read). Else an order is written, the gateway asked, the link recorded.
//! `payments::link` does it, `billing::payment::link` decides which. `GET …/payment/gateways` names the gateways to
//! choose from. `public.rs` is the same for a bill's public page.

mod public;

use billing::id::InvoiceId;
use billing::language::Language;
use billing::payment::gateway::GatewayName;
use billing::payment::invoice::{Invoice, InvoiceStatus};
use cloud::{app::App, pay_page_key::Token};
use lambda_http::{Body, Request, RequestExt as _, Response, http::Method};
use payments::link::{LinkError, LinkOutcome, LinkRequest, Payer};
use serde::{Deserialize, Serialize};
use web::answer::{self, Answer};
use web::caller::{Via, claim, identify};
use web::link::{self, LinkedInvoice};
use web::problem::{self, Problem};

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
        let in_body: Self = if request.method() == Method::POST && !bytes.is_empty() {
            answer::body(request)?
        } else {
            Self::default()
        };
        Ok(Self {
            invoice_id: in_body.invoice_id.or_else(|| query("invoiceId")),
            gateway: in_body.gateway.or_else(|| query("gateway")),
        })
    }
}

/// Answers one request. The portal's forms are led to the page that opens the link.
pub async fn handle(app: &App, request: Request) -> Response<Body> {
    let path = answer::path(&request);
    if let ["api", "pay", token, what] = path.as_slice() {
        let token = Token::parse(token);
        let answer = match *what {
            "link" => public::payment_link(app, &request, token.as_ref()).await,
            "gateways" => public::choices(app, token.as_ref()).await,
            _ => Err(problem::NOT_FOUND),
        };
        return answer::to_pay_page(&request, token.as_ref(), "pay", answer);
    }
    let answer = match path.as_slice() {
        ["api", "customer", "invoices", "payment"] => payment_link(app, &request).await,
        ["api", "customer", "invoices", "payment", "gateways"] => choices(app, &request).await,
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
async fn choices(app: &App, request: &Request) -> Answer {
    let claim = claim(request, app.settings.public_url.as_ref())?;
    identify(&app.store, &claim, None, app.clock.now()).await?;
    gateway_names(app).await
}

pub(crate) async fn gateway_names(app: &App) -> Answer {
    let active = payments::connect::active_gateways(app).await;
    let names: Vec<GatewayName> = active.gateways.iter().map(|gateway| gateway.name()).collect();
    answer::success(answer::field("gateways", names))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PaymentLink<'a> {
    payment_link: &'a str,
    /// Not on a public page.
    #[serde(skip_serializing_if = "Option::is_none")]
    invoice: Option<LinkedInvoice<'a>>,
}

async fn payment_link(app: &App, request: &Request) -> Answer {
    // Before the body is read: whoever has no token learns nothing else.
    let claim = claim(request, app.settings.public_url.as_ref())?;
    // A cookie goes along with a mere link on another site's page. So such a request finds a link, and makes none.
    let may_open = request.method() == Method::POST || claim.via == Via::Bearer;
    let asked = Asked::read(request)?;
    let invoice_id = asked.invoice_id.as_deref().filter(|id| !id.is_empty());
    let parsed = invoice_id.and_then(|id| InvoiceId::parse(id).ok());
    let mut caller = identify(&app.store, &claim, parsed.as_ref(), app.clock.now()).await?;
    if invoice_id.is_none() {
        return Err(problem::INVOICE_ID_MISSING);
    }
    let gateway = wanted(&asked)?;
    let invoice = caller.invoice.take().ok_or(problem::INVOICE_NOT_FOUND)?;
    let link_request = LinkRequest { gateway, may_open, payer: Payer::Customer };
    match made(payments::link::link(app, &caller.profile, invoice, link_request).await)? {
        LinkOutcome::Link(made) => {
            let invoice = Some(LinkedInvoice::of(&made.invoice)?);
            answer::success(PaymentLink { payment_link: &made.url, invoice })
        }
        LinkOutcome::PaidByCredit(paid) => paid_by_credit(request, &paid, Some(LinkedInvoice::of(&paid)?)),
    }
}

/// The gateway that was asked for, if any.
fn wanted(asked: &Asked) -> Result<Option<GatewayName>, Problem> {
    let name = asked.gateway.as_deref().filter(|name| !name.is_empty());
    name.map(|name| GatewayName::parse(name).ok_or(problem::UNKNOWN_GATEWAY)).transpose()
}

/// What came of it, or why there is no link.
fn made(link: Result<LinkOutcome, LinkError>) -> Result<LinkOutcome, Problem> {
    match link {
        Ok(outcome) => Ok(outcome),
        Err(LinkError::MayNotOpen) => Err(problem::NOT_FROM_HERE),
        Err(LinkError::NoLink(why)) => Err(link::no_link(why)),
        Err(LinkError::Store(error)) => Err(error.into()),
        Err(error @ (LinkError::Money(_) | LinkError::NoOrderId)) => {
            tracing::error!(alarm = true, %error, "no link can be made");
            Err(problem::BUSY)
        }
    }
}

/// The bill is paid: a success without a link.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PaidByCredit<'a> {
    status: InvoiceStatus,
    payment_link: (),
    message: String,
    /// Not on a public page.
    #[serde(skip_serializing_if = "Option::is_none")]
    invoice: Option<LinkedInvoice<'a>>,
}

fn paid_by_credit(request: &Request, paid: &Invoice, invoice: Option<LinkedInvoice<'_>>) -> Answer {
    let language = answer::language(request.headers());
    let carried = paid.carried;
    let message = match (language, carried.is_positive()) {
        (Language::Indonesian, false) => "Tagihan lunas, dibayar dari saldo Anda".to_owned(),
        (Language::English, false) => "The bill is paid, from your credit".to_owned(),
        (Language::Indonesian, true) => format!("Tagihan lunas; {carried} ditagih bersama tagihan berikutnya"),
        (Language::English, true) => format!("The bill is paid; {carried} is added to your next bill"),
    };
    answer::success(PaidByCredit { status: InvoiceStatus::Paid, payment_link: (), message, invoice })
}
