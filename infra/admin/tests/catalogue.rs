//! The catalogue, one package at a time, and what customers see of a change of package.

mod common;

use billing::id::{CustomerId, InvoiceId};
use billing::payment::invoice::NewInvoice;
use billing::service::upgrade::{self, UpgradePricing, UpgradeRules};
use billing::zone::Zone;
use cloud::clock::Clock;
use common::{Deployment, customers};
use time::macros::date;

#[test]
fn a_package_is_created_changed_retired_and_sold_again() {
    let deployment = Deployment::with_packages();
    let create =
        ["packages", "create", "home100", "--name", "Home 100", "--price", "450000", "--down", "100", "--up", "50"];
    let before = deployment.items();
    deployment.lunas(&[&["--dry-run"], &create[..]].concat()).check(0, "dry run, not created");
    assert_eq!(deployment.items(), before);
    let created = deployment.lunas(&[&["--json"], &create[..]].concat()).check(0, "").json();
    assert_eq!(
        (&created["package"]["price"], &created["package"]["periodMonths"], &created["package"]["active"]),
        (&450_000.into(), &1.into(), &true.into())
    );
    deployment.lunas(&create).check(1, "exists already");

    deployment
        .lunas(&["--yes", "packages", "change", "home100", "--price", "475000", "--changeable-to", "home20, home50"])
        .check(0, "Rp475.000");
    // Nobody at the terminal: no answer is no.
    let before = deployment.items();
    deployment
        .lunas(&["packages", "change", "home100", "--price", "1000"])
        .check(1, "not confirmed")
        .check(1, "after:  home100");
    deployment.lunas(&["packages", "retire", "home100"]).check(1, "not confirmed");
    assert_eq!(deployment.items(), before);
    deployment.lunas(&["--yes", "packages", "retire", "home100"]).check(0, "(retired)");
    deployment.lunas(&["packages", "list"]).check(0, "(retired)  changeable to home20, home50");
    let shown = deployment
        .lunas(&["--json", "--yes", "packages", "change", "home100", "--active", "--changeable-to", ""])
        .json();
    assert_eq!(
        (&shown["package"]["active"], &shown["package"]["changeableTo"]),
        (&true.into(), &serde_json::json!([]))
    );
    let shown = deployment
        .lunas(&["--json", "--yes", "packages", "change", "home100", "--changeable-to-all", "--name", "Home 100 Mbps"])
        .json();
    assert_eq!(
        (&shown["package"]["changeableTo"], &shown["package"]["name"]),
        (&serde_json::Value::Null, &"Home 100 Mbps".into())
    );
    assert_eq!(shown["package"]["downMbps"], 100, "what was not asked for stays");
}

#[test]
fn what_cannot_be_a_package_is_refused_and_nothing_is_written() {
    let deployment = Deployment::with_packages();
    let before = deployment.items();
    deployment
        .lunas(&["--yes", "packages", "change", "home20", "--changeable-to", "home5"])
        .check(1, "no package has the id home5");
    deployment.lunas(&["--yes", "packages", "change", "home20", "--months", "25"]).check(1, "1 to 24 months");
    deployment.lunas(&["--yes", "packages", "change", "home20", "--months", "300"]).check(1, "1 to 24 months");
    deployment
        .lunas(&["--yes", "packages", "change", "home20", "--down", "0", "--name", ""])
        .check(1, "bandwidth")
        .check(1, "name");
    deployment
        .lunas(&["--yes", "packages", "change", "home20", "--price", "1000000001"])
        .check(1, "more than Rp1.000.000.000");
    deployment
        .lunas(&["--yes", "packages", "change", "home20", "--price", "999"])
        .check(1, "Rp999 cannot be collected: payment gateways take Rp1.000 or more");
    deployment.lunas(&["--yes", "packages", "change", "home20", "--price", "300.000"]).check(2, "invalid");
    deployment.lunas(&["--yes", "packages", "change", "home20"]).check(2, "required");
    deployment.lunas(&["--yes", "packages", "change", "nope", "--price", "1"]).check(1, "no package has the id nope");
    deployment.lunas(&["--yes", "packages", "retire", "nope"]).check(1, "no package has the id nope");
    assert_eq!(deployment.items(), before);
}

