//! `GET /api/customer/packages`, `GET|POST /api/customer/upgrade`: change of package.
//!
//! What may be chosen, what it costs and what comes of it are decided by `billing::service::upgrade`. A choice is an
//! invoice; the change itself is made by `apply-payment` after the payment, or here if there is nothing to pay.

mod choose;

use billing::{
    id::PackageId,
    payment::gateway::GatewayName,
    service::{
        package::CataloguePackage,
        upgrade::{Choice, Preview, choices},
    },
    zone::format,
};
use cloud::{app::App, store::Caller};
use lambda_http::{Body, Request, RequestExt as _, Response, http::Method};
use serde::Deserialize;
use serde_json::{Value, json};
use web::{
    answer::{self, Answer},
    caller::{claim, identify},
    problem::{self, Problem},
    upgrade::{explanation, preview},
};

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
                    Ok(answer::refused(problem::AMOUNT_CHANGED, request.headers(), Some(("preview", preview))))
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
    AmountMoved(Value),
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
async fn caller_and_catalogue(app: &App, request: &Request) -> Result<(Caller, Vec<CataloguePackage>), Problem> {
    let claim = claim(request, app.settings.public_url.as_ref())?;
    let (store, now) = (&app.store, app.clock.now());
    let (caller, catalogue) = tokio::join!(identify(store, &claim, None, now), store.packages());
    Ok((caller?, catalogue?))
}

async fn packages(app: &App, request: &Request) -> Answer {
    let (caller, catalogue) = caller_and_catalogue(app, request).await?;
    let shapes: Vec<Value> = choices(&caller.profile.entitlement, &catalogue).into_iter().map(choice_shape).collect();
    answer::ok(&json!({"success": true, "packages": shapes}))
}

fn choice_shape(Choice { package, current }: Choice<'_>) -> Value {
    json!({
        "id": package.id, "name": package.name, "price": package.price, "periodMonths": package.period_months,
        "downMbps": package.down_mbps, "upMbps": package.up_mbps, "current": current,
    })
}

async fn show_preview(app: &App, request: &Request) -> Answer {
    let (caller, catalogue) = caller_and_catalogue(app, request).await?;
    let parameters = request.query_string_parameters();
    let wanted = answer::query(&parameters, "packageId").unwrap_or_default();
    let preview = preview(&caller.profile, &catalogue, wanted, &app.settings, app.clock.now())?;
    let mut shape = preview_shape(app, &caller, &preview, request);
    if let Some(object) = shape.as_object_mut() {
        object.insert("success".to_owned(), true.into());
    }
    answer::ok(&shape)
}

async fn request_upgrade(app: &App, request: &Request) -> Result<Reply, Problem> {
    // Before the body is read: whoever has no token learns nothing else.
    claim(request, app.settings.public_url.as_ref())?;
    let asked: Asked = answer::body(request)?;
    let wanted = match asked.gateway.as_deref().filter(|name| !name.is_empty()) {
        Some(name) => Some(GatewayName::parse(name).ok_or(problem::UNKNOWN_GATEWAY)?),
        None => None,
    };
    let (mut caller, catalogue) = caller_and_catalogue(app, request).await?;
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
                return Ok(Reply::AmountMoved(preview_shape(app, &caller, &preview, request)));
            }
            choose::Chosen::Again(profile) => caller.profile = *profile,
        }
    }
    Err(problem::BUSY)
}

fn preview_shape(app: &App, caller: &Caller, preview: &Preview, request: &Request) -> Value {
    let language = answer::language(request.headers());
    json!({
        "packageId": preview.package.id,
        "amount": preview.amount,
        "newExpiresAt": format::instant(preview.new_expires_at),
        "carriedOverDays": preview.carried_over_days,
        "unused": preview.unused,
        "credit": preview.to_credit,
        "explanation": explanation(&caller.profile, preview, app.settings.zone, language),
    })
}
