//! Queries: MongoDB's language with what GenieACS adds to it, so that a caller who takes it for plain equality is found
//! out.

use regex_lite::{Regex, RegexBuilder};
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// From this length on a text is also tried as a date.
const SHORTEST_DATE: usize = 8;

/// Does a document match? The error is the text of a 400.
pub(crate) fn matches(document: &Value, query: &Value) -> Result<bool, String> {
    let conditions = query.as_object().ok_or("query must be an object")?;
    for (path, condition) in conditions {
        let holds = match path.as_str() {
            "$and" => {
                list(condition)?.iter().try_fold(true, |all, one| Ok::<_, String>(all & matches(document, one)?))?
            }
            "$or" => {
                list(condition)?.iter().try_fold(false, |any, one| Ok::<_, String>(any | matches(document, one)?))?
            }
            "$nor" => {
                list(condition)?.iter().try_fold(true, |none, one| Ok::<_, String>(none & !matches(document, one)?))?
            }
            operator if operator.starts_with('$') => return Err(format!("unknown top level operator: {operator}")),
            path => holds(at(document, path), condition)?,
        };
        if !holds {
            return Ok(false);
        }
    }
    Ok(true)
}

fn list(value: &Value) -> Result<&Vec<Value>, String> {
    value.as_array().filter(|list| !list.is_empty()).ok_or_else(|| "$and/$or/$nor must be a nonempty array".to_owned())
}

/// A path whose last part does not begin with `_` means the value there.
pub(crate) fn at<'a>(document: &'a Value, path: &str) -> Option<&'a Value> {
    let node = path.split('.').try_fold(document, |node, name| node.get(name))?;
    let is_field = path.rsplit('.').next().is_some_and(|last| last.starts_with('_'));
    if is_field || !node.is_object() { Some(node) } else { node.get("_value") }
}

fn holds(found: Option<&Value>, condition: &Value) -> Result<bool, String> {
    let Some(operators) = condition.as_object().filter(|fields| fields.keys().any(|key| key.starts_with('$'))) else {
        return equals(found, condition);
    };
    for (operator, operand) in operators {
        let holds = match operator.as_str() {
            "$eq" => equals(found, operand)?,
            "$ne" => !equals(found, operand)?,
            "$in" => any(found, operand)?,
            "$nin" => !any(found, operand)?,
            "$exists" => found.is_some() == operand.as_bool().unwrap_or(true),
            "$regex" => {
                let options = operators.get("$options").and_then(Value::as_str).unwrap_or_default();
                let regex = regex(operand.as_str().ok_or("$regex has to be a string")?, options)?;
                texts(found).any(|text| regex.is_match(text))
            }
            "$options" => true,
            "$lt" | "$lte" | "$gt" | "$gte" => compares(found, operator, operand),
            other => return Err(format!("unknown operator: {other}")),
        };
        if !holds {
            return Ok(false);
        }
    }
    Ok(true)
}

fn any(found: Option<&Value>, operand: &Value) -> Result<bool, String> {
    let list = operand.as_array().ok_or("$in needs an array")?;
    list.iter().try_fold(false, |any, one| Ok(any | equals(found, one)?))
}

/// An array matches when one of its members does, as `_tags` do.
fn members(found: Option<&Value>) -> impl Iterator<Item = &Value> {
    let found = found.into_iter();
    found.flat_map(|value| value.as_array().map_or_else(|| std::slice::from_ref(value), Vec::as_slice))
}

fn texts(found: Option<&Value>) -> impl Iterator<Item = &str> {
    members(found).filter_map(Value::as_str)
}

/// A text is also a number, a date, a wildcard with `*` and a regular expression between slashes.
fn equals(found: Option<&Value>, wanted: &Value) -> Result<bool, String> {
    let Some(text) = wanted.as_str() else {
        return Ok(if wanted.is_null() {
            found.is_none_or(Value::is_null)
        } else {
            members(found).any(|value| value == wanted)
        });
    };
    if let Some((pattern, options)) = text.strip_prefix('/').and_then(|rest| rest.rsplit_once('/')) {
        let regex = regex(pattern, options)?;
        return Ok(texts(found).any(|text| regex.is_match(text)));
    }
    if text.contains('*') {
        let parts: Vec<String> = text.split('*').map(regex_lite::escape).collect();
        let regex = regex(&format!("^{}$", parts.join(".*")), "")?;
        return Ok(texts(found).any(|text| regex.is_match(text)));
    }
    let number = text.parse::<f64>().ok();
    let date = date(text);
    Ok(members(found).any(|value| match value {
        Value::String(value) => value == text || (date.is_some() && self::date(value) == date),
        Value::Number(value) => number.is_some_and(|number| value.as_f64() == Some(number)),
        _ => false,
    }))
}

