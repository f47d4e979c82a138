//! When there is no page to show: not found, busy, or a form from an earlier session.

use maud::{Markup, html};
use web::problem::{self, Problem};

use super::Page;
use super::layout::{self, Frame};

/// Says what is wrong and leads on.
#[must_use]
pub fn trouble(problem: &Problem, page: &Page<'_>) -> Markup {
    let texts = page.texts();
    let (title, text) = if problem.status == problem::NOT_FOUND.status {
        (texts.not_found, texts.not_found_text)
    } else {
        (texts.trouble, problem.message(page.lang))
    };
    let content = html! {
        div.card {
            h1 { (title) }
            p role="alert" { (text) }
            p { a.button.primary href="/customer" { (texts.back_home) } }
        }
    };
    layout::document(page, &Frame { name: "trouble", title, menu: None, leads_to: None }, &content)
}

/// The portal was opened under an address from which nothing can be sent: says where it is.
#[must_use]
pub fn elsewhere(address: &str, page: &Page<'_>) -> Markup {
    let texts = page.texts();
    let content = html! {
        div.card {
            h1 { (texts.trouble) }
            p role="alert" { (texts.elsewhere) }
            p { a.button.primary href=(address) { (address) } }
        }
    };
    layout::document(page, &Frame { name: "trouble", title: texts.trouble, menu: None, leads_to: None }, &content)
}
