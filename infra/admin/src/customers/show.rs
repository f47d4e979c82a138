//! `lunas customers show`.

use billing::{id::InvoiceId, payment::invoice::Invoice, service::customer::Profile, zone::format};
use serde_json::json;

use crate::{ALL_DONE, Console, find, views};

/// Invoices and ledger entries shown.
const RECENT: i32 = 5;

/// Shows one customer.
pub(crate) async fn show(console: &Console, text: &str) -> anyhow::Result<u8> {
    let (ui, zone, now) = (console.ui, console.zone, console.clock.now());
    let profile = find::customer(console, text).await?;
    let open = open_invoice(console, &profile, profile.open_renewal.as_ref()).await?;
    let upgrade = open_invoice(console, &profile, profile.open_upgrade.as_ref()).await?;
    let invoices = console.store.invoices(&profile.id, None, RECENT).await?.entries;
    let ledger = console.store.ledger(&profile.id, None, RECENT).await?.entries;

    let package = &profile.entitlement.package;
    let expires_at = profile.entitlement.expires_at;
    let device = profile.device_id.as_deref().unwrap_or("-");
    let serial = profile.ont_serial.as_deref().unwrap_or("-");
    let mut lines = vec![
        format!("{}  {}", profile.id, profile.name),
        format!("username   {}", profile.username),
        format!("phone      {}", profile.phone.as_ref().map_or("-", |phone| phone.as_str())),
        format!("package    {} ({}, {} / {} month(s))", package.id, package.name, package.price, package.period_months),
        format!(
            "status     {}, until {} ({} days)",
            views::status(&profile, now),
            ui.time(expires_at),
            zone.days_until(expires_at, now)
        ),
        format!("paid for   {} of it not used yet", profile.entitlement.unused(now)?),
        format!("credit     {}", profile.credit),
        format!("device     {device}, ONT {serial}"),
        format!("since      {}", format::date(zone.date(profile.created_at))),
    ];
    match &open {
        Some(invoice) => lines.push(format!("open       {}", views::invoice_line(invoice, ui, zone, now)?)),
        None => lines.push("open       no invoice".to_owned()),
    }
    if let Some(upgrade) = &upgrade {
        lines.push(format!("change     {}", views::invoice_line(upgrade, ui, zone, now)?));
    }
    lines.push("invoices, newest first:".to_owned());
    for invoice in &invoices {
        lines.push(format!("  {}", views::invoice_line(invoice, ui, zone, now)?));
    }
    lines.push("ledger, newest first:".to_owned());
    for line in &ledger {
        lines.push(format!("  {}  {:?}  {}", ui.time(line.entry.at), line.entry.kind, line.entry.amount));
    }
    let machine = json!({
        "customer": views::customer(&profile, zone, now),
        "openInvoice": open.as_ref().map(|invoice| views::invoice(invoice, zone, now)).transpose()?,
        "openUpgrade": upgrade.as_ref().map(|invoice| views::invoice(invoice, zone, now)).transpose()?,
        "invoices": invoices.iter().map(|invoice| views::invoice(invoice, zone, now)).collect::<Result<Vec<_>, _>>()?,
        "ledger": ledger.iter().map(views::ledger).collect::<Vec<_>>(),
    });
    ui.result(&lines.join("\n"), &machine)?;
    Ok(ALL_DONE)
}

async fn open_invoice(
    console: &Console,
    profile: &Profile,
    invoice: Option<&InvoiceId>,
) -> anyhow::Result<Option<Invoice>> {
    match invoice {
        Some(invoice) => Ok(console.store.invoice(&profile.id, invoice).await?),
        None => Ok(None),
    }
}
