//! Reading and checking the body of `POST /snap/v1/transactions`.
//!
//! Source: <https://docs.midtrans.com/reference/request-body-json-parameter>.

use serde_json::Value;
use time::{Duration, OffsetDateTime};

use super::channel::offered;
use crate::core::{parse_midtrans_time, rupiah};

/// The two documentation pages disagree about the shortest expiry (5 minutes, 20 seconds); the sandbox takes the
/// shorter.
const SHORTEST_EXPIRY: Duration = Duration::seconds(20);
const LONGEST_EXPIRY: Duration = Duration::days(7);
const MAX_ORDER_ID: usize = 50;
const MAX_NAME: usize = 50;
const MAX_CUSTOM_FIELD: usize = 255;

/// `expiry`: of the page and of the payment code.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Expiry {
    /// Without it the payment code's clock starts when a method is chosen.
    pub(crate) start: Option<OffsetDateTime>,
    pub(crate) after: Duration,
}

/// The parts of the request that matter later on.
#[derive(Clone, Debug)]
pub(crate) struct CreateRequest {
    pub(crate) order_id: String,
    pub(crate) gross_amount: i64,
    pub(crate) items: Vec<(String, i64)>,
    pub(crate) customer_name: String,
    pub(crate) enabled_payments: Vec<String>,
    pub(crate) expiry: Option<Expiry>,
    pub(crate) page_expiry: Option<Duration>,
    pub(crate) finish_url: Option<String>,
    pub(crate) custom_fields: [Option<String>; 3],
    pub(crate) metadata: Option<Value>,
    /// From the headers `X-Override-Notification` and `X-Append-Notification`.
    pub(crate) notify_instead: Vec<String>,
    pub(crate) notify_also: Vec<String>,
}

impl CreateRequest {
    /// All that is wrong with the body, as Snap lists it.
    pub(crate) fn read(body: &Value) -> Result<Self, Vec<String>> {
        let mut errors = Vec::new();
        let order_id = order_id(body, &mut errors);
        let gross_amount = gross_amount(body, &mut errors);
        let items = items(body, gross_amount, &mut errors);
        let expiry = expiry(&body["expiry"], "expiry", &mut errors);
        let page_expiry = expiry_of_page(&body["page_expiry"], &mut errors);
        let request = Self {
            order_id,
            gross_amount,
            items,
            customer_name: customer_name(body),
            enabled_payments: enabled_payments(body, gross_amount, &mut errors),
            expiry,
            page_expiry,
            finish_url: callback(body, &mut errors),
            custom_fields: ["custom_field1", "custom_field2", "custom_field3"]
                .map(|name| custom_field(body, name, &mut errors)),
            metadata: body.get("metadata").filter(|value| value.is_object()).cloned(),
            notify_instead: Vec::new(),
            notify_also: Vec::new(),
        };
        if errors.is_empty() { Ok(request) } else { Err(errors) }
    }
}

/// Letters, digits, `-`, `_`, `~` and `.` only.
pub(crate) fn is_order_id(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= MAX_ORDER_ID
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_~.".contains(&byte))
}

fn order_id(body: &Value, errors: &mut Vec<String>) -> String {
    let Some(order_id) = body.pointer("/transaction_details/order_id").and_then(Value::as_str) else {
        errors.push("transaction_details.order_id is required".to_owned());
        return String::new();
    };
    if order_id.len() > MAX_ORDER_ID {
        errors.push("transaction_details.order_id must be between 1 - 50".to_owned());
    } else if !is_order_id(order_id) {
        errors.push("transaction_details.order_id format is invalid".to_owned());
    }
    order_id.to_owned()
}

fn gross_amount(body: &Value, errors: &mut Vec<String>) -> i64 {
    let name = "transaction_details.gross_amount";
    let Some(value) = body.pointer("/transaction_details/gross_amount") else {
        errors.push(format!("{name} is required"));
        return 0;
    };
    match rupiah::integer(value) {
        Some(amount) if amount >= 1 => amount,
        Some(_) => {
            errors.push(format!("{name} must be greater than or equal to 1"));
            0
        }
        None => {
            errors.push(format!("{name} is not a valid integer"));
            0
        }
    }
}

fn items(body: &Value, gross_amount: i64, errors: &mut Vec<String>) -> Vec<(String, i64)> {
    let Some(list) = body.get("item_details").and_then(Value::as_array) else {
        return Vec::new();
    };
    let mut items = Vec::new();
    let mut sum: i64 = 0;
    for (index, item) in list.iter().enumerate() {
        let name = item["name"].as_str().unwrap_or_default();
        if name.is_empty() {
            errors.push(format!("item_details[{index}].name is required"));
        } else if name.chars().count() > MAX_NAME {
            errors.push(format!("item_details[{index}].name must be between 0 - 50"));
        }
        let price = rupiah::integer(&item["price"]);
        let quantity = rupiah::integer(&item["quantity"]).filter(|quantity| *quantity >= 1);
        let (Some(price), Some(quantity)) = (price, quantity) else {
            errors.push(format!("item_details[{index}].price and quantity must be integers"));
            continue;
        };
        let line = price.saturating_mul(quantity);
        sum = sum.saturating_add(line);
        items.push((name.to_owned(), line));
    }
    if sum != gross_amount && gross_amount > 0 {
        errors.push(
            "the sum of item_details and transaction_details.gross_amount must be equal to each other: \
             transaction_details.gross_amount must be equal to the sum of item_details"
                .to_owned(),
        );
    }
    items
}

