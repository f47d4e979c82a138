//! A JSON body with gaps. Gaps are filled in the parsed JSON's strings, so a quote in a message cannot change the body.

use serde_json::Value;

/// Gap for the phone number: digits, beginning with the country.
pub(crate) const PHONE: &str = "{{phone}}";
/// Gap for the message.
pub(crate) const TEXT: &str = "{{text}}";

/// Does any string value of the body hold the gap?
pub(crate) fn has_gap(body: &Value, gap: &str) -> bool {
    match body {
        Value::String(text) => text.contains(gap),
        Value::Array(values) => values.iter().any(|value| has_gap(value, gap)),
        Value::Object(fields) => fields.values().any(|value| has_gap(value, gap)),
        _ => false,
    }
}

/// The body with every gap filled. Filled text is not searched for gaps again.
pub(crate) fn fill(body: &Value, phone: &str, text: &str) -> Value {
    match body {
        Value::String(template) => Value::String(fill_text(template, phone, text)),
        Value::Array(values) => values.iter().map(|value| fill(value, phone, text)).collect(),
        Value::Object(fields) => {
            Value::Object(fields.iter().map(|(name, value)| (name.clone(), fill(value, phone, text))).collect())
        }
        other => other.clone(),
    }
}

fn fill_text(template: &str, phone: &str, text: &str) -> String {
    // Between the phone gaps there is only template, so the message that is put in there is never searched.
    let parts: Vec<String> = template.split(PHONE).map(|part| part.replace(TEXT, text)).collect();
    parts.join(phone)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn gaps_are_filled_at_any_depth_and_only_in_values() {
        let body =
            json!({ "to": "{{phone}}@c.us", "{{text}}": [1, null, { "message": "Halo: {{text}} ({{phone}})" }] });
        let filled = fill(&body, "628123", "a\"b{{phone}}");
        assert_eq!(
            filled,
            json!({ "to": "628123@c.us", "{{text}}": [1, null, { "message": "Halo: a\"b{{phone}} (628123)" }] })
        );
        assert!(has_gap(&body, PHONE) && has_gap(&body, TEXT));
        assert!(!has_gap(&json!({ "{{text}}": "x" }), TEXT));
    }

    proptest! {
        #[test]
        fn any_text_arrives_as_it_is(text in ".{0,60}") {
            let filled = fill(&json!({ "a": "{{text}}", "b": "x" }), "62812", &text);
            let sent = filled.to_string();
            prop_assert_eq!(serde_json::from_str::<Value>(&sent).unwrap(), json!({ "a": text, "b": "x" }));
        }
    }
}
