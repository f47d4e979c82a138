//! Logging in and out by forms. What is typed in comes back in the next form's hidden fields, so nothing is kept in between.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use lambda_http::{Body, Response};
use serde::Deserialize;
use time::Duration;
use web::{
    answer,
    caller::{claim, store_problem},
    cookie, csrf,
    login::{self, Login, Typed},
    problem::{self, Problem},
};

use crate::{
    Visit,
    pages::{self, CodeForm, LineForm, PhoneForm},
    reply,
};

/// Before there is a session, this cookie is what the forms' token is derived from.
const VISIT: &str = "visit";
const VISIT_KEPT: Duration = Duration::days(1);
/// The session's cookie outlives the session, so that its owner is told that it ended.
const REMEMBERED_AFTER_END: Duration = Duration::days(30);

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Fields {
    #[serde(default)]
    phone: String,
    code: Option<String>,
    customer_id: Option<String>,
}

/// The form for the phone.
pub(crate) fn start(visit: &Visit<'_>) -> Response<Body> {
    phone_form(visit, &PhoneForm { phone: "", ended: visit.query("ended").is_some(), problem: None })
}

/// The same with what was typed and what is wrong. Gives the visitor the cookie that the form's token belongs to.
fn phone_form(visit: &Visit<'_>, form: &PhoneForm<'_>) -> Response<Body> {
    let status = form.problem.map_or(200, |problem| problem.status);
    let show = |value: &str| reply::page(visit.request, status, pages::enter_phone(form, &visit.page(&csrf::token(value), false)));
    let name = cookie::host_name(visit.site, VISIT);
    if let Some(value) = cookie::read(visit.request.headers(), &name) {
        return show(value);
    }
    let Some(value) = random() else { return visit.trouble(&problem::BUSY) };
    let mut response = show(&value);
    reply::set_cookie(&mut response, &cookie::set(visit.site, &name, &value, VISIT_KEPT));
    response
}

/// What was typed in: the phone, then the code, then the line.
pub(crate) async fn submit(visit: &Visit<'_>) -> Response<Body> {
    let fields: Fields = answer::body(visit.request).unwrap_or_default();
    let value = cookie::read(visit.request.headers(), &cookie::host_name(visit.site, VISIT)).unwrap_or_default();
    if let Err(problem) = csrf::require(visit.request, visit.site, value) {
        return phone_form(visit, &PhoneForm { phone: "", ended: false, problem: Some(problem) });
    }
    let token = csrf::token(value);
    let page = visit.page(&token, false);
    let Some(code) = fields.code else {
        return match login::request_code(visit.installation, visit.request, &fields.phone).await {
            Ok(()) => reply::page(visit.request, 200, pages::enter_code(&CodeForm { phone: &fields.phone, problem: None }, &page)),
            Err(problem) => phone_form(visit, &PhoneForm { phone: &fields.phone, ended: false, problem: Some(problem) }),
        };
    };
    let typed = Typed { phone: fields.phone, code, customer_id: fields.customer_id };
    match login::log_in(visit.installation, visit.request, &typed).await {
        Ok(Login::In(session)) => {
            let mut response = answer::see_other("/customer");
            let kept = (session.expires_at - visit.now).saturating_add(REMEMBERED_AFTER_END);
            reply::set_cookie(&mut response, &cookie::set(visit.site, &cookie::session_name(visit.site), &session.token, kept));
            response
        }
        Ok(Login::Choose(lines)) => {
            let form = LineForm { phone: &typed.phone, code: &typed.code, lines: &lines };
            reply::page(visit.request, 200, pages::choose_line(&form, &page))
        }
        Err(problem) => {
            let form = CodeForm { phone: &typed.phone, problem: Some(problem) };
            reply::page(visit.request, problem.status, pages::enter_code(&form, &page))
        }
    }
}

/// Ends the session and forgets its cookie. A session that is over already is no trouble.
pub(crate) async fn end(visit: &Visit<'_>) -> Response<Body> {
    match delete(visit).await {
        Ok(()) => {}
        Err(problem) if problem.status == problem::INVALID_TOKEN.status => {}
        Err(problem) => return visit.trouble(&problem),
    }
    let mut response = answer::see_other("/customer/login");
    reply::set_cookie(&mut response, &cookie::set(visit.site, &cookie::session_name(visit.site), "", Duration::ZERO));
    response
}

async fn delete(visit: &Visit<'_>) -> Result<(), Problem> {
    let claim = claim(visit.request, Some(visit.site))?;
    visit.installation.store.delete_session(&claim.customer_id, &claim.token_hash).await.map_err(store_problem)
}

fn random() -> Option<String> {
    let mut random = [0_u8; 16];
    getrandom::fill(&mut random).ok().map(|()| URL_SAFE_NO_PAD.encode(random))
}
