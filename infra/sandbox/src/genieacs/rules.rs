//! How GenieACS differs from the other partners.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::core::{ApiCall, Partner, PartnerRules};

pub(crate) static RULES: PartnerRules = PartnerRules {
    admits: |settings, headers| {
        let user = format!("{}:{}", settings.genieacs_username, settings.genieacs_password);
        let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        given.and_then(|given| given.strip_prefix("Basic ")) == Some(STANDARD.encode(user).as_str())
    },
    ..PartnerRules::new(Partner::Genieacs, api_call, error)
};

fn api_call<'a>(post: bool, parts: &[&'a str]) -> Option<ApiCall<'a>> {
    Some(match parts {
        ["devices"] if !post => ("genieacs.devices", None),
        ["devices", id, "tasks"] if post => ("genieacs.tasks", Some(*id)),
        ["tasks", ..] => ("genieacs.tasks", None),
        _ => return None,
    })
}

/// What a proxy in front of the partner says: HTML, where JSON is expected.
fn error(_path: &str, status: StatusCode) -> Response {
    let title = status.to_string();
    let body = format!(
        "<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
    );
    let mut response = (status, Html(body)).into_response();
    if status == StatusCode::UNAUTHORIZED {
        let challenge = HeaderValue::from_static("Basic realm=\"acs\"");
        response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    }
    response
}
