//! Where a request comes from, for limits: from the request context that API Gateway fills, never from a header.

use std::net::IpAddr;

use lambda_http::{Request, RequestExt as _, request::RequestContext};

/// The caller's address as a key for limits: IPv4 whole, IPv6 by /64, because one household has a /64 of them.
#[must_use]
pub fn of(request: &Request) -> String {
    let context = request.request_context_ref();
    let address = match context {
        Some(RequestContext::ApiGatewayV2(context)) => context.http.source_ip.as_deref(),
        _ => None,
    };
    limit_key(address.unwrap_or_default())
}

fn limit_key(address: &str) -> String {
    match address.parse::<IpAddr>().map(|address| address.to_canonical()) {
        Ok(IpAddr::V4(address)) => address.to_string(),
        Ok(IpAddr::V6(address)) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
        // One shared bucket: an unknown address must not be a way around the limit.
        Err(_) => "unknown".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_household_is_one_address() {
        assert_eq!(limit_key("203.0.113.7"), "203.0.113.7");
        assert_eq!(limit_key("::ffff:203.0.113.7"), "203.0.113.7");
        assert_eq!(limit_key("2001:db8:1:2:3::4"), "2001:db8:1:2::/64");
        assert_eq!(limit_key("2001:db8:1:2:ffff::9"), "2001:db8:1:2::/64");
        assert_eq!(limit_key("not an address"), "unknown");
    }
}
