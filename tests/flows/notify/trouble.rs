//! Providers that are down, silent or stopped, crashes at every step, and what people can find and do then.

use crate::api::customer_session;
use billing::telling::{delivery::DeliveryStatus, notice::Notice};
use cloud::app::App;
use lunas_sandbox::{Fault, FaultKind};
use serde_json::json;
use testkit::request::{answer, from_browser, request};
use testkit::tap::{How, When};
use time::Duration;
use tracing_subscriber::filter::LevelFilter;

use super::{PHONE, STORED, bill, inbox, notices, pay, start, statuses};
use crate::journey::{Journey, queue_trigger};
use crate::log::Log;

/// A provider that nobody can reach.
const NOBODY_LISTENS: [(&str, &str); 1] = [("url", "http://127.0.0.1:1/send")];

fn restart(journey: &mut Journey) {
    journey.notify = journey.world.another_process();
}

async fn ask_code(journey: &Journey) -> (u16, serde_json::Value) {
    let login: App = journey.world.with_settings(|settings| "0812-0000-0000".clone_into(&mut settings.support_contact));
    answer(
        &customer_session::handle(&login, request("POST", "/api/customer/otp", None, Some(&json!({"phone": PHONE}))))
            .await,
    )
}

/// So many runs, a minute apart.
async fn minutes(journey: &mut Journey, count: usize) {
    runs(journey, count, Duration::MINUTE).await;
}

async fn runs(journey: &mut Journey, count: usize, apart: Duration) {
    for _ in 0..count {
        journey.wait(apart);
        journey.until_quiet().await;
        journey.send_waiting().await;
    }
}

async fn lost(journey: &Journey) -> Vec<Notice> {
    let store = &journey.world.app.store;
    store.lost_notices(time::OffsetDateTime::UNIX_EPOCH, journey.now() + Duration::DAY, 100).await.unwrap()
}

#[tokio::test]
async fn an_hour_without_a_provider_loses_nothing_and_doubles_nothing() {
    let mut journey = start().await;
    journey.world.change_whatsapp(&NOBODY_LISTENS);
    restart(&mut journey);
    for n in 0..6 {
        bill(&journey, &format!("c{n}")).await;
        runs(&mut journey, 2, Duration::minutes(5)).await;
    }
    assert_eq!((inbox(&journey).len(), lost(&journey).await.len()), (0, 0));
    let waiting = journey.world.app.store.waiting_notices(journey.now() + Duration::DAY, 100).await.unwrap();
    assert_eq!(waiting.len(), 6, "all of them can be seen");
    journey.world.repair_whatsapp();
    restart(&mut journey);
    runs(&mut journey, 2, Duration::minutes(6)).await;
    let mut told = inbox(&journey);
    told.sort();
    told.dedup();
    assert_eq!((told.len(), inbox(&journey).len()), (6, 6));
    assert!(statuses(&journey).await.iter().all(|(status, _)| *status == DeliveryStatus::Accepted));
}

#[tokio::test]
async fn a_provider_that_answers_500_costs_few_messages_and_those_are_not_repeated() {
    let mut journey = start().await;
    journey
        .world
        .sandbox
        .add_fault(Fault { times: 1000, ..Fault::once("whatsapp.send", FaultKind::InternalError) })
        .unwrap();
    for n in 0..12 {
        bill(&journey, &format!("c{n}")).await;
    }
    runs(&mut journey, 20, Duration::minutes(3)).await;
    let doubtful = lost(&journey).await;
    assert!(
        (2..=9).contains(&doubtful.len()) && doubtful.iter().all(|notice| notice.status == DeliveryStatus::Unknown),
        "{}",
        doubtful.len()
    );
    assert_eq!(journey.world.sandbox.calls_of("whatsapp.send"), doubtful.len(), "one try each");
}

#[tokio::test]
async fn what_a_person_has_sent_again_is_sent_again_once() {
    let mut journey = start().await;
    journey.world.sandbox.add_fault(Fault::once("whatsapp.send", FaultKind::DropAfter)).unwrap();
    pay(&mut journey).await;
    let doubtful = lost(&journey).await.remove(0);
    minutes(&mut journey, 5).await;
    assert_eq!(
        (inbox(&journey).len(), doubtful.status),
        (1, DeliveryStatus::Unknown),
        "it has arrived, which nobody knows"
    );
    let again = doubtful.again(journey.now()).unwrap();
    journey.world.app.store.put_notice(&again).await.unwrap();
    minutes(&mut journey, 3).await;
    assert_eq!((inbox(&journey).len(), lost(&journey).await.len()), (2, 0));
    let accepted = notices(&journey).await.remove(0);
    assert_eq!((accepted.tries, accepted.again(journey.now())), (2, None), "it has been taken");
}

#[tokio::test]
async fn a_crash_at_any_step_neither_doubles_a_message_nor_loses_it_unseen() {
    for when in [When::Before, When::After] {
        for n in 1.. {
            let mut journey = start().await;
            let event = journey.events("invoice.issued").await.remove(0);
            let batch = || queue_trigger(&event);
            let process = journey.world.another_process();
            journey.world.tap.forget();
            journey.world.tap.break_call(n, when, How::Crash);
            let lived = journey.world.tap.or_crash(notify_customer::handle(&process, batch())).await;
            let broke = journey.world.tap.broke();
            journey.world.tap.forget();
            // The queue brings it again, and a minute is over, several times.
            for _ in 0..2 {
                if lived.is_none() {
                    notify_customer::handle(&journey.notify, batch()).await.unwrap();
                }
                runs(&mut journey, 1, Duration::seconds(90)).await;
            }
            let (arrived, status) = (inbox(&journey).len(), statuses(&journey).await.remove(0).0);
            let seen = status == DeliveryStatus::Accepted && arrived == 1
                || status == DeliveryStatus::Unknown && lost(&journey).await.len() == 1;
            assert!(arrived <= 1 && seen, "call {n} {when:?}: {arrived} arrived, {status:?}");
            if !broke {
                assert!(n > 6, "a message takes more calls than {n}");
                break;
            }
        }
    }
}

