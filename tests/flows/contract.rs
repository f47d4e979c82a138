//! `infra/openapi.yaml` as a contract: every answer that the flows see is held against it.
//!
//! An answer must have a documented status, the documented headers and a body that fits the schema. A field that the
//! document does not name is an error here; clients may be told of more later, but not before the document says so.

use std::{
    collections::BTreeSet,
    io::Write as _,
    sync::{LazyLock, Mutex, PoisonError},
};

use lambda_http::{Body, Request, Response};
use serde_json::{Value, json};
use yaml_rust2::{Yaml, YamlLoader};

static DOCUMENT: LazyLock<Value> = LazyLock::new(|| {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../infra/openapi.yaml")).unwrap();
    to_json(&YamlLoader::load_from_str(&text).unwrap()[0])
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
        // API Gateway routes nothing else to the function; should it, the function knows no such path.
        return if response.status() == 404 { Ok(()) } else { Err("the document knows no such operation".to_owned()) };
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
    let body = response.body().as_ref();
    match documented.pointer("/content/application~1json/schema") {
        Some(schema) => fits(schema, &serde_json::from_slice(body).map_err(|error| error.to_string())?),
        None if documented["content"].is_object() || body.is_empty() => Ok(()),
        None => Err("the document knows no body".to_owned()),
    }
}

/// The operation of a path such as `/api/customer/invoices/inv_1/check`. A path without a parameter comes first.
fn operation(asked: &Asked) -> Option<&'static Value> {
    let parts: Vec<&str> = asked.path.split('/').collect();
    let is_this = |template: &str| {
        let of_template: Vec<&str> = template.split('/').collect();
        let mut pairs = of_template.iter().zip(&parts);
        of_template.len() == parts.len()
            && pairs.all(|(of, part)| of == part || (of.starts_with('{') && !part.is_empty()))
    };
    let mut paths: Vec<_> = DOCUMENT["paths"].as_object().unwrap().iter().filter(|(path, _)| is_this(path)).collect();
    paths.sort_by_key(|(path, _)| path.matches('{').count());
    paths.first()?.1.get(&asked.method)
}

/// What `$ref` leads to.
fn resolved(value: &'static Value) -> &'static Value {
    match value["$ref"].as_str() {
        Some(pointer) => resolved(DOCUMENT.pointer(pointer.trim_start_matches('#')).unwrap()),
        None => value,
    }
}

fn fits(schema: &'static Value, value: &Value) -> Result<(), String> {
    // The schema's references lead into the document.
    let root = json!({"components": DOCUMENT["components"], "allOf": [schema]});
    let validator = jsonschema::options().should_validate_formats(true).build(&root).unwrap();
    let misfits: Vec<_> =
        validator.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect();
    if !misfits.is_empty() {
        return Err(misfits.join("; "));
    }
    let unknown = unknown_fields(schema, value, "");
    if unknown.is_empty() { Ok(()) } else { Err(format!("the document does not name {}", unknown.join(", "))) }
}

/// The fields of `value` that no part of the schema names.
fn unknown_fields(schema: &'static Value, value: &Value, at: &str) -> Vec<String> {
    match value {
        Value::Array(items) => {
            let of_item = schemas(schema).into_iter().find_map(|schema| schema.get("items"));
            of_item.map_or_else(Vec::new, |of_item| {
                items.iter().flat_map(|item| unknown_fields(of_item, item, at)).collect()
            })
        }
        Value::Object(fields) => {
            let properties: Vec<_> =
                schemas(schema).into_iter().filter_map(|schema| schema["properties"].as_object()).collect();
            let mut unknown = Vec::new();
            for (name, field) in fields {
                match properties.iter().find_map(|properties| properties.get(name)) {
                    Some(of_field) => unknown.extend(unknown_fields(of_field, field, &format!("{at}/{name}"))),
                    None => unknown.push(format!("{at}/{name}")),
                }
            }
            unknown
        }
        _ => Vec::new(),
    }
}

/// The schema and everything that it is put together from.
fn schemas(schema: &'static Value) -> Vec<&'static Value> {
    let schema = resolved(schema);
    let parts = ["allOf", "oneOf", "anyOf"].iter().filter_map(|word| schema[*word].as_array()).flatten();
    std::iter::once(schema).chain(parts.flat_map(schemas)).collect()
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
    let asked = Asked { method: "post".into(), path: "/api/customer/otp".into(), is_form: false };
    let answered = |status: u16, body: Value| {
        let builder = Response::builder().status(status).header("cache-control", "no-store");
        keeps(&asked, &builder.body(Body::Text(body.to_string())).unwrap())
    };
    assert_eq!(answered(200, json!({"success": true})), Ok(()));
    for (status, body) in [
        (200, json!({"success": true, "phone": "62"})),
        (200, json!({"success": "true"})),
        (200, json!({})),
        (201, json!({"success": true})),
    ] {
        assert!(answered(status, body.clone()).is_err(), "{status} {body}");
    }
}
