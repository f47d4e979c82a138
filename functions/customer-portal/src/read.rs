//! Pages that need a session: each is one read, or for payments two.

use billing::{
    id::InvoiceId,
    payment::invoice::InvoiceStatus,
    service::{customer::Profile, package::CataloguePackage, upgrade::choices},
};
use cloud::store::{Caller, Page};
use lambda_http::{Body, Response};
use time::{Duration, OffsetDateTime};
use web::account::{self, Bill, Paging};
use web::caller::{Claim, Via, claim, identify};
use web::problem::{self, Problem};

use crate::pages::{self, Bills, Chosen, Finish, Pay, Payments, Said, Shown, Tab, Upgrade};
use crate::{Visit, log_in, reply, texts};

/// Bills that came to be paid so lately still stand on the page that a gateway leads back to.
const JUST_PAID: Duration = Duration::hours(1);

/// The page at `/customer/<path>`.
pub(crate) async fn page(visit: &Visit<'_>, path: &[&str]) -> Response<Body> {
    if !matches!(path, [] | ["invoices" | "history" | "wifi" | "finish"] | ["pay" | "finish", _]) {
        return visit.trouble(&problem::NOT_FOUND);
    }
    let claim = match claim(visit.request, Some(visit.site)) {
        Ok(claim) => claim,
        Err(problem) => return refused(visit, path, &problem),
    };
    let shown = match path {
        [] => dashboard(visit, &claim).await,
        ["invoices"] => older_bills(visit, &claim).await,
        ["history"] => history(visit, &claim).await,
        ["wifi"] => wifi(visit, &claim).await,
        ["pay", invoice] => pay(visit, &claim, invoice).await,
        ["finish"] => finish(visit, &claim, None).await,
        ["finish", invoice] => finish(visit, &claim, Some(invoice)).await,
        _ => Err(problem::NOT_FOUND),
    };
    shown.unwrap_or_else(|problem| refused(visit, path, &problem))
}

fn refused(visit: &Visit<'_>, path: &[&str], problem: &Problem) -> Response<Body> {
    if problem.status == problem::INVALID_TOKEN.status { log_in::first(visit, path) } else { visit.trouble(problem) }
}

/// The token for the forms of a page.
fn csrf(claim: &Claim) -> &str {
    match &claim.via {
        Via::Cookie { csrf } => csrf,
        Via::Bearer => "",
    }
}

