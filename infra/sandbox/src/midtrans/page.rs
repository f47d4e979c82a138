//! The payment page of Snap, with a button for everything that can happen to a payment.

use axum::extract::{Form, Path, State};
use axum::response::{IntoResponse, Response};

use super::channel::{self, label};
use super::notification::{notification, status_code};
use super::store::Midtrans;
use super::transaction::{Status, Transaction};
use crate::core::form::{self, Buttons};
use crate::core::{button, escape, fact, midtrans_time, page, rupiah};

/// Transactions on the overview.
const RECENT: usize = 30;

pub(crate) async fn show(State(midtrans): State<Midtrans>, Path(token): Path<String>) -> Response {
    let key = midtrans.signing_key();
    let now = midtrans.clock.now();
    let mut store = midtrans.store();
    let Some((transaction, living)) = store.of_token(&token) else {
        return form::not_found();
    };
    if transaction.look(now) {
        midtrans.deliver_in_background(vec![notification(transaction, &key)]);
    }
    let choosing = transaction.status == Status::NotChosen;
    let closed = !living || (choosing && !transaction.page_is_open(now));
    let mut body = summary(transaction);
    if closed {
        body.push_str(
            "<div class=\"card\"><h2>This page is closed</h2>\
             <p>It has expired, was cancelled by the merchant, or a newer page has replaced it.</p></div>",
        );
    } else {
        body.push_str(&actions(transaction));
    }
    body.push_str(&way_back(transaction));
    page::shell("Pay with Midtrans", None, &body).into_response()
}

pub(crate) async fn act(
    State(midtrans): State<Midtrans>,
    Path(token): Path<String>,
    Form(buttons): Form<Buttons>,
) -> Response {
    let page = format!("/snap/v3/redirection/{token}");
    form::press(&midtrans, token, buttons, &page).await
}

fn summary(transaction: &Transaction) -> String {
    let request = &transaction.request;
    let (class, word) = match transaction.status {
        Status::NotChosen => ("muted", "waiting for a payment method"),
        _ if transaction.challenged => ("muted", "capture, held for review"),
        status if transaction.is_paid() => ("good", status.word()),
        Status::Pending => ("muted", "pending"),
        status => ("bad", status.word()),
    };
    let mut facts = fact("Order", &request.order_id);
    if !request.customer_name.is_empty() {
        facts.push_str(&fact("Customer", &request.customer_name));
    }
    for (name, price) in &request.items {
        facts.push_str(&fact(name, &rupiah::display(*price)));
    }
    if let Some(chosen) = &transaction.channel {
        facts.push_str(&fact("Method", &label(chosen.name)));
        let instruction = chosen.instruction();
        if !instruction.is_empty() {
            facts.push_str(&fact("Pay to", &instruction));
        }
    }
    if transaction.charged != request.gross_amount {
        facts.push_str(&fact("Charged", &rupiah::display(transaction.charged)));
    }
    if !transaction.refunds.is_empty() {
        facts.push_str(&fact("Given back", &rupiah::display(transaction.refunded())));
    }
    let until = transaction.code_expires_at.unwrap_or(transaction.page_expires_at);
    facts.push_str(&fact("Valid until", &format!("{} WIB", midtrans_time(until))));
    format!(
        "<div class=\"card\"><h1>Midtrans</h1><p class=\"amount\">{}</p>\
         <span class=\"state {class}\">{word}</span><dl>{facts}</dl></div>",
        rupiah::display(request.gross_amount)
    )
}

fn actions(transaction: &Transaction) -> String {
    let mut buttons = String::new();
    match transaction.status {
        Status::NotChosen | Status::Pending | Status::Deny if transaction.settled_at.is_none() => {
            let offered = channel::offered(&transaction.request.enabled_payments, transaction.request.gross_amount);
            let chosen = transaction.channel.as_ref().map(|channel| channel.name);
            let preferred = chosen.unwrap_or_else(|| channel::preferred(&offered));
            let options = offered.iter().map(|name| (*name, label(name)));
            buttons.push_str(&page::channels(options, Some(preferred)));
            buttons.push_str(&button("paid", "Pay", true));
            if transaction.status != Status::Pending {
                buttons.push_str(&button("pending", "Choose the method, pay later", false));
            }
            buttons.push_str("<div class=\"pair\">");
            buttons.push_str(&button("denied", "Fail the payment", false));
            if transaction.status != Status::Deny {
                buttons.push_str(&button("expired", "Let the code expire", false));
            }
            buttons.push_str("</div>");
            buttons.push_str(&button("challenged", "Pay by card, held for review", false));
            if transaction.status == Status::NotChosen {
                buttons.push_str(&button("page-expired", "Let the page expire (nobody is notified)", false));
            }
            buttons.push_str(page::extras());
        }
        Status::Capture if transaction.challenged => {
            buttons.push_str(&button("paid", "Approve the card payment", true));
            buttons.push_str(&button("denied", "Deny the card payment", false));
            buttons.push_str(page::extras());
        }
        _ if transaction.is_paid() => {
            buttons.push_str("<h2>What the bank or the merchant may still do</h2>");
            if transaction.status == Status::Capture {
                buttons.push_str(&button("settled", "Settle the card payment", false));
            }
            buttons.push_str(&button("refunded", "Refund (all, or the amount below)", false));
            buttons.push_str(&button("reversed", "Reverse: the settled payment is denied", false));
            buttons.push_str(&button("chargeback", "Charge back", false));
            buttons.push_str(page::extras());
        }
        _ => return String::new(),
    }
    format!("<form class=\"card\" method=\"post\">{buttons}</form>")
}

/// The link back to the merchant, with the query that Snap appends.
fn way_back(transaction: &Transaction) -> String {
    let Some(finish) = &transaction.request.finish_url else {
        return String::new();
    };
    if transaction.status == Status::NotChosen {
        return String::new();
    }
    let joint = if finish.contains('?') { '&' } else { '?' };
    let href = format!(
        "{finish}{joint}order_id={}&status_code={}&transaction_status={}",
        transaction.request.order_id,
        status_code(transaction),
        transaction.status.word()
    );
    format!("<a class=\"button primary\" href=\"{}\">Back to the merchant</a>", escape(&href))
}

/// Recent transactions, as rows of a table.
pub(crate) fn overview(midtrans: &Midtrans) -> String {
    let store = midtrans.store();
    let rows: Vec<String> = store
        .newest(RECENT)
        .iter()
        .map(|transaction| {
            format!(
                "<tr><td><a href=\"/snap/v3/redirection/{}\">{}</a></td><td>{}</td><td>{}</td></tr>",
                escape(&transaction.token),
                escape(&transaction.request.order_id),
                rupiah::display(transaction.request.gross_amount),
                transaction.status.word()
            )
        })
        .collect();
    rows.concat()
}
