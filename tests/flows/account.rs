//! What a customer sees of their account, their invoices and their payments.

use crate::api::customer_account;
use std::collections::BTreeSet;

use ::customer_account::AccountApi;
use billing::payment::gateway::GatewayName;
use billing::payment::invoice::Invoice;
use billing::service::customer::Profile;
use billing::zone::{Zone, format};
use lunas_sandbox::{Outcome, Simulate};
use serde_json::{Value, json};
use testkit::request::{answer, request};
use time::{Duration, OffsetDateTime, format_description::well_known::Rfc3339};

use crate::journey::{Journey, PHONE, account_of};

fn account(journey: &Journey) -> AccountApi {
    account_of(&journey.world.app)
}

async fn get(journey: &Journey, path: &str, token: &str) -> (u16, Value) {
    let asked = request("GET", &format!("/api/customer/{path}"), Some(token), None);
    answer(&customer_account::handle(&account(journey), asked).await)
}

/// Moves on until `at` has just passed.
fn wait_until(journey: &Journey, at: OffsetDateTime) {
    journey.wait(Duration::seconds((at - journey.now()).whole_seconds() + 1));
}

/// Follows `next` to the end. Panics when a page is longer than `limit`.
async fn all_pages(journey: &Journey, list: &str, limit: usize, more: &str, token: &str) -> Vec<Value> {
    let (mut found, mut cursor) = (Vec::new(), String::new());
    for _ in 0..20 {
        let (status, body) = get(journey, &format!("{list}?limit={limit}{more}{cursor}"), token).await;
        let page = body[list].as_array().unwrap();
        assert!(status == 200 && page.len() <= limit, "{body}");
        found.extend(page.iter().cloned());
        match body["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return found,
        }
    }
    panic!("the list has no end");
}

fn ids(list: &[Value]) -> Vec<&str> {
    list.iter().map(|entry| entry["id"].as_str().unwrap()).collect()
}

/// Further invoices, a second apart, so that there is no doubt which is newer. All of the customer's, newest first.
async fn more_invoices(journey: &Journey, customer: &Profile, more: usize) -> Vec<Invoice> {
    let mut invoices = Vec::new();
    for _ in 0..more {
        journey.wait(Duration::seconds(1));
        invoices.insert(0, journey.world.invoice(customer).await);
    }
    invoices
}

async fn invoice_shape(journey: &Journey) -> Value {
    let (status, body) = get(journey, "invoices", &journey.token().await).await;
    let list = body["invoices"].as_array().unwrap();
    assert!(status == 200 && list.len() == 1 && body["success"] == true && body["next"].is_null(), "{body}");
    list[0].clone()
}

#[tokio::test]
async fn me_is_answered_as_specified() {
    let journey = Journey::start().await;
    let (status, body) = get(&journey, "me", &journey.token().await).await;
    let customer = json!({
        "id": journey.customer.id, "name": "Pelanggan budi", "phone": "6281234567890", "username": "budi", "status": "active",
        "expiresAt": format::instant(journey.customer.entitlement.expires_at), "daysLeft": 10, "credit": 0, "network": null,
        "package": {"id": "home20", "name": "Home 20", "price": 300_000, "downMbps": 20, "upMbps": 10},
    });
    assert_eq!((status, body), (200, json!({"success": true, "customer": customer})));
}

#[tokio::test]
async fn days_are_counted_by_the_calendar_and_the_service_ends_to_the_second() {
    let journey = Journey::start().await;
    let expires = journey.customer.entitlement.expires_at;
    for (at, status, days) in [
        (expires - Duration::days(1) - Duration::seconds(3), "active", Some(1)),
        (expires - Duration::days(1) + Duration::seconds(1), "active", Some(0)),
        (expires - Duration::seconds(3), "active", Some(0)),
        // Within the day's last second: by the time of the answer the next day may have begun.
        (expires, "expired", None),
        (expires + Duration::seconds(1), "expired", Some(-1)),
        (expires + Duration::days(30) - Duration::hours(1), "expired", Some(-30)),
    ] {
        wait_until(&journey, at);
        let (_, body) = get(&journey, "me", &journey.token().await).await;
        let seen = (body["customer"]["status"].as_str(), body["customer"]["daysLeft"].as_i64());
        assert_eq!(seen, (Some(status), days.or(seen.1)), "{at}");
    }
}

