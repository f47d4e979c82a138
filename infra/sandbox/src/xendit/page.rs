//! The hosted page of an invoice.

use axum::extract::{Form, Path, State};
use axum::response::{IntoResponse, Response};

use super::channel;
use super::invoice::{Invoice, Status};
use super::store::Xendit;
use crate::core::form::{self, Buttons};
use crate::core::{button, escape, fact, midtrans_time, page, rupiah};

/// Invoices on the overview.
const RECENT: usize = 30;

pub(crate) async fn show(State(xendit): State<Xendit>, Path(id): Path<String>) -> Response {
    let Some(invoice) = xendit.looked_at(&id) else {
        return form::not_found();
    };
    let mut body = summary(&invoice);
    body.push_str(&actions(&invoice));
    body.push_str(&way_back(&invoice));
    page::shell("Pay with Xendit", None, &body).into_response()
}

pub(crate) async fn act(
    State(xendit): State<Xendit>,
    Path(id): Path<String>,
    Form(buttons): Form<Buttons>,
) -> Response {
    let page = format!("/web/{id}");
    form::press(&xendit, id, buttons, &page).await
}

fn summary(invoice: &Invoice) -> String {
    let class = match invoice.status {
        Status::Pending => "muted",
        Status::Paid | Status::Settled => "good",
        Status::Expired => "bad",
    };
    let mut facts = fact("Invoice", &invoice.external_id);
    if let Some(description) = invoice.echoed.get("description").and_then(serde_json::Value::as_str) {
        facts.push_str(&fact("Description", description));
    }
    if let Some(payment) = &invoice.payment {
        facts.push_str(&fact("Method", &payment.channel));
        if payment.amount != invoice.amount {
            facts.push_str(&fact("Paid", &rupiah::display(payment.amount)));
        }
    }
    facts.push_str(&fact("Valid until", &format!("{} WIB", midtrans_time(invoice.expiry))));
    format!(
        "<div class=\"card\"><h1>Xendit</h1><p class=\"amount\">{}</p>\
         <span class=\"state {class}\">{}</span><dl>{facts}</dl></div>",
        rupiah::display(invoice.amount),
        invoice.status.word()
    )
}

fn actions(invoice: &Invoice) -> String {
    let mut buttons = String::new();
    match invoice.status {
        Status::Pending => {
            let options = channel::offered(&invoice.payment_methods, invoice.amount);
            let options = options.iter().map(|name| (*name, name.replace('_', " ")));
            buttons.push_str(&page::channels(options, None));
            buttons.push_str(&button("paid", "Pay", true));
            buttons.push_str("<div class=\"pair\">");
            buttons.push_str(&button("denied", "Fail the payment", false));
            buttons.push_str(&button("expired", "Let it expire", false));
            buttons.push_str("</div>");
            buttons.push_str(page::extras());
        }
        Status::Paid => buttons.push_str(&button("settled", "Settle: the money reaches the merchant", false)),
        Status::Settled | Status::Expired => return String::new(),
    }
    format!("<form class=\"card\" method=\"post\">{buttons}</form>")
}

/// The link back to the merchant.
fn way_back(invoice: &Invoice) -> String {
    let name = match invoice.status {
        Status::Pending => return String::new(),
        Status::Paid | Status::Settled => "success_redirect_url",
        Status::Expired => "failure_redirect_url",
    };
    invoice
        .echoed
        .get(name)
        .and_then(serde_json::Value::as_str)
        // The page links there: nothing but a web address may become a link.
        .filter(|url| url.starts_with("http://") || url.starts_with("https://"))
        .map(|url| format!("<a class=\"button primary\" href=\"{}\">Back to the merchant</a>", escape(url)))
        .unwrap_or_default()
}

/// Recent invoices, as rows of a table.
pub(crate) fn overview(xendit: &Xendit) -> String {
    let ids = xendit.store().ids(None);
    let rows: Vec<String> = ids
        .iter()
        .take(RECENT)
        .filter_map(|id| xendit.looked_at(id))
        .map(|invoice| {
            format!(
                "<tr><td><a href=\"/web/{}\">{}</a></td><td>{}</td><td>{}</td></tr>",
                escape(&invoice.id),
                escape(&invoice.external_id),
                rupiah::display(invoice.amount),
                invoice.status.word()
            )
        })
        .collect();
    rows.concat()
}
