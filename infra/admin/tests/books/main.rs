//! What an admin does about money that is booked: payments are made as the functions make them, then the command is
//! run.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

#[path = "../common/mod.rs"]
mod common;

mod audit;
mod credit;
mod queues;
mod review;

use billing::id::{CustomerId, OrderId};
use billing::money::Rupiah;
use billing::payment::gateway::{GatewayName, Mode, Report, ReportedState, Transaction};
use billing::payment::invoice::Invoice;
use billing::payment::link::{self, NewAttempt, Opened};
use billing::payment::order::Order;
use billing::payment::settlement::{SettleOutcome, settle};
use billing::service::apply::{self, ApplyRules};
use billing::service::entitlement::LateRenewal;
use billing::zone::Zone;
use cloud::clock::Clock;
use common::Deployment;
use time::Duration;

impl Deployment {
    /// The customer's newest invoice.
    fn invoice_of(&self, customer: &str) -> Invoice {
        let customer = CustomerId::parse(customer).unwrap();
        let page = self.runtime.block_on(self.store.invoices(&customer, None, 1)).unwrap();
        page.entries.into_iter().next().unwrap()
    }

    fn order(&self, id: &str) -> Order {
        self.runtime.block_on(self.store.order(GatewayName::Midtrans, &OrderId::parse(id).unwrap())).unwrap().unwrap()
    }

    /// A renewal is issued, and the customer asks for so many links, each in place of the one before. Order ids are the
    /// invoice's number and 1, 2, 3.
    fn bill_and_open(&self, customer: &str, links: u32) {
        self.lunas(&["--yes", "invoices", "create", "--customer", customer, "--due", "2036-12-10"]).check(0, "INV-");
        for link in 1..=links {
            let (invoice, now) = (self.invoice_of(customer), Clock::default().now());
            let id = format!("{}-{link}", invoice.number);
            let attempt = NewAttempt {
                order_id: OrderId::parse(&id).unwrap(),
                gateway: GatewayName::Midtrans,
                mode: Mode::Sandbox,
                key_fingerprint: "k".into(),
                amount: invoice.amount_due().unwrap(),
                expires_at: now + Duration::DAY,
            };
            let before = invoice.link.as_ref().map(|link| self.order(link.order_id.as_str()));
            self.runtime.block_on(self.store.open_order(link::open(&invoice, attempt, before.as_ref(), now))).unwrap();
            let opened = Opened {
                url: "https://pay.example/1".into(),
                reference: "token".into(),
                expires_at: now + Duration::DAY,
                public: false,
            };
            let (order, invoice) = link::record(&self.order(&id), &self.invoice_of(customer), &opened, now);
            self.runtime.block_on(self.store.record_answer(&order, invoice, None)).unwrap();
        }
    }

    /// The gateway reports these totals of an order.
    fn reported(&self, order: &str, received: i64, refunded: i64) {
        let (order, now) = (self.order(order), Clock::default().now());
        let invoice =
            self.runtime.block_on(self.store.invoice(&order.customer_id, &order.invoice_id)).unwrap().unwrap();
        let transaction = Transaction {
            id: "t1".into(),
            received: Rupiah::new(received),
            refunded: Rupiah::new(refunded),
            charged_back: Rupiah::ZERO,
            taken_back: true,
            paid_at: Some(now),
            method: Some("qris".into()),
            status: "settlement".into(),
        };
        let report = Report { state: ReportedState::Paid, transactions: vec![transaction] };
        let SettleOutcome::Settled(change) = settle(&order, &invoice, &report, now).unwrap() else {
            panic!("not settled")
        };
        self.runtime.block_on(self.store.settle(*change, &invoice, now)).unwrap();
    }

    /// The gateway says something that nobody understands.
    fn unclear(&self, order: &str, why: &str) {
        let (order, now) = (self.order(order), Clock::default().now());
        let invoice =
            self.runtime.block_on(self.store.invoice(&order.customer_id, &order.invoice_id)).unwrap().unwrap();
        let report = Report { state: ReportedState::Unclear(why.to_owned()), transactions: Vec::new() };
        match settle(&order, &invoice, &report, now).unwrap() {
            SettleOutcome::Noted(note) => drop(self.runtime.block_on(self.store.note(*note, now)).unwrap()),
            SettleOutcome::Unchanged => {}
            SettleOutcome::Settled(_) => panic!("settled"),
        }
    }

    /// The newest invoice takes effect.
    fn apply(&self, customer: &str) {
        let (invoice, now) = (self.invoice_of(customer), Clock::default().now());
        let profile = self.runtime.block_on(self.store.profile(&invoice.customer_id)).unwrap().unwrap();
        let rules = ApplyRules { zone: Zone::Jakarta, late: LateRenewal::FromPayment };
        let application = apply::grant(&invoice, &profile, None, rules, now).unwrap();
        self.runtime.block_on(self.store.apply(&application, now)).unwrap();
    }
}
