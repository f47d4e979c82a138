//! One customer, and what happens to them: the rules decide, and what they decide is kept as the store would.

use std::collections::BTreeMap;

use time::{Duration, OffsetDateTime};

use super::super::*;
use crate::examples::{self, NOW};
use crate::id::{InvoiceId, OrderId};
use crate::money::adjustment::adjust;
use crate::money::{Rupiah, credit};
use crate::payment::gateway::{Report, ReportedState, Transaction};
use crate::payment::invoice::{Invoice, InvoiceStatus, Lease, NewInvoice, PaymentLink};
use crate::payment::link;
use crate::payment::order::{LinkedInvoice, Order, OrderStatus};
use crate::payment::renewal::issue_renewal;
use crate::payment::settlement::{SettleOutcome, settle};
use crate::payment::withdrawal::{Withdrawal, withdraw};
use crate::service::apply::{Application, ApplyRules, Todo, give_back, grant, next_step, replaced_renewal, revoke};
use crate::service::customer::Profile;
use crate::service::entitlement::{Grant, LateRenewal};
use crate::service::import::{Column, CustomerRow, import};
use crate::service::package::Package;
use crate::service::upgrade::{self, UpgradePricing};
use crate::telling::event::Event;

/// Something that happens.
#[derive(Debug, Clone)]
pub enum Step {
    /// A renewal is issued, unless one is open.
    Bill,
    /// The customer chooses that package.
    Choose(&'static str),
    /// A link is made for the newest unpaid invoice.
    Open,
    /// A gateway reports totals of a transaction of that order.
    Reported { order: usize, id: &'static str, received: i64, refunded: i64, charged_back: i64 },
    /// Everything that waits is applied.
    Apply,
    /// The newest unpaid invoice is withdrawn.
    Withdraw,
    /// The provider gives credit or takes it.
    Adjust(i64),
    /// The provider's records say that the service ends in so many days, with that package. Refused if somebody would
    /// lose what they paid for.
    Import(&'static str, i64),
    /// The same, although somebody loses by it.
    Overwrite(&'static str, i64),
    /// Days go by.
    Wait(i64),
}

impl Step {
    pub const fn paid(order: usize) -> Self {
        Self::Reported { order, id: "t1", received: 300_000, refunded: 0, charged_back: 0 }
    }

    pub const fn taken_back(order: usize) -> Self {
        Self::Reported { order, id: "t1", received: 0, refunded: 0, charged_back: 0 }
    }
}

const ZONE: Zone = Zone::Jakarta;
const RULES: ApplyRules = ApplyRules { zone: ZONE, late: LateRenewal::FromPayment };

fn catalogue(package: &str) -> Package {
    let price = BTreeMap::from([("home20", 300_000), ("home50", 500_000), ("free", 0)])[package];
    examples::package(package, price)
}

#[derive(Debug, Clone)]
pub struct Story {
    pub profile: Profile,
    pub invoices: Vec<Invoice>,
    pub orders: Vec<Order>,
    pub grants: BTreeMap<u32, Grant>,
    pub lines: Vec<StoredEntry>,
    pub events: Vec<Filed<KnownEvent>>,
    pub now: OffsetDateTime,
}

impl Story {
    pub fn new() -> Self {
        let profile = Profile { open_renewal: None, ..examples::profile() };
        let grants = BTreeMap::from([(1, examples::import())]);
        Self { profile, invoices: vec![], orders: vec![], grants, lines: vec![], events: vec![], now: NOW }
    }

    pub fn told(steps: &[Step]) -> Self {
        let mut story = Self::new();
        for step in steps {
            story.go_on(step);
        }
        story
    }

    pub fn books(&self) -> Books {
        let filed = |wake_at: Option<OffsetDateTime>| wake_at.map(|wake_at| wake_at.replace_nanosecond(0).unwrap());
        Books {
            profile: self.profile.clone(),
            invoices: self
                .invoices
                .iter()
                .map(|state| Filed { state: state.clone(), filed: filed(state.wake_at) })
                .collect(),
            ledger: self.lines.clone(),
            grants: self.grants.values().cloned().collect(),
            orders: self
                .orders
                .iter()
                .map(|state| Filed { state: state.clone(), filed: filed(state.wake_at) })
                .collect(),
            events: self.events.clone(),
        }
    }

    pub fn audit(&self) -> Audited {
        customer(&self.books(), ZONE, self.now)
    }

    pub fn go_on(&mut self, step: &Step) {
        match step {
            Step::Bill => self.bill(),
            Step::Choose(package) => self.choose(package),
            Step::Open => self.open(),
            Step::Reported { order, id, received, refunded, charged_back } => {
                let amounts = [received, refunded, charged_back].map(|amount| Rupiah::new(*amount));
                self.reported(*order, id, amounts);
            }
            Step::Apply => self.apply(),
            Step::Withdraw => {
                let Some(invoice) = self.newest_unpaid() else { return };
                let order = self.order_behind(&invoice);
                let withdrawal = withdraw(&invoice, &self.profile, order.as_ref(), self.now).unwrap();
                self.profile = withdrawal.profile.clone();
                self.withdrawn(withdrawal);
            }
            Step::Adjust(amount) => {
                let adjusted = adjust(&self.profile, Rupiah::new(*amount), "why", true, self.now).unwrap();
                self.profile = adjusted.profile;
                self.enter(vec![adjusted.entry], &[]);
            }
            Step::Import(package, days) => self.import(package, *days, &[]),
            Step::Overwrite(package, days) => self.import(package, *days, &Column::ALL),
            Step::Wait(days) => self.now += Duration::days(*days),
        }
    }

    fn import(&mut self, package: &str, days: i64, overwritten: &[Column]) {
        let row = CustomerRow {
            name: self.profile.name.clone(),
            phone: self.profile.phone.clone(),
            username: self.profile.username.clone(),
            package: catalogue(package),
            expires_at: ZONE.end_of(ZONE.date(self.now + Duration::days(days))),
            device_id: None,
            ont_serial: None,
        };
        let change = import(Some(&self.profile), &row, overwritten, self.profile.id.clone(), ZONE, self.now).unwrap();
        if let Some(change) = change.filter(|change| change.losses.is_empty()) {
            self.profile = change.profile;
            self.grants.extend(change.grant.map(|grant| (grant.sequence, grant)));
        }
    }

    fn new_invoice(&self) -> NewInvoice {
        let number = self.invoices.len() + 1;
        let id = InvoiceId::parse(&format!("inv_{number}")).unwrap();
        NewInvoice { id, number: format!("INV-2026-{number:06}"), due_date: ZONE.date(self.now) }
    }

    fn bill(&mut self) {
        let open = self
            .profile
            .open_renewal
            .as_ref()
            .and_then(|open| self.invoices.iter().find(|invoice| invoice.id == *open));
        // As long as it is PAID and waits, a provider bills the next period after it.
        if open.is_some_and(|open| open.status != InvoiceStatus::Cancelled) {
            return;
        }
        let issued =
            issue_renewal(&self.profile, None, self.new_invoice(), crate::zone::Zone::Jakarta, self.now).unwrap();
        self.profile = issued.profile;
        self.invoices.push(issued.invoice);
        let told = self.tell(&[issued.event]);
        self.enter(issued.entries, &told);
    }

    fn choose(&mut self, package: &str) {
        let package = catalogue(package);
        let rules = upgrade::UpgradeRules { zone: ZONE, pricing: UpgradePricing::Prorated };
        let open = self
            .profile
            .open_upgrade
            .as_ref()
            .and_then(|open| self.invoices.iter().find(|invoice| invoice.id == *open))
            .cloned();
        let Ok(preview) = upgrade::preview(&self.profile, &package, rules, self.now) else { return };
        let replaced = match upgrade::decide(&self.profile, open.as_ref(), &preview, self.now) {
            _ if self.profile.entitlement.package.id == package.id => return,
            upgrade::Decision::Open => None,
            upgrade::Decision::Replace => open,
            _ => return,
        };
        let order = replaced.as_ref().and_then(|invoice| self.order_behind(invoice));
        let standing = replaced.as_ref().map(|invoice| LinkedInvoice { invoice, order: order.as_ref() });
        let opened = upgrade::open(&self.profile, &preview, standing, self.new_invoice(), self.now).unwrap();
        self.profile = opened.profile;
        self.invoices.push(opened.invoice);
        self.tell(&[opened.event]);
        if let Some(withdrawal) = opened.withdrawal {
            self.withdrawn(withdrawal);
        }
    }

    /// Credit pays what it can; the link that is there is replaced.
    fn open(&mut self) {
        self.use_credit();
        let Some(invoice) = self.newest_unpaid().filter(|invoice| invoice.amount_due().is_ok_and(Rupiah::is_positive))
        else {
            return;
        };
        assert!(!invoice.amount_due().unwrap().is_too_little(), "a link that cannot be paid");
        let attempt = link::NewAttempt {
            order_id: OrderId::parse(&format!("{}-{}", invoice.number, self.orders.len())).unwrap(),
            gateway: examples::order().gateway,
            mode: examples::order().mode,
            key_fingerprint: String::new(),
            amount: invoice.amount_due().unwrap(),
            expires_at: self.now + Duration::DAY,
        };
        let before = self.order_behind(&invoice);
        let opening = link::open(&invoice, attempt, before.as_ref(), self.now);
        if let Some(replaced) = opening.replaced {
            self.keep_order(replaced);
        }
        let opened = link::Opened {
            url: String::new(),
            reference: String::new(),
            expires_at: self.now + Duration::DAY,
            public: false,
        };
        let (order, linked) = link::record(&opening.order, &opening.invoice, &opened, self.now);
        self.orders.push(order);
        self.keep_invoice(linked.unwrap_or(opening.invoice));
    }

    fn use_credit(&mut self) {
        let Some(invoice) = self.newest_unpaid() else { return };
        let order = self.order_behind(&invoice);
        let standing = LinkedInvoice { invoice: &invoice, order: order.as_ref() };
        let Some(used) = credit::use_credit(standing, &self.profile, self.now).unwrap() else { return };
        self.profile = used.profile;
        self.keep_invoice(used.invoice);
        if let Some(order) = used.order {
            self.keep_order(order);
        }
        let told: Vec<Event> = used.event.into_iter().collect();
        let told = self.tell(&told);
        self.enter(used.entries, &told);
    }

    fn reported(&mut self, number: usize, id: &str, [received, refunded, charged_back]: [Rupiah; 3]) {
        let Some(order) = self.orders.get(number).cloned() else { return };
        let invoice = self.invoices.iter().find(|invoice| invoice.id == order.invoice_id).unwrap();
        let transaction = Transaction {
            id: format!("{number}-{id}"),
            received,
            refunded,
            charged_back,
            paid_at: Some(self.now),
            ..examples::transaction(0, 0)
        };
        let report = Report { state: ReportedState::Paid, transactions: vec![transaction] };
        match settle(&order, invoice, &report, self.now).unwrap() {
            SettleOutcome::Unchanged => {}
            SettleOutcome::Noted(note) => {
                self.orders[number] = note.order;
                if let Some(invoice) = note.invoice {
                    self.keep_invoice(invoice);
                }
            }
            SettleOutcome::Settled(settled) => {
                self.orders[number] = settled.order;
                if let Some(invoice) = settled.invoice {
                    self.keep_invoice(invoice);
                }
                self.profile.credit = self.profile.credit.plus(settled.credit).unwrap();
                let told = self.tell(&settled.events);
                self.enter(settled.entries, &told);
            }
        }
    }

    fn apply(&mut self) {
        while let Some(invoice) = self.invoices.iter().find(|invoice| invoice.awaits_apply()).cloned() {
            let application = match next_step(&invoice) {
                Todo::Nothing => panic!("it awaits apply"),
                Todo::Grant => self.granted(&invoice),
                Todo::GiveBack => {
                    let grants: Vec<Grant> = self.grants.values().cloned().collect();
                    give_back(&invoice, &self.profile, &grants, RULES, self.now).unwrap()
                }
                Todo::Revoke(settlement_no) => {
                    let grants: Vec<Grant> = self.grants.values().cloned().collect();
                    revoke(&invoice, settlement_no, &self.profile, &grants, RULES, self.now).unwrap()
                }
            };
            self.profile = application.profile;
            self.grants.insert(application.grant.sequence, application.grant);
            self.keep_invoice(application.invoice);
            let told = self.tell(&application.events);
            self.enter(application.entries, &told);
            if let Some(withdrawal) = application.withdrawal {
                self.withdrawn(withdrawal);
            }
        }
    }

    fn granted(&self, invoice: &Invoice) -> Application {
        let renewal = replaced_renewal(invoice, &self.profile)
            .and_then(|id| self.invoices.iter().find(|invoice| invoice.id == *id));
        let order = renewal
            .filter(|renewal| renewal.status == InvoiceStatus::Unpaid)
            .and_then(|renewal| self.order_behind(renewal));
        let renewal = renewal.map(|invoice| LinkedInvoice { invoice, order: order.as_ref() });
        grant(invoice, &self.profile, renewal, RULES, self.now).unwrap()
    }

    fn newest_unpaid(&self) -> Option<Invoice> {
        self.invoices
            .iter()
            .filter(|invoice| invoice.status == InvoiceStatus::Unpaid)
            .max_by_key(|invoice| invoice.number.clone())
            .cloned()
    }

    fn order_behind(&self, invoice: &Invoice) -> Option<Order> {
        let link: Option<&PaymentLink> = invoice.link.as_ref();
        let lease: Option<&Lease> = invoice.lease.as_ref();
        assert!(link.is_none() || lease.is_none());
        link.and_then(|link| self.orders.iter().find(|order| order.id == link.order_id)).cloned()
    }

    fn withdrawn(&mut self, withdrawal: Withdrawal) {
        self.keep_invoice(withdrawal.invoice);
        if let Some(order) = withdrawal.order {
            assert!(order.cancel_wanted_since.is_none() || order.status == OrderStatus::Open);
            self.keep_order(order);
        }
        self.enter(withdrawal.entries, &[]);
    }

    fn keep_invoice(&mut self, invoice: Invoice) {
        let kept = self.invoices.iter_mut().find(|kept| kept.id == invoice.id).unwrap();
        *kept = invoice;
    }

    fn keep_order(&mut self, order: Order) {
        let kept = self.orders.iter_mut().find(|kept| kept.id == order.id).unwrap();
        *kept = order;
    }

    fn enter(&mut self, entries: Vec<Entry>, told: &[String]) {
        for entry in entries {
            let id = self.new_id();
            self.lines.push(StoredEntry { id, events: told.to_vec(), entry });
        }
    }

    fn tell(&mut self, events: &[Event]) -> Vec<String> {
        let wake_at = Some((self.now + Duration::MINUTE).replace_nanosecond(0).unwrap());
        for event in events {
            let told = KnownEvent { id: self.new_id(), kind: event.kind().into(), relayed_at: None };
            self.events.push(Filed { state: told, filed: wake_at });
        }
        self.events[self.events.len() - events.len()..].iter().map(|event| event.state.id.clone()).collect()
    }

    /// As a UUIDv7 begins: the milliseconds, then something unique.
    fn new_id(&self) -> String {
        let milliseconds = self.now.unix_timestamp() * 1_000;
        format!("{milliseconds:012x}{:020x}", self.events.len() * 1_000 + self.lines.len())
    }
}
