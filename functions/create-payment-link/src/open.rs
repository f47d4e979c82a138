//! A new order: written, posted to the gateway once, its answer recorded.

use billing::{
    id::OrderId,
    invoice::{Invoice, PaymentLink},
    link::{self, NewAttempt, Opened, Opening},
    money::Rupiah,
    order::Order,
};
use cloud::{
    installation::Installation,
    store::{Caller, StoreError},
};
use gateways::{CreatedOrder, Gateway, GatewayError, NewOrder};
use payments::written;
use web::{
    caller::store_problem,
    problem::{self, Problem},
};

use crate::{
    Step, link_answer,
    replace::{Closed, close},
};

/// Times that an answer is recorded anew because the invoice moved on meanwhile.
const TRIES: usize = 5;

pub(crate) async fn open(
    installation: &Installation,
    gateway: &dyn Gateway,
    caller: &Caller,
    invoice: &Invoice,
    amount: Rupiah,
    replaces: Option<&PaymentLink>,
) -> Result<Step, Problem> {
    let (order, leased, former) = write(installation, gateway, invoice, amount, replaces).await?;
    let closed = match former {
        None => None,
        Some(former) => match close(installation, former, &leased).await.map_err(store_problem)? {
            Closed::Order(closed) => closed.map(|closed| *closed),
            Closed::MoneyArrived => {
                // The new order was never posted: it does not exist at the gateway.
                let never_posted = Err(GatewayError::Rejected { status: 0, detail: "not posted: the replaced link was paid".to_owned() });
                record(installation, order, leased, &never_posted, None).await.map_err(store_problem)?;
                return Ok(Step::DecideAgain);
            }
        },
    };
    let answer = post(installation, gateway, caller, invoice, &order).await;
    let recorded = record(installation, order, leased, &answer, closed).await.map_err(store_problem)?;
    match (answer, recorded) {
        (Err(_), _) => Err(problem::LINK_FAILED),
        (Ok(created), Some(invoice)) => Ok(Step::Answer(link_answer(&invoice, &created.link))),
        (Ok(_), None) => Ok(Step::DecideAgain),
    }
}

/// Writes the new order, the lease, and that the replaced order is to be cancelled, before any gateway is called. Answers the
/// three as they are stored then.
async fn write(
    installation: &Installation,
    gateway: &dyn Gateway,
    invoice: &Invoice,
    amount: Rupiah,
    replaces: Option<&PaymentLink>,
) -> Result<(Order, Invoice, Option<Order>), Problem> {
    let now = installation.clock.now();
    let attempt = NewAttempt {
        order_id: new_order_id(&invoice.number)?,
        gateway: gateway.name(),
        mode: gateway.mode(),
        key_fingerprint: gateway.key_fingerprint(),
        amount,
        expires_at: now.saturating_add(installation.settings.link_lifetime),
    };
    let former = match replaces {
        Some(link) => installation.store.order(link.gateway, &link.order_id).await.map_err(store_problem)?,
        None => None,
    };
    let opening = link::open(invoice, attempt, former.as_ref(), now);
    match installation.store.open_order(&opening).await {
        Ok(()) => {
            let Opening { order, invoice, replaced } = opening;
            let leased = Invoice { version: invoice.version.saturating_add(1), ..invoice };
            Ok((written(order), leased, replaced.map(written)))
        }
        // Another request was faster; its link is there in a moment.
        Err(StoreError::Stale) => Err(problem::LINK_IN_PROGRESS),
        Err(error) => Err(store_problem(error)),
    }
}

async fn post(
    installation: &Installation,
    gateway: &dyn Gateway,
    caller: &Caller,
    invoice: &Invoice,
    order: &Order,
) -> Result<CreatedOrder, GatewayError> {
    let new_order = NewOrder {
        order_id: order.id.clone(),
        amount: order.amount,
        description: format!("{} {}", invoice.description, invoice.number),
        customer_name: caller.profile.name.clone(),
        customer_phone: caller.profile.phone.as_ref().map(|phone| phone.as_str().to_owned()),
        expires_at: order.expires_at,
        now: installation.clock.now(),
        finish_url: installation.settings.public_url.as_ref().map(|site| site.page(&format!("/customer/finish/{}", invoice.id))),
    };
    let answer = gateway.create(&new_order).await;
    if let Err(error) = &answer {
        let refused_key = matches!(error, GatewayError::Unauthorized { .. });
        let alarm = refused_key || matches!(error, GatewayError::ForeignPage(_));
        tracing::error!(alarm, gateway = gateway.name().as_str(), order = order.id.as_str(), %error, "no payment link");
        if refused_key {
            // Keys may just have been changed in the console: the next request finds the new ones.
            let _ = payments::connect_with_fresh_keys(installation, gateway.name()).await;
        }
    }
    answer
}

/// Records the gateway's answer. The invoice with the link, or `None` if it moved on meanwhile.
async fn record(
    installation: &Installation,
    order: Order,
    invoice: Invoice,
    answer: &Result<CreatedOrder, GatewayError>,
    closed: Option<Order>,
) -> Result<Option<Invoice>, StoreError> {
    let (mut order, mut invoice, mut closed) = (order, invoice, closed);
    for _ in 0..TRIES {
        let now = installation.clock.now();
        let (next_order, next_invoice) = match answer {
            Ok(created) => {
                let opened = Opened { url: created.link.clone(), reference: created.reference.clone(), expires_at: created.expires_at };
                link::record(&order, &invoice, &opened, now)
            }
            Err(error) => link::fail(&order, &invoice, error.may_exist(), now),
        };
        match installation.store.record_answer(&next_order, next_invoice.as_ref(), closed.as_ref()).await {
            Ok(()) => return Ok(next_invoice),
            Err(StoreError::Stale) => {
                let damaged = || StoreError::Damaged(format!("order {} is gone", order.id));
                let fresh = installation.store.order(order.gateway, &order.id).await?.ok_or_else(damaged)?;
                invoice = installation.store.invoice(&invoice.customer_id, &invoice.id).await?.ok_or_else(damaged)?;
                order = fresh;
                // Reconcile may have been faster with the replaced order; if not, it still wants cancelling.
                closed = None;
            }
            Err(error) => return Err(error),
        }
    }
    Err(StoreError::Stale)
}

/// `<invoice number>-<10 random characters>`: never used before, and nothing is ever read out of it.
fn new_order_id(invoice_number: &str) -> Result<OrderId, Problem> {
    const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let mut random = [0_u8; 10];
    let filled = getrandom::fill(&mut random).is_ok();
    let suffix: String = random.iter().filter_map(|byte| ALPHABET.get(usize::from(byte % 32))).copied().map(char::from).collect();
    let prefix: String = invoice_number.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').take(38).collect();
    OrderId::parse(&format!("{prefix}-{suffix}")).ok().filter(|_| filled).ok_or_else(|| {
        tracing::error!(alarm = true, "no order id could be made");
        problem::BUSY
    })
}