/// The message that a form's answer named in the address.
fn named_error(visit: &Visit<'_>) -> Option<&'static str> {
    visit.query("error").and_then(|code| texts::message_of(&code, visit.lang))
}

async fn bills(visit: &Visit<'_>, claim: &Claim) -> Result<(Caller, Page<Bill>), Problem> {
    let app = visit.app;
    let paging = Paging::read(visit.request);
    account::bills(&app.store, app.settings.zone, claim, paging, visit.now).await
}

async fn dashboard(visit: &Visit<'_>, claim: &Claim) -> Result<Response<Body>, Problem> {
    let (caller, found) = bills(visit, claim).await?;
    let bills = Bills { entries: &found.entries, next: found.next.as_deref() };
    let is_done = visit.query("error").as_deref() == Some(problem::NOTHING_TO_PAY.code);
    let said = named_error(visit).map(|text| if is_done { Said::Done(text) } else { Said::Failed(text) });
    let markup = pages::dashboard(
        &caller.profile,
        account::network_progress(&caller, visit.now),
        &bills,
        said,
        &visit.page(csrf(claim), true),
    );
    Ok(reply::page(visit.request, 200, markup))
}

async fn older_bills(visit: &Visit<'_>, claim: &Claim) -> Result<Response<Body>, Problem> {
    let (_, found) = bills(visit, claim).await?;
    let bills = Bills { entries: &found.entries, next: found.next.as_deref() };
    Ok(reply::page(visit.request, 200, pages::older_bills(&bills, &visit.page(csrf(claim), true))))
}

async fn history(visit: &Visit<'_>, claim: &Claim) -> Result<Response<Body>, Problem> {
    let paging = Paging::read(visit.request);
    let newest = visit.query("cursor").is_none();
    let (_, found) = account::payments(&visit.app.store, claim, paging, visit.now).await?;
    let payments = Payments { entries: &found.entries, next: found.next.as_deref(), newest };
    Ok(reply::page(visit.request, 200, pages::history(&payments, &visit.page(csrf(claim), true))))
}

async fn wifi(visit: &Visit<'_>, claim: &Claim) -> Result<Response<Body>, Problem> {
    match Tab::parse(&visit.query("tab").unwrap_or_default()) {
        Tab::Status => {
            identify(&visit.app.store, claim, None, visit.now).await?;
            Ok(reply::page(visit.request, 200, pages::wifi(Shown::Status, &visit.page(csrf(claim), true))))
        }
        Tab::Upgrade => upgrade(visit, claim).await,
    }
}

/// What can be chosen; or, with `package`, what that choice comes to.
async fn upgrade(visit: &Visit<'_>, claim: &Claim) -> Result<Response<Body>, Problem> {
    let store = &visit.app.store;
    let (caller, catalogue) = tokio::join!(identify(store, claim, None, visit.now), store.packages());
    let (profile, catalogue) = (caller?.profile, catalogue?);
    let wanted = visit.query("package");
    let (chosen, refused) = match wanted.map(|wanted| preview(visit, &profile, &catalogue, &wanted)) {
        None => (None, None),
        Some(Ok(chosen)) => (Some(chosen), None),
        Some(Err(problem)) => (None, Some(problem.message(visit.lang))),
    };
    let choices = choices(&profile.entitlement, &catalogue);
    let error = named_error(visit).or(refused);
    let view = Upgrade { choices: &choices, chosen: chosen.as_ref(), is_open: profile.open_upgrade.is_some(), error };
    Ok(reply::page(visit.request, 200, pages::wifi(Shown::Upgrade(&view), &visit.page(csrf(claim), true))))
}

fn preview(
    visit: &Visit<'_>,
    profile: &Profile,
    catalogue: &[CataloguePackage],
    wanted: &str,
) -> Result<Chosen, Problem> {
    let settings = &visit.app.settings;
    let preview = web::upgrade::preview(profile, catalogue, wanted, settings, visit.now)?;
    let explanation = web::upgrade::explanation(profile, &preview, settings.zone, visit.lang);
    Ok(Chosen { preview, explanation })
}

/// One bill of the caller's.
async fn bill(visit: &Visit<'_>, claim: &Claim, invoice: &str) -> Result<Bill, Problem> {
    let id = InvoiceId::parse(invoice).ok();
    let caller = identify(&visit.app.store, claim, id.as_ref(), visit.now).await?;
    let invoice = caller.invoice.clone().ok_or(problem::NOT_FOUND)?;
    Bill::of(invoice, visit.app.settings.zone, visit.now).map(|bill| bill.in_network(&caller, visit.now))
}

async fn pay(visit: &Visit<'_>, claim: &Claim, invoice: &str) -> Result<Response<Body>, Problem> {
    let bill = bill(visit, claim, invoice).await?;
    let view = Pay { bill: &bill, error: named_error(visit) };
    Ok(reply::page(visit.request, 200, pages::pay(&view, &visit.page(csrf(claim), true))))
}

/// The bill that the gateway's page was about. Without one, all that can be meant.
async fn finish(visit: &Visit<'_>, claim: &Claim, invoice: Option<&str>) -> Result<Response<Body>, Problem> {
    let meant = if let Some(invoice) = invoice {
        vec![bill(visit, claim, invoice).await?]
    } else {
        let (_, found) = bills(visit, claim).await?;
        found.entries.into_iter().filter(|bill| may_be_meant(bill, visit.now)).collect()
    };
    let view = Finish { bills: &meant, error: named_error(visit) };
    Ok(reply::page(visit.request, 200, pages::finish(&view, &visit.page(csrf(claim), true))))
}

/// Is about to be paid, or just was.
fn may_be_meant(bill: &Bill, now: OffsetDateTime) -> bool {
    match bill.status {
        InvoiceStatus::Unpaid => bill.invoice.link.is_some() || bill.in_review,
        InvoiceStatus::Paid => bill.invoice.paid_at.is_some_and(|paid_at| now - paid_at < JUST_PAID),
        InvoiceStatus::Cancelled => false,
    }
}
