//! Changing the package: what there is to choose from, then what a choice comes to, then the form that makes it.

use billing::service::package::Package;
use billing::service::upgrade::{Choice, Preview};
use maud::{Markup, html};

use super::Page;
use super::layout::{alert, csrf};
use crate::texts;

/// What the tab shows.
#[derive(Debug, Clone, Copy)]
pub struct Upgrade<'a> {
    /// The current package, and those that it may be changed to.
    pub choices: &'a [Choice<'a>],
    /// The package that was chosen, and what comes of it.
    pub chosen: Option<&'a Chosen>,
    /// An earlier choice is not paid yet.
    pub is_open: bool,
    /// What went wrong, as of [`crate::texts::message_of`].
    pub error: Option<&'static str>,
}

/// A choice.
#[derive(Debug, Clone)]
pub struct Chosen {
    /// What it comes to, paid now.
    pub preview: Preview,
    pub explanation: String,
}

/// The cards; or what the chosen one comes to, with the form.
pub(super) fn tab(view: &Upgrade<'_>, page: &Page<'_>) -> Markup {
    let texts = page.texts();
    html! {
        section #upgrade data-live aria-labelledby="upgrade-title" {
            h2 #upgrade-title { @if view.chosen.is_some() { (texts.confirm_package) } @else { (texts.choose_package) } }
            (alert(view.error))
            @if view.is_open {
                p.notice { (texts.upgrade_open) " " a href="/customer" { (texts.see_bills) } }
            }
            @match view.chosen {
                Some(chosen) => (confirm(chosen, page)),
                None => (cards(view.choices, page)),
            }
        }
    }
}

fn cards(choices: &[Choice<'_>], page: &Page<'_>) -> Markup {
    let texts = page.texts();
    html! {
        @if choices.iter().all(|choice| choice.current) { p.empty { (texts.no_packages) } }
        ul.packages role="list" {
            @for Choice { package, current } in choices {
                li.package.card data-package=(package.id) data-current[*current] {
                    div.top {
                        h3 { (package.name) }
                        @if *current { span.badge.green { (texts.current_package) } }
                    }
                    (price(package, page))
                    p.meta { (texts::bandwidth(package)) }
                    @if !*current {
                        a.button href={ "/customer/wifi?tab=upgrade&package=" (package.id) } {
                            (texts.choose) " " span.unseen { (package.name) }
                        }
                    }
                }
            }
        }
    }
}

fn price(package: &Package, page: &Page<'_>) -> Markup {
    html! { p.amount { (package.price) " " span.per { (texts::per_period(package.period_months, page.lang)) } } }
}

fn confirm(chosen: &Chosen, page: &Page<'_>) -> Markup {
    let texts = page.texts();
    let Chosen { preview, explanation } = chosen;
    let until = page.zone.date(preview.new_expires_at);
    let pays_now = preview.amount.is_positive() && !preview.amount.is_too_little();
    html! {
        div.card {
            h3 { (preview.package.name) }
            p.meta { (texts::bandwidth(&preview.package)) }
            p.explanation { (explanation) }
            dl.facts {
                div { dt { (texts.to_pay) } dd.amount data-amount { (preview.amount) } }
                @if preview.carried_over_days > 0 { div { dt { (texts.carried_over) } dd { (texts::days(preview.carried_over_days, page.lang)) } } }
                div { dt { (texts.valid_until) } dd { time datetime=(texts::machine_time(preview.new_expires_at)) { (page.lang.date(until)) } } }
            }
            form data-upgrade={ "/customer/wifi?tab=upgrade&package=" (preview.package.id) } method="post" action="/api/customer/upgrade" {
                (csrf(page))
                input type="hidden" name="packageId" value=(preview.package.id);
                input type="hidden" name="expectedAmount" value=(preview.amount.get());
                button.primary type="submit" { @if pays_now { (texts.confirm_and_pay) } @else { (texts.confirm_free) } }
            }
            p data-message role="status" {}
            p.choices { a.link href="/customer/wifi?tab=upgrade" { (texts.other_package) } }
        }
    }
}
