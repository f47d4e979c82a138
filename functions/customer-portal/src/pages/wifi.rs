//! The modem in full, and the place where the package is changed.

use maud::{Markup, html};

use super::{
    Page, device,
    layout::{self, Frame, Menu},
};

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

/// One of the two tabs.
#[must_use]
pub fn wifi(tab: Tab, page: &Page<'_>) -> Markup {
    let texts = page.texts();
    let tabs = [(Tab::Status, "status", texts.tab_status), (Tab::Upgrade, "upgrade", texts.tab_upgrade)];
    let content = html! {
        h1 { (texts.wifi) }
        nav.tabs aria-label=(texts.wifi) {
            @for (other, name, text) in tabs {
                a href={ "/customer/wifi?tab=" (name) } aria-current=[(other == tab).then_some("page")] { (text) }
            }
        }
        @match tab {
            Tab::Status => section.card #device data-device-panel aria-labelledby="device-title" {
                h2 #device-title { (texts.device) }
                (device::full_panel(page))
            },
            Tab::Upgrade => section.card #upgrade aria-labelledby="upgrade-title" {
                h2 #upgrade-title { (texts.change_package) }
                p.empty { (texts.upgrade_later) }
            },
        }
    };
    layout::document(page, &Frame { name: "wifi", title: texts.wifi, menu: Some(Menu::Wifi), leads_to: None }, &content)
}
