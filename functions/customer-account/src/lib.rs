//! `GET /api/customer/me|invoices|payments`: what a customer sees of their account, newest first, in pages.

use billing::access::phone::Phone;
use billing::id::{CustomerId, InvoiceId, PackageId};
use billing::money::Rupiah;
use billing::payment::invoice::{InvoiceKind, InvoiceStatus};
use billing::service;
use billing::telling::network::NetworkProgress;
use billing::zone::{Zone, format};
use cloud::aws::AwsAccount as Aws;
use cloud::clock::Clock;
use cloud::public_url::PublicUrl;
use cloud::settings::{SettingError, Settings};
use cloud::store::{Caller, Store};
use lambda_http::{Body, Request, RequestExt as _, Response, http::Method};
use serde::Serialize;
use time::OffsetDateTime;
use web::account::{self, Bill, Paging, Payment};
use web::answer::{self, Answer};
use web::caller::{claim, identify};
use web::problem::{self, Problem};

/// What reading an account takes: no keys.
#[derive(Debug, Clone)]
pub struct AccountApi {
    pub store: Store,
    pub zone: Zone,
    /// Where the portal is, whose cookie may say who is calling.
    pub public_url: Option<PublicUrl>,
    pub clock: Clock,
}

impl AccountApi {
    /// What Lambda puts into the environment.
    pub fn from_env() -> Result<Self, SettingError> {
        let Settings { table, zone, public_url, .. } = Settings::from_env()?;
        Ok(Self { store: Store::new(Aws::from_env().dynamodb(), table), zone, public_url, clock: Clock::default() })
    }
}

/// Answers one request.
pub async fn handle(account: &AccountApi, request: Request) -> Response<Body> {
    answer::respond(route(account, &request).await, request.headers())
}

async fn route(account: &AccountApi, request: &Request) -> Answer {
    if request.method() != Method::GET {
        return Err(problem::NOT_FOUND);
    }
    match answer::path(request).as_slice() {
        ["api", "customer", "me"] => me(account, request).await,
        ["api", "customer", "invoices"] => invoices(account, request).await,
        ["api", "customer", "payments"] => payments(account, request).await,
        _ => Err(problem::NOT_FOUND),
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Customer<'a> {
    id: &'a CustomerId,
    name: &'a str,
    phone: Option<&'a Phone>,
    username: &'a str,
    status: &'static str,
    expires_at: String,
    days_left: i64,
    credit: Rupiah,
    network: Option<NetworkProgress>,
    package: Package<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Package<'a> {
    id: &'a PackageId,
    name: &'a str,
    price: Rupiah,
    down_mbps: u32,
    up_mbps: u32,
}

async fn me(account: &AccountApi, request: &Request) -> Answer {
    let now = account.clock.now();
    let claim = claim(request, account.public_url.as_ref())?;
    let caller = identify(&account.store, &claim, None, now).await?;
    answer::success(answer::field("customer", customer(&caller, account.zone, now)))
}

fn customer(caller: &Caller, zone: Zone, now: OffsetDateTime) -> Customer<'_> {
    let profile = &caller.profile;
    let expires_at = profile.entitlement.expires_at;
    let &service::package::Package { ref id, ref name, price, down_mbps, up_mbps, .. } = &profile.entitlement.package;
    Customer {
        id: &profile.id,
        name: &profile.name,
        phone: profile.phone.as_ref(),
        username: &profile.username,
        status: if profile.is_active(now) { "active" } else { "expired" },
        expires_at: format::instant(expires_at),
        days_left: zone.days_until(expires_at, now),
        credit: profile.credit,
        network: account::network_progress(caller, now),
        package: Package { id, name, price, down_mbps, up_mbps },
    }
}

#[derive(Serialize)]
struct Invoices<'a> {
    invoices: Vec<Invoice<'a>>,
    next: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Invoice<'a> {
    id: &'a InvoiceId,
    #[serde(rename = "invoiceNumber")]
    number: &'a str,
    amount: Rupiah,
    amount_due: Rupiah,
    status: InvoiceStatus,
    overdue: bool,
    in_review: bool,
    due_date: String,
    paid_at: Option<String>,
    payment_link: Option<&'a str>,
    description: &'a str,
    kind: InvoiceKind,
    created_at: String,
}

async fn invoices(account: &AccountApi, request: &Request) -> Answer {
    let claim = claim(request, account.public_url.as_ref())?;
    let (_, page) =
        account::bills(&account.store, account.zone, &claim, Paging::read(request), account.clock.now()).await?;
    let status = wanted_status(request)?;
    let wanted = page.entries.iter().filter(|bill| status.is_none_or(|status| bill.status == status));
    answer::success(Invoices { invoices: wanted.map(invoice).collect(), next: page.next })
}

fn wanted_status(request: &Request) -> Result<Option<InvoiceStatus>, Problem> {
    let parameters = request.query_string_parameters();
    match answer::query(&parameters, "status") {
        None => Ok(None),
        Some("UNPAID") => Ok(Some(InvoiceStatus::Unpaid)),
        Some("PAID") => Ok(Some(InvoiceStatus::Paid)),
        Some("CANCELLED") => Ok(Some(InvoiceStatus::Cancelled)),
        Some(_) => Err(problem::BAD_REQUEST),
    }
}

fn invoice(bill: &Bill) -> Invoice<'_> {
    let invoice = &bill.invoice;
    Invoice {
        id: &invoice.id,
        number: &invoice.number,
        amount: invoice.amount,
        amount_due: bill.amount_due,
        status: bill.status,
        overdue: bill.overdue,
        in_review: bill.in_review,
        due_date: format::date(invoice.due_date),
        paid_at: invoice.paid_at.map(format::instant),
        payment_link: bill.link.as_deref(),
        description: &invoice.description,
        kind: invoice.kind,
        created_at: format::instant(invoice.created_at),
    }
}

#[derive(Serialize)]
struct Payments {
    payments: Vec<Payment>,
    next: Option<String>,
}

async fn payments(account: &AccountApi, request: &Request) -> Answer {
    let claim = claim(request, account.public_url.as_ref())?;
    let (_, page) = account::payments(&account.store, &claim, Paging::read(request), account.clock.now()).await?;
    answer::success(Payments { payments: page.entries, next: page.next })
}
