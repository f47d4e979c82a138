//! A new order: written, posted to the gateway once, its answer recorded.

use billing::{
    id::OrderId,
    invoice::Invoice,
    link::{self, NewAttempt, Opened},
    money::Rupiah,
    order::Order,
};
use cloud::store::{Caller, StoreError};
use gateways::{CreatedOrder, Gateway, GatewayError, NewOrder};
use payments::Payments;
use web::{
    caller::store_problem,
    problem::{self, Problem},
};

use crate::{Step, link_answer};

/// Times that an answer is recorded anew because the invoice moved on meanwhile.
const TRIES: usize = 5;

pub(crate) async fn open(
    payments: &Payments,
    gateway: &dyn Gateway,
    caller: &Caller,
    invoice: &Invoice,
    amount: Rupiah,
    replaced: Option<&Order>,
) -> Result<Step, Problem> {
    let now = payments.clock.now();
    let attempt = NewAttempt {
        order_id: new_order_id(&invoice.number)?,
        gateway: gateway.name(),
        mode: gateway.mode(),
        key_fingerprint: gateway.key_fingerprint(),
        amount,
        expires_at: now.saturating_add(payments.settings.link_lifetime),
    };
    let (mut order, mut leased) = link::open(invoice, attempt, now);
    match payments.store.open_order(&order, &leased, replaced).await {
        Ok(()) => {}
        // Another request was faster; its link is there in a moment.
        Err(StoreError::Stale) => return Err(problem::LINK_IN_PROGRESS),
        Err(error) => return Err(store_problem(error)),
    }
    order.version = order.version.saturating_add(1);
    leased.version = leased.version.saturating_add(1);

    let answer = gateway
        .create(&NewOrder {
            order_id: order.id.clone(),
            amount,
            description: format!("{} {}", invoice.description, invoice.number),
            customer_name: caller.profile.name.clone(),
            customer_phone: caller.profile.phone.as_ref().map(|phone| phone.as_str().to_owned()),
            expires_at: order.expires_at,
            now,
            finish_url: None,
        })
        .await;
    if let Err(error) = &answer {
        let alarm = matches!(error, GatewayError::Unauthorized { .. } | GatewayError::ForeignPage(_));
        tracing::error!(alarm, gateway = gateway.name().as_str(), order = order.id.as_str(), %error, "no payment link");
        if alarm {
            // Keys may just have been changed in the console: the next request finds the new ones.
            let _ = payments.gateway_with_fresh_keys(gateway.name()).await;
        }
    }
    let recorded = record(payments, order, leased, &answer).await.map_err(store_problem)?;
    match (answer, recorded) {
        (Err(_), _) => Err(problem::LINK_FAILED),
        (Ok(created), Some(invoice)) => Ok(Step::Answer(link_answer(&invoice, &created.link))),
        (Ok(_), None) => Ok(Step::DecideAgain),
    }
}

/// Records the gateway's answer. The invoice with the link, or `None` if it moved on meanwhile.
async fn record(
    payments: &Payments,
    order: Order,
    invoice: Invoice,
    answer: &Result<CreatedOrder, GatewayError>,
) -> Result<Option<Invoice>, StoreError> {
    let (mut order, mut invoice) = (order, invoice);
    for _ in 0..TRIES {
        let now = payments.clock.now();
        let (next_order, next_invoice) = match answer {
            Ok(created) => {
                let opened = Opened { url: created.link.clone(), reference: created.reference.clone(), expires_at: created.expires_at };
                link::record(&order, &invoice, &opened, now)
            }
            Err(error) => link::fail(&order, &invoice, error.may_exist(), now),
        };
        match payments.store.record_answer(&next_order, next_invoice.as_ref()).await {
            Ok(()) => return Ok(next_invoice),
            Err(StoreError::Stale) => {
                let damaged = || StoreError::Damaged(format!("order {} is gone", order.id));
                let fresh = payments.store.order(order.gateway, &order.id).await?.ok_or_else(damaged)?;
                invoice = payments.store.invoice(&invoice.customer_id, &invoice.id).await?.ok_or_else(damaged)?;
                order = fresh;
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