#[tokio::test]
async fn a_stopped_provider_is_said_at_the_login_and_forgotten_once_the_key_is_right() {
    let mut journey = start().await;
    journey.world.change_whatsapp(&[("headers", r#"{"Authorization":"old"}"#)]);
    journey.world.sandbox.add_fault(Fault::once("whatsapp.send", FaultKind::Unauthorized)).unwrap();
    restart(&mut journey);
    pay(&mut journey).await;
    assert_eq!(inbox(&journey).len(), 0);
    let (status, body) = ask_code(&journey).await;
    assert_eq!((status, &body["code"], &body["contact"]), (503, &json!("messaging_stopped"), &json!("0812-0000-0000")));
    assert!(body["error"].as_str().unwrap().ends_with("Hubungi kami: 0812-0000-0000"), "{body}");
    assert!(body["retryAfter"].is_number());

    let portal = journey.world.with_settings(|settings| "0812-0000-0000".clone_into(&mut settings.support_contact));
    let visit = ["__Host-visit=some-visit", &format!("__Host-phone={STORED}")].join("; ");
    let page =
        customer_portal::handle(&portal, from_browser("GET", "/customer/login?step=code", &[], &[&visit], None)).await;
    let page = format!("{:?}", page.body());
    assert!(page.contains("sedang tidak dapat dikirim") && page.contains("0812-0000-0000"), "{page}");

    // The right key is typed in: nobody has to wait for anything.
    journey.world.repair_whatsapp();
    restart(&mut journey);
    assert_eq!(ask_code(&journey).await.0, 200);
    journey.until_quiet().await;
    assert!(inbox(&journey)[0].starts_with("Kode masuk"));
    minutes(&mut journey, 6).await;
    assert_eq!(inbox(&journey).len(), 2, "the receipt, which has waited");
    assert_eq!(journey.world.app.store.sender().await.unwrap().stopped, None);
}

#[tokio::test]
async fn a_provider_that_was_mended_elsewhere_is_found_out_by_trying() {
    let mut journey = start().await;
    journey.world.sandbox.add_fault(Fault::once("whatsapp.send", FaultKind::Unauthorized)).unwrap();
    pay(&mut journey).await;
    assert_eq!(ask_code(&journey).await.0, 503);
    journey.wait(Duration::minutes(5));
    assert_eq!(ask_code(&journey).await.0, 200, "somebody has to try");
    journey.until_quiet().await;
    minutes(&mut journey, 1).await;
    assert_eq!(inbox(&journey).len(), 2);
}

#[tokio::test]
async fn a_secret_that_cannot_be_used_makes_messages_wait() {
    let mut journey = start().await;
    for rows in ["broken", r#"{"provider":"carrier-pigeon"}"#] {
        journey.world.aws.set_secret("lunas/dev/whatsapp", rows);
        restart(&mut journey);
        bill(&journey, &format!("c{}", rows.len())).await;
        journey.until_quiet().await;
    }
    assert!(statuses(&journey).await.iter().all(|(status, _)| *status == DeliveryStatus::Pending));
    journey.world.repair_whatsapp();
    restart(&mut journey);
    minutes(&mut journey, 6).await;
    assert_eq!(inbox(&journey).len(), 2);
}

#[tokio::test]
async fn no_log_line_holds_a_phone_a_name_a_code_or_a_token() {
    let log = Log::begin(LevelFilter::DEBUG);
    let mut journey = start().await;
    assert_eq!(ask_code(&journey).await.0, 200);
    pay(&mut journey).await;
    for kind in [
        FaultKind::DropAfter,
        FaultKind::Unauthorized,
        FaultKind::TooManyRequests,
        FaultKind::Garbage,
        FaultKind::InternalError,
    ] {
        journey.world.sandbox.add_fault(Fault::once("whatsapp.send", kind)).unwrap();
        bill(&journey, &format!("{kind:?}").to_lowercase()).await;
        runs(&mut journey, 2, Duration::minutes(6)).await;
    }
    journey.wait(Duration::days(8));
    bill(&journey, "c9").await;
    journey.run_billing().await;
    runs(&mut journey, 2, Duration::minutes(5)).await;
    let logged = log.text();
    assert!(logged.lines().count() > 15 && logged.contains("message handed over"), "{logged}");
    let told = inbox(&journey);
    let code = told.iter().find_map(|text| text.strip_prefix("Kode masuk ")).unwrap()[..6].to_owned();
    let tokens: Vec<_> =
        told.iter().filter_map(|text| text.rsplit_once("/p/")).map(|(_, token)| token.to_owned()).collect();
    assert!(tokens.len() >= 3);
    for secret in tokens.iter().map(String::as_str).chain([PHONE, STORED, "81234567890", "Pelanggan", code.as_str()]) {
        let line = logged.lines().find(|line| line.contains(secret));
        // A number of six digits can be part of another one.
        assert!(line.is_none_or(|line| secret == code && !line.contains(&format!("\"{secret}"))), "{secret}: {line:?}");
    }
}
