//! `lunas audit` on books that the rules wrote, and on the same books with one item damaged.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::Value;

use crate::common::{Deployment, TABLE, customers};

type Item = HashMap<String, AttributeValue>;

fn text(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

fn number(number: i64) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

impl Deployment {
    /// Two customers: one paid more than was due and is served for it, one has an order that was replaced and never
    /// paid.
    fn with_payments() -> Self {
        let deployment = Self::with_customer();
        let file = deployment.file("more.csv", &customers(&["c02,Siti,0812-3456-7891,siti@isp,home50,2036-12-10,,"]));
        deployment.lunas(&["customers", "import", &file]).check(0, "1 new");
        deployment.bill_and_open("c01", 1);
        deployment.reported("INV-2026-000001-1", 250_000, 0);
        deployment.apply("c01");
        deployment.bill_and_open("c02", 2);
        deployment
    }

    /// The one item whose keys begin so.
    #[track_caller]
    fn item(&self, pk: &str, sk: &str) -> Item {
        let starts = |item: &Item, name: &str, with: &str| item[name].as_s().unwrap().starts_with(with);
        let found = self.items().into_values().find(|item| starts(item, "PK", pk) && starts(item, "SK", sk));
        found.unwrap_or_else(|| panic!("no item {pk} {sk}"))
    }

    fn put(&self, item: Item) {
        self.runtime.block_on(self.client.put_item().table_name(TABLE).set_item(Some(item)).send()).unwrap();
    }

    fn delete(&self, item: &Item) {
        let delete =
            self.client.delete_item().table_name(TABLE).key("PK", item["PK"].clone()).key("SK", item["SK"].clone());
        self.runtime.block_on(delete.send()).unwrap();
    }

    fn audit(&self) -> (i32, Value) {
        let done = self.lunas(&["--json", "audit"]);
        (done.code, done.json())
    }

    /// Damages one item, and demands that the audit finds it, by this rule, and nothing once it is repaired.
    #[track_caller]
    fn check(&self, rule: &str, pk: &str, sk: &str, damage: impl FnOnce(&mut Item)) {
        let good = self.item(pk, sk);
        let mut bad = good.clone();
        damage(&mut bad);
        if bad.is_empty() {
            self.delete(&good);
        } else {
            self.put(bad);
        }
        let (code, said) = self.audit();
        let rules: Vec<&str> =
            said["findings"].as_array().unwrap().iter().map(|finding| finding["rule"].as_str().unwrap()).collect();
        assert!(code == 1 && rules.contains(&rule), "{rule} expected of {pk} {sk}, found {said:#}");
        self.put(good);
    }
}

#[test]
fn books_that_agree_are_clean_and_each_damage_is_found() {
    let deployment = Deployment::with_payments();
    let before = deployment.items();
    let (code, said) = deployment.audit();
    assert_eq!((code, &said["clean"], &said["customers"]), (0, &Value::Bool(true), &2.into()), "{said:#}");
    deployment.lunas(&["audit"]).check(0, "2 customers").check(0, "everything agrees");
    deployment.lunas(&["audit", "--customer", "budi@isp"]).check(0, "1 customers");
    assert_eq!(deployment.items(), before, "an audit changes nothing");

    let (budi, siti) = ("CUSTOMER#c01", "CUSTOMER#c02");
    let set =
        |name: &'static str, value: AttributeValue| move |item: &mut Item| drop(item.insert(name.to_owned(), value));
    let gone = |item: &mut Item| item.clear();
    let unfiled = |item: &mut Item| {
        item.remove("wake_key");
        item.remove("wake_time");
    };
    // An item that is gone.
    deployment.check("orphan", budi, "PROFILE", gone);
    deployment.check("orphan", budi, "INVOICE#", gone);
    let granted = format!("GRANT#{}", deployment.invoice_of("c01").id);
    deployment.check("invoice-grant", budi, &granted, gone);
    deployment.check("grant", budi, "GRANT#import", gone);
    deployment.check("orphan", "ORDER#midtrans#INV-2026-000001-1", "ORDER", gone);
    deployment.check("orphan", siti, "INVOICE#", gone);
    // An amount that is another.
    deployment.check("credit", budi, "PROFILE", set("credit", number(0)));
    deployment.check("invoice-held", budi, "INVOICE#", set("received", number(1)));
    deployment.check("invoice-status", budi, "INVOICE#", set("status", text("UNPAID")));
    deployment.check("order-booked", budi, "LEDGER#", set("amount", number(7)));
    // A state that nobody would come back to.
    deployment.check("not-in-index", "ORDER#midtrans#INV-2026-000002-1", "ORDER", unfiled);
    deployment.check(
        "not-in-index",
        "ORDER#midtrans#INV-2026-000002-2",
        "ORDER",
        set("wake_key", text("order#elsewhere")),
    );
    deployment.check("event-lost", "EVENT#", "EVENT", unfiled);
    deployment.check("open-invoice", siti, "PROFILE", |item| drop(item.remove("open_renewal")));
    // One that cannot be read.
    deployment.check("damaged", siti, "INVOICE#", set("schema_version", number(99)));
    deployment.check("damaged", "ORDER#midtrans#INV-2026-000002-2", "ORDER", set("amount", text("much")));
    deployment.check("damaged", "EVENT#", "EVENT", |item| drop(item.remove("kind")));

    assert_eq!(deployment.audit().0, 0, "repaired");
}

#[test]
fn a_finding_says_what_to_do_next_and_is_told_once() {
    let deployment = Deployment::with_payments();
    let mut order = deployment.item("ORDER#midtrans#INV-2026-000001-1", "ORDER");
    order.insert("status".into(), text("EXPIRED"));
    deployment.put(order);
    let done = deployment.lunas(&["audit"]);
    assert_eq!((done.code, done.out.matches("order-status").count()), (1, 1), "{}", done.out);
    done.check(1, "next: look the order up").check(1, "1 findings");
    deployment.lunas(&["audit", "--customer", "c02"]).check(0, "everything agrees");
    deployment.lunas(&["audit", "--customer", "nobody"]).check(1, "no customer has the id");
}

#[test]
fn what_waits_to_be_applied_is_counted_and_not_complained_of() {
    let deployment = Deployment::with_customer();
    deployment.bill_and_open("c01", 1);
    deployment.reported("INV-2026-000001-1", 225_000, 0);
    let (code, said) = deployment.audit();
    assert_eq!(
        (code, &said["waiting"]["apply"], &said["pending"][0]["wait"]),
        (0, &1.into(), &"apply".into()),
        "{said:#}"
    );
    deployment.lunas(&["audit"]).check(0, "1 paid, and waiting to be applied");
}
