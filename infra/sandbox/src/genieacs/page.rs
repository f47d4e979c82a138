//! The fleet for people: what each modem is up to, and what can be done to it.

use std::fmt::Write;

use super::query::at;
use super::store::Genieacs;
use crate::core::escape;

const SHOWN: usize = 100;
const CHANGES: [(&str, &str); 7] = [
    ("online", "Online"),
    ("offline", "Offline"),
    ("behind-nat", "Behind NAT"),
    ("slow", "Slow"),
    ("disconnected", "PPPoE down"),
    ("connected", "PPPoE up"),
    ("swapped", "Swap it"),
];

/// Rows of a table.
pub(crate) fn overview(genieacs: &Genieacs) -> String {
    let now = genieacs.clock.now();
    let mut rows = String::new();
    for device in genieacs.store().devices(now).iter().take(SHOWN) {
        let text = |path: &str| at(&device.document, path).and_then(|value| value.as_str()).unwrap_or("-").to_owned();
        let behaviour = serde_json::to_value(device.behaviour)
            .ok()
            .and_then(|word| word.as_str().map(str::to_owned))
            .unwrap_or_default();
        let minutes = (now - device.last_inform).whole_minutes();
        let options = CHANGES.map(|(change, label)| format!("<option value=\"{change}\">{label}</option>")).concat();
        let _ = write!(
            rows,
            "<tr><td>{}<br><span class=\"muted\">{} · PPPoE {}</span></td><td>{behaviour}, {minutes} min ago\
             <form method=\"post\" action=\"/fleet\"><input type=\"hidden\" name=\"device\" value=\"{}\">\
             <select name=\"change\">{options}</select><button>Do it</button></form></td></tr>",
            escape(device.id()),
            escape(&text("_deviceId._Manufacturer")),
            escape(&text("VirtualParameters.pppUsername")),
            escape(device.id()),
        );
    }
    rows
}
