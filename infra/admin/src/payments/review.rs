//! `lunas payments review`: what needs a person, until a person has dealt with it.

use std::collections::HashMap;
use std::io::{self, Write};

use billing::{id::InvoiceId, payment::invoice::Invoice, telling::review::Why, zone::format};
use cloud::store::keys;
use cloud::store::review::{Marked, StoredReview};
use serde_json::{Value, json};
use time::{Date, Duration};

use crate::{ALL_DONE, Console, refuse, views};

/// Without `--since`.
const DAYS: i64 = 90;
/// Months that are asked for; each is a query.
const MONTHS: usize = 120;
/// Invoices that are read at once.
const INVOICES_AT_ONCE: usize = 100;
const LONGEST_NOTE: usize = 200;

/// Lists what came up since that day; told page by page, so a long list needs no memory.
pub(crate) async fn list(console: &Console, since: Option<Date>, all: bool) -> anyhow::Result<u8> {
    let now = console.clock.now();
    let begin = since.map_or_else(|| now.saturating_sub(Duration::days(DAYS)), |day| console.zone.start_of(day));
    let mut shown: usize = 0;
    if console.ui.json {
        write!(io::stdout().lock(), "{{\"reviews\":[")?;
    }
    let mut month = first_of(begin.date());
    for _ in 0..MONTHS {
        let mut after = None;
        loop {
            let page = console.store.reviews(month, !all, after.as_ref()).await?;
            let rows: Vec<_> = page.reviews.into_iter().filter(|row| row.review.at >= begin).collect();
            for chunk in rows.chunks(INVOICES_AT_ONCE) {
                shown = tell(console, chunk, shown).await?;
            }
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        month = first_of(month.saturating_add(Duration::days(31)));
        if month > now.date() {
            break;
        }
    }
    let what = if all { "reviews" } else { "to be looked at" };
    if console.ui.json {
        writeln!(io::stdout().lock(), "\n],\"count\":{shown}}}")?;
    } else {
        writeln!(io::stdout().lock(), "{shown} {what} since {}", console.ui.time(begin))?;
    }
    Ok(ALL_DONE)
}

fn first_of(day: Date) -> Date {
    day.replace_day(1).unwrap_or(day)
}

/// Tells some rows, each with its invoice as it stands now; answers how many were told so far.
async fn tell(console: &Console, rows: &[StoredReview], mut shown: usize) -> anyhow::Result<usize> {
    let mut keys: Vec<_> =
        rows.iter().map(|row| keys::invoice(&row.review.customer_id, &row.review.invoice_id)).collect();
    keys.sort();
    keys.dedup();
    let (_, invoices) = console.store.orders_and_invoices(&[], &keys).await?;
    let invoices: HashMap<InvoiceId, Invoice> =
        invoices.into_iter().map(|invoice| (invoice.id.clone(), invoice)).collect();
    let mut out = io::stdout().lock();
    for row in rows {
        let invoice = invoices.get(&row.review.invoice_id);
        if console.ui.json {
            write!(out, "{}{}", if shown == 0 { "\n" } else { ",\n" }, view(row, invoice))?;
        } else {
            writeln!(out, "{}\n", text(console, row, invoice))?;
        }
        shown = shown.saturating_add(1);
    }
    Ok(shown)
}

fn text(console: &Console, row: &StoredReview, invoice: Option<&Invoice>) -> String {
    let StoredReview { id, review, reviewed_at, note } = row;
    let bill = invoice.map_or_else(
        || review.invoice_id.to_string(),
        |invoice| format!("{} ({} now)", invoice.number, super::word(&invoice.status)),
    );
    let said = review.said.as_ref().map_or_else(String::new, |said| format!(": {said}"));
    let mut lines = vec![
        format!(
            "{}  {:<14} {:>12}  customer {}  {bill}",
            console.ui.time(review.at),
            review.why.as_str(),
            review.amount.to_string(),
            review.customer_id
        ),
        format!("  order {} at {}; {}{said}", review.order_id, review.gateway, meaning(review.why)),
    ];
    lines.push(match reviewed_at {
        Some(at) => format!("  dealt with {}: {}", console.ui.time(*at), note.as_deref().unwrap_or_default()),
        None => format!("  do: {}\n  then: lunas payments reviewed {id} --note '…'", what_to_do(review.why)),
    });
    lines.join("\n")
}

fn view(row: &StoredReview, invoice: Option<&Invoice>) -> Value {
    let StoredReview { id, review, reviewed_at, note } = row;
    json!({
        "id": id, "at": format::instant(review.at), "why": review.why, "said": review.said, "amount": review.amount,
        "customerId": review.customer_id, "invoiceId": review.invoice_id, "invoiceNumber": invoice.map(|invoice| &invoice.number),
        "invoiceStatus": invoice.map(|invoice| invoice.status), "gateway": review.gateway, "orderId": review.order_id,
        "todo": what_to_do(review.why), "reviewedAt": views::instant(*reviewed_at), "note": note,
    })
}

const fn meaning(why: Why) -> &'static str {
    match why {
        Why::Surplus => "more was paid than was due",
        Why::Partial => "less was paid than was due",
        Why::PartialRefund => "a part was refunded, the service was not changed",
        Why::Chargeback => "the payer's bank took the payment back, the service was not changed",
        Why::Reversed => "a payment is gone: refunded in full, or taken back by the gateway",
        Why::TakenBack => "the gateway took money back that had become credit, or was a part-payment",
        Why::Unclear => "the gateway's answer is not understood, nothing was booked",
    }
}

