//! The addresses of the API, for whoever asks for another one.

use lambda_http::{Body, Request, Response};

use crate::answer;
use crate::problem;

/// Each address with its methods, as the template leads them to their functions. `{x}` is any one part of a path.
pub const ROUTES: [(&str, &[&str]); 18] = [
    ("/api/customer/otp", &["POST"]),
    ("/api/customer/login", &["POST"]),
    ("/api/customer/logout", &["POST"]),
    ("/api/customer/me", &["GET"]),
    ("/api/customer/invoices", &["GET"]),
    ("/api/customer/invoices/payment", &["GET", "POST"]),
    ("/api/customer/invoices/payment/gateways", &["GET"]),
    ("/api/customer/invoices/{id}/check", &["POST"]),
    ("/api/customer/payments", &["GET"]),
    ("/api/customer/packages", &["GET"]),
    ("/api/customer/upgrade", &["GET", "POST"]),
    ("/api/customer/device", &["GET"]),
    ("/api/customer/device/refresh", &["POST"]),
    ("/api/pay/{token}/link", &["POST"]),
    ("/api/pay/{token}/gateways", &["GET"]),
    ("/api/pay/{token}/check", &["POST"]),
    ("/api/webhooks/{gateway}", &["POST"]),
    ("/api/webhooks/whatsapp/{provider}", &["GET", "POST"]),
];

/// What a request for an address that no function has is answered. With slashes too many, as addresses of webhooks get
/// typed in, the sender is told the right one: 308, which keeps method and body, and which Midtrans follows
/// (<https://docs.midtrans.com/docs/https-notification-webhooks>).
#[must_use]
pub fn elsewhere(request: &Request) -> Response<Body> {
    let parts = answer::path(request);
    let known = ROUTES.iter().find(|(route, _)| fits(route, &parts));
    let Some((_, methods)) = known else { return answer::respond(Err(problem::NOT_FOUND), request.headers()) };
    let clean = format!("/{}", parts.join("/"));
    // With the right address and method it would not have come here, so only its head was asked for.
    if clean == request.uri().path() || !methods.contains(&request.method().as_str()) {
        return answer::wrong_method(request.headers(), &methods.join(", "));
    }
    tracing::warn!(method = request.method().as_str(), "an address of the API was asked for with slashes too many");
    answer::moved(&request.uri().query().map_or(clean.clone(), |query| format!("{clean}?{query}")))
}

fn fits(route: &str, parts: &[&str]) -> bool {
    let of_route = || route.split('/').skip(1);
    of_route().count() == parts.len() && of_route().zip(parts).all(|(of, part)| of == *part || of.starts_with('{'))
}
