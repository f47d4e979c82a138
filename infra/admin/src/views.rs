//! States as the API shows them: camelCase, instants in UTC, whole rupiah.

use billing::money::MoneyError;
use billing::money::ledger::Entry;
use billing::payment::invoice::{Invoice, InvoiceKind};
use billing::payment::link::reusable;
use billing::service::customer::Profile;
use billing::zone::{Zone, format};
use cloud::store::LedgerLine;
use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::ui::Ui;

pub(crate) fn instant(at: Option<OffsetDateTime>) -> Value {
    at.map(format::instant).into()
}

pub(crate) fn customer(profile: &Profile, zone: Zone, now: OffsetDateTime) -> Value {
    let package = &profile.entitlement.package;
    json!({
        "id": profile.id, "name": profile.name, "phone": profile.phone, "username": profile.username,
        "status": status(profile, now), "expiresAt": format::instant(profile.entitlement.expires_at),
        "daysLeft": zone.days_until(profile.entitlement.expires_at, now), "credit": profile.credit,
        "package": {
            "id": package.id, "name": package.name, "price": package.price, "downMbps": package.down_mbps, "upMbps": package.up_mbps,
            "periodMonths": package.period_months,
        },
        "deviceId": profile.device_id, "ontSerial": profile.ont_serial, "openInvoiceId": profile.open_renewal,
        "openUpgradeId": profile.open_upgrade,
        "createdAt": format::instant(profile.created_at), "updatedAt": format::instant(profile.updated_at),
    })
}

pub(crate) fn status(profile: &Profile, now: OffsetDateTime) -> &'static str {
    if profile.is_active(now) { "active" } else { "expired" }
}

pub(crate) fn invoice(invoice: &Invoice, zone: Zone, now: OffsetDateTime) -> Result<Value, MoneyError> {
    let due = invoice.amount_due()?;
    Ok(json!({
        "id": invoice.id, "invoiceNumber": invoice.number, "customerId": invoice.customer_id, "kind": invoice.kind, "packageId": invoice.package.id,
        "description": invoice.description, "amount": invoice.amount, "amountDue": due, "received": invoice.received, "carried": invoice.carried,
        "refunded": invoice.refunded, "status": invoice.status, "overdue": invoice.is_overdue(zone, now),
        "dueDate": format::date(invoice.due_date), "paidAt": instant(invoice.paid_at), "appliedAt": instant(invoice.applied_at),
        "paymentLink": reusable(invoice, due, now).map(|link| link.url.as_str()), "createdAt": format::instant(invoice.created_at),
    }))
}

pub(crate) fn ledger(line: &LedgerLine) -> Value {
    let Entry { invoice_id, kind, amount, payment, at, .. } = &line.entry;
    json!({
        "id": line.id, "reason": line.reason, "invoiceId": invoice_id, "kind": kind, "amount": amount, "at": format::instant(*at),
        "gateway": payment.as_ref().map(|payment| payment.gateway), "orderId": payment.as_ref().map(|payment| &payment.order_id),
        "transactionId": payment.as_ref().map(|payment| payment.transaction_id.as_str()),
        "method": payment.as_ref().and_then(|payment| payment.method.as_deref()),
    })
}

/// One line of a list of invoices.
pub(crate) fn invoice_line(invoice: &Invoice, ui: Ui, zone: Zone, now: OffsetDateTime) -> Result<String, MoneyError> {
    let status = serde_json::to_value(invoice.status)
        .ok()
        .and_then(|status| status.as_str().map(str::to_owned))
        .unwrap_or_default();
    let due = invoice.amount_due()?;
    // As text first: the width of a column applies to text only.
    let amount = invoice.amount.to_string();
    let mut parts =
        vec![format!("{}  {status:<9}  {amount:>12}  due {}", invoice.number, format::date(invoice.due_date))];
    if invoice.kind == InvoiceKind::Upgrade {
        parts.push(format!("change to {}", invoice.package.id));
    }
    if invoice.is_overdue(zone, now) {
        parts.push("OVERDUE".to_owned());
    }
    if due.is_positive() && due != invoice.amount {
        parts.push(format!("{due} still to pay"));
    }
    if let Some(paid_at) = invoice.paid_at {
        parts.push(format!("paid {}", ui.time(paid_at)));
    }
    if invoice.awaits_apply() {
        parts.push("NOT APPLIED YET".to_owned());
    }
    Ok(parts.join("  "))
}
