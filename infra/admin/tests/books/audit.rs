//! `lunas audit` on books that the rules wrote, and on the same books with one item damaged.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::Value;

use crate::common::{Installation, TABLE, customers};

type Item = HashMap<String, AttributeValue>;

fn text(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

fn number(number: i64) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

impl Installation {
    /// Two customers: one paid more than was due and is served for it, one has an order that was replaced and never
    /// paid.
    fn with_payments() -> Self {
        let installation = Self::with_customer();
        let file = installation.file("more.csv", &customers(&["c02,Siti,0812-3456-7891,siti@isp,home50,2026-12-10,,"]));
        installation.lunas(&["customers", "import", &file]).check(0, "1 new");
        installation.bill_and_open("c01", 1);
        installation.reported("INV-2026-000001-1", 250_000, 0);
        installation.apply("c01");
        installation.bill_and_open("c02", 2);
        installation
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
    let installation = Installation::with_payments();
    let before = installation.items();
    let (code, said) = installation.audit();
    assert_eq!((code, &said["clean"], &said["customers"]), (0, &Value::Bool(true), &2.into()), "{said:#}");
    installation.lunas(&["audit"]).check(0, "2 customers").check(0, "everything agrees");
    installation.lunas(&["audit", "--customer", "budi@isp"]).check(0, "1 customers");
    assert_eq!(installation.items(), before, "an audit changes nothing");

    let (budi, siti) = ("CUSTOMER#c01", "CUSTOMER#c02");
    let set =
        |name: &'static str, value: AttributeValue| move |item: &mut Item| drop(item.insert(name.to_owned(), value));
    let gone = |item: &mut Item| item.clear();
    let unfiled = |item: &mut Item| {
        item.remove("due_key");
        item.remove("due_at");
    };
    // An item that is gone.
    installation.check("orphan", budi, "PROFILE", gone);
    installation.check("orphan", budi, "INVOICE#", gone);
    let granted = format!("GRANT#{}", installation.invoice_of("c01").id);
    installation.check("invoice-grant", budi, &granted, gone);
    installation.check("grant", budi, "GRANT#import", gone);
    installation.check("orphan", "ORDER#midtrans#INV-2026-000001-1", "ORDER", gone);
    installation.check("orphan", siti, "INVOICE#", gone);
    // An amount that is another.
    installation.check("credit", budi, "PROFILE", set("credit", number(0)));
    installation.check("invoice-held", budi, "INVOICE#", set("received", number(1)));
    installation.check("invoice-status", budi, "INVOICE#", set("status", text("UNPAID")));
    installation.check("order-booked", budi, "LEDGER#", set("amount", number(7)));
    // A state that nobody would come back to.
    installation.check("not-in-index", "ORDER#midtrans#INV-2026-000002-1", "ORDER", unfiled);
    installation.check(
        "not-in-index",
        "ORDER#midtrans#INV-2026-000002-2",
        "ORDER",
        set("due_key", text("order#elsewhere")),
    );
    installation.check("event-lost", "EVENT#", "EVENT", unfiled);
    installation.check("open-invoice", siti, "PROFILE", |item| drop(item.remove("open_renewal")));
    // One that cannot be read.
    installation.check("damaged", siti, "INVOICE#", set("schema_version", number(99)));
    installation.check("damaged", "ORDER#midtrans#INV-2026-000002-2", "ORDER", set("amount", text("much")));
    installation.check("damaged", "EVENT#", "EVENT", |item| drop(item.remove("kind")));

    assert_eq!(installation.audit().0, 0, "repaired");
}

#[test]
fn a_finding_says_what_to_do_next_and_is_told_once() {
    let installation = Installation::with_payments();
    let mut order = installation.item("ORDER#midtrans#INV-2026-000001-1", "ORDER");
    order.insert("status".into(), text("EXPIRED"));
    installation.put(order);
    let done = installation.lunas(&["audit"]);
    assert_eq!((done.code, done.out.matches("order-status").count()), (1, 1), "{}", done.out);
    done.check(1, "next: look the order up").check(1, "1 findings");
    installation.lunas(&["audit", "--customer", "c02"]).check(0, "everything agrees");
    installation.lunas(&["audit", "--customer", "nobody"]).check(1, "no customer has the id");
}

#[test]
fn what_waits_to_be_applied_is_counted_and_not_complained_of() {
    let installation = Installation::with_customer();
    installation.bill_and_open("c01", 1);
    installation.reported("INV-2026-000001-1", 225_000, 0);
    let (code, said) = installation.audit();
    assert_eq!(
        (code, &said["waiting"]["apply"], &said["pending"][0]["wait"]),
        (0, &1.into(), &"apply".into()),
        "{said:#}"
    );
    installation.lunas(&["audit"]).check(0, "1 paid, and waiting to be applied");
}
