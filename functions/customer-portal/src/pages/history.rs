//! The customer's payments, each with what happened on its way.

use maud::{Markup, html};
use web::account::{Kind, Moment, Payment};

use super::Page;
use super::layout::{self, Frame, Menu};
use crate::texts::{self, Texts};

/// A page of payments, newest first.
#[derive(Debug, Clone, Copy)]
pub struct Payments<'a> {
    pub entries: &'a [Payment],
    /// Where the next page begins, if there is one.
    pub next: Option<&'a str>,
    /// Is this the first page? Else a link leads back to it.
    pub newest: bool,
}

/// Lists them.
#[must_use]
pub fn history(payments: &Payments<'_>, page: &Page<'_>) -> Markup {
    let texts = page.texts();
    let content = html! {
        h1 { (texts.history_title) }
        @if payments.entries.is_empty() {
            div.card { p.empty { (texts.no_payments) } }
        } @else {
            ol #payments role="list" { @for payment in payments.entries { (entry(payment, page)) } }
        }
        @if payments.next.is_some() || !payments.newest {
            p.choices {
                @if let Some(next) = payments.next { a.link href={ "/customer/history?cursor=" (next) } { (texts.older_payments) } }
                @if !payments.newest { a.link href="/customer/history" { (texts.newest_payments) } }
            }
        }
    };
    layout::document(
        page,
        &Frame { name: "history", title: texts.history_title, menu: Some(Menu::History), leads_to: None },
        &content,
    )
}

fn entry(payment: &Payment, page: &Page<'_>) -> Markup {
    let texts = page.texts();
    let (sign, kind) = direction(payment.kind, texts);
    let method = payment.method.as_deref().map(|channel| texts::method(channel, page.lang));
    let gateway = payment.gateway.map(|gateway| texts::gateway(gateway).to_owned());
    let via = method.into_iter().chain(gateway).collect::<Vec<_>>().join(" · ");
    html! {
        li.payment.card data-payment=(payment.id) {
            div.top {
                p.what { (kind) }
                p.amount.out[!sign.is_empty()] { (sign) (payment.amount) }
            }
            @if payment.credit { p.meta { (if sign.is_empty() { texts.became_credit } else { texts.out_of_credit }) } }
            p.meta { time datetime=(texts::machine_time(payment.at)) { (texts::date_time(payment.at, page.zone, page.lang)) } }
            p.meta {
                span { (via) }
                @if let Some(number) = &payment.invoice_number { " " span { (number) } }
            }
            @if !payment.timeline.is_empty() {
                ol.timeline aria-label=(texts.timeline) {
                    @for (at, moment) in &payment.timeline {
                        li {
                            span { (moment_text(*moment, texts)) }
                            " "
                            time datetime=(texts::machine_time(*at)) { (texts::time_of_day(*at, payment.at, page.zone, page.lang)) }
                        }
                    }
                }
            }
        }
    }
}

/// What is in front of the amount, and what it is called.
const fn direction(kind: Kind, texts: &Texts) -> (&'static str, &'static str) {
    match kind {
        Kind::Received => ("", texts.received),
        Kind::Refund => ("-", texts.refund),
        Kind::Reversal => ("-", texts.reversal),
        Kind::Chargeback => ("-", texts.chargeback),
    }
}

const fn moment_text(moment: Moment, texts: &Texts) -> &'static str {
    match moment {
        Moment::LinkCreated => texts.link_created,
        Moment::Paid => texts.moment_paid,
        Moment::Confirmed => texts.confirmed,
        Moment::ServiceExtended => texts.service_extended,
    }
}
