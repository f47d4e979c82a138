//! Which device is a customer's. GenieACS takes patterns for literals in queries, tags are typed by hand, and swapped
//! modems leave their records behind, so whatever was found is looked at once more: a device is shown to the customer
//! it belongs to, or not at all.

use billing::{access::phone::Phone, service::customer::Profile};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::OffsetDateTime;

use crate::document::Document;
use crate::names::Names;
use crate::reading::{Freshness, Reading};

/// What is known of a customer's line that can name its device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubscriberLine {
    /// Device id in GenieACS, from the import.
    pub device_id: Option<String>,
    /// Serial number of the ONT, from the import.
    pub ont_serial: Option<String>,
    /// The customer's phone; providers put it on the device as a tag.
    pub phone: Option<Phone>,
    pub username: String,
}

impl SubscriberLine {
    #[must_use]
    pub fn of(profile: &Profile) -> Self {
        Self {
            device_id: profile.device_id.clone(),
            ont_serial: profile.ont_serial.clone(),
            phone: profile.phone.clone(),
            username: profile.username.clone(),
        }
    }

    /// The phone as tags have it: `0812…`, `62812…`, `+62812…`.
    pub(crate) fn tags(&self) -> Vec<String> {
        let Some(phone) = &self.phone else { return Vec::new() };
        let digits = phone.as_str();
        let national = digits.strip_prefix("62").unwrap_or(digits);
        vec![format!("0{national}"), digits.to_owned(), format!("+{digits}")]
    }

    /// The serial as devices report it.
    pub(crate) fn serials(&self) -> Vec<String> {
        self.ont_serial.as_deref().map(serial_forms).unwrap_or_default()
    }
}

/// A GPON serial is four letters and eight hexadecimal digits on the label (`HWTCA1B2C3D4`), and often all hexadecimal
/// in the device (`48575443A1B2C3D4`). As typed first.
fn serial_forms(serial: &str) -> Vec<String> {
    let typed = serial.trim().to_owned();
    let upper = typed.to_ascii_uppercase();
    let mut forms = vec![typed, upper.clone()];
    if let Some((vendor, rest)) = upper.split_at_checked(4)
        && rest.len() == 8
        && vendor.bytes().all(|b| b.is_ascii_uppercase())
    {
        forms.push(format!("{}{rest}", hex::encode_upper(vendor)));
    }
    if let Some((vendor, rest)) = upper.split_at_checked(8)
        && rest.len() == 8
        && let Some(letters) = letters(vendor)
    {
        forms.push(format!("{letters}{rest}"));
    }
    forms.dedup();
    forms
}

fn letters(vendor: &str) -> Option<String> {
    let bytes = hex::decode(vendor).ok().filter(|bytes| bytes.iter().all(u8::is_ascii_uppercase))?;
    String::from_utf8(bytes).ok()
}

/// Why a device is a line's, the surest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Evidence {
    /// The stored device id.
    Id,
    /// The ONT's serial number.
    Serial,
    /// The PPPoE user name on the device.
    Username,
    /// The phone as a tag. Lines of one household share it, so it counts only if nothing surer is there and it is on
    /// one device.
    Tag,
}

/// The PPPoE user names on a device, from every place that may hold one.
#[must_use]
pub fn usernames(device: &Value, names: &Names) -> Vec<String> {
    names.username_paths().iter().filter_map(|path| Document(device).says(path)).map(|found| found.value).collect()
}

/// Does the device speak for the line, and how? `None` also when it says that it is another's.
fn evidence(line: &SubscriberLine, value: &Value, names: &Names) -> Option<Evidence> {
    let device = Document(value);
    let id = device.text("_id")?.value;
    let usernames = usernames(value, names);
    let is_ours = usernames.contains(&line.username);
    // A modem that dials in as somebody else is somebody else's, whatever the import once said.
    if !usernames.is_empty() && !usernames.iter().any(|username| same_user(username, &line.username)) {
        return None;
    }
    let serials = line.serials();
    if line.device_id.as_deref() == Some(id.as_str()) {
        Some(Evidence::Id)
    } else if names.serial_paths().filter_map(|path| device.says(path)).any(|found| serials.contains(&found.value)) {
        Some(Evidence::Serial)
    } else if is_ours {
        Some(Evidence::Username)
    } else {
        let tags = device.texts("_tags");
        line.tags().iter().any(|tag| tags.contains(&tag.as_str())).then_some(Evidence::Tag)
    }
}

/// `budi` and `budi@isp` are one user: some devices are given the name without its realm.
fn same_user(a: &str, b: &str) -> bool {
    let local = |text: &str| text.split('@').next().unwrap_or_default().to_ascii_lowercase();
    let one_without_realm = !a.contains('@') || !b.contains('@');
    a.eq_ignore_ascii_case(b) || (one_without_realm && local(a) == local(b))
}

/// Of the devices that were found, the line's: an online one by the surest evidence, else the one that informed last.
#[must_use]
pub fn choose(
    line: &SubscriberLine,
    found: &[Value],
    names: &Names,
    freshness: Freshness,
    now: OffsetDateTime,
) -> Option<(Reading, Evidence)> {
    let mut ours: Vec<(Evidence, Reading)> = Vec::new();
    for value in found {
        let Some(evidence) = evidence(line, value, names) else { continue };
        let Some(reading) = Reading::of(value, names, &line.username, now) else { continue };
        if ours.iter().all(|(_, known)| known.device_id != reading.device_id) {
            ours.push((evidence, reading));
        }
    }
    let sure = ours.iter().any(|(evidence, _)| *evidence != Evidence::Tag);
    if sure {
        ours.retain(|(evidence, _)| *evidence != Evidence::Tag);
    } else if ours.len() > 1 {
        return None;
    }
    let latest = |ours: &(Evidence, Reading)| ours.1.last_inform;
    ours.sort_by(|a, b| a.0.cmp(&b.0).then_with(|| latest(b).cmp(&latest(a))));
    let online = ours.iter().position(|(_, reading)| reading.is_online(freshness, now));
    let chosen = match online {
        Some(first) => ours.into_iter().nth(first),
        None => ours.into_iter().max_by_key(latest),
    };
    chosen.map(|(evidence, reading)| (reading, evidence))
}

#[cfg(test)]
#[path = "matching_tests.rs"]
mod tests;
