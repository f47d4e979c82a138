//! Changing the package, as a customer does it: choose, read what will happen, agree, pay.

mod choosing;
mod crash;

use crate::api::{create_payment_link, request_upgrade};
use billing::language::Language;
use billing::money::Rupiah;
use billing::money::ledger::EntryKind;
use billing::payment::gateway::GatewayName;
use billing::payment::invoice::{Invoice, InvoiceKind, InvoiceStatus};
use billing::service::customer::Profile;
use billing::service::upgrade::UpgradePricing;
use billing::zone::{Zone, format};
use cloud::app::App;
use lunas_sandbox::{Fault, FaultKind, Outcome, Simulate};
use serde_json::{Value, json};
use testkit::request::{answer, request};
use time::Duration;

use crate::journey::Journey;

/// Served with Home 20 (Rp300.000) for ten days more, and the renewal is not paid. Home 50, Home 10 and a free package
/// are sold too.
pub(crate) async fn start() -> Journey {
    let journey = Journey::start().await;
    for (id, price) in [("home10", 150_000), ("home20", 300_000), ("home50", 500_000), ("gratis", 0)] {
        journey.world.offer(id, price).await;
    }
    journey
}

pub(crate) async fn get(app: &App, path: &str, token: &str) -> (u16, Value) {
    answer(&request_upgrade::handle(app, request("GET", &format!("/api/customer/{path}"), Some(token), None)).await)
}

async fn preview(journey: &Journey, token: &str, package: &str) -> Value {
    let (status, body) = get(&journey.world.app, &format!("upgrade?packageId={package}"), token).await;
    assert_eq!(status, 200, "{body}");
    body
}

pub(crate) async fn choose(app: &App, token: &str, body: &Value) -> (u16, Value) {
    answer(&request_upgrade::handle(app, request("POST", "/api/customer/upgrade", Some(token), Some(body))).await)
}

/// Agrees to a price.
async fn agree(journey: &Journey, token: &str, package: &str, amount: i64) -> (u16, Value) {
    choose(&journey.world.app, token, &json!({"packageId": package, "expectedAmount": amount})).await
}

/// Agrees to a price and gets a link.
async fn linked(journey: &Journey, token: &str, package: &str, amount: i64) -> String {
    let (status, body) = agree(journey, token, package, amount).await;
    assert_eq!(status, 200, "{body}");
    body["paymentLink"].as_str().unwrap_or_else(|| panic!("{body}")).to_owned()
}

pub(crate) async fn profile(journey: &Journey) -> Profile {
    journey.world.profile(&journey.customer.id).await
}

/// The invoices for changes of package, oldest first.
pub(crate) async fn upgrades(journey: &Journey) -> Vec<Invoice> {
    let page = journey.world.app.store.invoices(&journey.customer.id, None, 100).await.unwrap();
    page.entries.into_iter().rev().filter(|invoice| invoice.kind == InvoiceKind::Upgrade).collect()
}

async fn statuses(journey: &Journey) -> Vec<InvoiceStatus> {
    upgrades(journey).await.iter().map(|invoice| invoice.status).collect()
}

fn code(answer: &(u16, Value)) -> (u16, &str) {
    (answer.0, answer.1["code"].as_str().unwrap_or_default())
}

