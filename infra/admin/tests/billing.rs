//! Invoices and payments, as an admin sees them.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod common;

use billing::id::{CustomerId, OrderId};
use billing::money::Rupiah;
use billing::payment::gateway::{GatewayName, Mode, Report, ReportedState, Transaction};
use billing::payment::invoice::{Invoice, InvoiceStatus};
use billing::payment::link::{self, NewAttempt, Opened};
use billing::payment::order::Order;
use billing::payment::settlement::{SettleOutcome, settle};
use billing::service::apply::{self, ApplyRules};
use billing::service::entitlement::LateRenewal;
use billing::zone::Zone;
use cloud::clock::Clock;
use common::{Deployment, TABLE, customers};
use time::Duration;

const ORDER: &str = "INV-2026-000001-x";

fn budi() -> CustomerId {
    CustomerId::parse("c01").unwrap()
}

impl Deployment {
    fn invoice(&self) -> Invoice {
        let page = self.runtime.block_on(self.store.invoices(&budi(), None, 1)).unwrap();
        page.entries.into_iter().next().unwrap()
    }

    fn order(&self) -> Order {
        self.runtime
            .block_on(self.store.order(GatewayName::Midtrans, &OrderId::parse(ORDER).unwrap()))
            .unwrap()
            .unwrap()
    }

    /// The customer asks for a link.
    fn open_link(&self) {
        let (invoice, now) = (self.invoice(), Clock::default().now());
        let attempt = NewAttempt {
            order_id: OrderId::parse(ORDER).unwrap(),
            gateway: GatewayName::Midtrans,
            mode: Mode::Sandbox,
            key_fingerprint: "k".into(),
            amount: invoice.amount_due().unwrap(),
            expires_at: now + Duration::DAY,
        };
        let opening = link::open(&invoice, attempt, None, now);
        self.runtime.block_on(self.store.open_order(opening.clone())).unwrap();
        let opened = Opened {
            url: "https://pay.example/1".into(),
            reference: "token".into(),
            expires_at: now + Duration::DAY,
            public: false,
        };
        let (order, invoice) = link::record(&self.order(), &self.invoice(), &opened, now);
        self.runtime.block_on(self.store.record_answer(&order, invoice, None)).unwrap();
    }

    /// The customer pays `received`, and the webhook arrives.
    fn pay(&self, received: i64) {
        let (order, invoice, now) = (self.order(), self.invoice(), Clock::default().now());
        let transaction = Transaction {
            id: "t1".into(),
            received: Rupiah::new(received),
            refunded: Rupiah::ZERO,
            charged_back: Rupiah::ZERO,
            taken_back: false,
            paid_at: Some(now),
            method: Some("qris".into()),
            status: "settlement".into(),
        };
        let report = Report { state: ReportedState::Paid, transactions: vec![transaction] };
        let SettleOutcome::Settled(mut change) = settle(&order, &invoice, &report, now).unwrap() else {
            panic!("not settled")
        };
        change.order.note(now, "confirmed_by:webhook");
        self.runtime.block_on(self.store.settle(*change, &invoice, now)).unwrap();
    }

    fn relay(&self) {
        let now = Clock::default().now();
        let events = self.runtime.block_on(self.store.events_to_relay(now + Duration::HOUR, 100)).unwrap();
        for event in events {
            self.runtime.block_on(self.store.mark_relayed(&event.id, now)).unwrap();
        }
    }

    fn apply(&self) {
        let (invoice, now) = (self.invoice(), Clock::default().now());
        let profile = self.runtime.block_on(self.store.profile(&budi())).unwrap().unwrap();
        let rules = ApplyRules { zone: Zone::Jakarta, late: LateRenewal::FromPayment };
        let application = apply::grant(&invoice, &profile, None, rules, now).unwrap();
        self.runtime.block_on(self.store.apply(&application, now)).unwrap();
    }

    fn create(&self) -> serde_json::Value {
        self.lunas(&["--json", "--yes", "invoices", "create", "--customer", "budi@isp", "--due", "2036-12-10"])
            .check(0, "")
            .json()
    }
}

