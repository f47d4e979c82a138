//! A look at one customer, one order or one event while payments go on.

use std::time::Duration;

use billing::audit::{self, Audited, Books, Filed, Finding, Rule};
use billing::id::{CustomerId, InvoiceId, OrderId};
use billing::zone::{Zone, format};
use cloud::clock::Clock;
use cloud::store::audit::AuditRows;
use cloud::store::keys::{self, Key};
use cloud::store::{Store, StoreError, WakeKind};
use time::OffsetDateTime;

/// Reading anew after no answer: an audit of an hour must not end for a second's trouble.
const TRIES: u32 = 4;
const FIRST_WAIT: Duration = Duration::from_millis(250);
/// Readings of a customer's books, until two in a row are equal: the books are several reads, and a payment can be
/// booked between them.
const READINGS: usize = 8;
const BETWEEN_READINGS: Duration = Duration::from_millis(150);
/// The index follows a write within a second, as a rule.
const INDEX_LOOKS: usize = 4;
const BETWEEN_INDEX_LOOKS: Duration = Duration::from_millis(500);

/// What is looked at.
pub(super) enum Target {
    /// The books of a customer.
    Customer(CustomerId),
    /// An order, by its own row.
    Order(Key),
    /// An event, by its own row.
    Event(Key),
    /// A partition in which no profile came by. Rows of one need not come together, so it is asked for.
    WithoutProfile(CustomerId),
}

/// What a look needs.
#[derive(Clone)]
pub(super) struct Look {
    pub(super) store: Store,
    pub(super) clock: Clock,
    pub(super) zone: Zone,
}

/// An item that stands in the index.
struct WakeUp {
    kind: WakeKind,
    id: String,
    key: Key,
    at: OffsetDateTime,
    invoice_id: Option<InvoiceId>,
    order_id: Option<OrderId>,
}

impl Look {
    /// A look at it; again if the table gave no answer.
    pub(super) async fn at(&self, target: &Target) -> Result<Audited, StoreError> {
        let mut wait = FIRST_WAIT;
        for _ in 1..TRIES {
            match self.once(target).await {
                Err(StoreError::Unavailable(_)) => tokio::time::sleep(wait).await,
                said => return said,
            }
            wait = wait.saturating_mul(2);
        }
        self.once(target).await
    }

    /// A page of the table; again if it gave no answer.
    pub(super) async fn rows(&self, after: Option<&Key>) -> Result<AuditRows, StoreError> {
        let mut wait = FIRST_WAIT;
        for _ in 1..TRIES {
            match self.store.rows(after).await {
                Err(StoreError::Unavailable(_)) => tokio::time::sleep(wait).await,
                page => return page,
            }
            wait = wait.saturating_mul(2);
        }
        self.store.rows(after).await
    }

    async fn once(&self, target: &Target) -> Result<Audited, StoreError> {
        match target {
            Target::Customer(customer) => self.customer(customer).await,
            Target::Order(key) => self.order(key).await,
            Target::Event(key) => self.event(key).await,
            Target::WithoutProfile(customer) => self.without_profile(customer).await,
        }
    }

    async fn without_profile(&self, customer: &CustomerId) -> Result<Audited, StoreError> {
        // One that cannot be read is said when its own row comes by.
        match self.store.profile(customer).await {
            Ok(Some(_)) | Err(StoreError::Damaged(_)) => return Ok(Audited::default()),
            Ok(None) => {}
            Err(error) => return Err(error),
        }
        let what = format!("{} holds invoices, entries or grants, and no profile", keys::customer_partition(customer));
        let finding =
            Finding { rule: Rule::Orphan, customer_id: Some(customer.clone()), invoice_id: None, order_id: None, what };
        Ok(Audited { findings: vec![finding], pending: Vec::new() })
    }

    /// Books are several reads, and a payment can be booked between two of them. So a finding counts only if a second
    /// reading is equal to the first: then that is what stood there between them.
    async fn customer(&self, customer: &CustomerId) -> Result<Audited, StoreError> {
        let mut before: Option<Books> = None;
        for _ in 0..READINGS {
            let now = self.clock.now();
            let books = match self.store.books(customer, now).await {
                Ok(Some(books)) => books,
                Ok(None) => return Ok(Audited::default()),
                Err(StoreError::Damaged(cause)) => return Ok(damaged(Some(customer), cause)),
                Err(error) => return Err(error),
            };
            let mut audited = audit::customer(&books, self.zone, now);
            if audited.is_clean() || before.as_ref() == Some(&books) {
                for wake_up in wake_ups(&books) {
                    audited.extend(self.indexed(customer, wake_up).await?);
                }
                return Ok(audited);
            }
            before = Some(books);
            tokio::time::sleep(BETWEEN_READINGS).await;
        }
        Err(StoreError::Stale)
    }

