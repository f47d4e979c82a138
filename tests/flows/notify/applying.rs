//! A message says what the service is after the payment took effect, or was taken back: never what is about to change.

use billing::payment::gateway::GatewayName::{self, Midtrans, Xendit};
use cloud::store::{NoticeContext, StoreError};

use super::*;

/// The bill is paid at `gateway`, and told.
async fn paid_at(gateway: GatewayName) -> (Journey, String) {
    let mut journey = start().await;
    let link = journey.link(&journey.token().await, Some(gateway)).await;
    journey.pay(&link).await;
    journey.until_quiet().await;
    assert!(inbox(&journey)[0].contains(&day(journey.extended_once())), "{:?}", inbox(&journey));
    (journey, link)
}

/// So many runs of every minute.
async fn minutes(journey: &Journey, count: i32) {
    for _ in 0..count {
        journey.wait(Duration::MINUTE);
        journey.send_waiting().await;
    }
}

async fn waiting(journey: &Journey) -> usize {
    let notices = notices(journey).await;
    let held_up = |notice: &&Notice| notice.status_detail.as_deref() == Some("the invoice is being applied");
    notices.iter().filter(held_up).count()
}

/// What money that goes back is told as, and how the bill stands then.
const GOES_BACK: [(Outcome, &str); 2] =
    [(Outcome::Reversed, "dibatalkan oleh penyedia pembayaran"), (Outcome::Refunded, "sudah dikembalikan")];

#[tokio::test]
async fn money_that_goes_back_is_told_with_the_service_that_is_left_whichever_comes_first() {
    for apply_is_late in [false, true] {
        for (outcome, words) in GOES_BACK {
            let (mut journey, link) = paid_at(Midtrans).await;
            journey.apply_is_late = apply_is_late;
            journey.simulate(&link, outcome).await;
            journey.until_quiet().await;
            if apply_is_late {
                minutes(&journey, 3).await;
                assert_eq!((inbox(&journey).len(), waiting(&journey).await), (1, 1), "{outcome:?}: told too early");
                journey.apply_is_late = false;
                journey.until_quiet().await;
            }
            minutes(&journey, 10).await;
            let told = inbox(&journey);
            let left = format!("Layanan Anda sekarang aktif sampai {}", day(journey.customer.entitlement.expires_at));
            assert!(told.len() == 2 && told[1].contains(words) && told[1].contains(&left), "{outcome:?}: {told:?}");
        }
    }
}

#[tokio::test]
async fn money_that_goes_back_before_it_was_applied_is_told_once_and_never_as_received() {
    for (outcome, words) in GOES_BACK {
        let mut journey = start().await;
        let link = journey.link(&journey.token().await, Some(Midtrans)).await;
        journey.apply_is_late = true;
        journey.pay(&link).await;
        journey.until_quiet().await;
        journey.simulate(&link, outcome).await;
        journey.until_quiet().await;
        journey.apply_is_late = false;
        journey.until_quiet().await;
        minutes(&journey, 3).await;
        let (told, left) = (inbox(&journey), day(journey.customer.entitlement.expires_at));
        assert!(told.len() == 1 && told[0].contains(words) && told[0].contains(&left), "{outcome:?}: {told:?}");
    }
}

#[tokio::test]
async fn a_receipt_that_waits_in_its_queue_while_the_payment_is_taken_back_is_not_sent() {
    let mut journey = start().await;
    let link = journey.link(&journey.token().await, Some(Midtrans)).await;
    journey.telling = false;
    journey.pay(&link).await;
    journey.until_quiet().await;
    let receipt = journey.events("subscription.extended").await.remove(0);
    (journey.telling, journey.apply_is_late) = (true, true);
    journey.simulate(&link, Outcome::Reversed).await;
    journey.until_quiet().await;
    notify_customer::handle(&journey.notify, queue_trigger(&receipt)).await.unwrap();
    assert_eq!((inbox(&journey).len(), waiting(&journey).await), (0, 2), "the grant is still there");
    journey.apply_is_late = false;
    journey.until_quiet().await;
    minutes(&journey, 3).await;
    let told = inbox(&journey);
    assert!(told.len() == 1 && told[0].contains("dibatalkan"), "{told:?}");
}

#[tokio::test]
async fn a_bill_paid_again_at_the_other_gateway_while_apply_is_late_is_told_with_its_end() {
    let (mut journey, link) = paid_at(Midtrans).await;
    journey.apply_is_late = true;
    journey.simulate(&link, Outcome::Reversed).await;
    journey.until_quiet().await;
    let again = journey.link(&journey.token().await, Some(Xendit)).await;
    journey.pay(&again).await;
    journey.until_quiet().await;
    journey.apply_is_late = false;
    journey.until_quiet().await;
    minutes(&journey, 3).await;
    let told = inbox(&journey);
    assert!(told.len() == 2 && told[1].starts_with("Terima kasih"), "it is paid: {told:?}");
    assert!(told[1].contains(&day(journey.extended_once())), "{told:?}");
}