#[tokio::test]
async fn a_customer_chooses_reads_pays_and_has_the_new_package() {
    for gateway in GatewayName::ALL {
        let mut journey = start().await;
        let token = journey.token().await;
        let (_, listed) = get(&journey.world.app, "packages", &token).await;
        let shown: Vec<_> = listed["packages"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| (one["id"].as_str().unwrap(), one["current"] == true))
            .collect();
        assert_eq!(shown, [("gratis", false), ("home10", false), ("home20", true), ("home50", false)]);
        assert_eq!(
            listed["packages"][3],
            json!({"id": "home50", "name": "home50", "price": 500_000, "periodMonths": 1, "downMbps": 20, "upMbps": 10, "current": false})
        );

        let preview = preview(&journey, &token, "home50").await;
        assert_eq!((&preview["success"], &preview["amount"]), (&json!(true), &json!(500_000)));
        let body = json!({"packageId": "home50", "expectedAmount": 500_000, "gateway": gateway});
        let (status, made) = choose(&journey.world.app, &token, &body).await;
        assert_eq!(
            (status, &made["invoice"]["amountDue"], &made["invoice"]["status"]),
            (200, &json!(500_000), &json!("UNPAID"))
        );
        let link = made["paymentLink"].as_str().unwrap().to_owned();
        assert_eq!(
            profile(&journey).await.entitlement,
            journey.customer.entitlement,
            "nothing changes before it is paid"
        );
        journey.pay(&link).await;
        journey.until_quiet().await;

        let profile = profile(&journey).await;
        assert_eq!(
            (profile.entitlement.package.id.as_str(), profile.open_upgrade, profile.credit),
            ("home50", None, Rupiah::ZERO)
        );
        let shown = preview["newExpiresAt"].as_str().unwrap();
        let apart = (profile.entitlement.expires_at
            - time::OffsetDateTime::parse(shown, &time::format_description::well_known::Rfc3339).unwrap())
        .abs();
        // The same day; or the next, if midnight came in between.
        assert!(
            [Duration::ZERO, Duration::DAY].contains(&apart),
            "{gateway}: {shown} and {}",
            format::instant(profile.entitlement.expires_at)
        );
        let invoice = &upgrades(&journey).await[0];
        assert_eq!((invoice.status, invoice.granted, invoice.wake_at), (InvoiceStatus::Paid, Some(1), None));
        assert_eq!(journey.world.invoice_now(&journey.invoice).await.status, InvoiceStatus::Cancelled, "the renewal");
        let told = journey.events("package.changed").await;
        assert_eq!(
            (told.len(), &told[0]["fromPackageId"], &told[0]["packageId"]),
            (1, &json!("home20"), &json!("home50"))
        );
        let until = format::instant(profile.entitlement.expires_at);
        assert!(told[0]["expiresAt"].as_str().unwrap().starts_with(until.trim_end_matches('Z')), "{}", told[0]);
        assert_eq!(journey.events("subscription.extended").await.len(), 0, "one event tells all of it");
    }
}

#[tokio::test]
async fn the_preview_says_in_a_sentence_what_will_happen() {
    let journey = start().await;
    let token = journey.token().await;
    let shown = preview(&journey, &token, "home50").await;
    let days = shown["carriedOverDays"].as_i64().unwrap();
    assert!((5..=7).contains(&days), "ten days at Rp300.000 are six at Rp500.000: {days}");
    let unused = Rupiah::new(shown["unused"].as_i64().unwrap());
    let until = web_day(&shown);
    let sentence = format!(
        "Anda membayar Rp500.000 untuk 1 bulan home50, mulai saat pembayaran. Sisa Home 20 senilai {unused} menjadi tambahan {days} hari. \
         home50 aktif sampai {until}. Tagihan perpanjangan yang belum dibayar dibatalkan."
    );
    assert_eq!(shown["explanation"], sentence);

    let mut english = request("GET", "/api/customer/upgrade?packageId=gratis", Some(&token), None);
    english.headers_mut().insert("accept-language", "en".parse().unwrap());
    let (_, shown) = answer(&request_upgrade::handle(&journey.world.app, english).await);
    let text = shown["explanation"].as_str().unwrap();
    assert!(
        text.starts_with("The package is changed at once, there is nothing to pay. gratis is active until "),
        "{text}"
    );
}

fn web_day(shown: &Value) -> String {
    let at = time::OffsetDateTime::parse(
        shown["newExpiresAt"].as_str().unwrap(),
        &time::format_description::well_known::Rfc3339,
    )
    .unwrap();
    Language::Indonesian.date(Zone::Jakarta.date(at))
}

#[tokio::test]
async fn a_replaced_invoice_gives_its_part_payment_back_and_what_is_still_paid_on_it_is_credit() {
    let mut journey = start().await;
    let token = journey.token().await;
    let first = linked(&journey, &token, "home50", 500_000).await;
    journey.play(&Simulate { amount: Some(100_000), ..Simulate::new(&first, Outcome::Paid) }).await;
    journey.until_quiet().await;
    assert_eq!(upgrades(&journey).await[0].received, Rupiah::new(100_000));
    let rest = linked(&journey, &token, "home50", 500_000).await;
    assert_eq!(
        upgrades(&journey).await[0].link.as_ref().unwrap().amount,
        Rupiah::new(400_000),
        "the same invoice, for the rest"
    );
    linked(&journey, &token, "home10", 150_000).await;
    // What came back paid part of the new one at once.
    let second = upgrades(&journey).await[1].clone();
    assert_eq!((profile(&journey).await.credit, second.credit_applied.get()), (Rupiah::ZERO, 100_000));
    assert_eq!(second.link.unwrap().amount, Rupiah::new(50_000));
    journey.pay(&rest).await;
    journey.until_quiet().await;
    assert_eq!(
        (profile(&journey).await.credit, profile(&journey).await.entitlement),
        (Rupiah::new(400_000), journey.customer.entitlement.clone())
    );
    assert_eq!(statuses(&journey).await, [InvoiceStatus::Cancelled, InvoiceStatus::Unpaid]);
}

