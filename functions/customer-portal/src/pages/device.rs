//! The modem's status. The script fetches it after the page, because modems may answer slowly; until then, and without
//! script, nothing is known.

use maud::{Markup, html};

use super::Page;

/// Values that are too long for half a line on a phone.
const WIDE: [&str; 6] = ["status", "pppoe", "model", "serial", "ssids", "contact"];

/// The values that both pages show.
pub(super) fn panel(page: &Page<'_>) -> Markup {
    values(page, &[], false)
}

/// With what only the modem's own page shows, and how old each value is.
pub(super) fn full_panel(page: &Page<'_>) -> Markup {
    let texts = page.texts();
    values(
        page,
        &[
            ("model", texts.model),
            ("serial", texts.serial_number),
            ("ssids", texts.ssids),
            ("contact", texts.last_contact),
        ],
        true,
    )
}

fn values(page: &Page<'_>, more: &[(&str, &str)], ages: bool) -> Markup {
    let texts = page.texts();
    let entries = [
        ("status", texts.device_status),
        ("pppoe", texts.pppoe_status),
        ("ip", texts.pppoe_ip),
        ("rx", texts.rx_power),
        ("temperature", texts.temperature),
        ("uptime", texts.uptime),
        ("connected", texts.connected_devices),
    ];
    html! {
        dl.tiles data-text-loading=(texts.loading) data-text-not-available=(texts.not_available) data-ages[ages] {
            @for (name, label) in entries.iter().chain(more) {
                div.wide[WIDE.contains(name)] { dt { (label) } dd data-device=(name) { (texts.not_available) } }
            }
        }
        p.hint data-device-note role="status" { noscript { (texts.device_needs_script) } }
        // Only the script can press it, and does so when there is a modem.
        button type="button" data-refresh disabled { (texts.refresh) }
    }
}
