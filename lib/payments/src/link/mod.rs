//! A link to pay an invoice: the stored one if it can still be used, else a new order at a gateway.
//! `billing::payment::link` decides which.
//!
//! Whoever needs a link comes here: a customer who pays a bill, one who changes the package, and a visitor of a bill's
//! public page.

mod open;
mod replace;

use std::borrow::Cow;

use billing::{
    money::{
        MoneyError,
        credit::{usable, use_credit},
    },
    payment::{
        gateway::GatewayName,
        invoice::{Invoice, InvoiceStatus},
        link::{self, LinkDecision, NoLink, choose, decide},
        order::LinkedInvoice,
    },
    service::customer::Profile,
};
use cloud::{app::App, store::StoreError};
use gateways::Gateway;

use crate::{Active, active_gateways};

/// Decisions made anew because money arrived on the link that was to be replaced, or credit was used.
const ROUNDS: usize = 4;

/// A link that can be paid.
#[derive(Debug, Clone)]
pub struct Link {
    /// The invoice that it pays, as it stands now.
    pub invoice: Invoice,
    pub url: String,
}

/// What came of a request for a link.
#[derive(Debug, Clone)]
pub enum LinkOutcome {
    Link(Box<Link>),
    /// The customer's credit has just paid all of it, so there is nothing to pay at a gateway. The invoice is PAID.
    PaidByCredit(Box<Invoice>),
}

/// Who is to pay: decides what the gateway is told, and where its page leads back to.
#[derive(Debug, Clone, Copy)]
pub enum Payer<'a> {
    /// The customer, who comes back to the portal. The gateway's page may name them.
    Customer,
    /// Whoever holds the link of the invoice's public page. The gateway is told nothing of the customer.
    Public {
        /// The page to come back to, a path.
        finish: &'a str,
    },
}

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub struct LinkRequest<'a> {
    /// The gateway that the customer wants, if any.
    pub gateway: Option<GatewayName>,
    /// Is this a request that may open an order? Else only a stored link is given out.
    pub may_open: bool,
    pub payer: Payer<'a>,
}

/// Why there is no link.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// An order would have to be opened, and the request may not.
    #[error("no link is stored, and this request may not open an order")]
    MayNotOpen,
    /// A reason that the customer is told.
    #[error(transparent)]
    NoLink(#[from] NoLink),
    /// The table.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The invoice cannot be what it is: a person has to look.
    #[error("amounts of an invoice do not add up: {0}")]
    Money(#[from] MoneyError),
    /// No randomness, or an invoice number without a usable letter.
    #[error("no order id could be made")]
    NoOrderId,
}

/// The link to pay `invoice`, which is `profile`'s.
///
/// The customer's credit pays first.
pub async fn link(
    app: &App,
    profile: &Profile,
    invoice: Invoice,
    link_request: LinkRequest<'_>,
) -> Result<LinkOutcome, LinkError> {
    let (mut invoice, mut profile) = (invoice, Cow::Borrowed(profile));
    for _ in 0..ROUNDS {
        let credit =
            if link_request.may_open { pay_from_credit(app, &profile, &invoice).await? } else { Credit::Unused };
        match credit {
            Credit::PaidAll(invoice) => return Ok(LinkOutcome::PaidByCredit(invoice)),
            Credit::MovedOn => {}
            Credit::Unused => {
                if let Some(link) = Box::pin(once(app, &profile, &invoice, link_request)).await? {
                    return Ok(LinkOutcome::Link(Box::new(link)));
                }
            }
        }
        let read = app.store.invoice_and_profile(&invoice.customer_id, &invoice.id).await?;
        let (invoice_now, profile_now) = read.ok_or(NoLink::NotPayable)?;
        (invoice, profile) = (invoice_now, Cow::Owned(profile_now));
    }
    Err(NoLink::InProgress.into())
}

/// What became of the customer's credit.
enum Credit {
    Unused,
    /// Invoice or profile are not as they were: they have to be read again.
    MovedOn,
    PaidAll(Box<Invoice>),
}

async fn pay_from_credit(app: &App, profile: &Profile, invoice: &Invoice) -> Result<Credit, LinkError> {
    let now = app.clock.now();
    if usable(invoice, profile.credit, now)?.is_zero() {
        return Ok(Credit::Unused);
    }
    let order = app.store.order_behind(invoice.link.as_ref()).await?;
    let Some(used) = use_credit(LinkedInvoice { invoice, order: order.as_ref() }, profile, now)? else {
        return Ok(Credit::Unused);
    };
    match app.store.use_credit(&used, now).await {
        Ok(()) => {
            tracing::info!(invoice = invoice.id.as_str(), status = ?used.invoice.status, "credit used");
            let is_paid = used.invoice.status == InvoiceStatus::Paid;
            Ok(if is_paid { Credit::PaidAll(Box::new(used.invoice)) } else { Credit::MovedOn })
        }
        Err(StoreError::Stale) => Ok(Credit::MovedOn),
        Err(error) => Err(error.into()),
    }
}

/// `None`: the invoice moved on meanwhile, so it is decided again.
async fn once(
    app: &App,
    profile: &Profile,
    invoice: &Invoice,
    link_request: LinkRequest<'_>,
) -> Result<Option<Link>, LinkError> {
    let LinkRequest { gateway: wanted, may_open, payer } = link_request;
    let Active { gateways, unreadable } = active_gateways(app).await;
    // Nothing is known of that gateway: its link may be good, and must not be replaced.
    let now = app.clock.now();
    let usable_link = link::reusable(invoice, invoice.amount_due()?, now);
    if usable_link.is_some_and(|link| unreadable.contains(&link.gateway)) {
        return Err(NoLink::NotConfigured.into());
    }
    let active: Vec<GatewayName> = gateways.iter().map(|gateway| gateway.name()).collect();
    let usable: Vec<_> = gateways.iter().map(|gateway| (gateway.name(), gateway.mode())).collect();
    let public = matches!(payer, Payer::Public { .. });
    let (amount, replaces) = match decide(invoice, public, wanted, &usable, now)? {
        LinkDecision::NotPayable => return Err(NoLink::NotPayable.into()),
        LinkDecision::Busy => return Err(NoLink::InProgress.into()),
        LinkDecision::TooMany { retry_after } => return Err(NoLink::TooMany { retry_after }.into()),
        LinkDecision::Reuse(link) => return Ok(Some(Link { invoice: invoice.clone(), url: link.url.clone() })),
        LinkDecision::Open { .. } if !may_open => return Err(LinkError::MayNotOpen),
        LinkDecision::Open { amount, replaces } => (amount, replaces),
    };
    let chosen = choose(wanted, app.settings.default_gateway, &active).ok_or(NoLink::NotConfigured)?;
    let gateway: &dyn Gateway =
        gateways.iter().find(|gateway| gateway.name() == chosen).map(AsRef::as_ref).ok_or(NoLink::NotConfigured)?;
    open::open(app, gateway, (profile, payer), invoice, amount, replaces).await
}
