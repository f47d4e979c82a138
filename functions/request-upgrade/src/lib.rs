//! `GET /api/customer/packages`, `GET|POST /api/customer/upgrade`: change of package.
//!
//! What may be chosen, what it costs and what comes of it are decided by `billing::service::upgrade`. A choice is an
//! invoice; the change itself is made by `apply-payment` after the payment, or here if there is nothing to pay.

mod choose;

use billing::id::PackageId;
use billing::money::Rupiah;
use billing::payment::gateway::GatewayName;
use billing::service;
use billing::service::customer::Profile;
use billing::service::package::CataloguePackage;
use billing::service::upgrade::{self, Choice, choices};
use billing::zone::format;
use cloud::{app::App, store::Caller};
use lambda_http::http::{HeaderMap, Method};
use lambda_http::{Body, Request, RequestExt as _, Response};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use web::answer::{self, Answer};
use web::caller::{Claim, claim, identify};
use web::problem::{self, Problem};
use web::upgrade::{explanation, preview};

use crate::choose::Made;

/// Where a choice is made.
const UPGRADE_TAB: &str = "/customer/wifi?tab=upgrade";

/// What a customer asks for.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Asked {
    package_id: String,
    expected_amount: i64,
    gateway: Option<String>,
}

/// Answers one request. The portal's form is led to the page that opens the link, or back to the choice.
pub async fn handle(app: &App, request: Request) -> Response<Body> {
    let answer = match (request.method(), answer::path(&request).as_slice()) {
        (&Method::GET, ["api", "customer", "packages"]) => packages(app, &request).await,
        (&Method::GET, ["api", "customer", "upgrade"]) => show_preview(app, &request).await,
        (&Method::POST, ["api", "customer", "upgrade"]) => {
            let outcome = request_upgrade(app, &request).await;
            if answer::is_form(&request) {
                return next_page(outcome, &request);
            }
            outcome.and_then(|outcome| match outcome {
                Reply::Made(made) => choose::shape(&made, request.headers()),
                Reply::AmountMoved(preview) => {
                    let preview = answer::field("preview", preview);
                    Ok(answer::refused(problem::AMOUNT_CHANGED, request.headers(), preview))
                }
            })
        }
        _ => Err(problem::NOT_FOUND),
    };
    answer::respond(answer, request.headers())
}

/// What a choice came to.
enum Reply {
    Made(Box<Made>),
    /// What it would come to now.
    AmountMoved(Preview),
}

fn next_page(outcome: Result<Reply, Problem>, request: &Request) -> Response<Body> {
    let package = answer::body::<Asked>(request).ok().and_then(|asked| PackageId::parse(&asked.package_id).ok());
    let choice = package.map_or_else(|| UPGRADE_TAB.to_owned(), |package| format!("{UPGRADE_TAB}&package={package}"));
    match outcome {
        Ok(Reply::Made(made)) => match made.link {
            Ok(_) => answer::see_other(&format!("/customer/pay/{}", made.invoice.id)),
            Err(why) if why.code == problem::NOTHING_TO_PAY.code => answer::lead_to("/customer", &Err(why)),
            Err(why) => answer::lead_to(&format!("/customer/pay/{}", made.invoice.id), &Err(why)),
        },
        Ok(Reply::AmountMoved(_)) => answer::lead_to(&choice, &Err(problem::AMOUNT_CHANGED)),
        Err(problem) => answer::lead_to(&choice, &Err(problem)),
    }
}

/// Who is calling, and what is sold: read at once.
async fn caller_and_catalogue(app: &App, claim: &Claim) -> Result<(Caller, Vec<CataloguePackage>), Problem> {
    let (store, now) = (&app.store, app.clock.now());
    let (caller, catalogue) = tokio::join!(identify(store, claim, None, now), store.packages());
    Ok((caller?, catalogue?))
}

async fn packages(app: &App, request: &Request) -> Answer {
    let claim = claim(request, app.settings.public_url.as_ref())?;
    let (caller, catalogue) = caller_and_catalogue(app, &claim).await?;
    let choices = choices(&caller.profile.entitlement, &catalogue);
    answer::success(answer::field("packages", choices.into_iter().map(package).collect::<Vec<_>>()))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Package<'a> {
    id: &'a PackageId,
    name: &'a str,
    price: Rupiah,
    period_months: u8,
    down_mbps: u32,
    up_mbps: u32,
    current: bool,
}

fn package(Choice { package, current }: Choice<'_>) -> Package<'_> {
    let &service::package::Package { ref id, ref name, price, period_months, down_mbps, up_mbps } = package;
    Package { id, name, price, period_months, down_mbps, up_mbps, current }
}

async fn show_preview(app: &App, request: &Request) -> Answer {
    let claim = claim(request, app.settings.public_url.as_ref())?;
    let (caller, catalogue) = caller_and_catalogue(app, &claim).await?;
    let parameters = request.query_string_parameters();
    let wanted = answer::query(&parameters, "packageId").unwrap_or_default();
    let preview = preview(&caller.profile, &catalogue, wanted, &app.settings, app.clock.now())?;
    answer::ok(&Previewed { preview: Preview::of(app, &caller.profile, preview, request.headers()), success: true })
}

#[derive(Serialize)]
struct Previewed {
    #[serde(flatten)]
    preview: Preview,
    success: bool,
}

async fn request_upgrade(app: &App, request: &Request) -> Result<Reply, Problem> {
    // Before the body is read: whoever has no token learns nothing else.
    let claim = claim(request, app.settings.public_url.as_ref())?;
    let asked: Asked = answer::body(request)?;
    let wanted = match asked.gateway.as_deref().filter(|name| !name.is_empty()) {
        Some(name) => Some(GatewayName::parse(name).ok_or(problem::UNKNOWN_GATEWAY)?),
        None => None,
    };
    let (mut caller, catalogue) = caller_and_catalogue(app, &claim).await?;
    for _ in 0..choose::TRIES {
        let preview = preview(&caller.profile, &catalogue, &asked.package_id, &app.settings, app.clock.now())?;
        let moved = preview.amount.get() != asked.expected_amount;
        match choose::choose(app, &caller.profile, &preview, moved).await? {
            choose::Chosen::Invoice(chosen) => {
                let (invoice, profile) = *chosen;
                let made = choose::carry_out(app, &profile, invoice, wanted).await;
                return Ok(Reply::Made(Box::new(made)));
            }
            choose::Chosen::AmountMoved => {
                let preview = Preview::of(app, &caller.profile, preview, request.headers());
                return Ok(Reply::AmountMoved(preview));
            }
            choose::Chosen::Again(profile) => caller.profile = *profile,
        }
    }
    Err(problem::BUSY)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Preview {
    package_id: PackageId,
    amount: Rupiah,
    #[serde(serialize_with = "format::write_instant")]
    new_expires_at: OffsetDateTime,
    carried_over_days: i64,
    unused: Rupiah,
    credit: Rupiah,
    explanation: String,
}

impl Preview {
    fn of(app: &App, profile: &Profile, preview: upgrade::Preview, headers: &HeaderMap) -> Self {
        let explanation = explanation(profile, &preview, app.settings.zone, answer::language(headers));
        let upgrade::Preview { package, amount, unused, carried_over_days, to_credit: credit, new_expires_at, .. } =
            preview;
        Self { package_id: package.id, amount, new_expires_at, carried_over_days, unused, credit, explanation }
    }
}
