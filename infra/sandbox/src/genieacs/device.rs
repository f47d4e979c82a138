//! A modem, and how it behaves.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use time::{Duration, OffsetDateTime};

use crate::core::utc_time;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Behaviour {
    /// Reports regularly and answers wake-up calls.
    Online,
    /// Reports regularly and cannot be woken: every task waits for its next report.
    BehindNat,
    /// Reports regularly; whatever is asked about it takes half a minute.
    Slow,
    /// Reports regularly, and every task ends in a fault.
    Faulting,
    /// Has stopped reporting.
    Offline,
}

/// What a script can do to a modem.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// Reports again, from now on.
    Online,
    /// Stops reporting; the last time was three hours ago.
    Offline,
    BehindNat,
    Slow,
    Faulting,
    /// Its PPPoE session is up.
    Connected,
    /// Its PPPoE session is down: `pppUsername` is empty.
    Disconnected,
    /// Another modem is put in its place: it stops reporting, a new one with the same PPPoE user begins.
    Swapped,
}

#[derive(Clone, Debug)]
pub struct Device {
    /// Everything that the ACS stores of it, with values that it reports with every report marked by `_timestamp`.
    pub document: Value,
    pub behaviour: Behaviour,
    /// Seconds between its reports.
    pub interval_s: u32,
    pub last_inform: OffsetDateTime,
}

impl Device {
    #[must_use]
    pub fn id(&self) -> &str {
        self.document["_id"].as_str().unwrap_or_default()
    }

    /// Reports whatever it should have reported until now.
    pub(crate) fn look(&mut self, now: OffsetDateTime) {
        if self.behaviour == Behaviour::Offline {
            return;
        }
        let interval = i64::from(self.interval_s.max(1));
        let silent = (now - self.last_inform).whole_seconds();
        if silent >= interval {
            let reports = silent.checked_div(interval).unwrap_or_default();
            self.inform(self.last_inform.saturating_add(Duration::seconds(reports.saturating_mul(interval))));
        }
    }

    /// Reports: the moment, and the values that are read with every report.
    pub(crate) fn inform(&mut self, at: OffsetDateTime) {
        self.last_inform = at;
        self.document["_lastInform"] = utc_time(at).into();
        if let Some(values) = self.document.get_mut("VirtualParameters") {
            stamp(values, at);
        }
    }

    /// Tells everything under `object` anew.
    pub(crate) fn refresh(&mut self, object: &str, at: OffsetDateTime) {
        self.inform(at);
        let found = object
            .split('.')
            .filter(|name| !name.is_empty())
            .try_fold(&mut self.document, |node, name| node.get_mut(name));
        if let Some(found) = found {
            stamp(found, at);
        }
    }

    pub(crate) fn set(&mut self, path: &str, value: impl Into<Value>, at: OffsetDateTime) {
        set(&mut self.document, path, &leaf(&value.into(), at));
    }
}

/// Writes `value` at a path, making the objects on the way.
pub(crate) fn set(document: &mut Value, path: &str, value: &Value) {
    let mut node = document;
    for name in path.split('.') {
        if !node.is_object() {
            *node = Value::Object(Map::new());
        }
        let Some(fields) = node.as_object_mut() else { return };
        if name != "_value" && !name.starts_with('_') {
            fields.entry("_object").or_insert(true.into());
        }
        node = fields.entry(name).or_insert(Value::Null);
    }
    *node = value.clone();
}

/// A value as the ACS stores it.
pub(crate) fn leaf(value: &Value, at: OffsetDateTime) -> Value {
    let kind = match value {
        Value::Bool(_) => "xsd:boolean",
        Value::Number(_) => "xsd:unsignedInt",
        _ => "xsd:string",
    };
    json!({"_object": false, "_writable": false, "_value": value, "_type": kind, "_timestamp": utc_time(at)})
}

/// Everything below was read at this moment.
fn stamp(node: &mut Value, at: OffsetDateTime) {
    let Some(fields) = node.as_object_mut() else { return };
    if fields.contains_key("_value") {
        fields.insert("_timestamp".to_owned(), utc_time(at).into());
    }
    for child in fields.values_mut() {
        stamp(child, at);
    }
}
