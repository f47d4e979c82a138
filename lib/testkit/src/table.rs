//! The table on an embedded DynamoDB, with the keys and the index of the template.

use std::collections::{BTreeMap, HashMap};

use aws_credential_types::Credentials;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{BehaviorVersion, Region};
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection,
    ProjectionType, ScalarAttributeType,
};
use billing::{service::customer::Profile, zone::format};
use time::OffsetDateTime;
use tokio::net::TcpListener;

/// Name of the table in tests.
pub const NAME: &str = "lunas-test";

/// Serves an empty DynamoDB on loopback for as long as the runtime lives; answers its address.
///
/// # Panics
/// When no port can be had.
pub async fn serve() -> String {
    let database = dynoxide::Database::memory().expect("an embedded DynamoDB");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(dynoxide::server::serve_with_shutdown(listener, database, std::future::pending()));
    url
}

/// A client of the DynamoDB at `url`.
#[must_use]
pub fn client(url: &str) -> Client {
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("test", "test", None, None, "test"))
        .endpoint_url(url);
    Client::from_conf(config.build())
}

/// Creates a table of that name.
///
/// # Panics
/// When it cannot be created.
pub async fn create(client: &Client, name: &str) {
    let attribute = |name: &str, kind| {
        AttributeDefinition::builder().attribute_name(name).attribute_type(kind).build().expect("complete")
    };
    let key =
        |name: &str, kind| KeySchemaElement::builder().attribute_name(name).key_type(kind).build().expect("complete");
    let index = GlobalSecondaryIndex::builder()
        .index_name("wake")
        .key_schema(key("wake_key", KeyType::Hash))
        .key_schema(key("wake_time", KeyType::Range))
        .projection(Projection::builder().projection_type(ProjectionType::KeysOnly).build());
    let table = client
        .create_table()
        .table_name(name)
        .attribute_definitions(attribute("PK", ScalarAttributeType::S))
        .attribute_definitions(attribute("SK", ScalarAttributeType::S))
        .attribute_definitions(attribute("wake_key", ScalarAttributeType::S))
        .attribute_definitions(attribute("wake_time", ScalarAttributeType::N))
        .key_schema(key("PK", KeyType::Hash))
        .key_schema(key("SK", KeyType::Range))
        .global_secondary_indexes(index.build().expect("complete"))
        .billing_mode(BillingMode::PayPerRequest);
    table.send().await.expect("the table is created");
}

/// Items whose sort key begins with `prefix`, as plain attributes.
///
/// # Panics
/// When the table cannot be read.
pub async fn items(client: &Client, prefix: &str) -> Vec<HashMap<String, AttributeValue>> {
    let pages = client.scan().table_name(NAME).consistent_read(true).into_paginator().items().send();
    let items: Result<Vec<_>, _> = pages.collect().await;
    let sort_key = |item: &HashMap<String, AttributeValue>| {
        item.get("SK").and_then(|value| value.as_s().ok()).cloned().unwrap_or_default()
    };
    items.expect("the table is readable").into_iter().filter(|item| sort_key(item).starts_with(prefix)).collect()
}

/// The whole table, by key: to tell whether anything changed.
///
/// # Panics
/// When the table cannot be read.
pub async fn everything(client: &Client) -> BTreeMap<(String, String), HashMap<String, AttributeValue>> {
    let key = |item: &HashMap<String, AttributeValue>, name: &str| item[name].as_s().expect("a key is text").clone();
    items(client, "").await.into_iter().map(|item| ((key(&item, "PK"), key(&item, "SK")), item)).collect()
}

pub(crate) async fn put_session(client: &Client, customer: &Profile, token: &str, expires_at: OffsetDateTime) {
    use std::fmt::Write as _;
    let mut hash = String::new();
    for byte in crate::request::sha256(token.as_bytes()) {
        let _ = write!(hash, "{byte:02x}");
    }
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let put = client
        .put_item()
        .table_name(NAME)
        .item("PK", text(&format!("CUSTOMER#{}", customer.id)))
        .item("SK", text(&format!("SESSION#{hash}")))
        .item("customer_id", text(customer.id.as_str()))
        .item("phone", text(customer.phone.as_ref().map_or("", |phone| phone.as_str())))
        .item("token_hash", text(&hash))
        .item("created_at", text(&format::instant(OffsetDateTime::UNIX_EPOCH)))
        .item("expires_at", text(&format::instant(expires_at)));
    put.send().await.expect("stored");
}
