//! A link to pay an invoice: the stored one if it can still be used, else a new order at a gateway.
//! `billing::payment::link` decides which.
//!
//! Whoever needs a link comes here: a customer who pays a bill, one who changes the package, and a visitor of a bill's
//! public page.

mod open;
mod replace;
mod request;

use std::borrow::Cow;
use std::ops::ControlFlow::{Break, Continue};

use billing::money::credit::{usable, use_credit};
use billing::payment::gateway::GatewayName;
use billing::payment::invoice::{Invoice, InvoiceStatus};
use billing::payment::link::{self, LinkDecision, NoLink, choose, decide};
use billing::payment::order::LinkedInvoice;
use billing::service::customer::Profile;
use cloud::app::App;
use cloud::store::{StoreError, retry_stale};
use gateways::Gateway;

pub use request::{Link, LinkError, LinkOutcome, LinkRequest, Payer};

use crate::connect::{Active, active_gateways};

/// The link to pay `invoice`, which is `profile`'s.
///
/// The customer's credit pays first.
pub async fn link(
    app: &App,
    profile: &Profile,
    invoice: Invoice,
    link_request: LinkRequest<'_>,
) -> Result<LinkOutcome, LinkError> {
    let outcome = retry_stale((invoice, Cow::Borrowed(profile)), |(invoice, profile)| async move {
        let may_pay = link_request.may_open && invoice.in_review.is_none();
        let credit = if may_pay { pay_from_credit(app, &profile, &invoice).await? } else { Credit::Unused };
        match credit {
            Credit::PaidAll(invoice) => return Ok(Break(LinkOutcome::PaidByCredit(invoice))),
            Credit::MovedOn => {}
            Credit::Unused => {
                if let Some(link) = once(app, &profile, &invoice, link_request).await? {
                    return Ok(Break(LinkOutcome::Link(Box::new(link))));
                }
            }
        }
        let read = app.store.invoice_and_profile(&invoice.customer_id, &invoice.id).await?;
        let (invoice, profile) = read.ok_or(NoLink::NotPayable)?;
        Ok(Continue((invoice, Cow::Owned(profile))))
    });
    match outcome.await {
        // Money and links moved all the time: the next request finds what came of it.
        Err(LinkError::Store(StoreError::Stale)) => {
            tracing::warn!("invoice or order moved on all the time; no link was given out");
            Err(NoLink::InProgress.into())
        }
        outcome => outcome,
    }
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
    if usable(invoice, profile.credit, now)?.is_none() {
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
        LinkDecision::InReview => return Err(NoLink::InReview.into()),
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
