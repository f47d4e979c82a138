//! The judge: do the books agree with each other after every step, and with the gateways' own books in the end?

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use billing::audit::{self, Filed, KnownEvent, StoredEntry};
use billing::payment::invoice::{Invoice, InvoiceStatus};
use billing::payment::order::Order;
use billing::service::customer::Profile;
use billing::service::entitlement::{Grant, Reason};
use billing::zone::Zone;
use lunas_sandbox::OrderBooks;
use serde::de::DeserializeOwned;
use testkit::table;
use time::OffsetDateTime;

use crate::play::Play;

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A gateway kept money that is on no invoice and no credit, or it is paid and not served.
    Lost,
    /// More is booked than a gateway kept, or more is served than was paid.
    Doubled,
    /// The books do not agree with each other.
    Books,
    /// Something is never done.
    Stuck,
    /// A function panicked.
    Panicked,
}

/// What is wrong, and where it was seen.
#[derive(Debug, Clone)]
pub struct Failure {
    pub kind: Kind,
    pub text: String,
}

impl Failure {
    pub fn new(kind: Kind, text: impl Into<String>) -> Self {
        Self { kind, text: text.into() }
    }

    pub fn at(self, place: &str) -> Self {
        Self { text: format!("{} ({place})", self.text), ..self }
    }
}

type Item = HashMap<String, AttributeValue>;

/// Everything in the table about the one customer.
pub struct Books {
    read: audit::Books,
    wake_at: Vec<OffsetDateTime>,
    events_due: usize,
    now: OffsetDateTime,
}

fn text(item: &Item, name: &str) -> String {
    item.get(name).and_then(|value| value.as_s().ok()).cloned().unwrap_or_default()
}

fn state<T: DeserializeOwned>(item: &Item) -> T {
    serde_dynamo::from_item(item.clone()).unwrap()
}

/// When reconciliation or the relay come back to it. Reminders, expiries and messages are for others, who move no
/// money.
fn filed(item: &Item) -> Option<OffsetDateTime> {
    let wake_time = item.get("wake_time")?.as_n().unwrap().parse().unwrap();
    let kind = text(item, "wake_key");
    ["order#", "invoice#", "event#"]
        .iter()
        .any(|ours| kind.starts_with(ours))
        .then(|| OffsetDateTime::from_unix_timestamp(wake_time).unwrap())
}

fn filed_state<T: DeserializeOwned>(item: &Item) -> Filed<T> {
    Filed { state: state(item), filed: filed(item) }
}

impl Books {
    /// Reads them past the tap.
    pub async fn read(play: &Play) -> Self {
        let items = table::items(&play.world.aws.direct, "").await;
        let of = |prefix: &'static str| items.iter().filter(move |item| text(item, "SK").starts_with(prefix));
        let line = |item: &Item| {
            let events = item.get("events").and_then(|events| events.as_l().ok());
            let events = events.into_iter().flatten().filter_map(|id| id.as_s().ok().cloned());
            StoredEntry { id: text(item, "id"), events: events.collect(), entry: state(item) }
        };
        let event = |item: &Item| {
            let relayed_at = item.get("relayed_at").map(|_| OffsetDateTime::UNIX_EPOCH);
            Filed {
                state: KnownEvent { id: text(item, "id"), kind: text(item, "kind"), relayed_at },
                filed: filed(item),
            }
        };
        let profile: Profile = state(of("PROFILE").next().unwrap());
        let books = audit::Books {
            profile,
            invoices: of("INVOICE#").map(filed_state::<Invoice>).collect(),
            ledger: of("LEDGER#").map(line).collect(),
            grants: of("GRANT#").map(state::<Grant>).collect(),
            orders: items.iter().filter(|item| text(item, "SK") == "ORDER").map(filed_state::<Order>).collect(),
            events: items.iter().filter(|item| text(item, "SK") == "EVENT").map(event).collect(),
        };
        Self {
            wake_at: items.iter().filter_map(filed).collect(),
            events_due: books.events.iter().filter(|event| event.filed.is_some()).count(),
            now: play.world.app.clock.now(),
            read: books,
        }
    }

    /// What holds at every moment, whatever was broken: the audit finds nothing.
    pub fn add_up(&self) -> Result<(), Failure> {
        let audited = audit::customer(&self.read, Zone::Jakarta, self.now);
        match audited.findings.first() {
            None => Ok(()),
            Some(finding) => {
                let (rule, what) = (finding.rule.as_str(), &finding.what);
                Err(Failure::new(Kind::Books, format!("{rule}: {what} (and {} more)", audited.findings.len() - 1)))
            }
        }
    }

