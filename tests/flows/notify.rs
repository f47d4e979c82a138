//! What customers are told: once, while it is true, at a decent hour, at the provider's pace; and nothing of it in a
//! log.

mod applying;
mod trouble;

use crate::api::{customer_session, request_upgrade};
use billing::access::phone::Phone;
use billing::language::Language;
use billing::payment::invoice::Invoice;
use billing::service::customer::Profile;
use billing::telling::delivery::DeliveryStatus;
use billing::telling::event::Stage;
use billing::telling::notice::{Notice, QuietHours};
use billing::zone::Zone;
use lunas_sandbox::{Outcome, Simulate};
use serde_json::json;
use testkit::request::{answer, request};
use testkit::table::items;
use time::{Duration, OffsetDateTime, macros::time};

use crate::journey::{Journey, PHONE, queue_trigger};

/// [`PHONE`] as it is stored.
const STORED: &str = "6281234567890";

async fn start() -> Journey {
    let mut journey = Journey::start().await;
    journey.telling = true;
    journey
}

/// Texts to the customer, oldest first.
fn inbox(journey: &Journey) -> Vec<String> {
    journey.world.sandbox.inbox(STORED).into_iter().map(|message| message.text).collect()
}

/// Every message, as it is written down.
async fn notices(journey: &Journey) -> Vec<Notice> {
    let store = &journey.world.app.store;
    let mut notices = Vec::new();
    for item in items(&journey.world.aws.direct, "MESSAGE").await {
        let id = billing::id::MessageId::parse(item["id"].as_s().unwrap()).unwrap();
        notices.push(store.notice(&id).await.unwrap().unwrap());
    }
    notices.sort_by(|a, b| a.id.cmp(&b.id));
    notices
}

/// How far the messages have come, and why.
async fn statuses(journey: &Journey) -> Vec<(DeliveryStatus, String)> {
    notices(journey).await.into_iter().map(|notice| (notice.status, notice.status_detail.unwrap_or_default())).collect()
}

/// The next time that it is so late in Jakarta.
fn wait_until(journey: &Journey, time: time::Time) {
    let now = journey.now();
    let today = Zone::Jakarta.at(Zone::Jakarta.date(now), time);
    let next = if today > now { today } else { today + Duration::DAY };
    journey.wait(next - now + Duration::SECOND);
}

fn wait_for(journey: &Journey, stage: Stage) {
    let at = stage.at(journey.invoice.due_date, Zone::Jakarta).unwrap();
    journey.wait(at - journey.now() + Duration::SECOND);
}

async fn remind(journey: &mut Journey) {
    journey.run_billing().await;
    journey.until_quiet().await;
}

async fn pay(journey: &mut Journey) {
    let token = journey.token().await;
    let link = journey.link(&token, None).await;
    journey.pay(&link).await;
    journey.until_quiet().await;
}

fn day(at: OffsetDateTime) -> String {
    Language::Indonesian.date(Zone::Jakarta.date(at))
}

#[tokio::test]
async fn a_payment_is_told_once_with_amount_expiry_and_the_link_to_its_receipt() {
    let mut journey = start().await;
    pay(&mut journey).await;
    let told = inbox(&journey);
    assert_eq!(told.len(), 1, "{told:?}");
    for part in ["Pelanggan budi", "Rp300.000", &journey.invoice.number, "Home 20", &day(journey.extended_once())] {
        assert!(told[0].contains(part), "{part}: {}", told[0]);
    }
    let token = told[0].rsplit("https://portal.example/p/").next().unwrap();
    let page = customer_portal::handle(&journey.world.app, request("GET", &format!("/p/{token}"), None, None)).await;
    assert_eq!(page.status(), 200, "the button leads to the receipt");
    assert_eq!(statuses(&journey).await, [(DeliveryStatus::Accepted, String::new())]);
}

#[tokio::test]
async fn two_hundred_copies_of_an_event_are_one_message() {
    let journey = start().await;
    let event = journey.events("invoice.issued").await.remove(0);
    let mut copies = tokio::task::JoinSet::new();
    for n in 0..200 {
        let process = if n % 20 == 0 { journey.world.another_process() } else { journey.notify.clone() };
        let batch = queue_trigger(&event);
        copies.spawn(async move { notify_customer::handle(&process, batch).await.unwrap().batch_item_failures.len() });
    }
    let mut failed = 0;
    while let Some(failures) = copies.join_next().await {
        failed += failures.unwrap();
    }
    for _ in 0..failed {
        notify_customer::handle(&journey.notify, queue_trigger(&event)).await.unwrap();
    }
    assert_eq!((inbox(&journey).len(), notices(&journey).await.len()), (1, 1));
}