fn compares(found: Option<&Value>, operator: &str, operand: &Value) -> bool {
    let ordering = |value: &Value| match (value, operand) {
        (Value::Number(a), Value::Number(b)) => a.as_f64()?.partial_cmp(&b.as_f64()?),
        (Value::String(a), Value::String(b)) => match (date(a), date(b)) {
            (Some(a), Some(b)) => Some(a.cmp(&b)),
            _ => Some(a.cmp(b)),
        },
        _ => None,
    };
    members(found).filter_map(ordering).any(|ordering| match operator {
        "$lt" => ordering.is_lt(),
        "$lte" => ordering.is_le(),
        "$gt" => ordering.is_gt(),
        _ => ordering.is_ge(),
    })
}

fn date(text: &str) -> Option<OffsetDateTime> {
    if text.len() < SHORTEST_DATE { None } else { OffsetDateTime::parse(text, &Rfc3339).ok() }
}

fn regex(pattern: &str, options: &str) -> Result<Regex, String> {
    let built = RegexBuilder::new(pattern).case_insensitive(options.contains('i')).size_limit(1 << 20).build();
    built.map_err(|_| "invalid regular expression".to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn device() -> Value {
        json!({
            "_id": "00259E-HG8245H-1", "_lastInform": "2026-11-23T02:58:00.000Z", "_tags": ["0812", "vip"],
            "_deviceId": {"_SerialNumber": "48575443A1B2C3D4"},
            "VirtualParameters": {"pppoeUsername": {"_value": "budi@isp"}, "activedevices": {"_value": 5}},
        })
    }

    #[track_caller]
    fn check(query: &Value, expected: bool) {
        assert_eq!(matches(&device(), query), Ok(expected), "{query}");
    }

    #[test]
    fn a_path_means_its_value_unless_it_is_a_field() {
        check(&json!({}), true);
        check(&json!({"VirtualParameters.pppoeUsername": "budi@isp"}), true);
        check(&json!({"VirtualParameters.pppoeUsername._value": "budi@isp"}), true);
        check(&json!({"VirtualParameters.pppoeUsername": "budi"}), false);
        check(&json!({"_deviceId._SerialNumber": "48575443A1B2C3D4"}), true);
        check(&json!({"VirtualParameters.nothing": "x"}), false);
        check(&json!({"VirtualParameters.nothing": null}), true);
    }

    #[test]
    fn a_text_is_a_number_a_date_a_wildcard_and_a_pattern_too() {
        check(&json!({"VirtualParameters.activedevices": "5"}), true);
        check(&json!({"_lastInform": {"$lt": "2026-11-23T03:00:00Z"}}), true);
        check(&json!({"_lastInform": {"$gte": "2026-11-23T03:00:00Z"}}), false);
        check(&json!({"VirtualParameters.pppoeUsername": "*"}), true);
        check(&json!({"VirtualParameters.pppoeUsername": "budi*"}), true);
        check(&json!({"VirtualParameters.pppoeUsername": "udi*"}), false);
        check(&json!({"VirtualParameters.pppoeUsername": "/BUDI/i"}), true);
        check(&json!({"VirtualParameters.pppoeUsername": "/BUDI/"}), false);
        check(&json!({"VirtualParameters.pppoeUsername": {"$regex": "^budi\\@isp$"}}), true);
        check(&json!({"VirtualParameters.pppoeUsername": {"$regex": "^\\*$"}}), false);
    }

    #[test]
    fn operators_and_lists_work_as_in_mongodb() {
        check(&json!({"_tags": "0812"}), true);
        check(&json!({"_tags": {"$in": ["62812", "0812"]}}), true);
        check(&json!({"_id": {"$nin": ["a", "00259E*"]}}), false);
        check(&json!({"$or": [{"_id": "x"}, {"_tags": "vip"}]}), true);
        check(&json!({"$and": [{"_id": "x"}, {"_tags": "vip"}]}), false);
        check(&json!({"VirtualParameters.nothing": {"$exists": false}}), true);
        for bad in
            [json!([]), json!({"$or": []}), json!({"$where": "1"}), json!({"_id": {"$near": 1}}), json!({"_id": "/(/"})]
        {
            assert!(matches(&device(), &bad).is_err(), "{bad}");
        }
    }
}
