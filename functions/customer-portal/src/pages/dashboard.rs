//! Home: the account, the bills, the modem.

use billing::{service::customer::Profile, telling::network::NetworkProgress};
use maud::{Markup, html};
use web::account::Bill;

use super::layout::{self, Frame, Menu, alert};
use super::{Page, device, invoice_row};
use crate::texts;

/// A page of bills, newest first.
#[derive(Debug, Clone, Copy)]
pub struct Bills<'a> {
    pub entries: &'a [Bill],
    /// Where the next page begins, if there is one.
    pub next: Option<&'a str>,
}

/// What a form came to, as of [`crate::texts::message_of`].
#[derive(Debug, Clone, Copy)]
pub enum Said {
    /// It is done.
    Done(&'static str),
    /// It is not.
    Failed(&'static str),
}

/// The account, its newest bills, and the place for the modem's status. `standing`: what the network knows of it;
/// `said`: what a form came to.
#[must_use]
pub fn dashboard(
    profile: &Profile,
    standing: Option<NetworkProgress>,
    bills: &Bills<'_>,
    said: Option<Said>,
    page: &Page<'_>,
) -> Markup {
    let texts = page.texts();
    let content = html! {
        h1 { (texts.greeting) " " (profile.name) }
        @match said {
            Some(Said::Failed(text)) => (alert(Some(text))),
            Some(Said::Done(text)) => p.notice #problem role="status" { (text) },
            None => {}
        }
        (account(profile, standing, page))
        section.card #bills data-live aria-labelledby="bills-title" {
            h2 #bills-title { (texts.bills) }
            (list(bills, page))
        }
        section.card #device data-device-panel aria-labelledby="device-title" {
            h2 #device-title { (texts.device) }
            (device::panel(page))
        }
    };
    layout::document(
        page,
        &Frame { name: "dashboard", title: texts.home, menu: Some(Menu::Home), leads_to: None },
        &content,
    )
}

/// Bills of earlier times.
#[must_use]
pub fn older_bills(bills: &Bills<'_>, page: &Page<'_>) -> Markup {
    let texts = page.texts();
    let content = html! {
        h1 { (texts.older_bills) }
        section.card #bills data-live aria-label=(texts.bills) { (list(bills, page)) }
        p.choices { a.link href="/customer" { (texts.newest_bills) } }
    };
    layout::document(
        page,
        &Frame { name: "invoices", title: texts.older_bills, menu: Some(Menu::Home), leads_to: None },
        &content,
    )
}

fn account(profile: &Profile, standing: Option<NetworkProgress>, page: &Page<'_>) -> Markup {
    let texts = page.texts();
    let entitlement = &profile.entitlement;
    let days = page.zone.days_until(entitlement.expires_at, page.now);
    let active = profile.is_active(page.now);
    let until = page.zone.date(entitlement.expires_at);
    // Credit that was used, and then taken back.
    let owed = profile.credit.negated().ok().filter(|owed| owed.is_positive());
    html! {
        section #account data-live aria-labelledby="account-title" {
            h2 #account-title { (texts.account) }
            dl {
                div.main {
                    dt { (texts.package) }
                    dd { strong { (entitlement.package.name) } " " span { (texts::bandwidth(&entitlement.package)) } }
                }
                div.main {
                    dt { (texts.valid_until) }
                    dd {
                        strong { time datetime=(texts::machine_time(entitlement.expires_at)) { (page.lang.date(until)) } }
                        " "
                        span { (texts::countdown(days, page.lang)) }
                    }
                }
                div { dt { (texts.name) } dd { (profile.name) } }
                @if let Some(phone) = &profile.phone { div { dt { (texts.phone) } dd { (texts::phone(phone)) } } }
                div { dt { (texts.username) } dd { (profile.username) } }
                div {
                    dt { (texts.status) }
                    dd {
                        @match (active, standing) {
                            (false, _) => span.badge.red { (texts.expired) },
                            (true, Some(NetworkProgress::Activating)) => span.badge.blue { (texts.activating) },
                            (true, Some(NetworkProgress::Told | NetworkProgress::Late) | None) => span.badge.green { (texts.active) },
                        }
                    }
                }
                @if profile.credit.is_positive() { div { dt { (texts.credit) } dd.money { (profile.credit) } } }
                @if let Some(owed) = owed { div { dt { (texts.owed) } dd.money { (owed) } } }
            }
            @if active && standing == Some(NetworkProgress::Late) { p.notice role="status" { (texts.network_late) } }
            a.button href="/customer/wifi?tab=upgrade" { (texts.change_package) }
        }
    }
}

fn list(bills: &Bills<'_>, page: &Page<'_>) -> Markup {
    let texts = page.texts();
    html! {
        @if bills.entries.is_empty() {
            p.empty { (texts.no_bills) }
        } @else {
            ul.invoices role="list" { @for bill in bills.entries { (invoice_row::row(bill, page)) } }
        }
        @if let Some(next) = bills.next {
            p.choices { a.link href={ "/customer/invoices?cursor=" (next) } { (texts.older_bills) } }
        }
    }
}