#[tokio::test]
async fn a_code_event_that_comes_twice_is_one_message_and_asking_again_is_another() {
    let journey = start().await;
    for expected in 1..=2 {
        let asked = request("POST", "/api/customer/otp", None, Some(&json!({"phone": PHONE})));
        assert_eq!(customer_session::handle(&journey.login, asked).await.status(), 200);
        for event in journey.events("login.code_requested").await {
            for _ in 0..3 {
                notify_customer::handle(&journey.notify, queue_trigger(&event)).await.unwrap();
            }
        }
        assert_eq!(inbox(&journey).len(), expected);
        journey.wait(Duration::seconds(30));
    }
}

#[tokio::test]
async fn an_unpaid_bill_is_reminded_of_three_days_before_on_the_day_and_once_it_is_over() {
    let mut journey = start().await;
    for (stage, words) in
        [(Stage::ThreeDaysBefore, "3 hari lagi"), (Stage::DueDay, "hari ini"), (Stage::Overdue, "lewat jatuh tempo")]
    {
        let before = inbox(&journey).len();
        let at = stage.at(journey.invoice.due_date, Zone::Jakarta).unwrap();
        journey.wait(at - journey.now() - Duration::minutes(2));
        remind(&mut journey).await;
        assert_eq!(inbox(&journey).len(), before, "{stage:?}: not before its time");
        wait_for(&journey, stage);
        for _ in 0..3 {
            remind(&mut journey).await;
        }
        let told = inbox(&journey);
        assert!(told.len() == before + 1 && told[before].contains(words), "{stage:?}: {told:?}");
        assert!(told[before].contains("Rp300.000") && told[before].contains("https://portal.example/p/"));
    }
    journey.wait(Duration::days(30));
    remind(&mut journey).await;
    assert_eq!(inbox(&journey).len(), 3, "and never again");
}

#[tokio::test]
async fn who_has_paid_is_not_reminded_not_even_if_the_reminder_is_under_way() {
    let mut journey = start().await;
    wait_for(&journey, Stage::ThreeDaysBefore);
    journey.run_billing().await;
    let reminder = journey.events("invoice.reminder").await.remove(0);
    journey.telling = false;
    pay(&mut journey).await;
    journey.telling = true;
    notify_customer::handle(&journey.notify, queue_trigger(&reminder)).await.unwrap();
    assert_eq!(statuses(&journey).await, [(DeliveryStatus::Skipped, "settled".to_owned())]);
    wait_for(&journey, Stage::DueDay);
    remind(&mut journey).await;
    assert_eq!((inbox(&journey).len(), journey.events("invoice.reminder").await.len()), (0, 1));
}

#[tokio::test]
async fn a_bill_that_is_open_again_is_reminded_of_again() {
    let mut journey = start().await;
    let token = journey.token().await;
    let link = journey.link(&token, Some(billing::payment::gateway::GatewayName::Midtrans)).await;
    journey.pay(&link).await;
    journey.until_quiet().await;
    journey.simulate(&link, Outcome::Reversed).await;
    journey.until_quiet().await;
    assert!(inbox(&journey)[1].contains("dibatalkan oleh penyedia pembayaran"), "{:?}", inbox(&journey));
    assert!(inbox(&journey)[1].contains(&day(journey.customer.entitlement.expires_at)));
    wait_for(&journey, Stage::ThreeDaysBefore);
    remind(&mut journey).await;
    assert_eq!(inbox(&journey).len(), 3);
}

#[tokio::test]
async fn a_change_of_package_is_told_and_its_invoice_is_not() {
    let mut journey = start().await;
    let token = journey.token().await;
    journey.world.offer("home50", 500_000).await;
    let chosen = json!({"packageId": "home50", "expectedAmount": 500_000});
    let chosen = request_upgrade::handle(
        &journey.world.app,
        request("POST", "/api/customer/upgrade", Some(&token), Some(&chosen)),
    )
    .await;
    let link = answer(&chosen).1["paymentLink"].as_str().unwrap().to_owned();
    journey.until_quiet().await;
    journey.pay(&link).await;
    journey.until_quiet().await;
    let told = inbox(&journey);
    assert!(told.len() == 1 && told[0].contains("paket Anda sekarang home50"), "{told:?}");
    assert!(statuses(&journey).await.contains(&(DeliveryStatus::Skipped, "not_needed".to_owned())));
}