#[tokio::test]
async fn an_invoice_is_answered_as_specified_from_new_to_paid() {
    let mut journey = Journey::start().await;
    let due = format::date(journey.invoice.due_date);
    let created = format::instant(journey.invoice.created_at);
    let mut expected = json!({
        "id": journey.invoice.id, "invoiceNumber": "INV-2026-000001", "amount": 300_000, "amountDue": 300_000, "status": "UNPAID",
        "overdue": false, "inReview": false, "dueDate": due, "paidAt": null, "paymentLink": null, "description": journey.invoice.description,
        "kind": "renewal", "createdAt": created,
    });
    expected["invoiceNumber"] = json!(journey.invoice.number);
    assert_eq!(invoice_shape(&journey).await, expected);
    let link = journey.link(&journey.token().await, None).await;
    expected["paymentLink"] = json!(link);
    assert_eq!(invoice_shape(&journey).await, expected);
    journey.pay(&link).await;
    journey.until_quiet().await;
    let paid = journey.world.invoice_now(&journey.invoice).await;
    expected["paymentLink"] = Value::Null;
    expected["status"] = json!("PAID");
    expected["amountDue"] = json!(0);
    expected["paidAt"] = json!(format::instant(paid.paid_at.unwrap()));
    assert_eq!(invoice_shape(&journey).await, expected);
    journey.wait(Duration::days(30));
    assert_eq!(invoice_shape(&journey).await["overdue"], false, "nobody owes what is paid");
}

#[tokio::test]
async fn a_link_that_the_link_endpoint_would_replace_is_not_shown() {
    let mut journey = Journey::start().await;
    let link = journey.link(&journey.token().await, None).await;
    journey.wait(Duration::hours(24) - Duration::minutes(11));
    assert_eq!(invoice_shape(&journey).await["paymentLink"], json!(link));
    journey.wait(Duration::minutes(2));
    assert_eq!(invoice_shape(&journey).await["paymentLink"], Value::Null, "nine minutes are too little");
    let link = journey.link(&journey.token().await, None).await;
    journey
        .world
        .sandbox
        .simulate(&Simulate { amount: Some(100_000), ..Simulate::new(&link, Outcome::Paid) })
        .await
        .unwrap();
    journey.undelivered.extend(journey.world.notifications.take());
    journey.until_quiet().await;
    let shape = invoice_shape(&journey).await;
    assert_eq!((&shape["amountDue"], &shape["paymentLink"]), (&json!(200_000), &Value::Null), "paid in part");
}

#[tokio::test]
async fn an_unpaid_invoice_is_overdue_when_its_day_is_over() {
    let journey = Journey::start().await;
    let end = Zone::Jakarta.end_of(journey.invoice.due_date);
    wait_until(&journey, end - Duration::seconds(3));
    assert_eq!(invoice_shape(&journey).await["overdue"], false);
    wait_until(&journey, end + Duration::seconds(1));
    assert_eq!(invoice_shape(&journey).await["overdue"], true);
}

#[tokio::test]
async fn pages_hold_every_invoice_once_newest_first() {
    let journey = Journey::start().await;
    let mut invoices = more_invoices(&journey, &journey.customer, 6).await;
    invoices.push(journey.invoice.clone());
    let expected: Vec<_> = invoices.iter().map(|invoice| invoice.id.as_str()).collect();
    let token = journey.token().await;
    for limit in [1, 3, 7, 50] {
        assert_eq!(ids(&all_pages(&journey, "invoices", limit, "", &token).await), expected, "pages of {limit}");
    }
    let (_, body) = get(&journey, "invoices", &token).await;
    assert_eq!((ids(body["invoices"].as_array().unwrap()), &body["next"]), (expected, &Value::Null));
}

