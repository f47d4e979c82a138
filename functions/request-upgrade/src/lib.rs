//! `GET /api/customer/packages`, `GET|POST /api/customer/upgrade`: change of package.
//!
//! What may be chosen, what it costs and what comes of it are decided by `billing::upgrade`. A choice is an invoice; the change
//! itself is made by `apply-payment` after the payment, or here if there is nothing to pay.

mod choose;

use billing::{
    gateway::GatewayName,
    id::PackageId,
    package::{CataloguePackage, Package},
    upgrade::{Choice, NotOffered, Preview, Rules, choices, chosen, preview},
    zone::format,
};
use cloud::{installation::Installation, store::Caller};
use lambda_http::{Body, Request, RequestExt as _, Response, http::Method};
use serde::Deserialize;
use serde_json::{Value, json};
use web::{
    answer::{self, Answer},
    caller::{claim, identify, store_problem},
    problem::{self, Problem},
    upgrade::explanation,
};

/// What a customer asks for.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Asked {
    package_id: String,
    expected_amount: i64,
    gateway: Option<String>,
}

/// Answers one request.
pub async fn handle(installation: &Installation, request: Request) -> Response<Body> {
    answer::respond(route(installation, &request).await, request.headers())
}

async fn route(installation: &Installation, request: &Request) -> Answer {
    match (request.method(), answer::path(request).as_slice()) {
        (&Method::GET, ["api", "customer", "packages"]) => packages(installation, request).await,
        (&Method::GET, ["api", "customer", "upgrade"]) => show_preview(installation, request).await,
        (&Method::POST, ["api", "customer", "upgrade"]) => request_upgrade(installation, request).await,
        _ => Err(problem::NOT_FOUND),
    }
}

/// Who is calling, and what is sold: read at once.
async fn caller_and_catalogue(installation: &Installation, request: &Request) -> Result<(Caller, Vec<CataloguePackage>), Problem> {
    claim(request.headers())?;
    let (store, now) = (&installation.store, installation.clock.now());
    let (caller, catalogue) = tokio::join!(identify(store, request.headers(), None, now), store.packages());
    Ok((caller?, catalogue.map_err(store_problem)?))
}

async fn packages(installation: &Installation, request: &Request) -> Answer {
    let (caller, catalogue) = caller_and_catalogue(installation, request).await?;
    let shapes: Vec<Value> = choices(&caller.profile.entitlement, &catalogue).into_iter().map(choice_shape).collect();
    answer::ok(&json!({"success": true, "packages": shapes}))
}

fn choice_shape(Choice { package, current }: Choice<'_>) -> Value {
    json!({
        "id": package.id, "name": package.name, "price": package.price, "periodMonths": package.period_months,
        "downMbps": package.down_mbps, "upMbps": package.up_mbps, "current": current,
    })
}

async fn show_preview(installation: &Installation, request: &Request) -> Answer {
    let (caller, catalogue) = caller_and_catalogue(installation, request).await?;
    let parameters = request.query_string_parameters();
    let package = offered(&caller, &catalogue, answer::query(&parameters, "packageId").unwrap_or_default())?;
    let preview = preview_now(installation, &caller, package)?;
    let mut shape = preview_shape(installation, &caller, &preview, request);
    if let Some(object) = shape.as_object_mut() {
        object.insert("success".to_owned(), true.into());
    }
    answer::ok(&shape)
}

async fn request_upgrade(installation: &Installation, request: &Request) -> Answer {
    // Before the body is read: whoever has no token learns nothing else.
    claim(request.headers())?;
    let asked: Asked = answer::body(request)?;
    let wanted = match asked.gateway.as_deref().filter(|name| !name.is_empty()) {
        Some(name) => Some(GatewayName::parse(name).ok_or(problem::UNKNOWN_GATEWAY)?),
        None => None,
    };
    let (mut caller, catalogue) = caller_and_catalogue(installation, request).await?;
    for _ in 0..choose::TRIES {
        let package = offered(&caller, &catalogue, &asked.package_id)?;
        let preview = preview_now(installation, &caller, package)?;
        let moved = preview.amount.get() != asked.expected_amount;
        match choose::choose(installation, &caller.profile, &preview, moved).await? {
            choose::Chosen::Invoice(invoice) => {
                return choose::answer(installation, &caller.profile, *invoice, wanted, request.headers()).await;
            }
            choose::Chosen::AmountMoved => {
                let shape = preview_shape(installation, &caller, &preview, request);
                return Ok(answer::refused(problem::AMOUNT_CHANGED, request.headers(), Some(("preview", shape))));
            }
            choose::Chosen::Again(profile) => caller.profile = *profile,
        }
    }
    Err(problem::BUSY)
}

fn offered<'a>(caller: &Caller, catalogue: &'a [CataloguePackage], wanted: &str) -> Result<&'a Package, Problem> {
    let id = PackageId::parse(wanted).map_err(|_| problem::UNKNOWN_PACKAGE)?;
    chosen(&caller.profile.entitlement, catalogue, &id).map_err(|why| match why {
        NotOffered::Same => problem::SAME_PACKAGE,
        NotOffered::Unknown => problem::UNKNOWN_PACKAGE,
        NotOffered::Retired => problem::PACKAGE_RETIRED,
    })
}

fn preview_now(installation: &Installation, caller: &Caller, package: &Package) -> Result<Preview, Problem> {
    let rules = Rules { zone: installation.settings.zone, pricing: installation.settings.upgrade_pricing };
    preview(&caller.profile, package, rules, installation.clock.now()).map_err(|error| {
        tracing::error!(alarm = true, customer = caller.profile.id.as_str(), package = package.id.as_str(), %error, "no preview can be made");
        problem::BUSY
    })
}

fn preview_shape(installation: &Installation, caller: &Caller, preview: &Preview, request: &Request) -> Value {
    let english = answer::wants_english(request.headers());
    json!({
        "packageId": preview.package.id,
        "amount": preview.amount,
        "newExpiresAt": format::instant(preview.new_expires_at),
        "carriedOverDays": preview.carried_over_days,
        "unused": preview.unused,
        "credit": preview.to_credit,
        "explanation": explanation(&caller.profile, preview, installation.settings.zone, english),
    })
}