#[tokio::test]
async fn too_little_too_much_and_money_given_back_are_told() {
    let mut journey = start().await;
    let token = journey.token().await;
    let link = journey.link(&token, Some(billing::payment::gateway::GatewayName::Midtrans)).await;
    for (amount, words) in [(100_000, "Sisa yang harus dibayar: Rp200.000"), (250_000, "lebih Rp50.000")] {
        let play = Simulate { amount: Some(amount), ..Simulate::new(&link, Outcome::Paid) };
        let told_before = inbox(&journey).len();
        if amount == 100_000 {
            journey.play(&play).await;
        } else {
            let link = journey.link(&token, Some(billing::payment::gateway::GatewayName::Xendit)).await;
            journey.play(&Simulate { amount: Some(amount), ..Simulate::new(&link, Outcome::Paid) }).await;
        }
        journey.until_quiet().await;
        let told = inbox(&journey).split_off(told_before);
        assert!(told.iter().any(|text| text.contains(words)), "{amount}: {told:?}");
    }
}

#[tokio::test]
async fn at_night_bills_wait_and_receipts_and_codes_do_not() {
    let mut journey = start().await;
    journey.notify = journey.world.with_settings(|settings| settings.quiet_hours = QuietHours::parse("21-8").unwrap());
    wait_until(&journey, time!(22:00));
    journey.world.invoice(&journey.world.customer("siti", PHONE).await).await;
    journey.until_quiet().await;
    assert_eq!(statuses(&journey).await, [(DeliveryStatus::Pending, "quiet hours".to_owned())]);
    pay(&mut journey).await;
    assert_eq!(inbox(&journey).len(), 1, "the receipt");
    let asked = request("POST", "/api/customer/otp", None, Some(&json!({"phone": PHONE})));
    customer_session::handle(&journey.login, asked).await;
    journey.until_quiet().await;
    assert!(inbox(&journey)[1].starts_with("Kode masuk"));
    wait_until(&journey, time!(07:58));
    journey.send_waiting().await;
    assert_eq!(inbox(&journey).len(), 2);
    wait_until(&journey, time!(08:00));
    for _ in 0..2 {
        journey.send_waiting().await;
    }
    assert!(inbox(&journey)[2].contains("sudah terbit") && inbox(&journey).len() == 3);
}

#[tokio::test]
async fn who_wants_no_messages_gets_only_the_codes_asked_for() {
    let mut journey = start().await;
    let phone = Phone::parse(PHONE).unwrap();
    journey.world.app.store.set_opt_out(&phone, true, journey.now(), "test").await.unwrap();
    pay(&mut journey).await;
    assert_eq!(statuses(&journey).await, [(DeliveryStatus::Skipped, "opted_out".to_owned())]);
    let asked = request("POST", "/api/customer/otp", None, Some(&json!({"phone": PHONE})));
    customer_session::handle(&journey.login, asked).await;
    journey.until_quiet().await;
    assert_eq!(inbox(&journey).len(), 1);
    journey.world.app.store.set_opt_out(&phone, false, journey.now(), "test").await.unwrap();
    wait_for(&journey, Stage::ThreeDaysBefore);
    let other = journey.world.customer("siti", PHONE).await;
    journey.world.invoice(&other).await;
    journey.until_quiet().await;
    assert_eq!(inbox(&journey).len(), 2);
}

#[tokio::test]
async fn a_customer_without_a_phone_and_a_provider_that_is_not_configured_are_no_trouble() {
    let mut journey = start().await;
    let nobody = journey.world.customer("tanpa-hp", "021-5551234").await;
    journey.world.invoice(&nobody).await;
    journey.until_quiet().await;
    assert_eq!(statuses(&journey).await, [(DeliveryStatus::Skipped, "no_phone".to_owned())]);
    journey.world.aws.set_secret("lunas/dev/whatsapp", "{}");
    journey.notify = journey.world.another_process();
    pay(&mut journey).await;
    assert!(statuses(&journey).await.contains(&(DeliveryStatus::Skipped, "no_provider".to_owned())));
}