#[tokio::test]
async fn a_gateway_that_fails_leaves_the_invoice_to_be_paid_from_the_list() {
    for gateway in GatewayName::ALL {
        let mut journey = start().await;
        let token = journey.token().await;
        journey.world.sandbox.add_fault(Fault::once(&format!("{gateway}.create"), FaultKind::InternalError)).unwrap();
        let body = json!({"packageId": "home50", "expectedAmount": 500_000, "gateway": gateway});
        let (status, made) = choose(&journey.world.app, &token, &body).await;
        assert_eq!(
            (status, &made["paymentLink"], &made["code"]),
            (200, &Value::Null, &json!("link_failed")),
            "{gateway}"
        );
        assert_eq!(made["message"], "Gagal generate payment link, coba lagi");
        let asked = format!(
            "/api/customer/invoices/payment?invoiceId={}&gateway={gateway}",
            made["invoice"]["id"].as_str().unwrap()
        );
        let later =
            answer(&create_payment_link::handle(&journey.world.app, request("GET", &asked, Some(&token), None)).await);
        journey.pay(later.1["paymentLink"].as_str().unwrap()).await;
        journey.until_quiet().await;
        assert_eq!(profile(&journey).await.entitlement.package.id.as_str(), "home50");
    }
}

#[tokio::test]
async fn without_any_gateway_the_invoice_stays_too() {
    let journey = start().await;
    let token = journey.token().await;
    journey.world.aws.set_secret("lunas/dev/midtrans", "{}");
    journey.world.aws.set_secret("lunas/dev/xendit", "{}");
    let fresh = journey.world.another_process();
    let (status, made) = choose(&fresh, &token, &json!({"packageId": "home50", "expectedAmount": 500_000})).await;
    assert_eq!((status, &made["paymentLink"], &made["code"]), (200, &Value::Null, &json!("gateway_not_configured")));
    assert_eq!(statuses(&journey).await, [InvoiceStatus::Unpaid]);
}

#[tokio::test]
async fn a_change_that_costs_nothing_is_made_at_once_without_a_gateway() {
    let mut journey = start().await;
    let token = journey.token().await;
    let shown = preview(&journey, &token, "gratis").await;
    assert_eq!((&shown["amount"], &shown["carriedOverDays"]), (&json!(0), &json!(0)));
    journey.world.tap.forget();
    let (status, made) = agree(&journey, &token, "gratis", 0).await;
    assert_eq!(
        (status, &made["paymentLink"], &made["code"], &made["invoice"]["status"]),
        (200, &Value::Null, &json!("nothing_to_pay"), &json!("PAID"))
    );
    assert_eq!(journey.world.tap.partner_calls(), 0);
    let changed = profile(&journey).await;
    assert_eq!(
        (changed.entitlement.package.id.as_str(), changed.open_upgrade.as_ref(), changed.open_renewal.as_ref()),
        ("gratis", None, None)
    );
    // The customer was imported: nobody recorded that this service was paid for, so it makes no credit.
    assert_eq!((changed.credit.get(), &shown["credit"]), (0, &json!(0)));
    journey.until_quiet().await;
    assert_eq!(profile(&journey).await, changed, "its event changes nothing more");
    assert_eq!((journey.events("package.changed").await.len(), journey.grants().await.len()), (1, 2));
}

#[tokio::test]
async fn the_difference_is_charged_where_the_provider_wants_it_so() {
    let mut journey = start().await;
    let token = journey.token().await;
    let prorated = journey.world.with_settings(|settings| settings.upgrade_pricing = UpgradePricing::Prorated);
    let (_, shown) = get(&prorated, "upgrade?packageId=home50", &token).await;
    let amount = shown["amount"].as_i64().unwrap();
    assert!((60_000..75_000).contains(&amount), "ten or eleven of thirty days of Rp200.000: {amount}");
    assert!(shown["explanation"].as_str().unwrap().contains("selisih untuk sisa masa aktif Anda"));
    let (status, made) = choose(&prorated, &token, &json!({"packageId": "home50", "expectedAmount": amount})).await;
    assert_eq!(status, 200, "{made}");
    journey.pay(made["paymentLink"].as_str().unwrap()).await;
    journey.until_quiet().await;
    let profile = profile(&journey).await;
    assert_eq!(profile.entitlement.expires_at, journey.customer.entitlement.expires_at);
    // It was counted from midnight: what the hours since would have cost.
    let since_midnight = profile.credit.get();
    assert!((0..=200_000 / 28).contains(&since_midnight), "{since_midnight}");
    assert_eq!(profile.open_renewal, Some(journey.invoice.id.clone()), "the time after it is still to be paid");

    // Downwards there is something to give back: what was paid, not what was imported.
    let (_, shown) = get(&prorated, "upgrade?packageId=home10", &token).await;
    assert_eq!(shown["amount"], 0);
    let credit = shown["credit"].as_i64().unwrap();
    assert!(credit > 50_000 && credit <= amount, "{shown}");
    let (status, made) = choose(&prorated, &token, &json!({"packageId": "home10", "expectedAmount": 0})).await;
    assert_eq!((status, &made["code"]), (200, &json!("nothing_to_pay")));
    journey.until_quiet().await;
    let held = self::profile(&journey).await.credit.get();
    assert!((held - since_midnight - credit).abs() <= 2, "{held}");
    assert_eq!(journey.ledger(EntryKind::Unused).await, held);
}