#[tokio::test]
async fn what_changes_no_service_says_so() {
    let (mut journey, link) = paid_at(Midtrans).await;
    journey.play(&Simulate { amount: Some(50_000), ..Simulate::new(&link, Outcome::Refunded) }).await;
    journey.until_quiet().await;
    minutes(&journey, 3).await;
    let told = inbox(&journey);
    let unchanged = format!("Layanan Anda sekarang aktif sampai {}", day(journey.extended_once()));
    assert!(told.len() == 2 && told[1].contains("Rp50.000") && told[1].contains(&unchanged), "{told:?}");
    journey.simulate(&link, Outcome::Chargeback).await;
    journey.until_quiet().await;
    minutes(&journey, 3).await;
    assert_eq!(inbox(&journey).len(), 2, "a person decides about a chargeback first");
}

#[tokio::test]
async fn a_service_that_ended_with_the_payment_is_not_called_active() {
    let (mut journey, link) = paid_at(Midtrans).await;
    let ended = journey.customer.entitlement.expires_at;
    journey.wait(ended - journey.now() + Duration::HOUR);
    journey.simulate(&link, Outcome::Reversed).await;
    journey.until_quiet().await;
    minutes(&journey, 3).await;
    let told = inbox(&journey);
    let over = format!("Layanan Anda sekarang tidak aktif; masa aktif berakhir {}", day(ended));
    assert!(told.len() == 2 && told[1].contains(&over), "{told:?}");
}

#[tokio::test]
async fn while_nothing_is_applied_nothing_false_is_said_and_a_person_is_told_in_the_end() {
    let (mut journey, link) = paid_at(Midtrans).await;
    journey.apply_is_late = true;
    journey.simulate(&link, Outcome::Reversed).await;
    journey.until_quiet().await;
    for _ in 0..3 {
        journey.wait(Duration::DAY);
        journey.send_waiting().await;
    }
    assert_eq!(inbox(&journey).len(), 1);
    let store = journey.world.app.store.clone();
    let lost = store.lost_notices(OffsetDateTime::UNIX_EPOCH, journey.now() + Duration::DAY, 100).await.unwrap();
    assert_eq!(
        lost.iter().map(|notice| (notice.status, notice.status_detail.as_deref())).collect::<Vec<_>>(),
        [(DeliveryStatus::Failed, Some("it could not be sent in time"))]
    );
    // Once it is applied, a person has it sent again.
    journey.apply_is_late = false;
    journey.until_quiet().await;
    store.put_notice(&lost[0].clone().again(journey.now()).unwrap()).await.unwrap();
    minutes(&journey, 2).await;
    assert!(inbox(&journey).len() == 2 && inbox(&journey)[1].contains("dibatalkan"), "{:?}", inbox(&journey));
}

#[tokio::test]
async fn a_bill_is_not_sent_beside_a_card_that_is_held_for_review_and_is_told_once_it_is_denied() {
    for outcome in [Outcome::Denied, Outcome::Paid] {
        let mut journey = start().await;
        let link = journey.link(&journey.token().await, Some(Midtrans)).await;
        journey.telling = false;
        journey.simulate(&link, Outcome::Challenged).await;
        journey.until_quiet().await;
        let bill = journey.events("invoice.issued").await.remove(0);
        journey.telling = true;
        notify_customer::handle(&journey.notify, queue_trigger(&bill)).await.unwrap();
        minutes(&journey, 3).await;
        let waits = vec![(DeliveryStatus::Pending, "a payment is held for review".to_owned())];
        assert_eq!((inbox(&journey).len(), statuses(&journey).await), (0, waits), "{outcome:?}");
        journey.simulate(&link, outcome).await;
        journey.until_quiet().await;
        minutes(&journey, 11).await;
        let told = inbox(&journey);
        let is_receipt = told.first().is_some_and(|text| text.starts_with("Terima kasih"));
        assert_eq!((told.len(), is_receipt), (1, outcome == Outcome::Paid), "{outcome:?}: {told:?}");
    }
}

#[tokio::test]
async fn what_was_read_before_invoice_or_customer_changed_is_not_sent() {
    let mut journey = start().await;
    let event = journey.events("invoice.issued").await.remove(0);
    let notice = Notice::new(serde_json::from_value(event).unwrap(), journey.now()).unwrap();
    let store = journey.world.app.store.clone();
    let now = journey.now();
    let claim =
        async |read: &NoticeContext| store.claim_notice(notice.clone().claimed(now), read, None, None, now).await;
    let old = store.notice_context(&notice.id, &notice.event.event).await.unwrap();
    pay(&mut journey).await;
    let new = store.notice_context(&notice.id, &notice.event.event).await.unwrap();
    assert!(old.profile != new.profile && old.invoice != new.invoice);
    for torn in [
        NoticeContext { profile: old.profile, invoice: new.invoice.clone(), ..NoticeContext::default() },
        NoticeContext { profile: new.profile.clone(), invoice: old.invoice, ..NoticeContext::default() },
    ] {
        assert!(matches!(claim(&torn).await, Err(StoreError::Stale)), "{torn:?}");
    }
    assert!(claim(&new).await.is_ok());
}
