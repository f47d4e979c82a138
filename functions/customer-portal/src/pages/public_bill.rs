//! A bill for whoever holds its link: to be paid without a login, and its receipt afterwards. It tells number, amount
//! and dates, and nothing about the customer.

use billing::{payment::gateway::GatewayName, zone::format};
use cloud::pay_page_key::Token;
use maud::{Markup, html};
use time::Date;
use web::{account::Bill, pay_page::Receipt};

use super::Page;
use super::invoice_row::{State, carried, message, under_review};
use super::layout::{self, Frame, PUBLIC_BILL, alert};
use crate::texts;

/// Where somebody stands with paying.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Opened the link.
    Bill,
    /// On the way to the gateway's page, without a script.
    Pay,
    /// Back from the gateway's page.
    Finish,
}

impl Step {
    #[must_use]
    pub fn parse(step: Option<&str>) -> Option<Self> {
        match step {
            None => Some(Self::Bill),
            Some("pay") => Some(Self::Pay),
            Some("finish") => Some(Self::Finish),
            Some(_) => None,
        }
    }
}

/// What is shown.
#[derive(Clone, Copy)]
pub struct PublicBill<'a> {
    /// What opened the page, and lets its forms pay.
    pub token: &'a Token,
    pub bill: &'a Bill,
    /// How it was paid, if it was.
    pub receipt: Option<&'a Receipt>,
    pub step: Step,
    /// What went wrong, as of [`crate::texts::message_of`].
    pub error: Option<&'static str>,
}

impl PublicBill<'_> {
    fn endpoint(&self, what: &str) -> String {
        format!("/api/pay/{}/{what}", self.token.as_str())
    }

    /// A link that may be given out here: the customer's own may lead to a page that names them.
    fn link(&self) -> Option<&str> {
        let is_public = self.bill.invoice.link.as_ref().is_some_and(|link| link.public);
        if is_public { self.bill.link.as_deref() } else { None }
    }

    /// What the script knows the bill by: the customer's own id of it stands nowhere.
    fn name(&self) -> String {
        let mut name = self.token.hash();
        name.truncate(12);
        name
    }
}

/// The bill's page.
#[must_use]
pub fn public_bill(view: &PublicBill<'_>, page: &Page<'_>) -> Markup {
    if view.step == Step::Pay && State::of(view.bill).is_open() { on_the_way(view, page) } else { bill(view, page) }
}

fn bill(view: &PublicBill<'_>, page: &Page<'_>) -> Markup {
    let texts = page.texts();
    let invoice = &view.bill.invoice;
    let state = State::of(view.bill);
    let (word, colour, text) = state.shown(texts);
    let name = view.name();
    let (title, number) = (if state == State::Paid { texts.receipt } else { texts.for_invoice }, &invoice.number);
    // On its way back from a gateway the script asks by itself.
    let part = if view.step == Step::Finish { "finish" } else { "bill" };
    let content = html! {
        (alert(view.error.filter(|_| state != State::InReview)))
        section.card #(part) data-live aria-labelledby="title" {
            h1 #title { (title) @if state != State::Paid { " " (number) } }
            ul.invoices role="list" {
                li.invoice #{ "invoice-" (name) } data-invoice=(invoice.number) data-invoice-id=(name) data-state=(word)
                    data-pay-api=(view.endpoint("")) {
                    div.top {
                        p.what #{ "about-" (name) } {
                            @if state == State::Paid { (number) } @else { (texts.due) " " (day(invoice.due_date, page)) }
                        }
                        span class={ "badge " (colour) } { (text) }
                    }
                    p.amount { (invoice.amount) }
                    @if state.is_open() && view.bill.amount_due != invoice.amount { p.left { (texts.left_to_pay) " " (view.bill.amount_due) } }
                    (carried(invoice, page))
                    @if let (State::Paid, Some(receipt)) = (state, view.receipt) { (facts(view.bill, receipt, page)) }
                    @if state == State::InReview { (under_review(page)) }
                    (message())
                    @if state == State::InReview { (check_form(view, true, page)) }
                    @if state.is_open() { (controls(view, &name, page)) }
                    @if state == State::Activating { p { a.link href=(view.token.page(None)) { (texts.check_again) } } }
                }
            }
        }
        @if state.is_open() { p.hint { (texts.bill_public) } }
        p.choices { a.link href="/customer" { (texts.own_account) } }
    };
    let frame = Frame { name: PUBLIC_BILL, title: &format!("{title} {number}"), menu: None, leads_to: None };
    layout::document(page, &frame, &content)
}