#[tokio::test]
async fn invoices_can_be_asked_for_by_their_status() {
    let mut journey = Journey::start().await;
    let first = journey.invoice.clone();
    let link = journey.link(&journey.token().await, None).await;
    journey.pay(&link).await;
    journey.until_quiet().await;
    let second = more_invoices(&journey, &journey.world.profile(&journey.customer.id).await, 1).await.remove(0);
    let token = journey.token().await;
    for (status, expected) in
        [("PAID", vec![first.id.as_str()]), ("UNPAID", vec![second.id.as_str()]), ("CANCELLED", vec![])]
    {
        for limit in [1, 20] {
            let found = all_pages(&journey, "invoices", limit, &format!("&status={status}"), &token).await;
            assert_eq!(ids(&found), expected, "{status}, pages of {limit}");
        }
    }
    assert_eq!(get(&journey, "invoices?status=paid", &token).await.0, 400);
}

#[tokio::test]
async fn no_cursor_and_no_limit_reaches_anything_of_another_customer() {
    let mut journey = Journey::start().await;
    let siti = journey.world.customer("siti", "081299999999").await;
    let mut theirs: BTreeSet<_> =
        more_invoices(&journey, &siti, 2).await.into_iter().map(|invoice| invoice.id.to_string()).collect();
    more_invoices(&journey, &journey.customer, 1).await;
    theirs.extend(more_invoices(&journey, &siti, 2).await.into_iter().map(|invoice| invoice.id.to_string()));
    let link = journey.link(&journey.token().await, None).await;
    journey.pay(&link).await;
    journey.until_quiet().await;
    let token = journey.token().await;
    let payment = ids(&all_pages(&journey, "payments", 5, "", &token).await)[0].to_owned();

    for cursor in theirs.iter().map(String::as_str).chain(["0", "z", "zzzzzzzz", payment.as_str(), siti.id.as_str()]) {
        for list in ["invoices", "payments"] {
            let (status, body) = get(&journey, &format!("{list}?cursor={cursor}"), &token).await;
            let found = body[list].as_array().unwrap();
            assert!(status == 200 && ids(found).iter().all(|id| !theirs.contains(*id)), "{list} {cursor}: {body}");
        }
        let (_, body) = get(&journey, &format!("payments?cursor={cursor}"), &journey.world.token(&siti).await).await;
        assert_eq!(body["payments"], json!([]), "another's payment as cursor: {cursor}");
    }
    for nonsense in
        ["cursor=../x", "cursor=%23", "cursor=INVOICE", "limit=abc", "limit=1.5", "limit=99999999999999999999"]
    {
        for list in ["invoices", "payments"] {
            let (status, body) = get(&journey, &format!("{list}?{nonsense}"), &token).await;
            assert_eq!((status, body["code"].as_str()), (400, Some("bad_request")), "{list}?{nonsense}");
        }
    }
    for (limit, shown) in [("0", 1), ("-5", 1), ("2", 2), ("1000000", 2)] {
        let (_, body) = get(&journey, &format!("invoices?limit={limit}"), &token).await;
        assert_eq!(body["invoices"].as_array().unwrap().len(), shown, "limit {limit}");
    }
}