#[tokio::test]
async fn messages_are_in_english_if_the_provider_says_so() {
    let mut journey = start().await;
    journey.notify = journey.world.with_settings(|settings| settings.message_language = Language::English);
    pay(&mut journey).await;
    let told = inbox(&journey);
    let day = Language::English.date(Zone::Jakarta.date(journey.extended_once()));
    assert!(
        told[0].starts_with("Thank you Pelanggan budi, we have received Rp300.000") && told[0].contains(&day),
        "{told:?}"
    );
}

/// A bill for a new customer with the phone of the first.
async fn bill(journey: &Journey, username: &str) -> (Profile, Invoice) {
    let customer = journey.world.customer(username, PHONE).await;
    let invoice = journey.world.invoice(&customer).await;
    (customer, invoice)
}

#[tokio::test]
async fn a_linked_phone_gets_one_message_at_a_time() {
    let mut journey = start().await;
    journey.world.change_whatsapp(&[("linkedPhone", "true"), ("gapSeconds", "120-120")]);
    journey.notify = journey.world.another_process();
    for username in ["a", "b", "c"] {
        bill(&journey, username).await;
    }
    journey.until_quiet().await;
    assert_eq!(inbox(&journey).len(), 1, "the others wait");
    journey.send_waiting().await;
    assert_eq!(inbox(&journey).len(), 1, "not before its turn");
    let asked = request("POST", "/api/customer/otp", None, Some(&json!({"phone": PHONE})));
    customer_session::handle(&journey.login, asked).await;
    journey.until_quiet().await;
    assert_eq!(inbox(&journey).len(), 2, "a code does not wait");
    for sent in [3, 4, 4] {
        journey.wait(Duration::minutes(2) + Duration::seconds(21));
        journey.send_waiting().await;
        assert_eq!(inbox(&journey).len(), sent);
    }
}

#[tokio::test]
async fn a_short_pause_of_a_linked_phone_is_waited_for_within_a_run() {
    let mut journey = start().await;
    journey.world.change_whatsapp(&[("linkedPhone", "true"), ("gapSeconds", "1-1")]);
    journey.notify = journey.world.another_process();
    for username in ["a", "b", "c"] {
        bill(&journey, username).await;
    }
    journey.until_quiet().await;
    assert_eq!(inbox(&journey).len(), 1);
    journey.wait(Duration::seconds(30));
    journey.send_waiting().await;
    assert_eq!(inbox(&journey).len(), 3);
}

#[tokio::test]
async fn what_is_beyond_the_limit_of_a_day_goes_out_the_next_day() {
    let mut journey = start().await;
    journey.world.change_whatsapp(&[("linkedPhone", "true"), ("gapSeconds", "0-0"), ("messagesPerDay", "2")]);
    journey.notify = journey.world.another_process();
    for username in ["a", "b", "c"] {
        bill(&journey, username).await;
        journey.until_quiet().await;
        journey.wait(Duration::seconds(30));
        journey.send_waiting().await;
    }
    assert_eq!(inbox(&journey).len(), 1, "one is kept for receipts");
    pay(&mut journey).await;
    assert_eq!(inbox(&journey).len(), 2);
    for expected in [3, 4] {
        journey.wait(Duration::hours(26));
        journey.send_waiting().await;
        assert_eq!(inbox(&journey).len(), expected);
    }
}

#[tokio::test]
async fn what_the_table_holds_of_messages_names_nobody() {
    let mut journey = start().await;
    pay(&mut journey).await;
    wait_until(&journey, time!(09:00));
    let written = format!("{:?}", items(&journey.world.aws.direct, "MESSAGE").await);
    let token = inbox(&journey)[0].rsplit("/p/").next().unwrap().to_owned();
    for personal in ["Pelanggan", STORED, PHONE, &token] {
        assert!(!written.contains(personal), "{personal}");
    }
}

#[tokio::test]
async fn an_expiry_is_told_once_and_again_only_after_the_next_one() {
    let mut journey = start().await;
    journey.run_billing().await;
    assert_eq!(journey.events("subscription.expired").await.len(), 0);
    journey.wait(Duration::days(11));
    for _ in 0..2 {
        journey.run_billing().await;
    }
    assert_eq!(journey.events("subscription.expired").await.len(), 1);
    pay(&mut journey).await;
    journey.run_billing().await;
    assert_eq!(journey.events("subscription.expired").await.len(), 1, "served again");
    journey.wait(Duration::days(32));
    journey.run_billing().await;
    assert_eq!(journey.events("subscription.expired").await.len(), 2);
}
