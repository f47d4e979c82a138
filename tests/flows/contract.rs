//! `infra/openapi.yaml` as a contract: every answer that the flows see is held against it.
//!
//! An answer must have a documented status, the documented headers and media type, and a body that fits the schema. A
//! field that the document does not name is an error here; clients may be told of more later, but not before the
//! document says so. `infra/local/contract.py` holds the end-to-end test's answers against it by the same rules.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::sync::{LazyLock, Mutex, PoisonError};

use lambda_http::{Body, Request, Response};
use serde_json::{Value, json};
use yaml_rust2::{Yaml, YamlLoader};

static DOCUMENT: LazyLock<Value> = LazyLock::new(|| {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../infra/openapi.yaml")).unwrap();
    let mut document = to_json(&YamlLoader::load_from_str(&text).unwrap()[0]);
    close(&mut document);
    document
});
static SEEN: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

fn to_json(yaml: &Yaml) -> Value {
    match yaml {
        Yaml::Hash(pairs) => {
            let name = |key: &Yaml| key.as_str().map_or_else(|| key.as_i64().unwrap().to_string(), str::to_owned);
            Value::Object(pairs.iter().map(|(key, value)| (name(key), to_json(value))).collect())
        }
        Yaml::Array(items) => items.iter().map(to_json).collect(),
        Yaml::Integer(number) => json!(number),
        Yaml::Real(number) => json!(number.parse::<f64>().unwrap()),
        Yaml::Boolean(yes) => json!(yes),
        Yaml::Null => Value::Null,
        _ => json!(yaml.as_str().unwrap()),
    }
}

/// Has every schema refuse fields that it does not name. Of a `oneOf` only the branch that fits counts as naming some.
fn close(node: &mut Value) {
    match node {
        Value::Object(fields) => {
            for (name, field) in fields {
                match (name.as_str(), &mut *field) {
                    ("properties", Value::Object(properties)) => properties.values_mut().for_each(close_schema),
                    ("schema" | "items", _) => close_schema(field),
                    _ => close(field),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(close),
        _ => {}
    }
}

fn close_schema(schema: &mut Value) {
    close(schema);
    *schema = json!({"allOf": [schema.take()], "unevaluatedProperties": false});
}

/// What was asked, as far as the contract depends on it.
pub struct Asked {
    method: String,
    path: String,
    is_form: bool,
}

impl Asked {
    pub fn of(request: &Request) -> Self {
        let kind = request.headers().get("content-type").and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        Self {
            method: request.method().as_str().to_lowercase(),
            path: request.uri().path().to_owned(),
            is_form: kind.starts_with("application/x-www-form-urlencoded"),
        }
    }
}

/// # Panics
/// When the answer is not what the document says.
pub fn check(asked: &Asked, response: &Response<Body>) {
    if let Err(why) = keeps(asked, response) {
        let body = String::from_utf8_lossy(response.body().as_ref());
        panic!("{} {} → {} {body}: {why}", asked.method, asked.path, response.status());
    }
}

fn keeps(asked: &Asked, response: &Response<Body>) -> Result<(), String> {
    // A form is led to a page of the portal, which the document leaves out.
    if asked.is_form && response.status() == 303 {
        return Ok(());
    }
    if response.headers().get("cache-control").is_none_or(|value| value != "no-store") {
        return Err("it may be cached".to_owned());
    }
    let Some(operation) = operation(asked) else {
        return elsewhere(asked, response);
    };
    let status = response.status().as_u16().to_string();
    let documented = resolved(&operation["responses"][&status]);
    if !documented.is_object() {
        return Err("the document knows no such status".to_owned());
    }
    note(&operation["operationId"], &status);
    for (name, header) in documented["headers"].as_object().into_iter().flatten() {
        let header = resolved(header);
        let Some(text) = response.headers().get(name.as_str()).and_then(|value| value.to_str().ok()) else {
            if header["required"] == true {
                return Err(format!("header {name} is missing"));
            }
            continue;
        };
        let value = text.parse::<i64>().map_or_else(|_| json!(text), |number| json!(number));
        fits(&header["schema"], &value).map_err(|why| format!("header {name}: {why}"))?;
    }
    says(documented, response)
}

/// What no operation answers: there is no such path, or the path has other methods, which are named.
fn elsewhere(asked: &Asked, response: &Response<Body>) -> Result<(), String> {
    let allowed = response.headers().get("allow").map(|value| value.to_str().unwrap_or_default().to_lowercase());
    let code = match response.status().as_u16() {
        404 => "not_found",
        405 if allowed.as_deref().is_some_and(|allowed| allowed == methods(&asked.path).join(", ")) => {
            "method_not_allowed"
        }
        _ => return Err("the document knows no such operation".to_owned()),
    };
    let schema = json!({"$ref": "#/components/schemas/Error", "properties": {"code": {"const": code}}});
    says(&json!({"content": {"application/json": {"schema": schema}}}), response)
}

/// The methods that the document has for a path.
fn methods(path: &str) -> Vec<&'static str> {
    let operations = operations(path).into_iter().flat_map(|operations| operations.as_object().unwrap().keys());
    operations.map(String::as_str).filter(|name| ["get", "post"].contains(name)).collect()
}

/// Every path of the document with its methods, in the order of the document.
pub fn routes() -> Vec<(&'static str, Vec<&'static str>)> {
    DOCUMENT["paths"].as_object().unwrap().keys().map(|path| (path.as_str(), methods(path))).collect()
}

/// The body is of the documented media type, and fits its schema.
fn says(documented: &Value, response: &Response<Body>) -> Result<(), String> {
    let body = response.body().as_ref();
    let kind = response.headers().get("content-type").map(|kind| kind.to_str().unwrap_or_default());
    let Some(content) = documented["content"].as_object() else {
        return if body.is_empty() && kind.is_none() { Ok(()) } else { Err("the document knows no body".to_owned()) };
    };
    let kind = kind.and_then(|kind| kind.split(';').next()).unwrap_or_default();
    let media = content.get(kind).ok_or_else(|| format!("the document knows no media type {kind:?}"))?;
    let value = match kind {
        "application/json" => serde_json::from_slice(body).map_err(|error| error.to_string())?,
        _ => json!(String::from_utf8_lossy(body)),
    };
    fits(&media["schema"], &value)
}

fn operation(asked: &Asked) -> Option<&'static Value> {
    operations(&asked.path)?.get(&asked.method)
}

/// The operations of a path such as `/api/customer/invoices/inv_1/check`. A path without a parameter comes first. In
/// webhooks' addresses slashes too many do not matter.
fn operations(path: &str) -> Option<&'static Value> {
    let parts: Vec<&str> = if path.starts_with("/api/webhooks/") {
        std::iter::once("").chain(path.split('/').filter(|part| !part.is_empty())).collect()
    } else {
        path.split('/').collect()
    };
    let is_this = |template: &str| {
        let of_template: Vec<&str> = template.split('/').collect();
        let mut pairs = of_template.iter().zip(&parts);
        of_template.len() == parts.len()
            && pairs.all(|(of, part)| of == part || (of.starts_with('{') && !part.is_empty()))
    };
    let mut paths: Vec<_> = DOCUMENT["paths"].as_object().unwrap().iter().filter(|(path, _)| is_this(path)).collect();
    paths.sort_by_key(|(path, _)| path.matches('{').count());
    paths.first().map(|(_, operations)| *operations)
}