#[tokio::test]
async fn a_payment_is_answered_as_specified_with_everything_that_happened_on_its_way() {
    for gateway in GatewayName::ALL {
        let mut journey = Journey::start().await;
        let token = journey.token().await;
        let link = journey.link(&token, Some(gateway)).await;
        journey.wait(Duration::minutes(2));
        journey.pay(&link).await;
        journey.until_quiet().await;
        let (status, body) = get(&journey, "payments", &token).await;
        let payments = body["payments"].as_array().unwrap();
        assert!(status == 200 && payments.len() == 1 && body["success"] == true && body["next"].is_null(), "{body}");
        let payment = &payments[0];
        let expected = json!({
            "id": payment["id"], "invoiceId": journey.invoice.id, "gateway": gateway, "method": payment["method"], "amount": 300_000,
            "kind": "received", "credit": false, "at": payment["at"], "timeline": payment["timeline"],
        });
        assert_eq!(payment, &expected);
        assert!(
            !payment["id"].as_str().unwrap().is_empty() && !payment["method"].as_str().unwrap().is_empty(),
            "{payment}"
        );
        let timeline = payment["timeline"].as_array().unwrap();
        let words: Vec<_> = timeline.iter().map(|moment| moment["what"].as_str().unwrap()).collect();
        assert_eq!(words, ["link_created", "paid", "confirmed", "service_extended"]);
        let moments: Vec<_> = timeline
            .iter()
            .map(|moment| OffsetDateTime::parse(moment["at"].as_str().unwrap(), &Rfc3339).unwrap())
            .collect();
        assert!(moments.is_sorted(), "{payment}");
    }
}

#[tokio::test]
async fn payments_are_paged_newest_first_and_refunds_say_so() {
    let mut journey = Journey::start().await;
    let token = journey.token().await;
    let link = journey.link(&token, Some(GatewayName::Midtrans)).await;
    journey.pay(&link).await;
    journey.until_quiet().await;
    journey.wait(Duration::minutes(1));
    journey
        .world
        .sandbox
        .simulate(&Simulate { amount: Some(50_000), ..Simulate::new(&link, Outcome::Refunded) })
        .await
        .unwrap();
    journey.undelivered.extend(journey.world.notifications.take());
    journey.until_quiet().await;
    for limit in [1, 20] {
        let found = all_pages(&journey, "payments", limit, "", &token).await;
        let seen: Vec<_> = found
            .iter()
            .map(|payment| (payment["kind"].as_str().unwrap(), payment["amount"].as_i64().unwrap()))
            .collect();
        assert_eq!(seen, [("refund", 50_000), ("received", 300_000)], "pages of {limit}");
    }
}

#[tokio::test]
async fn whoever_has_no_session_learns_nothing_and_nothing_is_ever_cached() {
    let journey = Journey::start().await;
    let token = journey.token().await;
    let siti = journey.world.customer("siti", PHONE).await;
    let borrowed = format!("{}.{}", siti.id, token.split_once('.').unwrap().1);
    let no_bearer = "";
    for path in ["me", "invoices", "payments", "invoices?limit=abc", "payments?cursor=../x"] {
        for token in [None, Some(no_bearer), Some("nonsense"), Some(borrowed.as_str())] {
            let response = customer_account::handle(
                &account(&journey),
                request("GET", &format!("/api/customer/{path}"), token, None),
            )
            .await;
            let (status, body) = answer(&response);
            assert_eq!((status, body["code"].as_str()), (401, Some("invalid_token")), "{path} {token:?}");
            assert_eq!(response.headers()["cache-control"], "no-store");
        }
    }
    for (method, path, status) in [
        ("GET", "/api/customer/me", 200),
        ("GET", "/api/customer/invoices", 200),
        ("GET", "/api/customer/payments", 200),
        ("GET", "/api/customer/invoices?limit=abc", 400),
        ("POST", "/api/customer/me", 404),
        ("DELETE", "/api/customer/invoices", 404),
        ("PUT", "/api/customer/payments", 404),
        ("GET", "/api/customer/invoices/x", 404),
        ("GET", "/api/customer", 404),
        ("GET", "/", 404),
    ] {
        let response = customer_account::handle(&account(&journey), request(method, path, Some(&token), None)).await;
        assert_eq!(
            (response.status().as_u16(), &response.headers()["cache-control"]),
            (status, &"no-store".parse().unwrap()),
            "{method} {path}"
        );
    }
    journey.wait(Duration::days(1));
    for path in ["me", "invoices", "payments"] {
        assert_eq!(get(&journey, path, &token).await.0, 401, "an expired session: {path}");
    }
}
