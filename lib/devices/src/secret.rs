//! The secret `genieacs`: where the NBI is, and how it lets us in.

use std::{collections::BTreeMap, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderMap, HeaderName, HeaderValue, header};
use partner_http::{is_loopback_http, own};
use url::Url;

use crate::{
    formats,
    names::Names,
    nbi::{LIMIT, Nbi},
    reading::Freshness,
};

/// The interval of devices that do not tell theirs. Shared configurations set 100 s to 300 s.
const DEFAULT_INTERVAL_S: u32 = 300;

/// A row that cannot be used. Tells no value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("secret genieacs, row {row}: {problem}")]
pub struct SecretProblem {
    row: &'static str,
    problem: String,
}

fn problem(row: &'static str, problem: impl Into<String>) -> SecretProblem {
    SecretProblem { row, problem: problem.into() }
}

/// Everything that the secret says.
#[derive(Debug, Clone)]
pub struct Acs {
    /// The NBI.
    pub nbi: Nbi,
    /// Which silence is normal.
    pub freshness: Freshness,
}

impl Acs {
    /// Reads the rows `url`, `username` and `password` (Basic), or `bearerToken`, or `headerName` and `headerValue`;
    /// `caCertificate` (PEM), `allowHttp`, `informIntervalSeconds`, `paths` (see [`Names::parse`]). `None` while `url`
    /// is empty: nothing is configured.
    ///
    /// `stand_in` admits http on this machine: the demo and tests.
    pub fn from_secret(rows: &BTreeMap<String, String>, stand_in: bool) -> Result<Option<Self>, SecretProblem> {
        let row = |name: &str| rows.get(name).map(|text| text.trim()).filter(|text| !text.is_empty());
        let Some(typed) = row("url") else { return Ok(None) };
        let allow_http = match row("allowHttp") {
            None => false,
            Some(text) => formats::switch(text).ok_or_else(|| problem("allowHttp", "type true, or leave it empty"))?,
        };
        let on_stand_in = stand_in && Url::parse(typed).is_ok_and(|url| is_loopback_http(&url));
        let base = base_url(typed, allow_http || on_stand_in)?;
        let options = own::Options {
            timeout: LIMIT,
            authorities: row("caCertificate").map(str::to_owned),
            plain_http: allow_http || on_stand_in,
            loopback: stand_in,
        };
        let client = own::Client::new(options).map_err(|error| problem("caCertificate", error.to_string()))?;
        let names = row("paths")
            .map_or_else(|| Ok(Names::default()), Names::parse)
            .map_err(|error| problem("paths", error.to_string()))?;
        let default_interval_s = match row("informIntervalSeconds") {
            None => DEFAULT_INTERVAL_S,
            Some(text) => formats::interval_seconds(text)
                .ok_or_else(|| problem("informIntervalSeconds", "type a number from 10 to 172800"))?,
        };
        let nbi = Nbi::new(client, base, headers(&row)?, names);
        Ok(Some(Self { nbi, freshness: Freshness { default_interval_s } }))
    }
}

fn base_url(typed: &str, allow_http: bool) -> Result<Url, SecretProblem> {
    let url = Url::parse(typed)
        .ok()
        .filter(Url::has_host)
        .ok_or_else(|| problem("url", "type the NBI's address, such as https://acs.example.id"))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(problem("url", "must hold no user name: use the rows username and password"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(problem("url", "must end with host, port or path"));
    }
    match url.scheme() {
        "https" => Ok(url),
        "http" if allow_http => Ok(url),
        "http" => Err(problem(
            "url",
            "is plain http, where anybody on the way reads along: use https, or type true into allowHttp for a line that is private",
        )),
        _ => Err(problem("url", "must begin with https://")),
    }
}

fn headers<'a>(row: &impl Fn(&str) -> Option<&'a str>) -> Result<HeaderMap, SecretProblem> {
    let basic = row("username").or(row("password")).is_some();
    let ways = [basic, row("bearerToken").is_some(), row("headerName").or(row("headerValue")).is_some()];
    if ways.iter().filter(|way| **way).count() > 1 {
        return Err(problem("username", "fill one of username and password, bearerToken, headerName and headerValue"));
    }
    let mut headers = HeaderMap::from_iter([(header::ACCEPT, HeaderValue::from_static("application/json"))]);
    let mut secret = |row: &'static str, name: HeaderName, text: String| {
        let mut value =
            HeaderValue::try_from(text).map_err(|_| problem(row, "holds a character that a header cannot"))?;
        value.set_sensitive(true);
        headers.insert(name, value);
        Ok(())
    };
    if basic {
        let pair = format!("{}:{}", row("username").unwrap_or_default(), row("password").unwrap_or_default());
        secret("password", header::AUTHORIZATION, format!("Basic {}", STANDARD.encode(pair)))?;
    }
    if let Some(token) = row("bearerToken") {
        secret("bearerToken", header::AUTHORIZATION, format!("Bearer {token}"))?;
    }
    if let Some(name) = row("headerName") {
        let name = HeaderName::try_from(name).map_err(|_| problem("headerName", "is not the name of a header"))?;
        let framing =
            [header::HOST, header::CONTENT_LENGTH, header::TRANSFER_ENCODING, header::CONNECTION, header::UPGRADE];
        if framing.contains(&name) {
            return Err(problem("headerName", "is a header that cannot be set"));
        }
        let value = row("headerValue").ok_or_else(|| problem("headerValue", "is empty"))?;
        secret("headerValue", name, value.to_owned())?;
    } else if row("headerValue").is_some() {
        return Err(problem("headerName", "is empty"));
    }
    Ok(headers)
}

