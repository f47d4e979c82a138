//! The customer portal: pages that are read and paid from without JavaScript.
//!
//! It reads accounts, opens and ends sessions, and remembers the links of public pages. It makes no payment links and
//! books nothing: its forms and its script ask the API's own functions for that, so a function that talks to the open
//! Internet in HTML needs no right to the gateways' keys.

mod address;
pub mod assets;
mod log_in;
pub mod pages;
mod public_bill;
mod read;
mod reply;
pub mod texts;

use billing::id::{InvoiceId, PackageId};
use billing::language::Language;
use cloud::{app::App, public_url::PublicUrl};
use lambda_http::http::{Method, header};
use lambda_http::{Body, Request, RequestExt as _, Response};
use time::{Duration, OffsetDateTime};
use web::problem::{self, Problem};
use web::{answer, cookie, routes};

use crate::pages::Page;

const LANGUAGE: &str = "lang";
const LANGUAGE_KEPT: Duration = Duration::days(365);

/// One request and what is known before anything is read.
pub(crate) struct Visit<'a> {
    pub(crate) app: &'a App,
    pub(crate) request: &'a Request,
    pub(crate) site: &'a PublicUrl,
    pub(crate) lang: Language,
    pub(crate) here: String,
    pub(crate) now: OffsetDateTime,
}

impl Visit<'_> {
    /// What a page is told.
    pub(crate) fn page<'a>(&'a self, csrf: &'a str, signed_in: bool) -> Page<'a> {
        let settings = &self.app.settings;
        let provider = settings.provider_name.as_deref();
        Page {
            lang: self.lang,
            csrf,
            path: &self.here,
            zone: settings.zone,
            now: self.now,
            provider,
            signed_in,
            support: &settings.support_contact,
        }
    }

    /// A value of the query string; an empty one counts as absent.
    pub(crate) fn query(&self, name: &str) -> Option<String> {
        answer::query(&self.request.query_string_parameters(), name).map(str::to_owned)
    }

    /// A page that says what is wrong, at whatever address.
    pub(crate) fn trouble(&self, problem: &Problem) -> Response<Body> {
        let page = Page { path: "/customer", ..self.page("", false) };
        reply::page(self.request, problem.status, pages::trouble(problem, &page))
    }
}

/// Answers one request; also one for an address that nobody has, to which the API leads here.
pub async fn handle(app: &App, mut request: Request) -> Response<Body> {
    // Whoever asks for the head of a page only is told that of the page.
    let only_head = request.method() == Method::HEAD;
    if only_head {
        *request.method_mut() = Method::GET;
    }
    let mut response = respond(app, request).await;
    if only_head {
        *response.body_mut() = Body::Empty;
    }
    response
}

async fn respond(app: &App, request: Request) -> Response<Body> {
    let Some(site) = app.settings.public_url.as_ref() else {
        tracing::error!(alarm = true, "PUBLIC_URL is not set: the portal cannot tell its own forms from others'");
        return answer::respond(Err(problem::BUSY), request.headers());
    };
    let chosen = answer::query(&request.query_string_parameters(), LANGUAGE).and_then(Language::parse);
    let remembered = cookie::read(request.headers(), LANGUAGE).and_then(Language::parse);
    let meant = if request.method() == Method::GET { address::meant(request.uri().path()) } else { None };
    let visit = Visit {
        app,
        request: &request,
        site,
        lang: chosen.or(remembered).unwrap_or_default(),
        here: same_page(&request, meant.as_deref().unwrap_or_else(|| request.uri().path())),
        now: app.clock.now(),
    };
    let mut response = if meant.is_some() { answer::see_other(&visit.here) } else { route(&visit).await };
    if let Some(lang) = chosen {
        reply::set_cookie(&mut response, &cookie::set(site, LANGUAGE, lang.code(), LANGUAGE_KEPT));
    }
    reply::fence(&mut response, site);
    if answer::path(&request).first().is_some_and(|first| first.eq_ignore_ascii_case("p")) {
        reply::keep_address(&mut response);
    }
    response
}

async fn route(visit: &Visit<'_>) -> Response<Body> {
    let path = answer::path(visit.request);
    let is_form = visit.request.method() == Method::POST;
    let is_read = visit.request.method() == Method::GET;
    match (is_form, path.as_slice()) {
        (_, [first, ..]) if first.eq_ignore_ascii_case("api") => routes::elsewhere(visit.request),
        _ if !is_form && !is_read => visit.trouble(&problem::NOT_FOUND),
        (true, ["customer", "login"]) => log_in::submit(visit).await,
        (true, ["customer", "logout"]) => log_in::end(visit).await,
        (true, ["customer", "share"]) => public_bill::share(visit).await,
        (false, []) => answer::see_other("/customer"),
        (false, ["assets", name]) => assets::asset(name)
            .map_or_else(|| visit.trouble(&problem::NOT_FOUND), |asset| reply::asset(visit.request, asset)),
        (false, ["sw.js"]) => reply::fixed_name(visit.request, &assets::SERVICE_WORKER),
        (false, ["customer", "manifest.webmanifest"]) => reply::manifest(),
        (false, ["customer", "offline"]) => {
            let page = Page { path: "/customer", ..visit.page("", false) };
            reply::page(visit.request, 200, pages::offline(&page))
        }
        (false, ["p", token]) => public_bill::page(visit, token, None).await,
        (false, ["p", token, step]) => public_bill::page(visit, token, Some(step)).await,
        (false, ["customer", "login"]) => log_in::start(visit).await,
        (false, ["customer", rest @ ..]) => read::page(visit, rest).await,
        _ => visit.trouble(&problem::NOT_FOUND),
    }
}

/// Path and query that lead to the same page, for the language switch. Of the query only what chooses the page: nothing
/// that somebody else put into an address stands in a page.
fn same_page(request: &Request, path: &str) -> String {
    let parameters = request.query_string_parameters();
    let known = |name: &str, is_known: fn(&str) -> bool| {
        answer::query(&parameters, name).filter(|value| is_known(value)).map(|value| format!("{name}={value}"))
    };
    let kept = [
        known("tab", |tab| ["status", "upgrade"].contains(&tab)),
        known("step", |step| step == "code"),
        known("package", |id| PackageId::parse(id).is_ok()),
        known("cursor", |id| InvoiceId::parse(id).is_ok()),
    ];
    let query: Vec<String> = kept.into_iter().flatten().collect();
    if query.is_empty() { path.to_owned() } else { format!("{path}?{}", query.join("&")) }
}

/// What the browser can unpack.
pub(crate) fn accepted_encodings(request: &Request) -> &str {
    request.headers().get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default()
}