#[test]
fn a_customer_owes_one_renewal_at_a_time() {
    let deployment = Deployment::with_customer();
    let before = deployment.items();
    let dry = deployment
        .lunas(&["--dry-run", "--json", "--yes", "invoices", "create", "--customer", "c01", "--due", "2036-12-10"])
        .json();
    assert_eq!(
        (&dry["invoice"]["amount"], &dry["invoice"]["invoiceNumber"]),
        (&225_000.into(), &serde_json::Value::Null)
    );
    assert_eq!(deployment.items(), before);

    let past = ["invoices", "create", "--customer", "c01", "--due", "2026-01-31"];
    deployment.lunas(&past).check(1, "budi@isp would be overdue at once").check(1, "not confirmed");
    assert_eq!(deployment.items(), before);

    let created = deployment.create();
    assert_eq!(
        (&created["invoice"]["amountDue"], &created["invoice"]["dueDate"]),
        (&225_000.into(), &"2036-12-10".into())
    );
    let number = created["invoice"]["invoiceNumber"].as_str().unwrap();
    deployment
        .lunas(&["--yes", "invoices", "create", "--customer", "c01", "--due", "2036-12-10"])
        .check(1, number)
        .check(1, "unpaid invoice already");
    deployment.lunas(&["invoices", "list", "--customer", "0812-3456-7890"]).check(0, number).check(0, "UNPAID");
    let listed = deployment.lunas(&["invoices", "list", "--customer", "id:c01", "--json"]).json();
    assert_eq!(listed["invoices"][0]["id"], created["invoice"]["id"]);
    deployment
        .lunas(&["--yes", "invoices", "create", "--customer", "nobody", "--due", "2036-12-10"])
        .check(1, "no customer has");
    deployment
        .lunas(&["--yes", "invoices", "create", "--customer", "c01", "--due", "10/12/2026"])
        .check(2, "YYYY-MM-DD");
}

#[test]
fn of_two_invoices_created_at_once_one_is_refused() {
    let deployment = Deployment::with_customer();
    let create = || deployment.lunas(&["--yes", "invoices", "create", "--customer", "c01", "--due", "2036-12-10"]).code;
    let mut codes = std::thread::scope(|scope| {
        let first = scope.spawn(create);
        let second = scope.spawn(create);
        [first.join().unwrap(), second.join().unwrap()]
    });
    codes.sort_unstable();
    let listed = deployment.lunas(&["--json", "invoices", "list", "--customer", "c01"]).json();
    assert_eq!((codes, listed["invoices"].as_array().map(Vec::len)), ([0, 1], Some(1)));
}

#[test]
fn cancelling_gives_a_part_payment_back_and_wants_the_link_cancelled() {
    let deployment = Deployment::with_customer();
    let created = deployment.create();
    let number = created["invoice"]["invoiceNumber"].as_str().unwrap();
    let id = created["invoice"]["id"].as_str().unwrap();
    deployment.lunas(&["--yes", "invoices", "cancel", number, "--customer", "nobody"]).check(1, "no customer has");
    deployment.open_link();
    deployment.pay(100_000);
    let before = deployment.items();
    deployment.lunas(&["--dry-run", "invoices", "cancel", number]).check(0, "dry run, not cancelled");
    deployment
        .lunas(&["invoices", "cancel", number])
        .check(1, "Rp100.000 that was paid for it becomes credit")
        .check(1, "not confirmed");
    assert_eq!(deployment.items(), before);

    deployment
        .lunas(&["--yes", "invoices", "cancel", id])
        .check(0, "Rp100.000 that had been paid for it became credit; credit is now Rp100.000");
    assert_eq!(deployment.invoice().status, InvoiceStatus::Cancelled);
    let shown = deployment.lunas(&["--json", "customers", "show", "c01"]).json();
    assert_eq!((&shown["customer"]["credit"], &shown["openInvoice"]), (&100_000.into(), &serde_json::Value::Null));
    deployment.lunas(&["--yes", "invoices", "cancel", number]).check(1, "only an unpaid one can be cancelled");
    deployment.lunas(&["--yes", "invoices", "cancel", "INV-1999-000001"]).check(1, "no invoice has the number");
    assert_ne!(deployment.create()["invoice"]["id"], id);
}

#[test]
fn cancelling_an_invoice_whose_link_is_open_makes_the_order_due() {
    let deployment = Deployment::with_customer();
    let number = deployment.create()["invoice"]["invoiceNumber"].as_str().unwrap().to_owned();
    deployment.open_link();
    deployment.lunas(&["--yes", "invoices", "cancel", &number]).check(0, "cancelled at midtrans within minutes");
    let order = deployment.order();
    assert!(order.cancel_wanted_since.is_some() && order.wake_at.is_some_and(|due| due <= Clock::default().now()));
    deployment.lunas(&["payments", "show", ORDER]).check(0, "reconcile-payments");
}