    /// What holds once everything has been done: every rupiah that a gateway kept is booked once, and every payment
    /// serves once.
    pub fn agree_with(&self, accounts: &[OrderBooks]) -> Result<(), Failure> {
        for account in accounts {
            let kept = if account.charged_back { 0 } else { account.received - account.refunded };
            let booked = self.booked(&account.order_id);
            let order =
                format!("{} of {:?}: the gateway kept {kept}, booked are {booked}", account.order_id, account.gateway);
            if booked < kept {
                return Err(Failure::new(Kind::Lost, order));
            }
            if booked > kept {
                return Err(Failure::new(Kind::Doubled, order));
            }
        }
        let known: i64 = accounts.iter().map(|account| self.booked(&account.order_id)).sum();
        let all: i64 = self.payments().map(|(_, amount)| amount).sum();
        if known != all {
            return Err(Failure::new(
                Kind::Doubled,
                format!("{all} is booked of payments, {known} of orders that a gateway knows"),
            ));
        }
        self.served()?;
        self.add_up()?;
        if self.events_due > 0 {
            return Err(Failure::new(Kind::Stuck, format!("{} events were never relayed", self.events_due)));
        }
        Ok(())
    }

    /// A second look at everything finds nothing new.
    pub fn nothing_moved_since(&self, before: &Self) -> Result<(), Failure> {
        let facts = |books: &Self| (books.read.ledger.len(), books.read.grants.len(), books.read.profile.credit);
        if facts(self) == facts(before) {
            return Ok(());
        }
        Err(Failure::new(
            Kind::Doubled,
            format!("another look moved money: {:?}, then {:?}", facts(before), facts(self)),
        ))
    }

    /// PAID is served, once and for no more than was paid; nothing else is.
    fn served(&self) -> Result<(), Failure> {
        for Filed { state: invoice, .. } in &self.read.invoices {
            let live: Vec<&Grant> =
                self.read.grants.iter().filter(|grant| !grant.revoked && is_for(grant, invoice)).collect();
            let (paid, granted) = (invoice.status == InvoiceStatus::Paid, live.len());
            let what = format!(
                "{} is {:?} for the {}. time and has {granted} grants",
                invoice.number, invoice.status, invoice.settlement_no
            );
            match (paid, granted) {
                (true, 0) => return Err(Failure::new(Kind::Lost, what)),
                (true, 1) | (false, 0) => {}
                _ => return Err(Failure::new(Kind::Doubled, what)),
            }
            let worth: i64 = live.iter().map(|grant| money(grant)).sum();
            if worth > invoice.amount.get() {
                return Err(Failure::new(
                    Kind::Doubled,
                    format!("{what}: worth {worth}, the invoice is over {}", invoice.amount),
                ));
            }
            if invoice.awaits_apply() {
                return Err(Failure::new(Kind::Stuck, format!("{what}: not applied")));
            }
        }
        Ok(())
    }

    /// Order and amount of every entry about money that came or went through a gateway.
    fn payments(&self) -> impl Iterator<Item = (&str, i64)> {
        let entries = self.read.ledger.iter().map(|line| &line.entry);
        entries.filter_map(|entry| Some((entry.payment.as_ref()?.order_id.as_str(), entry.amount.get())))
    }

    fn booked(&self, order: &str) -> i64 {
        self.payments().filter(|(of, _)| *of == order).map(|(_, amount)| amount).sum()
    }

    /// The last instant that something is planned for.
    pub fn latest_wake(&self) -> Option<OffsetDateTime> {
        self.wake_at.iter().max().copied()
    }

    /// Are events due, and orders or invoices?
    pub fn wake_time(&self, now: OffsetDateTime) -> (bool, bool) {
        let is_due = |filed: Option<OffsetDateTime>| filed.is_some_and(|wake_at| wake_at <= now);
        let audit::Books { events, orders, invoices, .. } = &self.read;
        let others = orders.iter().map(|order| order.filed).chain(invoices.iter().map(|invoice| invoice.filed));
        (events.iter().any(|event| is_due(event.filed)), others.into_iter().any(is_due))
    }
}

fn is_for(grant: &Grant, invoice: &Invoice) -> bool {
    (1..=invoice.settlement_no).any(|settlement_no| grant.is_of(&invoice.id, settlement_no))
}

fn money(grant: &Grant) -> i64 {
    match &grant.reason {
        Reason::Import { .. } => 0,
        Reason::Renewal { money, .. } | Reason::Upgrade { money, .. } => money.get(),
    }
}