/// What `$ref` leads to.
fn resolved(value: &'static Value) -> &'static Value {
    match value["$ref"].as_str() {
        Some(pointer) => resolved(DOCUMENT.pointer(pointer.trim_start_matches('#')).unwrap()),
        None => value,
    }
}

fn fits(schema: &Value, value: &Value) -> Result<(), String> {
    // The schema's references lead into the document.
    let root = json!({"components": DOCUMENT["components"], "allOf": [schema]});
    let validator = jsonschema::options().should_validate_formats(true).build(&root).unwrap();
    let misfits: Vec<_> =
        validator.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect();
    if misfits.is_empty() { Ok(()) } else { Err(misfits.join("; ")) }
}

/// Writes down what was seen, for the comparison with all that the document names (`infra/local/test_api_seen.py`).
fn note(operation: &Value, status: &str) {
    let Some(file) = std::env::var_os("API_SEEN") else { return };
    let line = format!("{} {status}", operation.as_str().unwrap());
    let mut seen = SEEN.lock().unwrap_or_else(PoisonError::into_inner);
    if seen.insert(line.clone()) {
        let mut file = std::fs::OpenOptions::new().create(true).append(true).open(file).unwrap();
        writeln!(file, "{line}").unwrap();
    }
}

#[test]
fn what_the_document_does_not_say_is_noticed() {
    let keeps = |path: &str, status: u16, kind: &str, body: &Value| {
        let asked = Asked { method: "post".into(), path: path.into(), is_form: false };
        let builder =
            Response::builder().status(status).header("cache-control", "no-store").header("content-type", kind);
        keeps(&asked, &builder.body(Body::Text(body.to_string())).unwrap())
    };
    let (otp, login, link, json) =
        ("/api/customer/otp", "/api/customer/login", "/api/pay/abc/link", "application/json");
    let customer = json!({"id": "c1", "name": "Budi", "username": "budi"});
    let session = json!({"success": true, "token": "c1.x", "expiresAt": "2026-11-20T02:03:10Z", "customer": customer});
    let with = |body: &Value, name: &str, value: Value| {
        let mut body = body.clone();
        body[name] = value;
        body
    };
    let done = json!({"success": true});
    let paid_by_credit = json!({"success": true, "status": "PAID", "paymentLink": null, "message": "Lunas"});
    let unknown = json!({"success": false, "code": "not_found", "error": "Tidak ditemukan"});
    for (path, status, body) in [
        (otp, 200, &done),
        (login, 200, &session),
        (link, 200, &json!({"success": true, "paymentLink": "https://example.com/"})),
        (link, 200, &paid_by_credit),
        ("/api/elsewhere", 404, &unknown),
    ] {
        assert_eq!(keeps(path, status, json, body), Ok(()), "{path} {body}");
    }
    for (path, status, kind, body) in [
        (otp, 201, json, &done),
        (otp, 200, "text/plain", &done),
        (otp, 200, json, &json!({})),
        (otp, 200, json, &json!({"success": "true"})),
        (otp, 200, json, &with(&done, "phone", json!("62"))),
        (login, 200, json, &with(&session, "customer", with(&customer, "package", json!("Home 20")))),
        // A field of the other branch.
        (login, 200, json, &with(&session, "choose", json!([]))),
        (link, 200, json, &with(&paid_by_credit, "paymentLink", json!("https://example.com/"))),
        ("/api/elsewhere", 200, json, &done),
        ("/api/elsewhere", 404, "text/html", &unknown),
        ("/api/elsewhere", 404, json, &json!({"message": "Not Found"})),
        ("/api/elsewhere", 404, json, &with(&unknown, "code", json!("invoice_not_found"))),
    ] {
        assert!(keeps(path, status, kind, body).is_err(), "{path} {status} {kind} {body}");
    }
}
