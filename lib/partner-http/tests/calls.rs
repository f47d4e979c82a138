//! What a call does when the partner misbehaves.

use std::time::Instant;

use http::{HeaderMap, Method};
use partner_http::testing::{Canned, Partner, nobody};
use partner_http::{Answer, Call, CallError, send};
use url::Url;

async fn get(url: Url) -> Result<Answer, CallError> {
    send(Call { method: Method::GET, url, headers: HeaderMap::new(), body: None, max_answer_bytes: 256 * 1024 }).await
}

#[tokio::test]
async fn an_answer_of_any_status_is_handed_back_whole() {
    let partner = Partner::start(vec![Canned::Reply(418, "tea".to_owned())]).await.unwrap();
    let answer = get(partner.url.clone()).await.unwrap();
    assert_eq!((answer.status, answer.body.as_slice()), (418, b"tea".as_slice()));
    assert_eq!(format!("{answer:?}"), "Answer { status: 418, body_bytes: 3 }");
}

#[tokio::test]
async fn what_never_left_is_told_from_what_may_have_arrived() {
    assert!(matches!(get(nobody().await.unwrap()).await, Err(CallError::NotSent(_))));
    let partner = Partner::start(vec![Canned::Drop]).await.unwrap();
    assert!(matches!(get(partner.url.clone()).await, Err(CallError::NoAnswer(_))));
    assert_eq!(partner.requests().len(), 1, "a broken call is not repeated");
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = Partner::start(vec![Canned::Reply(200, "{}".to_owned())]).await.unwrap();
    let partner = Partner::start(vec![Canned::Redirect(elsewhere.url.to_string())]).await.unwrap();
    assert_eq!(get(partner.url.clone()).await.unwrap().status, 307);
    assert!(elsewhere.requests().is_empty());
}

#[tokio::test]
async fn a_flood_is_cut_off() {
    let partner = Partner::start(vec![Canned::Flood(2 * 1024 * 1024)]).await.unwrap();
    assert!(matches!(get(partner.url.clone()).await, Err(CallError::NoAnswer(detail)) if detail.contains("over")));
}

#[tokio::test]
async fn silence_ends_after_five_seconds() {
    let partner = Partner::start(vec![Canned::Silence]).await.unwrap();
    let started = Instant::now();
    assert!(matches!(get(partner.url.clone()).await, Err(CallError::NoAnswer(_))));
    assert!((4..8).contains(&started.elapsed().as_secs()));
}

#[tokio::test]
async fn plain_http_leaves_this_machine_never() {
    let refused = get(Url::parse("http://192.0.2.1/").unwrap()).await;
    assert!(matches!(refused, Err(CallError::NotSent(detail)) if detail.contains("https")));
}