#[test]
fn a_payment_is_followed_from_the_link_to_the_extension() {
    let deployment = Deployment::with_customer();
    let created = deployment.create();
    let number = created["invoice"]["invoiceNumber"].as_str().unwrap();
    let show = || deployment.lunas(&["--json", "payments", "show", number]).check(0, "").json();
    let next = || show()["next"].as_str().unwrap().to_owned();
    assert!(next().contains("has not asked for a payment link"));
    deployment.open_link();
    assert!(next().contains("no payment seen at the gateway yet; next look"));
    deployment.pay(225_000);
    assert!(next().contains("settled but not relayed"));
    deployment.relay();
    assert!(next().contains("settled but not applied"));
    deployment.apply();
    let shown = show();
    assert!(shown["next"].as_str().unwrap().contains("nothing to do"));
    let steps: Vec<_> = shown["timeline"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| (step["step"].as_str().unwrap(), step["done"].as_bool().unwrap()))
        .collect();
    assert_eq!(steps, ["link", "webhook", "confirmation", "settled", "relayed", "applied"].map(|step| (step, true)));

    let human =
        deployment.lunas(&["payments", "show", created["invoice"]["id"].as_str().unwrap()]).check(0, "[x] applied");
    assert!(human.out.contains(" WIB") && human.out.contains("Rp225.000 received (qris)"), "{}", human.out);
    deployment.lunas(&["payments", "show", ORDER, "--gateway", "midtrans"]).check(0, "[x] settled");
    deployment.lunas(&["payments", "show", ORDER, "--gateway", "xendit"]).check(1, "no order");
    deployment.lunas(&["payments", "show", "nothing"]).check(1, "no order, invoice number or invoice");
}

#[test]
fn an_import_after_a_payment_keeps_what_was_paid_for() {
    let deployment = Deployment::with_customer();
    deployment.create();
    deployment.open_link();
    deployment.pay(225_000);
    deployment.apply();
    let paid = deployment.runtime.block_on(deployment.store.profile(&budi())).unwrap().unwrap();
    let file =
        deployment.file("again.csv", &customers(&["c01,Budi Santoso,0812-3456-7890,budi@isp,home20,2036-12-10,,"]));
    deployment.lunas(&["customers", "import", &file]).check(0, "1 changed");
    let after = deployment.runtime.block_on(deployment.store.profile(&budi())).unwrap().unwrap();
    assert_eq!((after.name.as_str(), &after.entitlement), ("Budi Santoso", &paid.entitlement));
}

#[test]
fn an_import_takes_nothing_away_that_somebody_has_unless_that_is_said() {
    let deployment = Deployment::with_customer();
    deployment.create();
    deployment.open_link();
    deployment.pay(225_000);
    deployment.apply();
    let before = deployment.items();
    let file = deployment.file("old.csv", &customers(&["c01,Budi,,budi@isp,home50,2036-12-01,,"]));
    for dry_run in [&["--dry-run"][..], &[]] {
        deployment
            .lunas(&[dry_run, &["customers", "import", &file]].concat())
            .check(2, "phone 6281234567890 → none; packageId home20, which is paid for → home50; expiresAt 2037-01-10")
            .check(2, "--overwrite phone,packageId,expiresAt");
    }
    assert_eq!(deployment.items(), before);
    deployment
        .lunas(&["customers", "import", &file, "--overwrite", "packageId"])
        .check(2, "would lose what they have: phone 6281234567890 → none; expiresAt");
    deployment.lunas(&["customers", "import", &file, "--overwrite", "name"]).check(2, "possible values");
    deployment.lunas(&["customers", "import", &file, "--overwrite", "phone,packageId,expiresAt"]).check(0, "1 changed");
    let after = deployment.runtime.block_on(deployment.store.profile(&budi())).unwrap().unwrap();
    assert_eq!((after.phone, after.entitlement.package.id.as_str()), (None, "home50"));
    deployment
        .lunas(&["payments", "show", ORDER])
        .check(0, "an import took service away: with home50 until 2036-12-01 23:59:59 WIB, bought was home20 until 2037-01-10")
        .check(0, "next: an import says less than was paid for");
    deployment.lunas(&["audit"]).check(1, "paid-service");
    let file = deployment.file("right.csv", &customers(&["c01,Budi,0812-3456-7890,budi@isp,home20,2037-01-10,,"]));
    deployment.lunas(&["customers", "import", &file, "--overwrite", "packageId"]).check(0, "1 changed");
    deployment.lunas(&["audit"]).check(0, "everything agrees");
    deployment.lunas(&["payments", "show", ORDER]).check(0, "the customer is served for it");
}

#[test]
fn a_row_of_somebody_whose_payment_is_being_applied_waits() {
    let deployment = Deployment::with_customer();
    deployment.create();
    deployment.open_link();
    deployment.pay(225_000);
    let before = deployment.items();
    let file = deployment.file("other.csv", &customers(&["c01,Budi,0812-3456-7890,budi@isp,home50,2036-12-10,,"]));
    deployment.lunas(&["customers", "import", &file]).check(2, "a payment of budi@isp is being applied");
    assert_eq!(deployment.items(), before);
    deployment.apply();
    deployment.lunas(&["customers", "import", &file]).check(2, "packageId home20, which is paid for → home50");
}

