//! `POST /api/customer/otp|login|logout`: logging in by a code sent to the phone.

use billing::{id::CustomerId, service::customer::Profile, zone::format};
use cloud::app::App;
use lambda_http::{Body, Request, Response, http::Method};
use serde::{Deserialize, Serialize};
use web::answer::{self, Answer};
use web::caller::claim;
use web::login::{self, Login, Typed};
use web::problem;

/// Answers one request.
pub async fn handle(app: &App, request: Request) -> Response<Body> {
    match route(app, &request).await {
        Err(problem) if problem.is_about_messages() => {
            answer::refused_naming(problem, request.headers(), &app.settings.support_contact)
        }
        answer => answer::respond(answer, request.headers()),
    }
}

async fn route(app: &App, request: &Request) -> Answer {
    if request.method() != Method::POST {
        return Err(problem::NOT_FOUND);
    }
    match answer::path(request).as_slice() {
        ["api", "customer", "otp"] => request_code(app, request).await,
        ["api", "customer", "login"] => log_in(app, request).await,
        ["api", "customer", "logout"] => {
            let claim = claim(request, app.settings.public_url.as_ref())?;
            app.store.delete_session(&claim.customer_id, &claim.token_hash).await?;
            Ok(answer::no_content())
        }
        _ => Err(problem::NOT_FOUND),
    }
}

#[derive(Deserialize)]
struct Asked {
    phone: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Attempt {
    phone: String,
    code: String,
    customer_id: Option<String>,
}

async fn request_code(app: &App, request: &Request) -> Answer {
    let asked: Asked = answer::body(request)?;
    login::request_code(app, request, &login::phone(&asked.phone)?).await?;
    answer::success(())
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LoggedIn<'a> {
    token: &'a str,
    expires_at: String,
    customer: Line<'a>,
}

#[derive(Serialize)]
struct Line<'a> {
    id: &'a CustomerId,
    name: &'a str,
    username: &'a str,
    /// Its name, where lines are to choose from.
    #[serde(skip_serializing_if = "Option::is_none")]
    package: Option<&'a str>,
}

async fn log_in(app: &App, request: &Request) -> Answer {
    let Attempt { phone, code, customer_id } = answer::body(request)?;
    let typed =
        Typed { phone: &login::phone(&phone)?, code: &code, customer_id: customer_id.as_deref(), browser: None };
    match login::log_in(app, request, typed).await? {
        Login::Choose(lines) => answer::success(answer::field("choose", lines.iter().map(choice).collect::<Vec<_>>())),
        Login::In(session) => answer::success(LoggedIn {
            token: &session.token,
            expires_at: format::instant(session.expires_at),
            customer: Line { package: None, ..choice(&session.profile) },
        }),
    }
}

fn choice(Profile { id, name, username, entitlement, .. }: &Profile) -> Line<'_> {
    Line { id, name, username, package: Some(&entitlement.package.name) }
}
