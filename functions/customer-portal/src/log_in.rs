//! Logging in and out by forms. Between the steps a cookie remembers the phone, so that the form for the code can be
//! come back to: from another app, by the back button, or in the other language.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use billing::{access::phone::Phone, id::InvoiceId};
use lambda_http::{Body, RequestExt as _, Response};
use serde::Deserialize;
use time::Duration;
use web::caller::{claim, identify};
use web::login::{self, Login, Typed};
use web::problem::{self, Problem};
use web::{answer, cookie, csrf};

use crate::pages::{self, CodeForm, LineForm, Page, PhoneForm};
use crate::{Visit, reply, texts};

/// Before there is a session, this cookie is what the forms' token is derived from. A login form that is sent twice is
/// told by it from a stranger who saw the code, so it ends with the session.
const VISIT: &str = "visit";
const VISIT_KEPT: Duration = Duration::days(1);
/// The phone that a code was asked for.
const PHONE: &str = "phone";
const PHONE_KEPT: Duration = Duration::minutes(15);
/// Where somebody wanted to go who had to log in first.
const WANTED: &str = "wanted";
const WANTED_KEPT: Duration = Duration::minutes(15);
/// The session's cookie outlives the session, so that its owner is told that it ended.
const REMEMBERED_AFTER_END: Duration = Duration::days(30);
/// The form for the code.
const CODE_STEP: &str = "/customer/login?step=code";

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Fields {
    #[serde(default)]
    phone: String,
    code: Option<String>,
    customer_id: Option<String>,
}

/// The form for the phone; or the dashboard, for whoever is logged in.
pub(crate) async fn start(visit: &Visit<'_>) -> Response<Body> {
    if let Ok(claim) = claim(visit.request, Some(visit.site))
        && identify(&visit.app.store, &claim, None, visit.now).await.is_ok()
    {
        return answer::see_other("/customer");
    }
    let remembered = cookie::read(visit.request.headers(), &cookie::host_name(visit.site, PHONE))
        .and_then(|phone| Phone::parse(phone).ok());
    if let (Some("code"), Some(phone), Some(value)) = (visit.query("step").as_deref(), remembered, visit_cookie(visit))
    {
        // Who waits for a code that cannot come is told so.
        let stopped = login::is_stopped(visit.app).await.unwrap_or(false);
        return code_form(visit, &phone, stopped.then_some(problem::MESSAGING_STOPPED), &csrf::token(value));
    }
    phone_form(
        visit,
        &PhoneForm {
            phone: "",
            ended: visit.request.query_string_parameters().first("ended").is_some(),
            problem: None,
        },
    )
}

/// To the login; afterwards on to the page that was wanted, if it is one that people come to from elsewhere.
pub(crate) fn first(visit: &Visit<'_>, path: &[&str]) -> Response<Body> {
    // Whoever was here before has a cookie, which outlives its session; a first visitor is not told that something
    // ended.
    let was_here = cookie::read(visit.request.headers(), &cookie::session_name(visit.site)).is_some();
    let mut response = answer::see_other(if was_here { answer::LOGIN_AFTER_END } else { "/customer/login" });
    if let Some(page) = page_to_come_back_to(path) {
        reply::set_cookie(
            &mut response,
            &cookie::set(visit.site, &cookie::host_name(visit.site, WANTED), &page, WANTED_KEPT),
        );
    }
    response
}

/// Only these, and of an id only what is one.
fn page_to_come_back_to(path: &[&str]) -> Option<String> {
    match path {
        ["history" | "wifi"] => Some(path.concat()),
        [page @ ("finish" | "pay"), invoice] => Some(format!("{page}/{}", InvoiceId::parse(invoice).ok()?)),
        _ => None,
    }
}

fn visit_cookie<'a>(visit: &'a Visit<'_>) -> Option<&'a str> {
    cookie::read(visit.request.headers(), &cookie::host_name(visit.site, VISIT))
}

fn code_form(visit: &Visit<'_>, phone: &Phone, problem: Option<Problem>, token: &str) -> Response<Body> {
    let form = CodeForm { phone: &texts::phone(phone), problem };
    let page = Page { path: CODE_STEP, ..visit.page(token, false) };
    reply::page(visit.request, problem.map_or(200, |problem| problem.status), pages::enter_code(&form, &page))
}

/// The same with what was typed and what is wrong. Gives the visitor the cookie that the form's token belongs to.
fn phone_form(visit: &Visit<'_>, form: &PhoneForm<'_>) -> Response<Body> {
    let status = form.problem.map_or(200, |problem| problem.status);
    let show = |value: &str| {
        reply::page(visit.request, status, pages::enter_phone(form, &visit.page(&csrf::token(value), false)))
    };
    let name = cookie::host_name(visit.site, VISIT);
    if let Some(value) = visit_cookie(visit) {
        return show(value);
    }
    let Some(value) = random() else { return visit.trouble(&problem::BUSY) };
    let mut response = show(&value);
    reply::set_cookie(&mut response, &cookie::set(visit.site, &name, &value, VISIT_KEPT));
    response
}

