//! `projection=a,b.c`: the parts of a document that are asked for.

use serde_json::{Map, Value};

/// The document with these paths only. `_id` is always there; a parent of something that is missing is there and empty.
pub(crate) fn project(document: &Value, paths: &str) -> Result<Value, String> {
    let paths: Vec<&str> = paths.split(',').map(str::trim).filter(|path| !path.is_empty()).collect();
    if paths.is_empty() {
        return Ok(document.clone());
    }
    for path in &paths {
        let is_inside = |other: &&&str| other.strip_prefix(path).is_some_and(|rest| rest.starts_with('.'));
        if let Some(other) = paths.iter().find(is_inside) {
            return Err(format!("Path collision at {other}"));
        }
    }
    let mut projected = Map::new();
    for path in std::iter::once("_id").chain(paths) {
        copy(document, &mut projected, path);
    }
    Ok(Value::Object(projected))
}

fn copy(from: &Value, into: &mut Map<String, Value>, path: &str) {
    let (name, rest) = path.split_once('.').map_or((path, None), |(name, rest)| (name, Some(rest)));
    let Some(found) = from.get(name) else { return };
    match rest {
        None => {
            into.insert(name.to_owned(), found.clone());
        }
        Some(rest) if found.is_object() => {
            let child = into.entry(name).or_insert_with(|| Value::Object(Map::new()));
            if let Some(child) = child.as_object_mut() {
                copy(found, child, rest);
            }
        }
        Some(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_is_asked_for_is_there_and_parents_of_nothing_are_empty() {
        let device = json!({"_id": "1", "_tags": ["a"], "A": {"B": {"_value": 1, "_type": "x"}, "C": {"_value": 2}}, "D": {"E": {}}});
        assert_eq!(
            project(&device, "A.B._value, D.F,G.H").unwrap(),
            json!({"_id": "1", "A": {"B": {"_value": 1}}, "D": {}})
        );
        assert_eq!(project(&device, "").unwrap(), device);
        assert!(project(&device, "A.B,A.B._value").is_err());
    }
}
