//! Cookies of the portal.

use cloud::public_url::PublicUrl;
use lambda_http::http::{HeaderMap, header};
use time::Duration;

/// The session's cookie. With `__Host-` only this very host can have set it, by https, for all its paths; a browser
/// would not take that from plain http, so on loopback the name is bare.
#[must_use]
pub fn session_name(site: &PublicUrl) -> String {
    host_name(site, "session")
}

/// Any cookie that is bound to this host like the session's.
#[must_use]
pub fn host_name(site: &PublicUrl, name: &str) -> String {
    if site.is_secure() { format!("__Host-{name}") } else { name.to_owned() }
}

/// `Set-Cookie` for a value that no script can read and no other site's form or frame takes along.
#[must_use]
pub fn set(site: &PublicUrl, name: &str, value: &str, lifetime: Duration) -> String {
    let secure = if site.is_secure() { "; Secure" } else { "" };
    format!("{name}={value}; Path=/; Max-Age={}; HttpOnly; SameSite=Lax{secure}", lifetime.whole_seconds().max(0))
}

/// The value of a cookie. `None` when there is none, or two: then somebody slipped one in.
#[must_use]
pub fn read<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let lines = headers.get_all(header::COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let mut values = pairs.filter(|(key, _)| *key == name).map(|(_, value)| value);
    values.next().filter(|value| !value.is_empty() && values.next().is_none())
}

#[cfg(test)]
mod tests {
    use lambda_http::http::HeaderValue;

    use super::*;

    #[test]
    fn a_cookie_is_bound_to_its_host_where_https_allows_it() {
        let (public, local) =
            (PublicUrl::parse("https://bayar.example.id").unwrap(), PublicUrl::parse("http://127.0.0.1:8080").unwrap());
        assert_eq!(session_name(&public), "__Host-session");
        assert_eq!(session_name(&local), "session");
        let line = set(&public, "__Host-session", "c1.x", Duration::days(1));
        assert_eq!(line, "__Host-session=c1.x; Path=/; Max-Age=86400; HttpOnly; SameSite=Lax; Secure");
        assert!(!set(&local, "session", "c1.x", Duration::ZERO).contains("Secure"));
    }

    #[test]
    fn a_cookie_that_is_there_twice_is_not_believed() {
        let read = |line: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::COOKIE, HeaderValue::from_static(line));
            read(&headers, "session").map(str::to_owned)
        };
        assert_eq!(read("lang=en; session=a.b=c").as_deref(), Some("a.b=c"));
        assert_eq!(read("xsession=a; lang=id"), None);
        assert_eq!(read("session="), None);
        assert_eq!(read("session=a; session=b"), None);
    }
}
