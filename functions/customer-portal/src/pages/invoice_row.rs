//! One bill with its buttons. Only what is still to pay has any.

use billing::payment::gateway::GatewayName;
use billing::payment::invoice::{Invoice, InvoiceStatus};
use billing::telling::network::NetworkProgress;
use billing::zone::format;
use maud::{Markup, html};
use web::account::Bill;

use super::Page;
use super::layout::{csrf, invoice_id};
use crate::texts::{self, Texts};

/// Where a bill stands for the customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Unpaid,
    Overdue,
    /// A payment is held for review: may be paid, and is not to be paid again.
    InReview,
    /// Paid; the service is about to be extended, or the network about to hear of it.
    Activating,
    Paid,
    Cancelled,
}

impl State {
    pub(super) fn of(bill: &Bill) -> Self {
        match bill.status {
            InvoiceStatus::Unpaid if bill.in_review => Self::InReview,
            InvoiceStatus::Unpaid if bill.overdue => Self::Overdue,
            InvoiceStatus::Unpaid => Self::Unpaid,
            InvoiceStatus::Paid if bill.is_activating() => Self::Activating,
            InvoiceStatus::Paid => Self::Paid,
            InvoiceStatus::Cancelled => Self::Cancelled,
        }
    }

    pub(super) const fn is_open(self) -> bool {
        matches!(self, Self::Unpaid | Self::Overdue)
    }

    /// The word for script and tests, the badge's colour, its text.
    pub(super) const fn shown(self, texts: &Texts) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Unpaid => ("unpaid", "yellow", texts.unpaid),
            Self::Overdue => ("overdue", "red", texts.overdue),
            Self::InReview => ("in-review", "blue", texts.in_review),
            Self::Activating => ("activating", "blue", texts.activating),
            Self::Paid => ("paid", "green", texts.paid),
            Self::Cancelled => ("cancelled", "grey", texts.cancelled),
        }
    }
}

/// The bill as an entry of a list.
pub(super) fn row(bill: &Bill, page: &Page<'_>) -> Markup {
    entry(
        bill,
        page,
        &html! {
            @if State::of(bill).is_open() { (pay_form(bill, true, page)) }
            @if bill.in_review { (under_review(page)) (check_form(bill, page)) }
            (message())
        },
    )
}

/// The bill with, first of all, a button that asks the gateway whether it is paid.
pub(super) fn row_to_check(bill: &Bill, page: &Page<'_>) -> Markup {
    entry(
        bill,
        page,
        &html! {
            @if bill.network == Some(NetworkProgress::Late) { p.notice role="status" { (page.texts().network_late) } }
            @if bill.in_review { (under_review(page)) }
            (message())
            @if State::of(bill).is_open() { (check_form(bill, page)) (pay_form(bill, false, page)) }
            @if bill.in_review { (check_form(bill, page)) }
        },
    )
}

fn entry(bill: &Bill, page: &Page<'_>, controls: &Markup) -> Markup {
    let texts = page.texts();
    let invoice = &bill.invoice;
    let state = State::of(bill);
    let (word, colour, text) = state.shown(texts);
    html! {
        li.invoice #{ "invoice-" (invoice.id) } data-invoice=(invoice.number) data-invoice-id=(invoice.id) data-state=(word) {
            div.top {
                p.what { (invoice.description) }
                span class={ "badge " (colour) } { (text) }
            }
            p.amount { (invoice.amount) }
            @if state.is_open() && bill.amount_due != invoice.amount { p.left { (texts.left_to_pay) " " (bill.amount_due) } }
            (carried(invoice, page))
            p.meta #{ "about-" (invoice.id) } {
                span { (invoice.number) }
                " "
                span { (texts.due) " " time datetime=(format::date(invoice.due_date)) { (page.lang.date(invoice.due_date)) } }
            }
            (controls)
        }
    }
}

/// Why a bill asks for more than its amount, or was paid with less.
pub(super) fn carried(invoice: &Invoice, page: &Page<'_>) -> Markup {
    let texts = page.texts();
    let from_before = invoice.carried.negated().ok().filter(|from_before| from_before.is_positive());
    html! {
        @if let Some(from_before) = from_before { p.meta { (texts.carried_here) " " (from_before) } }
        @if invoice.carried.is_positive() { p.meta { (texts.carried_on) " " (invoice.carried) } }
    }
}

/// Where the script says what is going on with this bill.
pub(super) fn message() -> Markup {
    html! { p data-message role="status" {} }
}

/// Why there is no way to pay.
pub(super) fn under_review(page: &Page<'_>) -> Markup {
    html! { p.notice role="status" { (page.texts().in_review_text) } }
}

fn check_form(bill: &Bill, page: &Page<'_>) -> Markup {
    html! {
        form data-check method="post" action={ "/api/customer/invoices/" (bill.invoice.id) "/check" } {
            (csrf(page))
            button.primary type="submit" { (page.texts().check) }
        }
    }
}

fn pay_form(bill: &Bill, first: bool, page: &Page<'_>) -> Markup {
    let texts = page.texts();
    let has_link = bill.link.is_some();
    html! {
        form data-pay method="post" action="/api/customer/invoices/payment" target="_blank" {
            (csrf(page))
            (invoice_id(&bill.invoice.id))
            button.primary[first] type="submit" data-has-link[has_link] aria-describedby={ "about-" (bill.invoice.id) } {
                @if has_link { (texts.pay_now) } @else { (texts.make_link) }
            }
            details.methods {
                summary { (texts.other_methods) }
                div {
                    @for gateway in GatewayName::ALL { button type="submit" name="gateway" value=(gateway) { (texts::gateway(gateway)) } }
                    button type="submit" formaction="/customer/share" formtarget="_self" { (texts.share) }
                }
            }
        }
    }
}
