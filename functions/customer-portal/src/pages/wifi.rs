//! The modem in full, and the place where the package is changed.

use maud::{Markup, html};

use super::layout::{self, Frame, Menu};
use super::{Page, Upgrade, device, upgrade};

/// Which half of the page is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tab {
    /// The modem.
    #[default]
    Status,
    /// Another package.
    Upgrade,
}

impl Tab {
    /// Reads `?tab=`. Anything but `upgrade` is the modem.
    #[must_use]
    pub fn parse(name: &str) -> Self {
        if name == "upgrade" { Self::Upgrade } else { Self::Status }
    }
}

/// What a tab shows.
#[derive(Debug, Clone, Copy)]
pub enum Shown<'a> {
    /// The modem; the script fetches its values.
    Status,
    /// Packages to choose from, or one that was chosen.
    Upgrade(&'a Upgrade<'a>),
}

/// One of the two tabs.
#[must_use]
pub fn wifi(shown: Shown<'_>, page: &Page<'_>) -> Markup {
    let tab = match shown {
        Shown::Status => Tab::Status,
        Shown::Upgrade(_) => Tab::Upgrade,
    };
    let texts = page.texts();
    let tabs = [(Tab::Status, "status", texts.tab_status), (Tab::Upgrade, "upgrade", texts.tab_upgrade)];
    let content = html! {
        h1 { (texts.wifi) }
        nav.tabs aria-label=(texts.wifi) {
            @for (other, name, text) in tabs {
                a href={ "/customer/wifi?tab=" (name) } aria-current=[(other == tab).then_some("page")] { (text) }
            }
        }
        @match shown {
            Shown::Status => section.card #device data-device-panel aria-labelledby="device-title" {
                h2 #device-title { (texts.device) }
                (device::full_panel(page))
            },
            Shown::Upgrade(view) => (upgrade::tab(view, page)),
        }
    };
    layout::document(page, &Frame { name: "wifi", title: texts.wifi, menu: Some(Menu::Wifi), leads_to: None }, &content)
}