    /// An order by its own row: nothing else leads to one that was replaced and never paid. One that the ledger or a
    /// link names is looked at with its customer too, and says the same there.
    async fn order(&self, key: &Key) -> Result<Audited, StoreError> {
        let mut before = None;
        for _ in 0..READINGS {
            let now = self.clock.now();
            let filed = match self.store.filed_order(key).await {
                Ok(Some(filed)) => filed,
                Ok(None) => return Ok(Audited::default()),
                Err(StoreError::Damaged(cause)) => return Ok(damaged(None, cause)),
                Err(error) => return Err(error),
            };
            let order = &filed.state;
            // What cannot be read is said with its customer.
            let invoice = match self.store.invoice(&order.customer_id, &order.invoice_id).await {
                Err(StoreError::Damaged(_)) => return Ok(Audited::default()),
                invoice => invoice?,
            };
            let entries = if order.booked.is_empty() { Vec::new() } else { self.store.entries_of(order).await? };
            let mut audited = audit::order(&filed, invoice.as_ref(), &entries.iter().collect::<Vec<_>>(), now);
            if audited.is_clean() || before.as_ref() == Some(&filed) {
                if let Some(wake_up) = order_wake_up(&filed, key.clone()) {
                    audited.extend(self.indexed(&order.customer_id, wake_up).await?);
                }
                return Ok(audited);
            }
            before = Some(filed);
            tokio::time::sleep(BETWEEN_READINGS).await;
        }
        Err(StoreError::Stale)
    }

    /// An event by its own row, whoever it is about.
    async fn event(&self, key: &Key) -> Result<Audited, StoreError> {
        let filed = match self.store.filed_event(key).await {
            Ok(Some(filed)) => filed,
            Ok(None) => return Ok(Audited::default()),
            Err(StoreError::Damaged(cause)) => return Ok(damaged(None, cause)),
            Err(error) => return Err(error),
        };
        let mut audited = Audited::default();
        if let Some(what) = audit::lost(&filed) {
            audited.findings.push(Finding {
                rule: Rule::EventLost,
                customer_id: None,
                invoice_id: None,
                order_id: None,
                what,
            });
        }
        let wake_up = filed.filed.map(|at| WakeUp {
            id: filed.state.id.clone(),
            at,
            ..WakeUp::new(WakeKind::Event, key.clone())
        });
        if let Some(wake_up) = wake_up
            && !self.is_indexed(&wake_up).await?
            && self.store.filed_event(key).await?.as_ref() == Some(&filed)
        {
            audited.findings.push(not_indexed(None, &wake_up));
        }
        Ok(audited)
    }

    async fn indexed(&self, customer: &CustomerId, wake_up: WakeUp) -> Result<Audited, StoreError> {
        let mut audited = Audited::default();
        if !self.is_indexed(&wake_up).await? && self.is_still_planned(customer, &wake_up).await? {
            audited.findings.push(not_indexed(Some(customer.clone()), &wake_up));
        }
        Ok(audited)
    }

    async fn is_indexed(&self, wake_up: &WakeUp) -> Result<bool, StoreError> {
        for look in 0..INDEX_LOOKS {
            if look > 0 {
                tokio::time::sleep(BETWEEN_INDEX_LOOKS).await;
            }
            if self.store.is_indexed(wake_up.kind, &wake_up.id, &wake_up.key, wake_up.at).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// It may have been done meanwhile.
    async fn is_still_planned(&self, customer: &CustomerId, wake_up: &WakeUp) -> Result<bool, StoreError> {
        if wake_up.kind == WakeKind::Order {
            return Ok(self
                .store
                .filed_order(&wake_up.key)
                .await?
                .is_some_and(|filed| filed.filed == Some(wake_up.at)));
        }
        let books = self.store.books(customer, self.clock.now()).await?;
        Ok(books.iter().flat_map(wake_ups).any(|still| still.key == wake_up.key && still.at == wake_up.at))
    }
}

impl WakeUp {
    const fn new(kind: WakeKind, key: Key) -> Self {
        Self { kind, id: String::new(), key, at: OffsetDateTime::UNIX_EPOCH, invoice_id: None, order_id: None }
    }
}

fn order_wake_up(filed: &Filed<billing::payment::order::Order>, key: Key) -> Option<WakeUp> {
    let order = &filed.state;
    let (invoice_id, order_id) = (Some(order.invoice_id.clone()), Some(order.id.clone()));
    filed.filed.map(|at| WakeUp {
        id: order.id.to_string(),
        at,
        invoice_id,
        order_id,
        ..WakeUp::new(WakeKind::Order, key)
    })
}

/// What of the books stands in the index.
fn wake_ups(books: &Books) -> Vec<WakeUp> {
    let invoices = books.invoices.iter().filter_map(|filed| {
        let invoice = &filed.state;
        let key = keys::invoice(&invoice.customer_id, &invoice.id);
        let invoice_id = Some(invoice.id.clone());
        filed.filed.map(|at| WakeUp {
            id: invoice.id.to_string(),
            at,
            invoice_id,
            ..WakeUp::new(WakeKind::Invoice, key)
        })
    });
    let orders =
        books.orders.iter().filter_map(|filed| order_wake_up(filed, keys::order(filed.state.gateway, &filed.state.id)));
    let events = books.events.iter().filter_map(|filed| {
        let key = keys::event(&filed.state.id);
        filed.filed.map(|at| WakeUp { id: filed.state.id.clone(), at, ..WakeUp::new(WakeKind::Event, key) })
    });
    invoices.chain(orders).chain(events).collect()
}

fn not_indexed(customer_id: Option<CustomerId>, wake_up: &WakeUp) -> Finding {
    let what = format!("{} is due {}, and the index does not have it", wake_up.key, format::instant(wake_up.at));
    Finding {
        rule: Rule::NotInIndex,
        customer_id,
        invoice_id: wake_up.invoice_id.clone(),
        order_id: wake_up.order_id.clone(),
        what,
    }
}

fn damaged(customer: Option<&CustomerId>, cause: String) -> Audited {
    let finding =
        Finding { rule: Rule::Damaged, customer_id: customer.cloned(), invoice_id: None, order_id: None, what: cause };
    Audited { findings: vec![finding], pending: Vec::new() }
}
