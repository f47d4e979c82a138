//! `GET /api/customer/me|invoices|payments`: what a customer sees of their account, newest first, in pages.

mod payments;

use billing::{
    customer::Profile,
    id::InvoiceId,
    invoice::{Invoice, InvoiceStatus},
    link::reusable,
    zone::{Zone, format},
};
use cloud::{
    aws::Account as Aws,
    clock::Clock,
    settings::{SettingError, Settings},
    store::Store,
};
use lambda_http::{Body, Request, RequestExt as _, Response, http::Method};
use serde_json::{Value, json};
use time::OffsetDateTime;
use web::{
    answer::{self, Answer},
    caller::{claim, identify, store_problem},
    problem::{self, Problem},
};

const DEFAULT_LIMIT: i32 = 20;
const LARGEST_LIMIT: i32 = 50;

/// The store and the provider's zone.
#[derive(Debug, Clone)]
pub struct Account {
    /// The table.
    pub store: Store,
    /// For days and due dates.
    pub zone: Zone,
    /// The time.
    pub clock: Clock,
}

impl Account {
    /// What Lambda puts into the environment.
    pub fn from_env() -> Result<Self, SettingError> {
        let settings = Settings::from_env()?;
        Ok(Self { store: Store::new(Aws::from_env().dynamodb(), settings.table), zone: settings.zone, clock: Clock::default() })
    }
}

/// Which part of a list is asked for.
pub(crate) struct Paging {
    after: Option<InvoiceId>,
    limit: i32,
}

impl Paging {
    fn read(request: &Request) -> Result<Self, Problem> {
        let parameters = request.query_string_parameters();
        let after = answer::query(&parameters, "cursor").map(InvoiceId::parse).transpose().map_err(|_| problem::BAD_REQUEST)?;
        let limit = answer::query(&parameters, "limit").map(str::parse::<i32>).transpose().map_err(|_| problem::BAD_REQUEST)?;
        Ok(Self { after, limit: limit.unwrap_or(DEFAULT_LIMIT).clamp(1, LARGEST_LIMIT) })
    }
}

/// Answers one request.
pub async fn handle(account: &Account, request: Request) -> Response<Body> {
    answer::respond(route(account, &request).await, request.headers())
}

async fn route(account: &Account, request: &Request) -> Answer {
    if request.method() != Method::GET {
        return Err(problem::NOT_FOUND);
    }
    match answer::path(request).as_slice() {
        ["api", "customer", "me"] => me(account, request).await,
        ["api", "customer", "invoices"] => invoices(account, request).await,
        ["api", "customer", "payments"] => payments::list(account, request).await,
        _ => Err(problem::NOT_FOUND),
    }
}

async fn me(account: &Account, request: &Request) -> Answer {
    let now = account.clock.now();
    let caller = identify(&account.store, request.headers(), None, now).await?;
    answer::ok(&json!({"success": true, "customer": customer(&caller.profile, account.zone, now)}))
}

fn customer(profile: &Profile, zone: Zone, now: OffsetDateTime) -> Value {
    let package = &profile.entitlement.package;
    json!({
        "id": profile.id,
        "name": profile.name,
        "phone": profile.phone,
        "username": profile.username,
        "status": if profile.is_active(now) { "active" } else { "expired" },
        "expiresAt": format::instant(profile.entitlement.expires_at),
        "daysLeft": zone.days_until(profile.entitlement.expires_at, now),
        "credit": profile.credit,
        "package": {
            "id": package.id, "name": package.name, "price": package.price, "downMbps": package.down_mbps, "upMbps": package.up_mbps,
        },
    })
}

/// Session and page are read at once; the page is of the customer whom the token names, and is dropped if the session is not valid.
async fn invoices(account: &Account, request: &Request) -> Answer {
    let now = account.clock.now();
    let claim = claim(request.headers())?;
    let paging = Paging::read(request);
    let (after, limit) = paging.as_ref().map_or((None, 1), |paging| (paging.after.as_ref(), paging.limit));
    let page = account.store.invoices(&claim.customer_id, after, limit);
    let (caller, page) = tokio::join!(identify(&account.store, request.headers(), None, now), page);
    caller?;
    paging?;
    let status = wanted_status(request)?;
    let page = page.map_err(store_problem)?;
    let wanted = page.entries.iter().filter(|invoice| status.is_none_or(|status| invoice.status == status));
    let invoices = wanted.map(|invoice| invoice_shape(invoice, account.zone, now)).collect::<Result<Vec<_>, _>>()?;
    answer::ok(&json!({"success": true, "invoices": invoices, "next": page.next}))
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

fn invoice_shape(invoice: &Invoice, zone: Zone, now: OffsetDateTime) -> Result<Value, Problem> {
    let amount_due = invoice.amount_due().map_err(|error| {
        tracing::error!(alarm = true, invoice = invoice.id.as_str(), %error, "amounts of an invoice do not add up");
        problem::BUSY
    })?;
    Ok(json!({
        "id": invoice.id,
        "invoiceNumber": invoice.number,
        "amount": invoice.amount,
        "amountDue": amount_due,
        "status": invoice.status,
        "overdue": invoice.is_overdue(zone, now),
        "dueDate": format::date(invoice.due_date),
        "paidAt": invoice.paid_at.map(format::instant),
        "paymentLink": reusable(invoice, amount_due, now).map(|link| &link.url),
        "description": invoice.description,
        "kind": invoice.kind,
        "createdAt": format::instant(invoice.created_at),
    }))
}
