//! `GET /api/customer/me|invoices|payments`: what a customer sees of their account, newest first, in pages.

use billing::{
    payment::invoice::InvoiceStatus,
    zone::{Zone, format},
};
use cloud::{
    aws::AwsAccount as Aws,
    clock::Clock,
    public_url::PublicUrl,
    settings::{SettingError, Settings},
    store::{Caller, Store},
};
use lambda_http::{Body, Request, RequestExt as _, Response, http::Method};
use serde_json::{Value, json};
use time::OffsetDateTime;
use web::{
    account::{self, Bill, Paging, Payment},
    answer::{self, Answer},
    caller::{claim, identify},
    problem::{self, Problem},
};

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

async fn me(account: &AccountApi, request: &Request) -> Answer {
    let now = account.clock.now();
    let claim = claim(request, account.public_url.as_ref())?;
    let caller = identify(&account.store, &claim, None, now).await?;
    answer::ok(&json!({"success": true, "customer": customer(&caller, account.zone, now)}))
}

fn customer(caller: &Caller, zone: Zone, now: OffsetDateTime) -> Value {
    let profile = &caller.profile;
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
        "network": account::network_progress(caller, now),
        "package": {
            "id": package.id, "name": package.name, "price": package.price, "downMbps": package.down_mbps, "upMbps": package.up_mbps,
        },
    })
}

async fn invoices(account: &AccountApi, request: &Request) -> Answer {
    let claim = claim(request, account.public_url.as_ref())?;
    let (_, page) =
        account::bills(&account.store, account.zone, &claim, Paging::read(request), account.clock.now()).await?;
    let status = wanted_status(request)?;
    let wanted = page.entries.iter().filter(|bill| status.is_none_or(|status| bill.status == status));
    answer::ok(&json!({"success": true, "invoices": wanted.map(bill_shape).collect::<Vec<_>>(), "next": page.next}))
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

fn bill_shape(bill: &Bill) -> Value {
    let invoice = &bill.invoice;
    json!({
        "id": invoice.id,
        "invoiceNumber": invoice.number,
        "amount": invoice.amount,
        "amountDue": bill.amount_due,
        "status": bill.status,
        "overdue": bill.overdue,
        "dueDate": format::date(invoice.due_date),
        "paidAt": invoice.paid_at.map(format::instant),
        "paymentLink": bill.link,
        "description": invoice.description,
        "kind": invoice.kind,
        "createdAt": format::instant(invoice.created_at),
    })
}

async fn payments(account: &AccountApi, request: &Request) -> Answer {
    let claim = claim(request, account.public_url.as_ref())?;
    let (_, page) = account::payments(&account.store, &claim, Paging::read(request), account.clock.now()).await?;
    answer::ok(
        &json!({"success": true, "payments": page.entries.iter().map(payment_shape).collect::<Vec<_>>(), "next": page.next}),
    )
}

fn payment_shape(payment: &Payment) -> Value {
    let timeline = payment.timeline.iter().map(|(at, what)| json!({"at": format::instant(*at), "what": what}));
    json!({
        "id": payment.id,
        "invoiceId": payment.invoice_id,
        "gateway": payment.gateway,
        "method": payment.method,
        "amount": payment.amount,
        "kind": payment.kind,
        "credit": payment.credit,
        "at": format::instant(payment.at),
        "timeline": timeline.collect::<Vec<_>>(),
    })
}
