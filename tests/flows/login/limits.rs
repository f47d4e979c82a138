//! How often a phone, a code and an address may be tried, and that a phone which nobody has looks like any other.

use crate::api::customer_session;
use std::collections::BTreeSet;

use billing::zone::Zone;
use serde_json::{Value, json};
use testkit::request::{answer, request, request_from};
use testkit::table::items;
use time::Duration;

use super::{UNKNOWN_PHONE, ask, inbox, login_with, not, post, receive_code, sessions, start, try_code, words};
use crate::journey::{Item, Journey, PHONE};

/// Moves on to nine in the morning in Jakarta, where the customer lives.
fn wait_for_morning(journey: &Journey) {
    let nine = journey.now().to_offset(Zone::Jakarta.offset()).replace_time(time::macros::time!(09:00:01));
    let wait = nine - journey.now();
    journey.wait(if wait.is_negative() { wait + Duration::days(1) } else { wait });
}

#[tokio::test]
async fn three_codes_are_sent_in_fifteen_minutes_and_then_none() {
    let mut journey = start().await;
    for _ in 0..3 {
        receive_code(&mut journey).await;
        journey.wait(Duration::seconds(30));
    }
    let response = customer_session::handle(
        &journey.login,
        request("POST", "/api/customer/otp", None, Some(&json!({"phone": PHONE}))),
    )
    .await;
    let refused = answer(&response);
    let seconds = refused.1["retryAfter"].as_i64().unwrap();
    assert!(words(&refused) == (429, "too_many_requests") && (790..=810).contains(&seconds), "{refused:?}");
    assert_eq!(response.headers()["retry-after"], seconds.to_string().as_str());
    journey.until_quiet().await;
    assert_eq!(inbox(&journey).len(), 3);
    journey.wait(Duration::seconds(seconds));
    receive_code(&mut journey).await;
}

#[tokio::test]
async fn three_quick_wishes_are_one_message_and_count_as_one() {
    let mut journey = start().await;
    let code = receive_code(&mut journey).await;
    let at_once: [(u16, Value); 2] = tokio::join!(ask(&journey, PHONE), ask(&journey, PHONE)).into();
    let done = (200, json!({"success": true}));
    assert_eq!(at_once, [done.clone(), done.clone()]);
    journey.wait(Duration::seconds(29));
    assert_eq!(ask(&journey, PHONE).await, done);
    journey.until_quiet().await;
    assert_eq!(inbox(&journey).len(), 1);
    let login = &items(&journey.world.aws.direct, "LOGIN").await[0];
    assert_eq!((login["sends_today"].as_n().unwrap().as_str(), login["sends"].as_l().unwrap().len()), ("1", 1));
    journey.wait(Duration::seconds(1));
    assert_eq!(receive_code(&mut journey).await, code);
    assert_eq!(try_code(&journey, &code).await.0, 200);
    // Used up, so this is another wish.
    assert_ne!(receive_code(&mut journey).await, code);
}

#[tokio::test]
async fn wishes_at_the_same_instant_are_one_message() {
    for _ in 0..5 {
        let mut journey = start().await;
        let (a, b, c) = tokio::join!(ask(&journey, PHONE), ask(&journey, PHONE), ask(&journey, PHONE));
        assert_eq!((a.0, b.0, c.0), (200, 200, 200));
        journey.until_quiet().await;
        assert_eq!(inbox(&journey).len(), 1);
    }
}

#[tokio::test]
async fn a_phone_is_sent_twenty_codes_a_day() {
    let journey = start().await;
    wait_for_morning(&journey);
    for sent in 0..20 {
        assert_eq!(ask(&journey, PHONE).await.0, 200, "after {sent}");
        journey.wait(Duration::minutes(6));
    }
    let refused = ask(&journey, PHONE).await;
    let seconds = refused.1["retryAfter"].as_i64().unwrap();
    assert!(
        words(&refused) == (429, "too_many_requests") && (12 * 3600..14 * 3600).contains(&seconds),
        "until midnight: {refused:?}"
    );
    journey.wait(Duration::seconds(seconds));
    assert_eq!(ask(&journey, PHONE).await.0, 200);
}

/// Every request with its answer, its calls and how long it has to wait (which is a matter of the clock).
async fn seen_from_outside(journey: &mut Journey, phone: &str) -> Vec<(u16, Value, Vec<testkit::tap::Call>)> {
    let mut seen = Vec::new();
    let guess = json!({"phone": phone, "code": "abcdef"});
    let phone = json!({"phone": phone});
    let otp = |seconds| ("otp", &phone, seconds);
    let login = ("login", &guess, 0);
    // The second wish comes too soon for a second message.
    let script = [otp(0), otp(0), login, otp(30), otp(30), otp(30)];
    for (path, body, after_seconds) in script.into_iter().chain([login; 5]) {
        journey.wait(Duration::seconds(after_seconds));
        journey.world.tap.forget();
        let (status, mut body) = post(&journey.login, path, body).await;
        if let Some(seconds) = body.get_mut("retryAfter") {
            *seconds = Value::Null;
        }
        seen.push((status, body, journey.world.tap.calls()));
        journey.until_quiet().await;
    }
    seen
}

