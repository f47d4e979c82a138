//! What all pages have around them.

use billing::id::InvoiceId;
use maud::{DOCTYPE, Markup, html};

use super::Page;
use crate::{assets, texts};

/// The page of a bill that is open to whoever holds its link.
pub(super) const PUBLIC_BILL: &str = "bill";

/// Entries of the menu.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Menu {
    Home,
    History,
    Wifi,
}

/// One page within the frame.
pub(super) struct Frame<'a> {
    /// Tells script and stylesheet which page it is.
    pub(super) name: &'a str,
    pub(super) title: &'a str,
    pub(super) menu: Option<Menu>,
    /// An address that the browser goes to at once, with or without script.
    pub(super) leads_to: Option<&'a str>,
}

/// The whole document.
pub(super) fn document(page: &Page<'_>, frame: &Frame<'_>, content: &Markup) -> Markup {
    let texts = page.texts();
    // What the script says, on pages where it has something to say.
    let speaks = page.signed_in || frame.name == PUBLIC_BILL;
    html! {
        (DOCTYPE)
        html lang=(page.lang.code()) {
            (head(page, frame))
            body data-page=(frame.name)
                data-zone=[page.signed_in.then_some(page.zone)]
                data-text-opening=[speaks.then_some(texts.opening)]
                data-text-opened=[speaks.then_some(texts.opened)]
                data-text-making=[speaks.then_some(texts.making_link)]
                data-text-pay=[speaks.then_some(texts.pay_now)]
                data-text-retry=[speaks.then_some(texts.retry)]
                data-text-network=[speaks.then_some(texts.no_connection)]
                data-text-busy=[speaks.then_some(texts.busy)]
                data-text-checking=[speaks.then_some(texts.checking)]
                data-text-activating=[speaks.then_some(texts.activating)]
                data-text-thanks=[speaks.then_some(texts.thanks)]
                data-text-not-received=[speaks.then_some(texts.not_received)]
                data-text-in-review=[speaks.then_some(texts.in_review)]
                data-text-check-again=[speaks.then_some(texts.check_again)]
            {
                a.skip href="#main" { (texts.skip) }
                (header(page, frame))
                main #main tabindex="-1" { (content) }
                footer { p { "Lunas · " (texts.portal) } p { (texts.times_in) " " (texts::abbreviation(page.zone)) } }
            }
        }
    }
}

fn head(page: &Page<'_>, frame: &Frame<'_>) -> Markup {
    html! {
        head {
            meta charset="utf-8";
            meta name="viewport" content="width=device-width, initial-scale=1";
            title { (frame.title) " – Lunas" }
            meta name="description" content=(page.texts().portal);
            meta name="color-scheme" content="light dark";
            meta name="theme-color" content="#0b5d54" media="(prefers-color-scheme: light)";
            meta name="theme-color" content="#0a2f2b" media="(prefers-color-scheme: dark)";
            @if !page.csrf.is_empty() { meta name="csrf" content=(page.csrf); }
            @if let Some(address) = frame.leads_to { meta http-equiv="refresh" content={ "0; url=" (address) }; }
            link rel="stylesheet" href=(assets::PORTAL_CSS);
            link rel="icon" type="image/svg+xml" href=(assets::ICON_SVG);
            link rel="apple-touch-icon" href=(assets::ICON_192_PNG);
            link rel="manifest" href="/customer/manifest.webmanifest";
            script defer src=(assets::PORTAL_JS) {}
        }
    }
}

fn header(page: &Page<'_>, frame: &Frame<'_>) -> Markup {
    let texts = page.texts();
    let other = page.lang.other();
    let joint = if page.path.contains('?') { '&' } else { '?' };
    let entries = [
        (Menu::Home, "/customer", texts.home),
        (Menu::History, "/customer/history", texts.history),
        (Menu::Wifi, "/customer/wifi", texts.wifi),
    ];
    html! {
        header.welcome[!page.signed_in] {
            div.bar {
                a.brand href="/customer" { img src=(assets::ICON_SVG) alt="" width="32" height="32"; "Lunas" }
                a.quiet href={ (page.path) (joint) "lang=" (other.code()) } lang=(other.code()) hreflang=(other.code()) {
                    (texts::of(other).this_language)
                }
                @if page.signed_in {
                    form method="post" action="/customer/logout" { (csrf(page)) button.quiet type="submit" { (texts.log_out) } }
                }
            }
            @if page.signed_in {
                nav aria-label=(texts.main_menu) {
                    @for (entry, address, text) in entries {
                        a href=(address) aria-current=[(frame.menu == Some(entry)).then_some("page")] { (text) }
                    }
                }
            } @else if frame.name == PUBLIC_BILL {
                p { @if let Some(name) = page.provider { (texts.bill_from.replace("{}", name)) } @else { (texts.bill_title) } }
            } @else {
                p { (texts.welcome) }
            }
        }
    }
}

/// The hidden field that every form carries.
pub(super) fn csrf(page: &Page<'_>) -> Markup {
    html! { input type="hidden" name="csrf" value=(page.csrf); }
}

/// A form's invoice.
pub(super) fn invoice_id(id: &InvoiceId) -> Markup {
    html! { input type="hidden" name="invoiceId" value=(id); }
}

/// What went wrong, read out at once.
pub(super) fn alert(message: Option<&str>) -> Markup {
    html! { @if let Some(message) = message { p.alert #problem role="alert" { (message) } } }
}
