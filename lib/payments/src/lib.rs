//! The one way in which money gets booked: ask the gateway, let `billing` decide, carry the decision out in one
//! transaction.
//!
//! A webhook, a customer who comes back and the reconciliation all end in [`book`]. Whoever comes second finds the
//! money booked and changes nothing. Beside it: how a link comes about ([`link`]), and how a payment takes effect
//! ([`apply`]).

pub mod apply;
pub mod link;

use billing::{
    id::OrderId,
    money::MoneyError,
    payment::{
        gateway::{GatewayName, Report, ReportedState},
        invoice::{Invoice, InvoiceStatus},
        order::Order,
        settlement::{SettleOutcome, settle},
    },
    telling::event::Event,
};
use cloud::{
    app::App,
    secrets::{Rows, SecretError},
    store::StoreError,
};
use gateways::{Gateway, GatewayError, OrderRef, Setup, SetupError};

/// Decisions made anew after the state moved on under them.
const TRIES: usize = 5;

/// Why nothing could be booked now. Nothing is lost: what is due is looked at again.
#[derive(Debug, thiserror::Error)]
pub enum BookingError {
    /// The table.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The secret could not be read.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The secret cannot be used.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// The gateway.
    #[error(transparent)]
    Gateway(#[from] GatewayError),
    /// The order was opened in sandbox and the key is for production, or the other way round: the gateway would not
    /// know it.
    #[error("the order belongs to the gateway's other mode")]
    OtherMode,
    /// An amount that is none.
    #[error(transparent)]
    Money(#[from] MoneyError),
    /// An order whose invoice does not exist.
    #[error("order {0} has no invoice")]
    NoInvoice(OrderId),
}

impl BookingError {
    /// Nothing that asking again would mend.
    #[must_use]
    pub const fn needs_a_person(&self) -> bool {
        match self {
            Self::OtherMode | Self::NoInvoice(_) | Self::Money(_) => true,
            Self::Store(error) => error.needs_a_person(),
            Self::Secret(_) | Self::Setup(_) | Self::Gateway(_) => false,
        }
    }
}

/// The gateways that make links now.
#[derive(Debug, Default)]
pub struct Active {
    /// Configured, usable and switched on.
    pub gateways: Vec<Box<dyn Gateway>>,
    /// Whose secret cannot be read or used at the moment: nothing is known of their links.
    pub unreadable: Vec<GatewayName>,
}

/// Where an order and its invoice stand after booking.
#[derive(Debug, Clone)]
pub struct Booked {
    pub invoice_status: InvoiceStatus,
    pub moved: bool,
    pub order: Order,
    pub state: ReportedState,
}

/// The gateway with its current keys.
pub async fn connect(app: &App, name: GatewayName) -> Result<Box<dyn Gateway>, BookingError> {
    let rows = app.secrets.rows(name.as_str()).await?;
    from_rows(app, name, &rows)
}

/// The gateway with its keys read again: after a 401 or a signature that does not match.
pub async fn connect_with_fresh_keys(app: &App, name: GatewayName) -> Result<Box<dyn Gateway>, BookingError> {
    let rows = app.secrets.refreshed_rows(name.as_str()).await?;
    from_rows(app, name, &rows)
}

fn from_rows(app: &App, name: GatewayName, rows: &Rows) -> Result<Box<dyn Gateway>, BookingError> {
    let base_url = app.settings.partner_endpoints.get(name.as_str()).map(|url| url::Url::parse(url)).transpose();
    let base_url = base_url
        .map_err(|error| SetupError::Unusable { gateway: name, problem: format!("PARTNER_ENDPOINTS: {error}") })?;
    Ok(gateways::connect(name, rows, &Setup { base_url, production_only: app.settings.is_production() })?)
}

/// The gateways that make links: configured, usable and switched on. One that is badly configured is reported and left
/// out.
pub async fn active_gateways(app: &App) -> Active {
    let mut active = Active::default();
    for name in GatewayName::ALL {
        let connected = match connect(app, name).await {
            // The key may just have been typed in.
            Err(BookingError::Setup(SetupError::NotConfigured(_))) if name == app.settings.default_gateway => {
                connect_with_fresh_keys(app, name).await
            }
            connected => connected,
        };
        match connected {
            Ok(gateway) if gateway.is_active() => active.gateways.push(gateway),
            Ok(_) | Err(BookingError::Setup(SetupError::NotConfigured(_))) => {}
            Err(error) => {
                tracing::error!(alarm = true, gateway = name.as_str(), %error, "gateway is not usable");
                active.unreadable.push(name);
            }
        }
    }
    active
}

/// Asks the gateway about an order. A refused key is read again once.
pub async fn ask(app: &App, gateway: GatewayName, order: &OrderRef) -> Result<Report, BookingError> {
    let connected = connect(app, gateway).await?;
    match connected.status(order).await {
        Err(GatewayError::Unauthorized { status }) => {
            let fresh = connect_with_fresh_keys(app, gateway).await?;
            if fresh.mode() != connected.mode() {
                return Err(BookingError::OtherMode);
            }
            if fresh.key_fingerprint() == connected.key_fingerprint() {
                tracing::error!(alarm = true, gateway = gateway.as_str(), status, "the gateway refuses the key");
                return Err(GatewayError::Unauthorized { status }.into());
            }
            Ok(fresh.status(order).await?)
        }
        answer => Ok(answer?),
    }
}

/// Asks about an order and books what the gateway says. `invoice` is the invoice if it was read already.
pub async fn ask_and_book(
    app: &App,
    order: Order,
    invoice: Option<Invoice>,
    via: &str,
) -> Result<Booked, BookingError> {
    require_same_mode(app, &order).await?;
    let report = ask(app, order.gateway, &order_ref(&order)).await?;
    book(app, order, invoice, report, via).await
}

/// An order of the other mode would be unknown to the gateway, which must not be taken for an answer.
pub async fn require_same_mode(app: &App, order: &Order) -> Result<(), BookingError> {
    if connect(app, order.gateway).await?.mode() == order.mode { Ok(()) } else { Err(BookingError::OtherMode) }
}

/// Books a report. Starts from the states given (the invoice else from the order's copy of it). Should they have moved
/// on, as the transaction's version conditions tell, they are read anew and the gateway is asked anew: a report is
/// never held against a state that is newer than it.
pub async fn book(
    app: &App,
    order: Order,
    invoice: Option<Invoice>,
    report: Report,
    via: &str,
) -> Result<Booked, BookingError> {
    let (mut order, mut invoice, mut report) = (order, invoice, report);
    for _ in 0..TRIES {
        let now = app.clock.now();
        let at_hand = invoice.take().or_else(|| order.invoice.as_deref().cloned());
        let read = match at_hand {
            Some(_) => at_hand,
            None => app.store.invoice(&order.customer_id, &order.invoice_id).await?,
        };
        let read = read.ok_or_else(|| BookingError::NoInvoice(order.id.clone()))?;
        let mut reviews: usize = 0;
        let done = match settle(&order, &read, &report, now)? {
            SettleOutcome::Unchanged => {
                return Ok(Booked { invoice_status: read.status, moved: false, order, state: report.state });
            }
            SettleOutcome::Noted(note) => app.store.note(&note, now).await.map(|()| (read.status, false, note.order)),
            SettleOutcome::Settled(mut change) => {
                change.order.note(now, format!("confirmed_by:{via}"));
                reviews = change.events.iter().filter(|event| matches!(event, Event::PaymentReview { .. })).count();
                let invoice_status = change.invoice.as_ref().unwrap_or(&read).status;
                app.store.settle(&change, &read, now).await.map(|()| (invoice_status, true, change.order))
            }
        };
        match done {
            Ok((invoice_status, moved, order)) => {
                let booked = Booked { invoice_status, moved, order: written(order), state: report.state };
                log_booking(&booked, via, reviews);
                if moved {
                    close_other_link(app, &booked, &read).await;
                }
                return Ok(booked);
            }
            Err(StoreError::Stale) => {
                let (gateway, id) = (order.gateway, order.id.clone());
                let fresh = app.store.order(gateway, &id).await?.ok_or(BookingError::NoInvoice(id))?;
                invoice = app.store.invoice(&fresh.customer_id, &fresh.invoice_id).await?;
                order = fresh;
                // Some channels can only be asked by the gateway's own id, which the order may not have learnt yet; and
                // the order may have learnt another one.
                let seen = report.transactions.first().map(|transaction| transaction.id.clone());
                let asked = OrderRef { transaction_id: seen.or(order.transaction_id.clone()), ..order_ref(&order) };
                report = ask(app, order.gateway, &asked).await?;
            }
            Err(error) => return Err(error.into()),
        }
    }
    Err(StoreError::Stale.into())
}

/// An invoice that was paid through another order than the one behind its link: nobody is to pay that one too. Noted,
/// carried out as planned work. Should it be lost, paying twice ends as credit.
async fn close_other_link(app: &App, booked: &Booked, before: &Invoice) {
    let is_paid = booked.invoice_status == InvoiceStatus::Paid && before.status == InvoiceStatus::Unpaid;
    let Some(link) = before.link.as_ref().filter(|link| is_paid && link.order_id != booked.order.id) else { return };
    let now = app.clock.now();
    let closed = match app.store.order_behind(Some(link)).await {
        Ok(Some(order)) => app.store.note_order(&order.wanting_cancellation(now)).await,
        Ok(None) => return,
        Err(error) => Err(error),
    };
    if let Err(error) = closed {
        tracing::warn!(order = link.order_id.as_str(), %error, "the other link of a paid invoice stays open");
    }
}

fn log_booking(booked: &Booked, via: &str, reviews: usize) {
    let (order, gateway) = (booked.order.id.as_str(), booked.order.gateway.as_str());
    if let ReportedState::Unclear(why) = &booked.state {
        tracing::error!(alarm = true, order, gateway, why, "the gateway's answer needs a person");
    }
    if reviews > 0 {
        tracing::error!(alarm = true, order, gateway, "a payment needs a person: see `lunas payments review`");
    }
    if booked.moved {
        tracing::info!(order, gateway, via, status = ?booked.order.status, "settled");
    }
}

/// The order as it stands after it was written.
#[must_use]
pub fn written(order: Order) -> Order {
    Order { version: order.version.saturating_add(1), ..order }
}

/// How to ask about an order.
#[must_use]
pub fn order_ref(order: &Order) -> OrderRef {
    OrderRef {
        order_id: order.id.clone(),
        reference: order.reference.clone(),
        transaction_id: order.transaction_id.clone(),
    }
}
