//! What the service worker shows while there is no connection. It is kept by the browser, so it tells nothing about
//! anybody.

use maud::{Markup, html};

use super::Page;
use super::layout::{self, Frame};

/// In both languages: the language can have changed since it was kept.
#[must_use]
pub fn offline(page: &Page<'_>) -> Markup {
    let texts = page.texts();
    let other = page.lang.other();
    let in_other = crate::texts::of(other);
    let nobody = Page { csrf: "", signed_in: false, ..*page };
    let content = html! {
        div.card {
            h1 { (texts.offline_title) }
            p { (texts.offline_text) }
            p.hint lang=(other.code()) { (in_other.offline_title) ". " (in_other.offline_text) }
            // An empty address is the page that could not be reached.
            p { a.button.primary href="" { (texts.retry) } }
        }
    };
    layout::document(
        &nobody,
        &Frame { name: "offline", title: texts.offline_title, menu: None, leads_to: None },
        &content,
    )
}
