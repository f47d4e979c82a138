//! Where gateways lead customers back to. It marks nothing: the script, or the button, asks the gateway.

use maud::{Markup, html};
use web::account::Bill;

use super::layout::{self, Frame, alert};
use super::{Page, invoice_row};

/// What may have been paid.
#[derive(Debug, Clone, Copy)]
pub struct Finish<'a> {
    /// The bill that the customer comes back from, or all that may be meant. Those that were paid lately belong to
    /// them.
    pub bills: &'a [Bill],
    /// Why the last check failed, as of [`crate::texts::message_of`].
    pub error: Option<&'static str>,
}

/// Shows where the payment stands.
#[must_use]
pub fn finish(view: &Finish<'_>, page: &Page<'_>) -> Markup {
    let texts = page.texts();
    let content = html! {
        h1 { (texts.finish_title) }
        (alert(view.error))
        p.intro { (texts.finish_intro) }
        section.card #finish data-live aria-label=(texts.finish_title) {
            @if view.bills.is_empty() {
                p.empty { (texts.nothing_to_check) }
            } @else {
                ul.invoices role="list" { @for bill in view.bills { (invoice_row::row_to_check(bill, page)) } }
            }
        }
        p.choices { a.link href="/customer" { (texts.back_home) } }
    };
    layout::document(page, &Frame { name: "finish", title: texts.finish_title, menu: None, leads_to: None }, &content)
}