fn day(date: Date, page: &Page<'_>) -> Markup {
    html! { time datetime=(format::date(date)) { (page.lang.date(date)) } }
}

fn facts(bill: &Bill, receipt: &Receipt, page: &Page<'_>) -> Markup {
    let texts = page.texts();
    let time = |at| html! { time datetime=(texts::machine_time(at)) { (texts::date_time(at, page.zone, page.lang)) } };
    html! {
        dl.facts {
            @if let Some(paid_at) = bill.invoice.paid_at { div { dt { (texts.paid_on) } dd { (time(paid_at)) } } }
            @if bill.invoice.credit_applied.is_positive() { div { dt { (texts.credit) } dd { (bill.invoice.credit_applied) } } }
            @for (gateway, channel) in &receipt.methods {
                div {
                    dt { (texts.paid_with) }
                    dd { @if let Some(channel) = channel { (texts::method(channel, page.lang)) " · " } (texts::gateway(*gateway)) }
                }
            }
            @if let Some(until) = receipt.served_until { div { dt { (texts.valid_until) } dd { (time(until)) } } }
        }
    }
}

fn check_form(view: &PublicBill<'_>, first: bool, page: &Page<'_>) -> Markup {
    html! {
        form data-check method="post" action=(view.endpoint("check")) { button.primary[first] type="submit" { (page.texts().check) } }
    }
}

/// First what is most likely wanted: paying; or, back from the gateway, to be told that it arrived.
fn controls(view: &PublicBill<'_>, name: &str, page: &Page<'_>) -> Markup {
    let texts = page.texts();
    let is_back = view.step == Step::Finish;
    let check = check_form(view, is_back, page);
    html! {
        @if is_back { (check) }
        form data-pay method="post" action=(view.endpoint("link")) target="_blank" {
            button.primary[!is_back] type="submit" aria-describedby={ "about-" (name) } { (texts.pay_now) }
            details.methods {
                summary { (texts.other_methods) }
                div { @for gateway in GatewayName::ALL { button type="submit" name="gateway" value=(gateway) { (texts::gateway(gateway)) } } }
            }
        }
        // Before a link was made nobody can have paid.
        @if !is_back && view.bill.invoice.link.is_some() { (check) }
    }
}

/// Leads on to the gateway's page if a link is stored and nothing went wrong; else offers to try again.
fn on_the_way(view: &PublicBill<'_>, page: &Page<'_>) -> Markup {
    let texts = page.texts();
    let link = if view.error.is_none() { view.link() } else { None };
    let title = match (link, view.error) {
        (Some(_), _) => texts.opening,
        (None, Some(_)) => texts.pay_failed,
        (None, None) => texts.pay_title,
    };
    let content = html! {
        div.card {
            h1 { (title) }
            (alert(view.error))
            p.amount { (view.bill.amount_due) }
            p.meta { (view.bill.invoice.number) }
            @if let Some(link) = link {
                p.hint { (texts.link_made) }
                p { a.button.primary href=(link) rel="noreferrer" { (texts.open_payment_page) } }
            } @else {
                form method="post" action=(view.endpoint("link")) {
                    button.primary type="submit" { @if view.error.is_some() { (texts.retry) } @else { (texts.pay_now) } }
                }
            }
            p.choices { a.link href=(view.token.page(None)) { (texts.for_invoice) " " (view.bill.invoice.number) } }
        }
    };
    layout::document(page, &Frame { name: "pay", title, menu: None, leads_to: link }, &content)
}

/// The link opens nothing: never did, or not any more. Which of the two is nobody's business.
#[must_use]
pub fn bill_gone(page: &Page<'_>) -> Markup {
    let texts = page.texts();
    let content = html! {
        div.card {
            h1 { (texts.bill_gone) }
            p { (texts.bill_gone_text) }
            p { a.button.primary href="/customer" { (texts.own_account) } }
        }
    };
    layout::document(page, &Frame { name: "trouble", title: texts.bill_gone, menu: None, leads_to: None }, &content)
}
