//! `lunas invoices`.

use std::ops::ControlFlow::{Break, Continue};

use billing::id::{InvoiceId, OrderId};
use billing::money::Rupiah;
use billing::payment::invoice::{Invoice, InvoiceStatus, NewInvoice};
use billing::payment::renewal::issue_renewal;
use billing::payment::withdrawal::withdraw;
use billing::service::customer::Profile;
use billing::service::package::Package;
use billing::zone::format;
use cloud::store::{StoreError, new_id, retry_stale};
use serde_json::{Value, json};
use time::Date;

use crate::{ALL_DONE, Console, find, refuse, trouble::Refusal, views};

/// Invoices read at once.
const PAGE: u16 = 100;

/// Issues a renewal invoice.
pub(crate) async fn create(console: &Console, customer: &str, due_date: Date) -> anyhow::Result<u8> {
    let profile = find::customer(console, customer).await?;
    let now = console.clock.now();
    let id = InvoiceId::parse(&new_id("inv_", now))?;
    let in_catalogue =
        console.store.package(&profile.entitlement.package.id).await?.map(|catalogued| catalogued.package);
    refuse_second(console, &profile, in_catalogue.as_ref()).await?;
    let today = console.zone.date(now);
    if due_date < today {
        let (due, today) = (format::date(due_date), format::date(today));
        console.confirm(&format!("Due {due}, and it is {today}: {} would be overdue at once.", profile.username))?;
    }
    if console.dry_run {
        let new = NewInvoice { id, number: "(next number)".to_owned(), due_date };
        let issued = issue_renewal(&profile, in_catalogue.as_ref(), new, console.zone, now)?;
        return show_created(console, &issued.invoice, &profile);
    }
    let number = console.store.next_invoice_number(console.zone.date(now).year()).await?;
    let (id, number, in_catalogue) = (&id, &number, in_catalogue.as_ref());
    retry_stale(profile, |profile| async move {
        let new = NewInvoice { id: id.clone(), number: number.clone(), due_date };
        let issued = issue_renewal(&profile, in_catalogue, new, console.zone, now)?;
        match console.store.issue_invoice(&issued, now).await {
            Ok(()) => return show_created(console, &issued.invoice, &issued.profile).map(Break),
            Err(StoreError::Stale | StoreError::Unavailable(_)) => {}
            Err(error) => return Err(error.into()),
        }
        let profile =
            console.store.profile(&profile.id).await?.ok_or_else(|| Refusal("the customer is gone".to_owned()))?;
        if profile.open_renewal.as_ref() == Some(id) {
            // It did happen; only the answer was lost.
            return show_created(console, &issued.invoice, &profile).map(Break);
        }
        refuse_second(console, &profile, in_catalogue).await?;
        Ok(Continue(profile))
    })
    .await
}

/// A customer owes one renewal at a time.
async fn refuse_second(console: &Console, profile: &Profile, in_catalogue: Option<&Package>) -> anyhow::Result<()> {
    if !in_catalogue.unwrap_or(&profile.entitlement.package).price.is_positive() {
        return refuse(format!(
            "the package {} costs nothing; there is nothing to bill",
            profile.entitlement.package.id
        ));
    }
    let Some(open) = &profile.open_renewal else { return Ok(()) };
    match console.store.invoice(&profile.id, open).await? {
        Some(invoice) if invoice.status == InvoiceStatus::Unpaid => refuse(format!(
            "{} has an unpaid invoice already: {} of {}, due {}; to replace it: lunas invoices cancel {}",
            profile.username,
            invoice.number,
            invoice.amount,
            format::date(invoice.due_date),
            invoice.number
        )),
        _ => Ok(()),
    }
}

fn show_created(console: &Console, invoice: &Invoice, profile: &Profile) -> anyhow::Result<u8> {
    let done = if console.dry_run { "dry run, not issued: " } else { "" };
    let human = format!(
        "{done}{} of {} for {} ({}), due {}, id {}",
        invoice.number,
        invoice.amount,
        profile.username,
        invoice.description,
        format::date(invoice.due_date),
        invoice.id
    );
    let mut view = views::invoice(invoice, console.zone, console.clock.now())?;
    if console.dry_run {
        (view["id"], view["invoiceNumber"]) = (Value::Null, Value::Null);
    }
    console.ui.result(&human, &json!({"success": true, "dryRun": console.dry_run, "invoice": view}))?;
    Ok(ALL_DONE)
}