#[tokio::test]
async fn a_reversed_payment_takes_the_change_back() {
    let mut journey = start().await;
    let token = journey.token().await;
    let link = linked(&journey, &token, "home50", 500_000).await;
    journey.pay(&link).await;
    journey.until_quiet().await;
    journey.simulate(&link, Outcome::Reversed).await;
    journey.until_quiet().await;
    let profile = profile(&journey).await;
    assert_eq!(profile.entitlement, journey.customer.entitlement);
    let invoice = &upgrades(&journey).await[0];
    assert_eq!(
        (invoice.status, invoice.granted, &profile.open_upgrade),
        (InvoiceStatus::Unpaid, None, &Some(invoice.id.clone()))
    );
    let told: Vec<_> = journey.events("package.changed").await.iter().map(|event| event["packageId"].clone()).collect();
    assert!(told.len() == 2 && told.contains(&json!("home20")), "{told:?}");
    assert_eq!(journey.events("subscription.reverted").await.len(), 1);

    // It can be paid again.
    let link = linked(&journey, &token, "home50", 500_000).await;
    journey.pay(&link).await;
    journey.until_quiet().await;
    assert_eq!(journey.world.profile(&journey.customer.id).await.entitlement.package.id.as_str(), "home50");
}

#[tokio::test]
async fn the_renewal_of_replaced_time_is_cancelled_with_its_link_and_money_that_still_comes_is_credit() {
    let mut journey = start().await;
    let token = journey.token().await;
    let renewal = journey.link(&token, Some(GatewayName::Xendit)).await;
    let link = linked(&journey, &token, "home50", 500_000).await;
    journey.pay(&link).await;
    journey.until_quiet().await;
    let cancelled = journey.world.invoice_now(&journey.invoice).await;
    assert_eq!(
        (cancelled.status, cancelled.link, profile(&journey).await.open_renewal),
        (InvoiceStatus::Cancelled, None, None)
    );
    let before = profile(&journey).await;
    journey.pay(&renewal).await;
    journey.until_quiet().await;
    let after = profile(&journey).await;
    assert_eq!((after.credit, &after.entitlement), (Rupiah::new(300_000), &before.entitlement));
    assert_eq!(journey.events("payment.review").await.len(), 1);
}

#[tokio::test]
async fn a_renewal_that_nobody_pays_is_closed_at_its_gateway_by_the_reconciliation() {
    let mut journey = start().await;
    let token = journey.token().await;
    journey.link(&token, Some(GatewayName::Xendit)).await;
    let link = linked(&journey, &token, "home50", 500_000).await;
    journey.pay(&link).await;
    journey.until_quiet().await;
    assert_eq!(journey.world.sandbox.calls_of("xendit.expire"), 0, "never inside apply");
    journey.reconcile().await;
    assert_eq!(journey.world.sandbox.calls_of("xendit.expire"), 1);
}

#[tokio::test]
async fn change_and_renewal_paid_at_the_same_time_end_alike_in_either_order() {
    let mut ends = Vec::new();
    for renewal_first in [true, false] {
        let mut journey = start().await;
        let token = journey.token().await;
        let renewal = journey.link(&token, Some(GatewayName::Xendit)).await;
        let upgrade = linked(&journey, &token, "home50", 500_000).await;
        let links = if renewal_first { [renewal, upgrade] } else { [upgrade, renewal] };
        for link in links {
            journey.pay(&link).await;
        }
        // Both are booked before anything is applied.
        let waiting: Vec<_> = journey.undelivered.drain(..).collect();
        for notification in &waiting {
            assert_eq!(journey.deliver(notification).await, Some(200));
        }
        journey.until_quiet().await;
        let profile = profile(&journey).await;
        assert_eq!(
            (profile.entitlement.package.id.as_str(), profile.credit, profile.open_renewal),
            ("home50", Rupiah::ZERO, None)
        );
        assert_eq!(journey.grants().await.len(), 3);
        ends.push(profile.entitlement.paid_until());
    }
    assert!((ends[0] - ends[1]).abs() < Duration::minutes(5), "{ends:?}");
}
