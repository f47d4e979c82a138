//! What may be chosen, and what choosing again does.

use billing::money::Rupiah;
use billing::payment::invoice::InvoiceStatus;
use billing::service::package::CataloguePackage;
use billing::service::upgrade::ATTEMPTS;
use serde_json::json;
use time::Duration;

use super::{agree, choose, code, get, linked, preview, profile, start, statuses, upgrades};

#[tokio::test]
async fn an_amount_that_moved_is_told_with_a_new_preview_and_nothing_is_opened() {
    let journey = start().await;
    let token = journey.token().await;
    let before = journey.world.profile(&journey.customer.id).await;
    journey.world.offer("home50", 550_000).await;
    let (status, body) = agree(&journey, &token, "home50", 500_000).await;
    assert_eq!(
        (status, body["code"].as_str(), &body["preview"]["amount"]),
        (409, Some("amount_changed"), &json!(550_000))
    );
    assert_eq!(body["preview"]["carriedOverDays"], preview(&journey, &token, "home50").await["carriedOverDays"]);
    assert_eq!((profile(&journey).await, upgrades(&journey).await), (before, vec![]));
    assert_eq!(agree(&journey, &token, "home50", 550_000).await.0, 200);
}

#[tokio::test]
async fn what_cannot_be_chosen_is_refused_in_so_many_words() {
    let journey = start().await;
    let token = journey.token().await;
    let store = &journey.world.app.store;
    let gone = journey.world.offer("gone", 400_000).await;
    store.put_package(&CataloguePackage { package: gone, active: false, changeable_to: None }).await.unwrap();
    let expected = [
        ("home20", (400, "same_package"), "Anda sudah memakai paket ini"),
        ("nope", (400, "unknown_package"), "Paket tidak tersedia"),
        ("", (400, "unknown_package"), "Paket tidak tersedia"),
        ("A#B", (400, "unknown_package"), "Paket tidak tersedia"),
        ("gone", (404, "package_retired"), "Paket ini tidak dijual lagi"),
    ];
    for (package, refused, words) in expected {
        let shown = get(&journey.world.app, &format!("upgrade?packageId={package}"), &token).await;
        let asked = agree(&journey, &token, package, 400_000).await;
        for answer in [shown, asked] {
            assert_eq!((code(&answer), answer.1["error"].as_str()), (refused, Some(words)), "{package}");
        }
    }
    for body in [
        json!({}),
        json!({"packageId": "home50"}),
        json!({"packageId": "home50", "expectedAmount": 500_000.5}),
        json!("x"),
    ] {
        assert_eq!(code(&choose(&journey.world.app, &token, &body).await), (400, "bad_request"), "{body}");
    }
    let body = json!({"packageId": "home50", "expectedAmount": 500_000, "gateway": "paypal"});
    assert_eq!(code(&choose(&journey.world.app, &token, &body).await), (400, "unknown_gateway"));
    for path in ["packages", "upgrade?packageId=home50"] {
        assert_eq!(code(&get(&journey.world.app, path, "nonsense").await), (401, "invalid_token"));
    }
    assert_eq!(code(&agree(&journey, "nonsense", "home50", 1).await), (401, "invalid_token"));
    assert_eq!(upgrades(&journey).await, vec![]);
}

#[tokio::test]
async fn a_package_that_names_others_can_be_changed_to_those_only() {
    let journey = start().await;
    let token = journey.token().await;
    let home20 = journey.customer.entitlement.package.clone();
    let changeable_to = Some(vec![billing::id::PackageId::parse("home50").unwrap()]);
    journey
        .world
        .app
        .store
        .put_package(&CataloguePackage { package: home20, active: true, changeable_to })
        .await
        .unwrap();
    let (_, listed) = get(&journey.world.app, "packages", &token).await;
    let ids: Vec<_> = listed["packages"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["home20", "home50"]);
    assert_eq!(code(&agree(&journey, &token, "home10", 150_000).await), (400, "unknown_package"));
    assert_eq!(agree(&journey, &token, "home50", 500_000).await.0, 200);
}

