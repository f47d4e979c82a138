//! A device as GenieACS stores it: a tree of objects whose leaves are `{"_value": …, "_timestamp": …}`.
//!
//! Nothing is taken for granted: any part can be missing, `{}`, or of another type.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// Longest value that is looked at, in characters; no name, address or number is longer.
const LONGEST: usize = 200;

/// A value, and when the device told it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Measured<T> {
    pub value: T,
    /// When GenieACS read it from the device. Can be days ago although the device is online.
    #[serde(default, with = "time::serde::rfc3339::option")]
    pub read_at: Option<OffsetDateTime>,
}

impl<T> Measured<T> {
    /// The same instant with what `read` makes of the value.
    pub(crate) fn parse<U>(self, read: impl FnOnce(&T) -> Option<U>) -> Option<Measured<U>> {
        read(&self.value).map(|value| Measured { value, read_at: self.read_at })
    }
}

/// One device.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Document<'a>(pub(crate) &'a Value);

impl<'a> Document<'a> {
    fn node(self, path: &str) -> Option<&'a Value> {
        path.split('.').try_fold(self.0, |node, name| node.get(name))
    }

    /// The text of a leaf or of a plain field; `Some("")` if it is there and empty.
    pub(crate) fn text(self, path: &str) -> Option<Measured<String>> {
        let node = self.node(path)?;
        let (value, read_at) = match node {
            Value::Object(leaf) => (leaf.get("_value")?, leaf.get("_timestamp").and_then(instant)),
            plain => (plain, None),
        };
        Some(Measured { value: scalar(value)?, read_at })
    }

    /// The text of a leaf unless it says nothing: empty, a dash, `N/A`.
    pub(crate) fn says(self, path: &str) -> Option<Measured<String>> {
        self.text(path).filter(|found| !says_nothing(&found.value))
    }

    /// A plain field that is an instant.
    pub(crate) fn instant(self, field: &str) -> Option<OffsetDateTime> {
        instant(self.0.get(field)?)
    }

    /// A plain field that is a list of texts.
    pub(crate) fn texts(self, field: &str) -> Vec<&'a str> {
        let list = self.0.get(field).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        list.iter().filter_map(Value::as_str).collect()
    }
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.trim().chars().filter(|c| !c.is_control()).take(LONGEST).collect()),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        Value::Null => Some(String::new()),
        Value::Array(_) | Value::Object(_) => None,
    }
}

/// RFC 3339 text, or milliseconds since 1970 as GenieACS keeps them inside.
fn instant(value: &Value) -> Option<OffsetDateTime> {
    match value {
        Value::String(text) => OffsetDateTime::parse(text, &Rfc3339).ok(),
        Value::Number(millis) => {
            OffsetDateTime::from_unix_timestamp_nanos(i128::from(millis.as_i64()?).checked_mul(1_000_000)?).ok()
        }
        _ => None,
    }
}

/// What scripts of virtual parameters answer when they know nothing.
pub(crate) fn says_nothing(text: &str) -> bool {
    let text = text.trim();
    text.is_empty()
        || ["-", "--", "n/a", "na", "null", "undefined", "nan", "none", "unknown"]
            .iter()
            .any(|no| text.eq_ignore_ascii_case(no))
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use time::macros::datetime;

    use super::*;

    #[test]
    fn a_leaf_has_a_value_and_the_instant_it_was_read() {
        let device = json!({"VirtualParameters": {"RXPower": {"_object": false, "_value": " -22.5 ", "_timestamp": "2026-11-22T15:37:28.682Z"}}});
        let found = Document(&device).text("VirtualParameters.RXPower").unwrap();
        assert_eq!(
            found,
            Measured { value: "-22.5".to_owned(), read_at: Some(datetime!(2026-11-22 15:37:28.682 UTC)) }
        );
    }

    #[test]
    fn values_are_texts_numbers_or_booleans_and_anything_else_is_absent() {
        for (value, text) in [
            (json!({"_value": 5}), Some("5")),
            (json!({"_value": true}), Some("true")),
            (json!({"_value": null}), Some("")),
            (json!({"_value": {}}), None),
            (json!({}), None),
            (json!({"_object": false, "_writable": false}), None),
            (json!("plain"), Some("plain")),
            (json!([1]), None),
        ] {
            let device = json!({"x": value});
            assert_eq!(Document(&device).text("x").map(|found| found.value).as_deref(), text, "{device}");
        }
        assert_eq!(Document(&json!({"x": {"_value": "N/A"}})).says("x"), None);
    }
}