const fn what_to_do(why: Why) -> &'static str {
    match why {
        Why::Surplus => {
            "it is credit already; tell the customer, or refund it in the gateway's dashboard if they want it back"
        }
        Why::Partial => "the bill is open for the rest, and its next link asks for that only; remind the customer",
        Why::PartialRefund => {
            "was it meant? If service has to be shortened too, import the customer with another expiresAt"
        }
        Why::TakenBack => {
            "look at the customer's credit: if it was spent already, it is negative now; ask them, or book what you forgive with lunas credit adjust"
        }
        Why::Chargeback => {
            "answer the dispute in the gateway's dashboard; cut the service with an import if it is lost"
        }
        Why::Reversed => {
            "what was paid for is taken back by itself; ask the customer to pay again, unless you refunded it"
        }
        Why::Unclear => {
            "look the order up in the gateway's dashboard: a card held for review is approved or denied there; else report the word"
        }
    }
}

/// Notes that it was dealt with.
pub(crate) async fn mark(console: &Console, id: &str, note: &str) -> anyhow::Result<u8> {
    let (id, note) = (id.trim(), note.trim());
    if note.is_empty() || note.chars().count() > LONGEST_NOTE || note.chars().any(char::is_control) {
        return refuse(format!(
            "say in 1 to {LONGEST_NOTE} characters what was done: --note 'refunded in the dashboard'"
        ));
    }
    let done = |dry: &str| {
        console.ui.result(
            &format!("{dry}{id} is dealt with: {note}"),
            &json!({"success": true, "id": id, "dryRun": console.dry_run}),
        )
    };
    if console.dry_run {
        done("dry run, not noted: ")?;
        return Ok(ALL_DONE);
    }
    match console.store.mark_reviewed(id, note, console.clock.now()).await? {
        Marked::Now => done("")?,
        // The same again: only the answer was lost.
        Marked::Before(before) if before.note.as_deref() == Some(note) => done("")?,
        Marked::Before(before) => {
            let at = before.reviewed_at.map_or_else(String::new, |at| format!(" on {}", console.ui.time(at)));
            return refuse(format!("somebody dealt with it{at} already: {}", before.note.unwrap_or_default()));
        }
        Marked::Unknown => {
            return refuse(format!("nothing to be looked at has the id {id:?}; see `lunas payments review`"));
        }
    }
    Ok(ALL_DONE)
}