#[test]
fn an_import_of_the_catalogue_leaves_what_a_package_may_be_changed_to() {
    let deployment = Deployment::with_packages();
    deployment
        .lunas(&["--yes", "packages", "change", "home20", "--changeable-to", "home50"])
        .check(0, "changeable to home50");
    let file = deployment.file("again.csv", common::PACKAGES);
    deployment.lunas(&["packages", "import", &file]).check(0, "2 unchanged");
    deployment.lunas(&["packages", "list"]).check(0, "changeable to home50");
}

#[test]
fn an_invoice_keeps_the_price_it_was_made_with() {
    let deployment = Deployment::with_customer();
    let create = ["--json", "--yes", "invoices", "create", "--customer", "budi@isp", "--due", "2036-12-10"];
    let first = deployment.lunas(&create).json();
    deployment.lunas(&["--yes", "packages", "change", "home20", "--price", "240000"]).check(0, "Rp240.000");
    let listed = deployment.lunas(&["--json", "invoices", "list", "--customer", "budi@isp"]).json();
    assert_eq!((&listed["invoices"][0]["amount"], &first["invoice"]["amount"]), (&225_000.into(), &225_000.into()));
    deployment
        .lunas(&["--yes", "invoices", "cancel", first["invoice"]["invoiceNumber"].as_str().unwrap()])
        .check(0, "cancelled");
    assert_eq!(deployment.lunas(&create).json()["invoice"]["amount"], 240_000);
}

#[test]
fn an_open_change_of_package_is_shown_and_can_be_cancelled() {
    let deployment = Deployment::with_customer();
    let file = deployment.file("more.csv", &customers(&["c02,Siti,0812-3456-7891,siti@isp,home50,2036-12-10,,"]));
    deployment.lunas(&["customers", "import", &file]).check(0, "1 new");
    let (store, now) = (&deployment.store, Clock::default().now());
    let profile = deployment.runtime.block_on(store.profile(&CustomerId::parse("c01").unwrap())).unwrap().unwrap();
    let home50 = deployment
        .runtime
        .block_on(store.package(&billing::id::PackageId::parse("home50").unwrap()))
        .unwrap()
        .unwrap()
        .package;
    let rules = UpgradeRules { zone: Zone::Jakarta, pricing: UpgradePricing::FullPrice };
    let preview = upgrade::preview(&profile, &home50, rules, now).unwrap();
    let new = NewInvoice {
        id: InvoiceId::parse("inv_9").unwrap(),
        number: "INV-2026-000009".into(),
        due_date: date!(2026 - 12 - 10),
    };
    let opened = upgrade::open(&profile, &preview, None, new, now).unwrap();
    deployment.runtime.block_on(store.open_upgrade(opened, now)).unwrap();

    deployment
        .lunas(&["customers", "show", "c01"])
        .check(0, "change     INV-2026-000009")
        .check(0, "change to home50")
        .check(0, "open       no invoice");
    let shown = deployment.lunas(&["--json", "customers", "show", "c01"]).json();
    assert_eq!(
        (&shown["openUpgrade"]["kind"], &shown["openUpgrade"]["packageId"]),
        (&"upgrade".into(), &"home50".into())
    );
    deployment.lunas(&["invoices", "list", "--customer", "c01"]).check(0, "change to home50");
    deployment.lunas(&["--yes", "invoices", "cancel", "INV-2026-000009"]).check(0, "cancelled INV-2026-000009");
    let shown = deployment.lunas(&["--json", "customers", "show", "c01"]).json();
    assert_eq!(shown["openUpgrade"], serde_json::Value::Null);
}