/// How long one conversation with the ACS may take for the customer who waits: one call's limit, however many calls it
/// is.
pub const PATIENCE: Duration = LIMIT;

#[cfg(test)]
mod tests {
    use super::*;

    fn read(rows: &[(&str, &str)]) -> Result<Option<Acs>, SecretProblem> {
        Acs::from_secret(&rows.iter().map(|(row, text)| ((*row).to_owned(), (*text).to_owned())).collect(), false)
    }

    #[test]
    fn an_empty_address_means_that_nothing_is_configured() {
        assert!(read(&[("url", ""), ("username", "lunas")]).unwrap().is_none());
        let acs = read(&[("url", "https://acs.example.id/nbi/"), ("informIntervalSeconds", "600")]).unwrap().unwrap();
        assert_eq!(acs.freshness.default_interval_s, 600);
    }

    #[test]
    fn what_cannot_be_used_is_named_by_its_row_and_no_value_is_told() {
        for (rows, row) in [
            (&[("url", "acs.example.id")][..], "url"),
            (&[("url", "http://acs.example.id")], "url"),
            (&[("url", "http://127.0.0.1:7557")], "url"),
            (&[("url", "ftp://acs.example.id"), ("allowHttp", "true")], "url"),
            (&[("url", "https://lunas:geheim@acs.example.id")], "url"),
            (&[("url", "https://acs.example.id/?a=geheim")], "url"),
            (&[("url", "https://acs.example.id"), ("allowHttp", "geheim")], "allowHttp"),
            (&[("url", "https://acs.example.id"), ("username", "a"), ("bearerToken", "geheim")], "username"),
            (&[("url", "https://acs.example.id"), ("bearerToken", "geheim\n1")], "bearerToken"),
            (&[("url", "https://acs.example.id"), ("headerName", "geheim geheim"), ("headerValue", "x")], "headerName"),
            (&[("url", "https://acs.example.id"), ("headerName", "Host"), ("headerValue", "x")], "headerName"),
            (&[("url", "https://acs.example.id"), ("headerName", "X-Key")], "headerValue"),
            (&[("url", "https://acs.example.id"), ("headerValue", "geheim")], "headerName"),
            (&[("url", "https://acs.example.id"), ("caCertificate", "geheim")], "caCertificate"),
            (&[("url", "https://acs.example.id"), ("informIntervalSeconds", "0")], "informIntervalSeconds"),
            (&[("url", "https://acs.example.id"), ("paths", "geheim")], "paths"),
        ] {
            let error = read(rows).unwrap_err();
            assert!(error.row == row && !error.to_string().contains("geheim"), "{rows:?}: {error}");
        }
        assert!(read(&[("url", "http://10.8.0.2:7557"), ("allowHttp", "true")]).unwrap().is_some());
    }

    #[test]
    fn nothing_prints_the_credentials() {
        let acs =
            read(&[("url", "https://acs.example.id"), ("username", "lunas"), ("password", "geheim")]).unwrap().unwrap();
        let printed = format!("{acs:?}");
        assert!(!printed.contains("geheim") && !printed.contains(&STANDARD.encode("lunas:geheim")), "{printed}");
    }
}
