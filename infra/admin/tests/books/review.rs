//! `lunas payments review` and `reviewed`.

use serde_json::{Value, json};

use crate::common::Deployment;

const ORDER: &str = "INV-2026-000001-1";

fn listed(deployment: &Deployment, arguments: &[&str]) -> Vec<Value> {
    let all = [&["--json", "payments", "review"], arguments].concat();
    deployment.lunas(&all).check(0, "").json()["reviews"].as_array().unwrap().clone()
}

fn whys(rows: &[Value]) -> Vec<(&str, i64)> {
    rows.iter().map(|row| (row["why"].as_str().unwrap(), row["amount"].as_i64().unwrap())).collect()
}

#[test]
fn what_needs_a_person_is_listed_until_somebody_has_dealt_with_it() {
    let deployment = Deployment::with_customer();
    deployment.bill_and_open("c01", 1);
    assert_eq!(listed(&deployment, &[]), Vec::<Value>::new());
    deployment.lunas(&["payments", "review"]).check(0, "0 to be looked at");

    deployment.reported(ORDER, 100_000, 0);
    deployment.reported(ORDER, 250_000, 0);
    let rows = listed(&deployment, &[]);
    assert_eq!(whys(&rows), [("partial", 100_000), ("surplus", 25_000)]);
    assert_eq!(
        (&rows[1]["invoiceStatus"], &rows[1]["gateway"], &rows[1]["orderId"], &rows[1]["customerId"]),
        (&json!("PAID"), &json!("midtrans"), &json!(ORDER), &json!("c01"))
    );
    // Numbers hold the year of the machine's clock.
    let number = rows[1]["invoiceNumber"].as_str().unwrap();
    assert!(number.starts_with("INV-") && number.ends_with("-000001"), "{number}");
    deployment
        .lunas(&["payments", "review"])
        .check(0, "2 to be looked at")
        .check(0, "it is credit already")
        .check(0, &format!("{number} (PAID now)"));

    // Refunded in part, then in full: the credit goes first.
    deployment.reported(ORDER, 250_000, 125_000);
    deployment.reported(ORDER, 250_000, 250_000);
    let rows = listed(&deployment, &[]);
    assert_eq!(whys(&rows)[2..], [("partial_refund", 100_000), ("reversed", 125_000)]);

    let id = rows[1]["id"].as_str().unwrap();
    let before = deployment.items();
    deployment.lunas(&["--dry-run", "payments", "reviewed", id, "--note", "told"]).check(0, "dry run");
    assert_eq!(deployment.items(), before);
    for _ in 0..2 {
        deployment.lunas(&["payments", "reviewed", id, "--note", "told the customer"]).check(0, "is dealt with");
    }
    deployment.lunas(&["payments", "reviewed", id, "--note", "something else"]).check(1, "already: told the customer");
    assert_eq!(whys(&listed(&deployment, &[])).len(), 3);
    let all = listed(&deployment, &["--all"]);
    assert_eq!((all.len(), &all[1]["note"]), (4, &json!("told the customer")));
    deployment.lunas(&["payments", "review", "--all"]).check(0, "dealt with").check(0, "told the customer");
    assert_eq!(listed(&deployment, &["--since", "2099-01-01"]).len(), 0);
}

#[test]
fn an_answer_that_is_not_understood_is_listed_once() {
    let deployment = Deployment::with_customer();
    deployment.bill_and_open("c01", 1);
    for _ in 0..2 {
        deployment.unclear(ORDER, "status hold");
    }
    let rows = listed(&deployment, &[]);
    assert_eq!((whys(&rows), &rows[0]["said"]), (vec![("unclear", 225_000)], &json!("status hold")));
    assert_eq!(deployment.lunas(&["audit"]).check(0, "everything agrees").code, 0);
}

#[test]
fn what_is_not_there_cannot_be_dealt_with() {
    let deployment = Deployment::with_customer();
    for id in
        ["nonsense", "", "019b0c4e2f7a7c3d9e4f5a6b7c8d9e0f", "../CUSTOMER#c01", "019B0C4E2F7A7C3D9E4F5A6B7C8D9E0F"]
    {
        let before = deployment.items();
        deployment.lunas(&["payments", "reviewed", id, "--note", "x"]).check(1, "see `lunas payments review`");
        assert_eq!(deployment.items(), before);
    }
    deployment
        .lunas(&["payments", "reviewed", "019b0c4e2f7a7c3d9e4f5a6b7c8d9e0f", "--note", " "])
        .check(1, "say in 1 to 200");
}
