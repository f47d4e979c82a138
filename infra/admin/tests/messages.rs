//! Messages, as an admin finds and repeats them.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use billing::id::{CustomerId, InvoiceId};
use billing::money::Rupiah;
use billing::telling::delivery::DeliveryStatus;
use billing::telling::event::{Envelope, Event};
use billing::telling::notice::Notice;
use billing::telling::sender::{Heard, Pace, Sender};
use cloud::clock::Clock;
use common::Deployment;
use time::Duration;

fn notice(id: &str) -> Notice {
    let now = Clock::default().now();
    let event = Event::InvoiceIssued {
        customer_id: CustomerId::parse("c01").unwrap(),
        invoice_id: InvoiceId::parse("inv_1").unwrap(),
        amount: Rupiah::new(300_000),
    };
    Notice::new(Envelope { id: id.to_owned(), at: now, event }, now).unwrap()
}

#[test]
fn what_waits_and_what_was_lost_are_found_and_only_that_is_sent_again() {
    let lunas = Deployment::with_customer();
    let now = Clock::default().now();
    lunas.lunas(&["messages", "pending"]).check(0, "no message waits");
    lunas.lunas(&["messages", "failed"]).check(0, "no message was lost");
    for stored in [
        notice("m1").waiting(now + Duration::HOUR, "quiet hours", now),
        notice("m2").concluded(DeliveryStatus::Failed, Some("not on WhatsApp"), now),
        notice("m3").concluded(DeliveryStatus::Unknown, Some("no answer"), now - Duration::days(20)),
        notice("m4").concluded(DeliveryStatus::Accepted, None, now),
        notice("m5").concluded(DeliveryStatus::Skipped, Some("opted_out"), now),
    ] {
        lunas.runtime.block_on(lunas.store.put_notice(&stored)).unwrap();
    }
    let ids = |arguments: &[&str]| -> Vec<String> {
        let listed = lunas.lunas(arguments).check(0, "messages").json();
        listed["messages"]
            .as_array()
            .unwrap()
            .iter()
            .map(|message| message["id"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(ids(&["--json", "messages", "pending"]), ["m1"]);
    assert_eq!(ids(&["--json", "messages", "failed"]), ["m2"]);
    assert_eq!(ids(&["--json", "messages", "failed", "--since", "2020-01-01"]), ["m3", "m2"]);
    lunas.lunas(&["messages", "failed"]).check(0, "not on WhatsApp");

    let before = lunas.items();
    lunas.lunas(&["--dry-run", "messages", "resend", "m2"]).check(0, "m2");
    assert_eq!(lunas.items(), before);
    for (id, words) in [("m1", "still to be sent"), ("m4", "accepted"), ("m9", "there is no message")] {
        lunas.lunas(&["messages", "resend", id]).check(1, words);
    }
    assert_eq!(lunas.items(), before);
    for id in ["m2", "m3", "m5"] {
        lunas.lunas(&["messages", "resend", id]).check(0, "within a minute");
    }
    assert_eq!(ids(&["--json", "messages", "failed", "--since", "2020-01-01"]), [""; 0]);
    assert_eq!(ids(&["--json", "messages", "pending"]).len(), 4);
}

#[test]
fn a_stopped_provider_is_told_and_tried_again() {
    let lunas = Deployment::new();
    let now = Clock::default().now();
    lunas.lunas(&["messages", "resume"]).check(0, "not stopped");
    let stopped = Sender::new().after(Heard::Stop, &Pace::default(), "settings", now);
    lunas.runtime.block_on(lunas.store.put_sender(&stopped)).unwrap();
    lunas.lunas(&["messages", "pending"]).check(0, "the provider has taken nothing since");
    lunas.lunas(&["messages", "resume"]).check(0, "tried again now");
    let sender = lunas.runtime.block_on(lunas.store.sender()).unwrap();
    assert!(sender.stopped.is_none() && sender.free_at < now);
}

#[test]
fn templates_hold_the_providers_address_and_need_no_aws() {
    let lunas = Deployment::new();
    let done = lunas
        .lunas_with(&[("AWS_REGION", "")], &["messages", "templates", "--url", "https://bayar.example.id"])
        .check(0, "lunas_due_soon");
    let templates = done.json();
    assert_eq!(templates.as_array().unwrap().len(), 22);
    assert!(done.out.contains("https://bayar.example.id/p/{{1}}"));
    lunas.lunas(&["messages", "templates", "--url", "bayar.example.id"]).check(2, "https://");
}
