//! Reconciliation when gateways are down or slow, when there is more than a run can do, and when the index lags.

use billing::id::OrderId;
use billing::payment::gateway::GatewayName;
use billing::payment::order::{Order, OrderStatus};
use cloud::store::WakeKind;
use lunas_sandbox::{Fault, FaultKind, Outcome};
use serde_json::json;
use testkit::table::everything;
use time::Duration;

use super::{asked, paid_in_silence, with_link};
use crate::journey::Journey;

/// Adds `count` orders of a gateway that are due at once. The gateway knows none of them.
async fn add_waking_orders(journey: &Journey, gateway: GatewayName, count: usize) {
    let template = journey.orders().await.remove(0);
    for n in 0..count {
        let id = OrderId::parse(&format!("{}-{gateway}-{n}", journey.invoice.number)).unwrap();
        let order = Order {
            id,
            gateway,
            reference: None,
            invoice: None,
            wake_at: Some(journey.now()),
            version: 0,
            ..template.clone()
        };
        journey.world.app.store.note_order(&order).await.unwrap();
    }
}

async fn awake_now(journey: &Journey) -> usize {
    journey.world.app.store.wake_ups(WakeKind::Order, journey.now(), 1000).await.unwrap().len()
}

#[tokio::test]
async fn a_gateway_that_is_down_is_asked_again_in_five_minutes() {
    for gateway in GatewayName::ALL {
        for kind in [
            FaultKind::InternalError,
            FaultKind::Garbage,
            FaultKind::DropAfter,
            FaultKind::Unauthorized,
            FaultKind::Redirect,
        ] {
            let mut journey = paid_in_silence(gateway).await;
            let target = if gateway == GatewayName::Midtrans { "midtrans.status" } else { "xendit.get" };
            journey.world.sandbox.add_fault(Fault { times: 2, ..Fault::once(target, kind) }).unwrap();
            journey.wait(Duration::minutes(6));
            for looks in 1..3 {
                journey.reconcile().await;
                let order = journey.orders().await.remove(0);
                let wait = order.wake_at.unwrap() - journey.now();
                assert!(
                    wait > Duration::minutes(4) && wait <= Duration::minutes(5),
                    "{gateway} {kind:?}: again in {wait}"
                );
                assert_eq!((order.status, asked(&journey, gateway)), (OrderStatus::Open, looks), "{gateway} {kind:?}");
                journey.wait(Duration::minutes(4));
                journey.reconcile().await;
                assert_eq!(asked(&journey, gateway), looks, "{gateway} {kind:?}: it is left alone until then");
                journey.wait(Duration::minutes(1));
            }
            journey.reconcile().await;
            journey.until_quiet().await;
            journey.assert_paid_once(&format!("{gateway} {kind:?}")).await;
        }
    }
}

#[tokio::test]
async fn a_gateway_that_limits_the_rate_is_left_alone_for_the_run_and_nothing_is_lost() {
    let mut journey = paid_in_silence(GatewayName::Midtrans).await;
    add_waking_orders(&journey, GatewayName::Midtrans, 10).await;
    add_waking_orders(&journey, GatewayName::Xendit, 10).await;
    journey.wait(Duration::minutes(6));
    journey.world.sandbox.add_fault(Fault::once("midtrans.status", FaultKind::TooManyRequests)).unwrap();
    journey.reconcile().await;
    assert_eq!(asked(&journey, GatewayName::Midtrans), 1, "nothing more after the 429");
    assert_eq!(asked(&journey, GatewayName::Xendit), 10, "the other gateway is asked all the same");
    assert_eq!(awake_now(&journey).await, 0);
    journey.wait(Duration::minutes(5) + Duration::seconds(1));
    assert_eq!(awake_now(&journey).await, 11, "those of Midtrans, five minutes later");
    journey.reconcile().await;
    assert_eq!((asked(&journey, GatewayName::Midtrans), awake_now(&journey).await), (12, 0));
    journey.until_quiet().await;
    journey.assert_paid_once("after the 429").await;
}

#[tokio::test]
async fn a_gateway_that_limits_the_rate_does_not_hold_the_other_up() {
    let mut journey = paid_in_silence(GatewayName::Xendit).await;
    add_waking_orders(&journey, GatewayName::Midtrans, 150).await;
    journey.wait(Duration::minutes(6));
    journey
        .world
        .sandbox
        .add_fault(Fault { times: 1000, ..Fault::once("midtrans.status", FaultKind::TooManyRequests) })
        .unwrap();
    for _ in 0..4 {
        journey.reconcile().await;
    }
    assert!(asked(&journey, GatewayName::Midtrans) <= 4, "once a run");
    journey.until_quiet().await;
    journey.assert_paid_once("four runs were enough").await;
}

