//! Queries of GenieACS: MongoDB's language, in JSON, built by a serializer. Text with `*` or `/…/` in it is a pattern
//! there, so what is meant literally is written as a pattern that matches nothing else.

use serde_json::{Map, Value, json};

use crate::{matching::SubscriberLine, names::Names};

/// One device by its id.
pub(crate) fn by_id(id: &str) -> Value {
    json!({"_id": literal(id)})
}

/// Every device that could be the line's.
pub(crate) fn of_line(line: &SubscriberLine, names: &Names) -> Value {
    let mut any = Vec::new();
    let mut or = |path: &str, value: Value| any.push(Value::Object(Map::from_iter([(path.to_owned(), value)])));
    if let Some(id) = &line.device_id {
        or("_id", literal(id));
    }
    for serial in line.serials() {
        for path in names.serial_paths() {
            or(path, literal(&serial));
        }
    }
    for tag in line.tags() {
        or("_tags", literal(&tag));
    }
    for path in names.username_paths() {
        or(&path, literal(&line.username));
    }
    json!({"$or": any})
}

/// An equal task that waits.
pub(crate) fn refresh_task(device_id: &str, object: &str) -> Value {
    json!({"device": literal(device_id), "name": "refreshObject", "objectName": literal(object)})
}

fn literal(text: &str) -> Value {
    if !text.contains('*') && !text.starts_with('/') {
        return text.into();
    }
    let mut pattern = String::from("^");
    for c in text.chars() {
        if !c.is_alphanumeric() && c.is_ascii() {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('$');
    json!({"$regex": pattern})
}

#[cfg(test)]
mod tests {
    use billing::access::phone::Phone;

    use super::*;

    #[test]
    fn patterns_are_meant_literally() {
        assert_eq!(literal("budi@isp"), "budi@isp");
        assert_eq!(literal("*"), json!({"$regex": "^\\*$"}));
        assert_eq!(literal("/.*/"), json!({"$regex": "^\\/\\.\\*\\/$"}));
        let line =
            SubscriberLine { device_id: None, ont_serial: None, phone: None, username: "a\"},{\"_id\":\"b".to_owned() };
        let query = of_line(&line, &Names::default());
        assert!(
            query["$or"]
                .as_array()
                .unwrap()
                .iter()
                .all(|one| one.as_object().unwrap().len() == 1 && one.get("_id").is_none())
        );
    }

    #[test]
    fn a_line_is_looked_up_by_everything_that_is_known_of_it() {
        let line = SubscriberLine {
            device_id: Some("00259E-HG8245H-X".to_owned()),
            ont_serial: Some("HWTCA1B2C3D4".to_owned()),
            phone: Phone::parse("081234567890").ok(),
            username: "budi@isp".to_owned(),
        };
        let query = of_line(&line, &Names::default()).to_string();
        for part in [
            r#"{"_id":"00259E-HG8245H-X"}"#,
            r#"{"_deviceId._SerialNumber":"HWTCA1B2C3D4"}"#,
            r#"{"_deviceId._SerialNumber":"48575443A1B2C3D4"}"#,
            r#"{"_tags":"081234567890"}"#,
            r#"{"_tags":"6281234567890"}"#,
            r#"{"_tags":"+6281234567890"}"#,
            r#"{"VirtualParameters.pppUsername":"budi@isp"}"#,
            r#"{"InternetGatewayDevice.WANDevice.1.WANConnectionDevice.3.WANPPPConnection.1.Username":"budi@isp"}"#,
        ] {
            assert!(query.contains(part), "{part} in {query}");
        }
    }
}
