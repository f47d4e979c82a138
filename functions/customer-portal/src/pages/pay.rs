//! On the way to the gateway's page: without script, when the browser blocks new tabs, and when no link could be made.
//!
//! A form cannot be redirected to the gateway: `form-action 'self'` forbids it, and gateways change their hosts.

use maud::{Markup, html};
use web::account::Bill;

use super::Page;
use super::invoice_row::{State, under_review};
use super::layout::{self, Frame, alert, csrf, invoice_id};

/// The bill to pay.
#[derive(Debug, Clone, Copy)]
pub struct Pay<'a> {
    pub bill: &'a Bill,
    /// What went wrong, as of [`crate::texts::message_of`].
    pub error: Option<&'static str>,
}

/// Leads on to the gateway's page if a link is stored and nothing went wrong; else offers to try again.
#[must_use]
pub fn pay(view: &Pay<'_>, page: &Page<'_>) -> Markup {
    let texts = page.texts();
    let Pay { bill, error } = view;
    // What is under review is no failure.
    let error = error.filter(|_| !bill.in_review);
    let link = if error.is_none() { bill.link.as_deref() } else { None };
    let title = match (link, error) {
        (Some(_), _) => texts.opening,
        (None, None) if bill.in_review => texts.in_review,
        (None, Some(_)) => texts.pay_failed,
        (None, None) => texts.pay_title,
    };
    let content = html! {
        div.card {
            h1 { (title) }
            (alert(error))
            p.amount { (bill.amount_due) }
            p.meta { (bill.invoice.description) " · " (bill.invoice.number) }
            @if let Some(link) = link {
                p.hint { (texts.link_made) }
                p { a.button.primary href=(link) rel="noreferrer" { (texts.open_payment_page) } }
            } @else if State::of(bill).is_open() {
                form method="post" action="/api/customer/invoices/payment" {
                    (csrf(page))
                    (invoice_id(&bill.invoice.id))
                    button.primary type="submit" { @if error.is_some() { (texts.retry) } @else { (texts.make_link) } }
                }
            } @else {
                // Paid, perhaps just now by credit; cancelled; or under review.
                @let (word, colour, text) = State::of(bill).shown(texts);
                p data-state=(word) { span class={ "badge " (colour) } { (text) } }
                @if bill.in_review { (under_review(page)) }
            }
            p.choices { a.link href="/customer" { (texts.back_home) } }
        }
    };
    layout::document(page, &Frame { name: "pay", title, menu: None, leads_to: link }, &content)
}
