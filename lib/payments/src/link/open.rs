//! A new order: written, posted to the gateway once, its answer recorded.

use std::ops::ControlFlow::{Break, Continue};

use billing::id::OrderId;
use billing::money::Rupiah;
use billing::payment::invoice::{Invoice, PaymentLink};
use billing::payment::link::{self, NewAttempt, NoLink, Opened, Opening};
use billing::payment::order::Order;
use billing::service::customer::Profile;
use cloud::app::App;
use cloud::store::{StoreError, retry_stale, unless_stale};
use gateways::{CreatedOrder, Gateway, GatewayError, NewOrder};

use super::replace::{Closed, close};
use super::request::{Link, LinkError, Payer};
use crate::connect::connect_with_fresh_keys;
pub(crate) async fn open(
    app: &App,
    gateway: &dyn Gateway,
    (profile, payer): (&Profile, Payer<'_>),
    invoice: &Invoice,
    amount: Rupiah,
    replaces: Option<&PaymentLink>,
) -> Result<Option<Link>, LinkError> {
    let Opening { order, invoice: leased, replaced: former } = write(app, gateway, invoice, amount, replaces).await?;
    let closed = match former {
        None => None,
        Some(former) => match close(app, former, &leased).await? {
            Closed::Order(closed) => closed.map(|closed| *closed),
            Closed::MovedOn => {
                // The new order was never posted: it does not exist at the gateway.
                let never_posted = Err(GatewayError::Rejected {
                    status: 0,
                    detail: "not posted: the replaced link was paid, or is held for review".to_owned(),
                });
                record(app, order, leased, (&never_posted, payer), None).await?;
                return Ok(None);
            }
        },
    };
    let answer = post(app, gateway, (profile, payer), invoice, &order).await;
    let recorded = record(app, order, leased, (&answer, payer), closed).await?;
    match (answer, recorded) {
        (Err(_), _) => Err(NoLink::Failed.into()),
        (Ok(created), Some(invoice)) => Ok(Some(Link { invoice, url: created.link })),
        (Ok(_), None) => Ok(None),
    }
}

/// Writes the new order, the lease, and that the replaced order is to be cancelled, before any gateway is called.
async fn write(
    app: &App,
    gateway: &dyn Gateway,
    invoice: &Invoice,
    amount: Rupiah,
    replaces: Option<&PaymentLink>,
) -> Result<Opening, LinkError> {
    let now = app.clock.now();
    let attempt = NewAttempt {
        order_id: new_order_id(&invoice.number)?,
        gateway: gateway.name(),
        mode: gateway.mode(),
        key_fingerprint: gateway.key_fingerprint(),
        amount,
        expires_at: now.saturating_add(app.settings.link_lifetime),
    };
    let former = app.store.order_behind(replaces).await?;
    let opening = link::open(invoice, attempt, former.as_ref(), now);
    match app.store.open_order(opening).await {
        Ok(opened) => Ok(opened),
        // Another request was faster; its link is there in a moment.
        Err(StoreError::Stale) => Err(NoLink::InProgress.into()),
        Err(error) => Err(error.into()),
    }
}

async fn post(
    app: &App,
    gateway: &dyn Gateway,
    (profile, payer): (&Profile, Payer<'_>),
    invoice: &Invoice,
    order: &Order,
) -> Result<CreatedOrder, GatewayError> {
    let new_order = new_order(app, (profile, payer), invoice, order);
    let answer = gateway.create(&new_order).await;
    if let Err(error) = &answer {
        let alarm = error.needs_a_person();
        tracing::error!(alarm, gateway = gateway.name().as_str(), order = order.id.as_str(), %error, "no payment link");
        if matches!(error, GatewayError::Unauthorized { .. }) {
            // Keys may just have been changed in the console: the next request finds the new ones.
            let _ = connect_with_fresh_keys(app, gateway.name()).await;
        }
    }
    answer
}

/// What the gateway is told.
fn new_order(app: &App, (profile, payer): (&Profile, Payer<'_>), invoice: &Invoice, order: &Order) -> NewOrder {
    let (description, customer_name, customer_phone, finish) = match payer {
        Payer::Customer => (
            format!("{} {}", invoice.description, invoice.number),
            profile.name.clone(),
            profile.phone.as_ref().map(|phone| phone.as_str().to_owned()),
            format!("/customer/finish/{}", invoice.id),
        ),
        Payer::Public { finish } => (format!("Tagihan {}", invoice.number), String::new(), None, finish.to_owned()),
    };
    NewOrder {
        order_id: order.id.clone(),
        amount: order.amount,
        description,
        customer_name,
        customer_phone,
        expires_at: order.expires_at,
        now: app.clock.now(),
        finish_url: app.settings.public_url.as_ref().map(|site| site.page(&finish)),
    }
}

/// Records the gateway's answer. The invoice with the link, or `None` if it moved on meanwhile.
async fn record(
    app: &App,
    order: Order,
    invoice: Invoice,
    (answer, payer): (&Result<CreatedOrder, GatewayError>, Payer<'_>),
    closed: Option<Order>,
) -> Result<Option<Invoice>, StoreError> {
    retry_stale((order, invoice, closed), |(order, invoice, closed)| async move {
        let now = app.clock.now();
        let (next_order, next_invoice) = match answer {
            Ok(created) => {
                let opened = Opened {
                    url: created.link.clone(),
                    reference: created.reference.clone(),
                    expires_at: created.expires_at,
                    public: matches!(payer, Payer::Public { .. }),
                };
                link::record(&order, &invoice, &opened, now)
            }
            Err(error) => link::fail(&order, &invoice, error.may_exist(), now),
        };
        let recorded = app.store.record_answer(&next_order, next_invoice, closed.as_ref()).await;
        if let Break(invoice) = unless_stale(recorded)? {
            return Ok(Break(invoice));
        }
        let gone = || StoreError::Damaged(format!("order {} is gone", order.id));
        let order = app.store.order(order.gateway, &order.id).await?.ok_or_else(gone)?;
        let invoice = app.store.invoice(&invoice.customer_id, &invoice.id).await?.ok_or_else(gone)?;
        // Reconcile may have been faster with the replaced order; if not, it still wants cancelling.
        Ok(Continue((order, invoice, None)))
    })
    .await
}

/// `<invoice number>-<10 random characters>`: never used before, and nothing is ever read out of it.
fn new_order_id(invoice_number: &str) -> Result<OrderId, LinkError> {
    const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let mut random = [0_u8; 10];
    getrandom::fill(&mut random).map_err(|_| LinkError::NoOrderId)?;
    let suffix: String =
        random.iter().filter_map(|byte| ALPHABET.get(usize::from(byte % 32))).copied().map(char::from).collect();
    let prefix: String = invoice_number.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').take(38).collect();
    OrderId::parse(&format!("{prefix}-{suffix}")).map_err(|_| LinkError::NoOrderId)
}