#[tokio::test]
async fn clicking_again_gives_the_same_invoice_and_the_same_link() {
    let journey = start().await;
    let token = journey.token().await;
    let first = agree(&journey, &token, "home50", 500_000).await;
    for _ in 0..3 {
        assert_eq!(agree(&journey, &token, "home50", 500_000).await, first);
    }
    assert_eq!((statuses(&journey).await.len(), journey.orders().await.len()), (1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn twenty_clicks_at_once_open_one_invoice_and_one_order() {
    let journey = start().await;
    let token = journey.token().await;
    let clicks: Vec<_> = (0..20)
        .map(|_| {
            let (process, token) = (journey.world.another_process(), token.clone());
            let body = json!({"packageId": "home50", "expectedAmount": 500_000});
            tokio::spawn(async move { choose(&process, &token, &body).await })
        })
        .collect();
    let mut answers = Vec::new();
    for click in clicks {
        answers.push(click.await.unwrap());
    }
    let invoice = upgrades(&journey).await;
    assert_eq!((invoice.len(), journey.orders().await.len()), (1, 1), "{answers:?}");
    for (status, body) in &answers {
        // Who never got through was told to try again.
        if *status == 503 {
            continue;
        }
        assert_eq!((*status, &body["invoice"]["id"]), (200, &json!(invoice[0].id)));
        assert!(body["paymentLink"].is_string() || body["code"] == "link_in_progress", "{body}");
    }
    assert!(answers.iter().any(|(_, body)| body["paymentLink"].is_string()));
    assert_eq!(journey.events("invoice.issued").await.len(), 2, "the renewal and the change");
}

#[tokio::test]
async fn another_choice_cancels_the_unpaid_one_and_its_link_is_closed_as_due_work() {
    let journey = start().await;
    let token = journey.token().await;
    linked(&journey, &token, "home50", 500_000).await;
    linked(&journey, &token, "home10", 150_000).await;
    assert_eq!(statuses(&journey).await, [InvoiceStatus::Cancelled, InvoiceStatus::Unpaid]);
    let invoices = upgrades(&journey).await;
    assert_eq!((invoices[0].link.as_ref(), profile(&journey).await.open_upgrade), (None, Some(invoices[1].id.clone())));
    let orders = journey.orders().await;
    assert!(orders[0].cancel_wanted_since.is_some() && orders[1].cancel_wanted_since.is_none());
    assert_eq!(journey.world.sandbox.calls_of("midtrans.cancel"), 0, "not within the request");
    journey.reconcile().await;
    assert!(journey.orders().await[0].cancel_wanted_since.is_none());
    // And back again: a new invoice, at the price of now.
    linked(&journey, &token, "home50", 500_000).await;
    assert_eq!(statuses(&journey).await, [InvoiceStatus::Cancelled, InvoiceStatus::Cancelled, InvoiceStatus::Unpaid]);
}

#[tokio::test]
async fn whoever_paid_and_clicks_again_is_asked_for_a_moment() {
    let mut journey = start().await;
    let token = journey.token().await;
    let link = linked(&journey, &token, "home50", 500_000).await;
    journey.pay(&link).await;
    let notification = journey.undelivered.pop_front().unwrap();
    assert_eq!(journey.deliver(&notification).await, Some(200));
    for package in [("home50", 500_000), ("home10", 150_000)] {
        assert_eq!(code(&agree(&journey, &token, package.0, package.1).await), (409, "upgrade_in_progress"));
    }
    journey.until_quiet().await;
    assert_eq!(code(&agree(&journey, &token, "home50", 500_000).await), (400, "same_package"));
    assert_eq!(agree(&journey, &token, "home20", 300_000).await.0, 200, "and back");
}

#[tokio::test]
async fn an_invoice_keeps_the_price_that_it_was_made_with() {
    let mut journey = start().await;
    let token = journey.token().await;
    let link = linked(&journey, &token, "home50", 500_000).await;
    let store = &journey.world.app.store;
    let dearer = journey.world.offer("home50", 900_000).await;
    store.put_package(&CataloguePackage { package: dearer, active: false, changeable_to: None }).await.unwrap();
    journey.pay(&link).await;
    journey.until_quiet().await;
    let package = profile(&journey).await.entitlement.package;
    assert_eq!(
        (package.id.as_str(), package.price),
        ("home50", Rupiah::new(500_000)),
        "retired meanwhile, and still what was sold"
    );
}

#[tokio::test]
async fn choices_are_bounded_and_the_invoice_that_is_open_is_still_given_out() {
    let journey = start().await;
    let token = journey.token().await;
    for n in 0..ATTEMPTS {
        let (package, amount) = if n % 2 == 0 { ("home50", 500_000) } else { ("home10", 150_000) };
        linked(&journey, &token, package, amount).await;
    }
    let (status, refused) = agree(&journey, &token, "home50", 500_000).await;
    assert_eq!((status, refused["code"].as_str()), (429, Some("too_many_requests")));
    linked(&journey, &token, "home10", 150_000).await;
    journey.wait(Duration::hours(1));
    linked(&journey, &token, "home50", 500_000).await;
}