/// What was typed in: the phone, then the code, then the line.
pub(crate) async fn submit(visit: &Visit<'_>) -> Response<Body> {
    if let Some(elsewhere) = from_elsewhere(visit) {
        return elsewhere;
    }
    let fields: Fields = answer::body(visit.request).unwrap_or_default();
    let value = visit_cookie(visit).unwrap_or_default();
    let wrong = |problem| phone_form(visit, &PhoneForm { phone: &fields.phone, ended: false, problem: Some(problem) });
    if let Err(problem) = csrf::require(visit.request, visit.site, value) {
        return wrong(problem);
    }
    let phone = match login::phone(&fields.phone) {
        Ok(phone) => phone,
        Err(problem) => return wrong(problem),
    };
    let token = csrf::token(value);
    match fields.code {
        None => match login::request_code(visit.app, visit.request, &phone).await {
            Ok(()) => {
                let mut response = answer::see_other(CODE_STEP);
                let name = cookie::host_name(visit.site, PHONE);
                reply::set_cookie(&mut response, &cookie::set(visit.site, &name, phone.as_str(), PHONE_KEPT));
                response
            }
            // A code that was sent before may still be valid, whoever asked so often.
            Err(problem) if problem.code == problem::TOO_MANY.code => code_form(visit, &phone, Some(problem), &token),
            Err(problem) => wrong(problem),
        },
        Some(code) => {
            let customer_id = fields.customer_id.as_deref();
            let typed = Typed { phone: &phone, code: &code, customer_id, browser: visit_cookie(visit) };
            with_code(visit, typed, &token).await
        }
    }
}

async fn with_code(visit: &Visit<'_>, typed: Typed<'_>, token: &str) -> Response<Body> {
    match login::log_in(visit.app, visit.request, typed).await {
        Ok(Login::In(session)) => {
            let wanted =
                cookie::read(visit.request.headers(), &cookie::host_name(visit.site, WANTED)).unwrap_or_default();
            let wanted = page_to_come_back_to(&wanted.split('/').collect::<Vec<_>>());
            let mut response =
                answer::see_other(&wanted.map_or_else(|| "/customer".to_owned(), |page| format!("/customer/{page}")));
            let kept = (session.expires_at - visit.now).saturating_add(REMEMBERED_AFTER_END);
            reply::set_cookie(
                &mut response,
                &cookie::set(visit.site, &cookie::session_name(visit.site), &session.token, kept),
            );
            for done in [PHONE, WANTED] {
                reply::set_cookie(
                    &mut response,
                    &cookie::set(visit.site, &cookie::host_name(visit.site, done), "", Duration::ZERO),
                );
            }
            response
        }
        Ok(Login::Choose(lines)) => {
            let form = LineForm { phone: typed.phone.as_str(), code: typed.code, lines: &lines };
            let page = Page { path: CODE_STEP, ..visit.page(token, false) };
            reply::page(visit.request, 200, pages::choose_line(&form, &page))
        }
        Err(problem) => code_form(visit, typed.phone, Some(problem), token),
    }
}

/// A form that was not sent from our own address gets no cookie of ours, neither a new one nor an empty one: other
/// sites could log people out by it. Whoever opened the portal under another name is told where it is.
fn from_elsewhere(visit: &Visit<'_>) -> Option<Response<Body>> {
    (!csrf::is_from(visit.request, visit.site)).then(|| {
        tracing::warn!(site = visit.site.origin(), "a form came from another address than PublicUrl");
        reply::page(
            visit.request,
            problem::NOT_FROM_HERE.status,
            pages::elsewhere(&visit.site.page("/customer"), &visit.page("", false)),
        )
    })
}

/// Ends the session and forgets its cookie. A session that is over already is no trouble.
pub(crate) async fn end(visit: &Visit<'_>) -> Response<Body> {
    if let Some(elsewhere) = from_elsewhere(visit) {
        return elsewhere;
    }
    match delete(visit).await {
        Ok(()) => {}
        Err(problem) if problem.status == problem::INVALID_TOKEN.status => {}
        Err(problem) => return visit.trouble(&problem),
    }
    let mut response = answer::see_other("/customer/login");
    for over in [cookie::session_name(visit.site), cookie::host_name(visit.site, VISIT)] {
        reply::set_cookie(&mut response, &cookie::set(visit.site, &over, "", Duration::ZERO));
    }
    response
}

async fn delete(visit: &Visit<'_>) -> Result<(), Problem> {
    let claim = claim(visit.request, Some(visit.site))?;
    visit.app.store.delete_session(&claim.customer_id, &claim.token_hash).await.map_err(Problem::from)
}

fn random() -> Option<String> {
    let mut random = [0_u8; 16];
    getrandom::fill(&mut random).ok().map(|()| URL_SAFE_NO_PAD.encode(random))
}