/// Withdraws an unpaid invoice.
pub(crate) async fn cancel(console: &Console, text: &str, customer: Option<&str>) -> anyhow::Result<u8> {
    let Some(found) = find_invoice(console, text).await? else {
        return refuse(format!(
            "no invoice has the number or id {text:?}; see `lunas invoices list --customer CUSTOMER`"
        ));
    };
    if let Some(customer) = customer {
        let owner = find::customer(console, customer).await?;
        if owner.id != found.customer_id {
            return refuse(format!("{} is not an invoice of {}", found.number, owner.username));
        }
    }
    if found.status == InvoiceStatus::Unpaid {
        console.confirm(&plan(&found))?;
    }
    let found = &found;
    retry_stale(false, |sent| async move {
        let Some((invoice, profile)) = console.store.invoice_and_profile(&found.customer_id, &found.id).await? else {
            return refuse(format!("{} or its customer is gone", found.number));
        };
        if sent && invoice.status == InvoiceStatus::Cancelled {
            // It did happen; only the answer was lost.
            return show_cancelled(console, found, &invoice, &profile).map(Break);
        }
        let order = console.store.order_behind(invoice.link.as_ref()).await?;
        let now = console.clock.now();
        let withdrawal = match withdraw(&invoice, &profile, order.as_ref(), now) {
            Ok(withdrawal) => withdrawal,
            Err(error) => return refuse(format!("{}: {error}", invoice.number)),
        };
        if console.dry_run {
            return show_cancelled(console, &invoice, &withdrawal.invoice, &withdrawal.profile).map(Break);
        }
        match console.store.withdraw_invoice(&withdrawal, now).await {
            Ok(()) => show_cancelled(console, &invoice, &withdrawal.invoice, &withdrawal.profile).map(Break),
            Err(StoreError::Stale) => Ok(Continue(sent)),
            Err(StoreError::Unavailable(_)) => Ok(Continue(true)),
            Err(error) => Err(error.into()),
        }
    })
    .await
}

/// What becomes of an invoice that is cancelled.
fn plan(invoice: &Invoice) -> String {
    let mut plan = vec![format!("Cancel {} of {} ({}).", invoice.number, invoice.amount, invoice.description)];
    if invoice.received.is_positive() {
        plan.push(format!("{} that was paid for it becomes credit.", invoice.received));
    } else if invoice.carried < Rupiah::ZERO {
        plan.push("What it asks for of earlier bills is owed again.".to_owned());
    }
    if let Some(link) = &invoice.link {
        plan.push(format!("Its payment link at {} can no longer be paid.", link.gateway));
    }
    plan.join(" ")
}

fn show_cancelled(console: &Console, before: &Invoice, after: &Invoice, profile: &Profile) -> anyhow::Result<u8> {
    let done = if console.dry_run { "dry run, not cancelled: " } else { "cancelled " };
    let mut lines = vec![format!("{done}{} of {} for {}", after.number, after.amount, profile.username)];
    if before.received.is_positive() {
        lines.push(format!(
            "{} that had been paid for it became credit; credit is now {}",
            before.received, profile.credit
        ));
    }
    if let Some(link) = &before.link {
        lines.push(format!(
            "its payment link is cancelled at {} within minutes (order {})",
            link.gateway, link.order_id
        ));
    }
    let view = views::invoice(after, console.zone, console.clock.now())?;
    let machine = json!({
        "success": true, "dryRun": console.dry_run, "invoice": view, "returned": before.received, "credit": profile.credit,
        "orderId": before.link.as_ref().map(|link| &link.order_id),
    });
    console.ui.result(&lines.join("\n"), &machine)?;
    Ok(ALL_DONE)
}

/// Lists a customer's invoices, newest first.
pub(crate) async fn list(console: &Console, customer: &str, limit: u16) -> anyhow::Result<u8> {
    let profile = find::customer(console, customer).await?;
    let (mut invoices, mut next) = (Vec::new(), None);
    while invoices.len() < usize::from(limit) {
        let page = console.store.invoices(&profile.id, next.as_ref(), i32::from(limit.min(PAGE))).await?;
        invoices.extend(page.entries);
        next = page.next.and_then(|id| InvoiceId::parse(&id).ok());
        if next.is_none() {
            break;
        }
    }
    invoices.truncate(usize::from(limit));
    let now = console.clock.now();
    let lines = invoices
        .iter()
        .map(|invoice| views::invoice_line(invoice, console.ui, console.zone, now))
        .collect::<Result<Vec<_>, _>>()?;
    let human = if lines.is_empty() { format!("{} has no invoices", profile.username) } else { lines.join("\n") };
    let views =
        invoices.iter().map(|invoice| views::invoice(invoice, console.zone, now)).collect::<Result<Vec<_>, _>>()?;
    console.ui.result(&human, &json!({"customerId": profile.id, "invoices": views, "more": next.is_some()}))?;
    Ok(ALL_DONE)
}

/// The invoice with that number or id.
pub(crate) async fn find_invoice(console: &Console, text: &str) -> anyhow::Result<Option<Invoice>> {
    if let Ok(id) = InvoiceId::parse(text)
        && let Some(invoice) = console.store.invoice_by_id(&id).await?
    {
        return Ok(Some(invoice));
    }
    // Numbers keep to the letters of order ids, whose beginning they are.
    match OrderId::parse(text) {
        Ok(_) => Ok(console.store.invoice_by_number(text).await?),
        Err(_) => Ok(None),
    }
}
