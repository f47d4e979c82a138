//! What customers see of it: activating until the network knows, and never for ever.

use crate::api::customer_account;
use lunas_sandbox::{Effect, Fault, FaultKind};
use serde_json::Value;
use testkit::request::{answer, from_browser, request};
use time::Duration;

use super::Provider;
use crate::journey::account_of;

/// The account's badge, and the states of its bills.
async fn dashboard(provider: &Provider) -> (String, Vec<String>, String) {
    let cookie = format!("__Host-session={}", provider.journey.token().await);
    let page = from_browser("GET", "/customer", &[], &[&cookie], None);
    let page = customer_portal::handle(&provider.journey.world.app, page).await;
    let html = String::from_utf8(page.body().as_ref().to_vec()).unwrap();
    let badge = html.split("class=\"badge ").nth(1).unwrap().split(['>', '<']).nth(1).unwrap().to_owned();
    let states = html.split("data-state=\"").skip(1).map(|rest| rest.split('"').next().unwrap().to_owned()).collect();
    (badge, states, html)
}

async fn network_of_me(provider: &Provider) -> Value {
    let token = provider.journey.token().await;
    let account = account_of(&provider.journey.world.app);
    let asked = request("GET", "/api/customer/me", Some(&token), None);
    answer(&customer_account::handle(&account, asked).await).1["customer"]["network"].clone()
}

fn fail(provider: &Provider) {
    provider
        .journey
        .world
        .sandbox
        .add_fault(Fault { times: 100, ..Fault::once("network.webhook", FaultKind::InternalError) })
        .unwrap();
}

#[tokio::test]
async fn a_customer_is_activating_until_the_network_knows() {
    let mut provider = Provider::start().await;
    provider.pay_and_deliver().await;
    assert_eq!(network_of_me(&provider).await, "told");
    provider.wait(Duration::hours(1));
    provider.pay().await;
    let (badge, states, _) = dashboard(&provider).await;
    assert_eq!(
        (badge.as_str(), states.as_slice()),
        ("Dibayar – mengaktifkan…", &["activating".to_owned(), "paid".to_owned()][..])
    );
    assert_eq!(network_of_me(&provider).await, "activating");
    provider.deliver().await;
    let (badge, states, _) = dashboard(&provider).await;
    assert_eq!((badge.as_str(), states.as_slice()), ("Aktif", &["paid".to_owned(), "paid".to_owned()][..]));
    assert_eq!((network_of_me(&provider).await, provider.effects().len()), ("told".into(), 2));
}

#[tokio::test]
async fn a_customer_who_waits_too_long_is_told_so_and_whom_to_ask() {
    let mut provider = Provider::start().await;
    fail(&provider);
    provider.pay_and_deliver().await;
    assert_eq!(
        (dashboard(&provider).await.0.as_str(), network_of_me(&provider).await),
        ("Dibayar – mengaktifkan…", "activating".into())
    );
    for _ in 0..5 {
        provider.wait(Duration::minutes(1));
        provider.sweep().await;
    }
    let (badge, states, html) = dashboard(&provider).await;
    assert_eq!((badge.as_str(), states.as_slice()), ("Aktif", &["paid".to_owned()][..]));
    assert!(html.contains("jaringan kami terlambat diberi tahu") && html.contains("hubungi kami"), "{html}");
    assert_eq!(network_of_me(&provider).await, "late");
    let cookie = format!("__Host-session={}", provider.journey.token().await);
    let finish = format!("/customer/finish/{}", provider.journey.invoice.id);
    let finish =
        customer_portal::handle(&provider.journey.world.app, from_browser("GET", &finish, &[], &[&cookie], None)).await;
    assert!(String::from_utf8(finish.body().as_ref().to_vec()).unwrap().contains("terlambat diberi tahu"));

    reqwest::Client::new()
        .delete(format!("{}/faults", provider.journey.world.sandbox.urls().network))
        .send()
        .await
        .unwrap();
    provider.wait(Duration::minutes(16));
    provider.sweep().await;
    assert!(!dashboard(&provider).await.2.contains("terlambat diberi tahu"));
    assert_eq!((network_of_me(&provider).await, provider.effects()), ("told".into(), vec![Effect::Applied]));
}

#[tokio::test]
async fn without_a_network_nobody_waits_for_one() {
    let mut provider = Provider::start().await;
    provider.configure("");
    provider.pay_and_deliver().await;
    assert_eq!((dashboard(&provider).await.0.as_str(), network_of_me(&provider).await), ("Aktif", Value::Null));
}

#[tokio::test]
async fn an_announcement_that_cannot_be_read_hinders_nobody() {
    let mut provider = Provider::start().await;
    provider.pay_and_deliver().await;
    let mut item = provider.network_update().await.unwrap();
    item.insert("state".to_owned(), aws_sdk_dynamodb::types::AttributeValue::S("other".to_owned()));
    let direct = &provider.journey.world.aws.direct;
    direct.put_item().table_name(testkit::table::NAME).set_item(Some(item)).send().await.unwrap();
    assert_eq!((dashboard(&provider).await.0.as_str(), network_of_me(&provider).await), ("Aktif", Value::Null));
    assert!(!provider.journey.ask_link(&provider.journey.token().await, None).await.unwrap().1.is_null());
}
