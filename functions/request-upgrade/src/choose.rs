//! A choice becomes one invoice, however often it is made, and the invoice gets its link.

use billing::id::InvoiceId;
use billing::payment::gateway::GatewayName;
use billing::payment::invoice::{DUE_IN, Invoice, InvoiceStatus, NewInvoice};
use billing::payment::order::LinkedInvoice;
use billing::service::apply::{ApplyError, ApplyRules};
use billing::service::customer::Profile;
use billing::service::upgrade::{self, Decision, Preview};
use cloud::app::App;
use cloud::store::{StoreError, new_id};
use lambda_http::http::HeaderMap;
use payments::apply::Apply;
use payments::link::{LinkError, LinkOutcome, LinkRequest, Payer, link};
use serde::Serialize;
use web::answer::{Answer, language, success};
use web::link as links;
use web::problem::{self, Problem};

/// Decisions made anew because the customer's data moved on meanwhile.
pub(crate) const TRIES: usize = 5;

/// What became of a choice.
pub(crate) enum Chosen {
    /// This invoice is open for it; or PAID, if it costs nothing. The profile as it stands then.
    Invoice(Box<(Invoice, Profile)>),
    /// It costs something else than the customer agreed to.
    AmountMoved,
    /// The profile moved on, and now stands so: decide again.
    Again(Box<Profile>),
}

/// Finds the invoice that is open for this choice, or opens it. `moved`: the customer agreed to another amount.
pub(crate) async fn choose(app: &App, profile: &Profile, preview: &Preview, moved: bool) -> Result<Chosen, Problem> {
    let (store, now) = (&app.store, app.clock.now());
    let open = match &profile.open_upgrade {
        Some(invoice) => store.invoice(&profile.id, invoice).await?,
        None => None,
    };
    let replaced = match (upgrade::decide(profile, open.as_ref(), preview, now), open) {
        (Decision::Underway, _) => return Err(problem::UPGRADE_IN_PROGRESS),
        _ if moved => return Ok(Chosen::AmountMoved),
        (Decision::Same, Some(open)) => return Ok(Chosen::Invoice(Box::new((open, profile.clone())))),
        (Decision::TooMany { retry_after }, _) => return Err(problem::TOO_MANY.retry_after(retry_after)),
        (Decision::Replace, open) => open,
        (Decision::Open | Decision::Same, _) => None,
    };
    let order = store.order_behind(replaced.as_ref().and_then(|replaced| replaced.link.as_ref())).await?;
    let zone = app.settings.zone;
    let week = zone.date(now.saturating_add(DUE_IN));
    let new = NewInvoice {
        id: InvoiceId::parse(&new_id("inv_", now)).map_err(|_| problem::BUSY)?,
        number: store.next_invoice_number(zone.date(now).year()).await?,
        due_date: preview.terms.difference_until.map_or(week, |until| zone.date(until).min(week)),
    };
    let standing = replaced.as_ref().map(|invoice| LinkedInvoice { invoice, order: order.as_ref() });
    let opened = upgrade::open(profile, preview, standing, new, now).map_err(rules_problem)?;
    match store.open_upgrade(opened, now).await {
        Ok(opened) => Ok(Chosen::Invoice(Box::new(opened))),
        // Another click was faster, or money moved.
        Err(StoreError::Stale) => {
            let profile = store.profile(&profile.id).await?.ok_or(problem::INVALID_TOKEN)?;
            Ok(Chosen::Again(Box::new(profile)))
        }
        Err(error) => Err(error.into()),
    }
}

/// The invoice of a choice, and its link or why there is none. Without a link the invoice stays, and can be paid from
/// the list of invoices later.
pub(crate) struct Made {
    pub(crate) invoice: Invoice,
    pub(crate) link: Result<String, Problem>,
}

/// Makes the link; or the change itself, if there is nothing to pay.
pub(crate) async fn carry_out(app: &App, profile: &Profile, invoice: Invoice, wanted: Option<GatewayName>) -> Made {
    if invoice.status == InvoiceStatus::Paid {
        return Made { invoice: apply_now(app, invoice).await, link: Err(problem::NOTHING_TO_PAY) };
    }
    match link(app, profile, invoice.clone(), LinkRequest { gateway: wanted, may_open: true, payer: Payer::Customer })
        .await
    {
        Ok(LinkOutcome::Link(made)) => Made { invoice: made.invoice, link: Ok(made.url) },
        Ok(LinkOutcome::PaidByCredit(paid)) => {
            Made { invoice: apply_now(app, *paid).await, link: Err(problem::NOTHING_TO_PAY) }
        }
        Err(LinkError::NoLink(why)) => Made { invoice, link: Err(links::no_link(why)) },
        Err(LinkError::Store(error)) => Made { invoice, link: Err(error.into()) },
        Err(error @ (LinkError::Money(_) | LinkError::NoOrderId | LinkError::MayNotOpen)) => {
            tracing::error!(alarm = true, %error, "no link can be made");
            Made { invoice, link: Err(problem::BUSY) }
        }
    }
}

/// Nothing to pay: the change is made now. Should that fail, the event that was written with the invoice makes it.
async fn apply_now(app: &App, invoice: Invoice) -> Invoice {
    let rules = ApplyRules { zone: app.settings.zone, late: app.settings.late_renewal };
    let apply = Apply { store: app.store.clone(), rules, clock: app.clock.clone() };
    match apply.converge(&invoice.customer_id, &invoice.id).await {
        Ok(applied) => applied,
        Err(error) => {
            tracing::warn!(invoice = invoice.id.as_str(), %error, "the change is left to apply-payment");
            invoice
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Upgrade<'a> {
    invoice: ChosenInvoice<'a>,
    payment_link: Option<&'a str>,
    #[serde(flatten)]
    why: Option<WhyNoLink>,
}

#[derive(Serialize)]
struct ChosenInvoice<'a> {
    #[serde(flatten)]
    linked: links::LinkedInvoice<'a>,
    status: InvoiceStatus,
    description: &'a str,
}

#[derive(Serialize)]
struct WhyNoLink {
    code: &'static str,
    message: &'static str,
}

/// What was made, as JSON.
pub(crate) fn shape(Made { invoice, link }: &Made, headers: &HeaderMap) -> Answer {
    let linked = links::LinkedInvoice::of(invoice)?;
    success(Upgrade {
        invoice: ChosenInvoice { linked, status: invoice.status, description: &invoice.description },
        payment_link: link.as_deref().ok(),
        why: link.as_ref().err().map(|why| WhyNoLink { code: why.code, message: why.message(language(headers)) }),
    })
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn rules_problem(error: ApplyError) -> Problem {
    tracing::error!(alarm = true, %error, "the change of package cannot be decided");
    problem::BUSY
}
