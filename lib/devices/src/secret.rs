//! The secret `genieacs`: where the NBI is, and how it lets us in.

use std::{collections::BTreeMap, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderMap, HeaderValue, header};
use partner_http::rows::{RowError, RowReader};
use partner_http::{is_loopback_http, own};
use url::Url;

use crate::formats;
use crate::names::Names;
use crate::nbi::{LIMIT, Nbi};
use crate::reading::Freshness;

/// The interval of devices that do not tell theirs. Shared configurations set 100 s to 300 s.
const DEFAULT_INTERVAL_S: u32 = 300;

/// Name of the secret.
const SECRET: &str = "genieacs";

/// Everything that the secret says.
#[derive(Debug, Clone)]
pub struct Acs {
    pub nbi: Nbi,
    pub freshness: Freshness,
}

impl Acs {
    /// Reads the rows `url`, `username` and `password` (Basic), or `bearerToken`, or `headerName` and `headerValue`;
    /// `caCertificate` (PEM), `allowHttp`, `informIntervalSeconds`, `paths` (see [`Names::parse`]). `None` while `url`
    /// is empty: nothing is configured.
    ///
    /// `stand_in` admits http on this machine: the demo and tests.
    pub fn from_secret(rows: &BTreeMap<String, String>, stand_in: bool) -> Result<Option<Self>, RowError> {
        let rows = RowReader::new(SECRET, rows);
        let Some(typed) = rows.text("url") else { return Ok(None) };
        let allow_http = rows.flag("allowHttp", false)?;
        let on_stand_in = stand_in && Url::parse(typed).is_ok_and(|url| is_loopback_http(&url));
        let base = base_url(rows, typed, allow_http || on_stand_in)?;
        let options = own::Options {
            timeout: LIMIT,
            authorities: rows.text("caCertificate").map(str::to_owned),
            plain_http: allow_http || on_stand_in,
            loopback: stand_in,
        };
        let client = own::Client::new(options).map_err(|error| rows.error("caCertificate", error.to_string()))?;
        let names = rows
            .text("paths")
            .map_or_else(|| Ok(Names::default()), Names::parse)
            .map_err(|error| rows.error("paths", error.to_string()))?;
        let default_interval_s = match rows.text("informIntervalSeconds") {
            None => DEFAULT_INTERVAL_S,
            Some(text) => formats::interval_seconds(text)
                .ok_or_else(|| rows.error("informIntervalSeconds", "type a number from 10 to 172800"))?,
        };
        let nbi = Nbi::new(client, base, headers(rows)?, names);
        Ok(Some(Self { nbi, freshness: Freshness { default_interval_s } }))
    }
}

fn base_url(rows: RowReader<'_>, typed: &str, allow_http: bool) -> Result<Url, RowError> {
    let error = |problem: &'static str| rows.error("url", problem);
    let url = Url::parse(typed)
        .ok()
        .filter(Url::has_host)
        .ok_or_else(|| error("type the NBI's address, such as https://acs.example.id"))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(error("must hold no user name: use the rows username and password"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(error("must end with host, port or path"));
    }
    match url.scheme() {
        "https" => Ok(url),
        "http" if allow_http => Ok(url),
        "http" => Err(error(
            "is plain http, where anybody on the way reads along: use https, or type true into allowHttp for a line that is private",
        )),
        _ => Err(error("must begin with https://")),
    }
}

fn headers(rows: RowReader<'_>) -> Result<HeaderMap, RowError> {
    let row = |name: &str| rows.text(name);
    let basic = row("username").or(row("password")).is_some();
    let ways = [basic, row("bearerToken").is_some(), row("headerName").or(row("headerValue")).is_some()];
    if ways.iter().filter(|way| **way).count() > 1 {
        let problem = "fill one of username and password, bearerToken, headerName and headerValue";
        return Err(rows.error("username", problem));
    }
    let mut headers = HeaderMap::from_iter([(header::ACCEPT, HeaderValue::from_static("application/json"))]);
    if basic {
        let pair = format!("{}:{}", row("username").unwrap_or_default(), row("password").unwrap_or_default());
        let value = rows.secret_header("password", &format!("Basic {}", STANDARD.encode(pair)))?;
        headers.insert(header::AUTHORIZATION, value);
    }
    if let Some(token) = row("bearerToken") {
        headers.insert(header::AUTHORIZATION, rows.secret_header("bearerToken", &format!("Bearer {token}"))?);
    }
    if let Some(name) = row("headerName") {
        let name = rows.header_name("headerName", name)?;
        headers.insert(name, rows.secret_header("headerValue", rows.required("headerValue", "is empty")?)?);
    } else if row("headerValue").is_some() {
        return Err(rows.error("headerName", "is empty"));
    }
    Ok(headers)
}

/// How long one conversation with the ACS may take for the customer who waits: one call's limit, however many calls it
/// is.
pub const PATIENCE: Duration = LIMIT;

#[cfg(test)]
mod tests {
    use super::*;

    fn read(rows: &[(&str, &str)]) -> Result<Option<Acs>, RowError> {
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
        for yes in ["true", "YA", " 1 "] {
            assert!(read(&[("url", "http://10.8.0.2:7557"), ("allowHttp", yes)]).unwrap().is_some(), "{yes}");
        }
        for no in ["False", "tidak", "0", ""] {
            assert_eq!(read(&[("url", "http://10.8.0.2:7557"), ("allowHttp", no)]).unwrap_err().row, "url", "{no}");
        }
    }

    #[test]
    fn nothing_prints_the_credentials() {
        let acs =
            read(&[("url", "https://acs.example.id"), ("username", "lunas"), ("password", "geheim")]).unwrap().unwrap();
        let printed = format!("{acs:?}");
        assert!(!printed.contains("geheim") && !printed.contains(&STANDARD.encode("lunas:geheim")), "{printed}");
    }
}