#[test]
fn several_lines_under_one_phone_are_never_chosen_from() {
    let deployment = Deployment::with_customer();
    let file =
        deployment.file("second.csv", &customers(&["c02,Budi (warung),0812-3456-7890,warung@isp,home50,2036-12-10,,"]));
    deployment.lunas(&["customers", "import", &file]).check(0, "1 new");
    deployment
        .lunas(&["--yes", "invoices", "create", "--customer", "081234567890", "--due", "2036-12-10"])
        .check(1, "id:c01 (budi@isp, Budi); id:c02");
    let shown = deployment.lunas(&["customers", "show", "id:c02"]).check(0, "warung@isp");
    assert!(shown.out.contains("2036-12-10 23:59:59 WIB"), "{}", shown.out);
}

#[test]
fn the_zone_is_kept_with_the_table_and_another_is_refused_by_every_command() {
    let deployment = Deployment::with_packages();
    let row = deployment.file("one.csv", &customers(&["c01,Budi,0812-3456-7890,budi@isp,home20,2036-12-10,,"]));
    let before = deployment.items();
    deployment.lunas(&["--zone", "Asia/Jayapura", "--dry-run", "customers", "import", &row]).check(0, "1 new");
    assert_eq!(deployment.items(), before);
    deployment.lunas(&["--zone", "Asia/Makassar", "customers", "import", &row]).check(0, "1 new");
    let before = deployment.items();
    deployment.lunas(&["customers", "import", &row]).check(0, "1 unchanged");
    deployment.lunas(&["customers", "show", "c01"]).check(0, "2036-12-10 23:59:59 WITA");
    for command in
        [&["customers", "import", &row][..], &["customers", "show", "c01"], &["audit"], &["packages", "list"]]
    {
        let done = deployment.lunas(&[&["--zone", "Asia/Jakarta"], command].concat());
        done.check(1, "the days of this table end in Asia/Makassar");
    }
    let variables = [("LUNAS_TABLE", TABLE), ("LUNAS_TIME_ZONE", "Asia/Jayapura")];
    deployment.lunas_with(&variables, &["customers", "import", &row]).check(1, "Leave --zone and LUNAS_TIME_ZONE out");
    assert_eq!(deployment.items(), before);
}

#[test]
fn the_table_is_found_by_its_stage_and_what_is_missing_is_said() {
    let deployment = Deployment::with_packages();
    let run = |variables: &[(&str, &str)]| deployment.lunas_with(variables, &["packages", "list"]);
    run(&[("LUNAS_STAGE", "dev")]).check(0, "home20");
    run(&[("LUNAS_STAGE", "prod")]).check(2, "is the stack lunas-prod deployed");
    run(&[]).check(2, "set --stage");
    run(&[("LUNAS_TABLE", "other")]).check(2, "table other not found in region ap-southeast-3");
    run(&[("LUNAS_TABLE", "t"), ("AWS_REGION", "")]).check(2, "no AWS region");
    run(&[("LUNAS_TABLE", "t"), ("AWS_ACCESS_KEY_ID", "")]).check(2, "no AWS credentials");
    let dead =
        run(&[("LUNAS_TABLE", "t"), ("AWS_ENDPOINT_URL", "http://127.0.0.1:9")]).check(2, "cannot reach DynamoDB");
    assert!(!dead.err.contains("test-secret") && !dead.out.contains("test-secret"));
}

#[test]
fn the_network_is_told_anew_of_whom_one_names() {
    let deployment = Deployment::with_customer();
    let before = deployment.items();
    deployment.lunas(&["--dry-run", "network", "tell", "budi@isp"]).check(0, "would be told of budi@isp");
    assert_eq!(deployment.items(), before);
    let told = deployment.lunas(&["--json", "network", "tell", "c01", "nobody@isp"]).check(1, "nobody@isp").json();
    assert_eq!((told["told"][0].as_str(), told["refused"].as_array().map(Vec::len)), (Some("budi@isp"), Some(1)));
    let now = deployment.runtime.block_on(async { deployment.store.network_update(&budi()).await.unwrap().unwrap() });
    assert!(now.wake_at.is_some() && now.taken.is_empty());
    deployment.lunas(&["network", "tell", "c01"]).check(0, "is told of budi@isp, within a minute");
}

#[test]
fn help_shows_examples() {
    let deployment = Deployment::new();
    deployment.lunas(&["--help"]).check(0, "Examples:");
    deployment.lunas(&["customers", "import", "--help"]).check(0, "packageId");
}