#[tokio::test]
async fn more_than_a_run_can_do_is_done_in_several() {
    let mut journey = paid_in_silence(GatewayName::Midtrans).await;
    add_waking_orders(&journey, GatewayName::Midtrans, 150).await;
    journey.wait(Duration::minutes(5) + Duration::seconds(1));
    let mut runs = Vec::new();
    while awake_now(&journey).await > 0 {
        assert!(runs.len() < 20, "{runs:?}");
        let before = asked(&journey, GatewayName::Midtrans);
        journey.reconcile().await;
        runs.push(asked(&journey, GatewayName::Midtrans) - before);
    }
    assert!(runs.len() > 2 && runs.iter().all(|looks| (1..=64).contains(looks)), "{runs:?}");
    assert_eq!(runs.iter().sum::<usize>(), 151, "each exactly once");
    journey.until_quiet().await;
    journey.assert_paid_once("the payment among them").await;
}

/// An order whose link was replaced while its gateway was down: to be cancelled as planned work.
async fn replaced_while_down(gateway: GatewayName) -> (Journey, String) {
    let (journey, first) = with_link(gateway).await;
    let (other, targets): (_, &[&str]) = match gateway {
        GatewayName::Midtrans => (GatewayName::Xendit, &["midtrans.cancel"]),
        GatewayName::Xendit => (GatewayName::Midtrans, &["xendit.expire"]),
    };
    for target in targets {
        journey.world.sandbox.add_fault(Fault::once(target, FaultKind::InternalError)).unwrap();
    }
    journey.link(&journey.token().await, Some(other)).await;
    let order = journey.orders().await.remove(0);
    assert_eq!((order.gateway, order.cancel_wanted_since.is_some(), order.status), (gateway, true, OrderStatus::Open));
    (journey, first)
}

#[tokio::test]
async fn what_could_not_be_cancelled_at_once_is_cancelled_later() {
    for gateway in GatewayName::ALL {
        for begun in [false, true] {
            let (mut journey, first) = replaced_while_down(gateway).await;
            if begun {
                journey.simulate(&first, Outcome::Pending).await;
            }
            journey.wait(Duration::seconds(1));
            journey.reconcile().await;
            let order = journey.orders().await.remove(0);
            assert_eq!(
                (order.status, order.cancel_wanted_since.is_some()),
                (OrderStatus::Cancelled, false),
                "{gateway}, begun: {begun}"
            );
            assert!(order.wake_at.is_some(), "{gateway}: it is still looked at");
            let paid = journey.world.sandbox.simulate(&lunas_sandbox::Simulate::new(&first, Outcome::Paid)).await;
            assert!(paid.is_err(), "{gateway}, begun: {begun}: nobody can pay it any more");
        }
    }
}

#[tokio::test]
async fn what_was_paid_instead_of_cancelled_is_settled() {
    for gateway in GatewayName::ALL {
        let (mut journey, first) = replaced_while_down(gateway).await;
        journey.pay(&first).await;
        journey.undelivered.clear();
        journey.wait(Duration::seconds(1));
        journey.reconcile().await;
        journey.until_quiet().await;
        journey.assert_paid_once(gateway.as_str()).await;
        let order = journey.orders().await.remove(0);
        assert_eq!((order.status, order.cancel_wanted_since.is_some()), (OrderStatus::Paid, false));
    }
}

#[tokio::test]
async fn an_index_that_has_not_caught_up_delays_and_loses_nothing() {
    let mut journey = paid_in_silence(GatewayName::Midtrans).await;
    journey.wait(Duration::minutes(6));
    journey.world.aws.hide_index(true);
    journey.reconcile().await;
    assert_eq!(asked(&journey, GatewayName::Midtrans), 0);
    journey.world.aws.hide_index(false);
    journey.reconcile().await;
    journey.until_quiet().await;
    journey.assert_paid_once("the index caught up").await;
}

#[tokio::test]
async fn an_index_that_shows_what_is_long_done_makes_nothing_happen_twice() {
    let mut journey = paid_in_silence(GatewayName::Xendit).await;
    journey.wait(Duration::minutes(6));
    for kind in [WakeKind::Order, WakeKind::Invoice, WakeKind::Event] {
        journey.world.app.store.wake_ups(kind, journey.now(), 10).await.unwrap();
    }
    journey.world.aws.freeze_index(true);
    journey.reconcile().await;
    journey.until_quiet().await;
    journey.assert_paid_once("the first run").await;
    let (before, asked_before) = (everything(&journey.world.aws.direct).await, asked(&journey, GatewayName::Xendit));
    for _ in 0..3 {
        journey.reconcile().await;
        journey.sweep().await;
    }
    assert_eq!(everything(&journey.world.aws.direct).await, before);
    assert_eq!(asked(&journey, GatewayName::Xendit), asked_before, "the row is read again before anybody is asked");
    journey.until_quiet().await;
    journey.assert_paid_once("the index shows it as due").await;
}

/// Two threads: the runs are two Lambda processes, which truly overlap.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_runs_at_once_book_once() {
    for gateway in GatewayName::ALL {
        let mut journey = paid_in_silence(gateway).await;
        journey.wait(Duration::minutes(6));
        let runs: Vec<_> = (0..2)
            .map(|_| {
                let process = journey.world.another_process();
                tokio::spawn(async move { reconcile_payments::handle(&process, json!({})).await })
            })
            .collect();
        for run in runs {
            run.await.unwrap();
        }
        journey.until_quiet().await;
        journey.assert_paid_once(gateway.as_str()).await;
    }
}