fn enabled_payments(body: &Value, gross_amount: i64, errors: &mut Vec<String>) -> Vec<String> {
    match body.get("enabled_payments") {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(names)) => {
            let names: Vec<String> = names.iter().filter_map(Value::as_str).map(str::to_owned).collect();
            if !names.is_empty() && offered(&names, gross_amount).is_empty() {
                errors.push("no payment channels are available for this transaction".to_owned());
            }
            names
        }
        Some(_) => {
            errors.push("enabled_payments must be a list".to_owned());
            Vec::new()
        }
    }
}

fn duration(value: &Value) -> Option<Duration> {
    let count = value["duration"].as_i64().filter(|count| (1..=1_000_000).contains(count))?;
    match value["unit"].as_str()?.to_ascii_lowercase().trim_end_matches('s') {
        "second" => Some(Duration::seconds(count)),
        "minute" => Some(Duration::minutes(count)),
        "hour" => Some(Duration::hours(count)),
        "day" => Some(Duration::days(count)),
        _ => None,
    }
}

fn expiry(value: &Value, name: &str, errors: &mut Vec<String>) -> Option<Expiry> {
    if value.is_null() {
        return None;
    }
    let Some(after) = duration(value) else {
        errors.push(format!("{name}.unit and {name}.duration are invalid"));
        return None;
    };
    if !(SHORTEST_EXPIRY..=LONGEST_EXPIRY).contains(&after) {
        errors.push(format!("{name}.duration must be between 20 seconds and 7 days"));
    }
    let start = match value.get("start_time") {
        None | Some(Value::Null) => None,
        Some(text) => {
            let start = text.as_str().and_then(parse_midtrans_time);
            if start.is_none() {
                errors.push(format!("{name}.start_time must have the form yyyy-MM-dd HH:mm:ss Z"));
            }
            start
        }
    };
    Some(Expiry { start, after })
}

fn expiry_of_page(value: &Value, errors: &mut Vec<String>) -> Option<Duration> {
    expiry(value, "page_expiry", errors).map(|expiry| expiry.after)
}

fn callback(body: &Value, errors: &mut Vec<String>) -> Option<String> {
    let finish = body.pointer("/callbacks/finish")?.as_str()?;
    if finish.len() > MAX_CUSTOM_FIELD {
        errors.push("callbacks.finish must be between 0 - 255".to_owned());
    }
    // The page links there: nothing but a web address may become a link.
    let is_web = finish.starts_with("https://") || finish.starts_with("http://");
    is_web.then(|| finish.to_owned())
}

fn custom_field(body: &Value, name: &str, errors: &mut Vec<String>) -> Option<String> {
    let text = body.get(name)?.as_str()?;
    if text.chars().count() > MAX_CUSTOM_FIELD {
        errors.push(format!("{name} must be between 0 - 255"));
    }
    Some(text.to_owned())
}

fn customer_name(body: &Value) -> String {
    let part = |name: &str| body["customer_details"][name].as_str().unwrap_or_default();
    format!("{} {}", part("first_name"), part("last_name")).trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(change: (&str, Value), expected: &str) {
        let mut body = json!({"transaction_details": {"order_id": "INV-1", "gross_amount": 300_000}});
        body[change.0] = change.1;
        let errors = CreateRequest::read(&body).expect_err("refused").join("\n");
        assert!(errors.contains(expected), "{errors}");
    }

    #[test]
    fn broken_requests_are_refused_with_the_reason() {
        check(("transaction_details", json!({})), "order_id is required");
        check(("transaction_details", json!({"order_id": "a/b", "gross_amount": 1})), "order_id format");
        check(("transaction_details", json!({"order_id": "a b", "gross_amount": 1})), "order_id format");
        check(("transaction_details", json!({"order_id": "x".repeat(51), "gross_amount": 1})), "1 - 50");
        check(("transaction_details", json!({"order_id": "a", "gross_amount": "1"})), "gross_amount");
        check(("transaction_details", json!({"order_id": "a", "gross_amount": 1.0})), "gross_amount");
        check(("transaction_details", json!({"order_id": "a", "gross_amount": 0})), "gross_amount");
        check(
            ("item_details", json!([{"name": "Net", "price": 299_999, "quantity": 1}])),
            "gross_amount must be equal to",
        );
        check(("item_details", json!([{"name": "n".repeat(51), "price": 300_000, "quantity": 1}])), "name must be");
        check(("expiry", json!({"unit": "fortnight", "duration": 1})), "expiry.unit");
        check(("expiry", json!({"unit": "days", "duration": 8})), "7 days");
        check(("expiry", json!({"unit": "days", "duration": 1, "start_time": "2026-11-20"})), "start_time");
        check(("enabled_payments", json!(["barter"])), "no payment channels");
        check(("custom_field1", json!("c".repeat(256))), "custom_field1");
    }

    #[test]
    fn discounts_are_lines_with_a_negative_price() {
        let body = json!({
            "transaction_details": {"order_id": "INV-1_~.", "gross_amount": 290_000},
            "item_details": [{"name": "Net", "price": 300_000, "quantity": 1}, {"name": "Promo", "price": -10_000, "quantity": 1}],
        });
        assert_eq!(CreateRequest::read(&body).unwrap().items.len(), 2);
    }
}