#[tokio::test]
async fn a_phone_that_nobody_has_looks_like_any_other_and_is_sent_nothing() {
    let mut journey = start().await;
    ask(&journey, "081277777777").await;
    journey.until_quiet().await;
    let unknown = seen_from_outside(&mut journey, UNKNOWN_PHONE).await;
    assert_eq!(journey.world.sandbox.calls_of("whatsapp.send"), 0);
    let known = seen_from_outside(&mut journey, PHONE).await;
    assert_eq!(inbox(&journey).len(), 3);
    assert_eq!(known, unknown);
    let statuses: Vec<u16> = known.iter().map(|(status, ..)| *status).collect();
    assert_eq!(statuses, [200, 200, 401, 200, 200, 429, 401, 401, 401, 401, 429]);
    assert!(known.iter().all(|(.., calls)| !calls.is_empty()));
    let attributes = |item: &Item| item.keys().cloned().collect::<BTreeSet<_>>();
    let stored: BTreeSet<_> = items(&journey.world.aws.direct, "LOGIN").await.iter().map(attributes).collect();
    assert_eq!(stored.len(), 1, "the same attributes: {stored:?}");
}

#[tokio::test]
async fn after_five_wrong_tries_the_right_code_is_refused_too() {
    let mut journey = start().await;
    let code = receive_code(&mut journey).await;
    for _ in 0..5 {
        assert_eq!(words(&try_code(&journey, &not(&code)).await), (401, "wrong_code"));
    }
    let refused = try_code(&journey, &code).await;
    assert_eq!(words(&refused), (429, "too_many_requests"));
    assert!((1..=300).contains(&refused.1["retryAfter"].as_i64().unwrap()));
    assert_eq!(sessions(&journey).await, 0);
}

#[tokio::test]
async fn a_phone_has_fifteen_tries_a_day() {
    let mut journey = start().await;
    wait_for_morning(&journey);
    for _ in 0..3 {
        let code = receive_code(&mut journey).await;
        for _ in 0..5 {
            assert_eq!(try_code(&journey, &not(&code)).await.0, 401);
        }
        journey.wait(Duration::minutes(20));
    }
    let code = receive_code(&mut journey).await;
    let refused = try_code(&journey, &code).await;
    let seconds = refused.1["retryAfter"].as_i64().unwrap();
    assert_eq!(words(&refused), (429, "too_many_requests"));
    assert!((13 * 3600..15 * 3600).contains(&seconds), "until midnight in Jakarta: {seconds}");
    journey.wait(Duration::seconds(seconds));
    let code = receive_code(&mut journey).await;
    assert_eq!(try_code(&journey, &code).await.0, 200);
}

#[tokio::test]
async fn of_thirty_guesses_at_once_five_are_compared() {
    let mut journey = start().await;
    let code = receive_code(&mut journey).await;
    let mut guesses = tokio::task::JoinSet::new();
    for _ in 0..30 {
        let (login, body) = (journey.login.clone(), json!({"phone": PHONE, "code": not(&code)}));
        guesses.spawn(async move { post(&login, "login", &body).await });
    }
    let answers = guesses.join_all().await;
    let compared = answers.iter().filter(|answer| words(answer) == (401, "wrong_code")).count();
    assert!(
        answers
            .iter()
            .all(|answer| matches!(words(answer), (401, "wrong_code") | (429, "too_many_requests") | (503, "busy")))
    );
    let login = &items(&journey.world.aws.direct, "LOGIN").await[0];
    assert_eq!(
        (compared, login["tries"].as_n().unwrap().as_str(), login["tries_today"].as_n().unwrap().as_str()),
        (5, "5", "5")
    );
    assert_eq!(words(&try_code(&journey, &code).await), (429, "too_many_requests"));
}

#[tokio::test]
async fn two_logins_at_once_with_the_right_code_open_one_session() {
    for _ in 0..5 {
        let mut journey = start().await;
        let code = receive_code(&mut journey).await;
        let answers: [(u16, Value); 2] = tokio::join!(try_code(&journey, &code), try_code(&journey, &code)).into();
        let mut seen: Vec<_> = answers.iter().map(words).collect();
        seen.sort_unstable();
        assert_eq!((seen, sessions(&journey).await), (vec![(200, ""), (401, "code_expired")], 1));
    }
}

#[tokio::test]
async fn an_address_has_a_limit_that_no_header_gets_around() {
    let journey = start().await;
    wait_for_morning(&journey);
    let login = login_with(&journey, 3);
    let from = async |address: &str, path: &str| {
        let body = json!({"phone": PHONE, "code": "000000"});
        let mut asked = request_from(address, "POST", &format!("/api/customer/{path}"), None, Some(&body));
        for (name, value) in
            [("x-forwarded-for", "198.51.100.9"), ("forwarded", "for=198.51.100.9"), ("x-real-ip", "198.51.100.9")]
        {
            asked.headers_mut().insert(name, value.parse().unwrap());
        }
        answer(&customer_session::handle(&login, asked).await)
    };
    assert_eq!(from("203.0.113.1", "otp").await.0, 200);
    assert_eq!(from("203.0.113.1", "login").await.0, 401);
    assert_eq!(from("203.0.113.1", "otp").await.0, 200);
    let refused = from("203.0.113.1", "otp").await;
    assert!(
        words(&refused) == (429, "too_many_requests")
            && (3500..=3600).contains(&refused.1["retryAfter"].as_i64().unwrap())
    );
    assert_eq!(from("203.0.113.1", "login").await.0, 429, "asking and trying count together");
    assert_eq!(from("203.0.113.2", "otp").await.0, 200, "another address");
    for host in 1..=3 {
        assert_eq!(from(&format!("2001:db8:1:2::{host}"), "login").await.0, 401);
    }
    assert_eq!(from("2001:db8:1:2:ffff::4", "login").await.0, 429, "one household has a whole /64");
    assert_eq!(from("2001:db8:1:3::4", "login").await.0, 401);
    journey.wait(Duration::hours(1));
    assert_eq!(from("203.0.113.1", "otp").await.0, 200);
}
