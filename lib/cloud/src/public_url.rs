//! Where customers reach the portal and the API. Cookie names, the Origin check and every absolute link come from here,
//! never from what a request says about its host.

use std::{fmt, net::IpAddr};

use http::Uri;

/// An origin: scheme, host and port. `https`, or `http` on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl {
    origin: String,
    secure: bool,
}

impl PublicUrl {
    /// Reads an origin, with or without a slash at its end. `None` when it is none, or plain http to another machine.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let uri: Uri = text.parse().ok()?;
        let (host, port) = (uri.host()?.to_ascii_lowercase(), uri.port_u16());
        let bare = uri.path() == "/" && uri.query().is_none() && !text.contains(['@', '#']);
        let loopback = host == "localhost"
            || host.trim_matches(['[', ']']).parse().is_ok_and(|address: IpAddr| address.is_loopback());
        let (scheme, usual_port) = match uri.scheme_str()? {
            "https" => ("https", 443),
            "http" if loopback => ("http", 80),
            _ => return None,
        };
        let port = port.filter(|port| *port != usual_port).map(|port| format!(":{port}")).unwrap_or_default();
        bare.then(|| Self { origin: format!("{scheme}://{host}{port}"), secure: scheme == "https" })
    }

    /// What browsers send as `Origin`.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    #[must_use]
    pub const fn is_secure(&self) -> bool {
        self.secure
    }

    /// The absolute address of a path that begins with a slash.
    #[must_use]
    pub fn page(&self, path: &str) -> String {
        format!("{}{path}", self.origin)
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.origin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_https_or_on_this_machine() {
        for (text, origin, secure) in [
            ("https://bayar.example.id", "https://bayar.example.id", true),
            ("https://Bayar.Example.id/", "https://bayar.example.id", true),
            ("https://bayar.example.id:443", "https://bayar.example.id", true),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080", false),
            ("http://localhost:8080", "http://localhost:8080", false),
            ("http://[::1]:8080", "http://[::1]:8080", false),
        ] {
            let url = PublicUrl::parse(text).unwrap();
            assert_eq!((url.origin(), url.is_secure()), (origin, secure), "{text}");
        }
        let refused = [
            "",
            "bayar.example.id",
            "http://bayar.example.id",
            "http://127.0.0.1.example.id",
            "https://a.id/portal",
            "https://u:p@a.id",
            "https://a.id?x",
            "ftp://a.id",
        ];
        for refused in refused {
            assert_eq!(PublicUrl::parse(refused), None, "{refused}");
        }
    }
}
