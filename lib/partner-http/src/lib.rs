//! One HTTP client for calls to partners (payment gateways, message providers): short, bounded, sent once.
//!
//! It knows nothing of any partner. What it guarantees to all of them: a call ends within [`TIMEOUT`]; an answer larger
//! than the caller's limit is not read to its end; redirects are not followed; nothing is sent twice; plain http goes
//! to loopback only; errors say whether the request can have arrived, and never hold the address, a header or a body.
//!
//! A partner that stands at the provider's own premises is called with a [`own::Client`]: the same promises, with the
//! time limit, certificate authority and addresses of that partner.

use std::error::Error as _;
use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use http::{HeaderMap, Method};
use url::{Host, Url};

pub mod own;
pub mod rows;
#[cfg(feature = "testing")]
pub mod testing;

/// Longest time from the start of a call to the last byte of its answer.
pub const TIMEOUT: Duration = Duration::from_secs(5);

/// Longest time to reach the partner; part of [`TIMEOUT`].
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// One call to make.
pub struct Call {
    /// `GET` or `POST`.
    pub method: Method,
    /// https anywhere, or http on loopback.
    pub url: Url,
    /// Credentials and content type; secret values are marked sensitive by the caller.
    pub headers: HeaderMap,
    /// JSON or a form, or nothing.
    pub body: Option<Vec<u8>>,
    /// Largest answer that is read, in bytes.
    pub max_answer_bytes: usize,
}

/// A partner's answer, whatever its status.
pub struct Answer {
    /// HTTP status, redirects included.
    pub status: u16,
    /// The whole body; may hold personal data.
    pub body: Vec<u8>,
}

/// Shows no body: it may hold personal data.
impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer").field("status", &self.status).field("body_bytes", &self.body.len()).finish()
    }
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// No connection came about: the partner has received nothing, and the call may be repeated.
    #[error("not sent: {0}")]
    NotSent(String),
    /// The request may have arrived, and the partner may have acted on it.
    #[error("no answer: {0}")]
    NoAnswer(String),
}

/// Is this plain http to this very machine, as stand-ins of partners use?
#[must_use]
pub fn is_loopback_http(url: &Url) -> bool {
    let loopback = match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    };
    loopback && url.scheme() == "http"
}

/// A partner's words for an error or a log line: one line of at most 200 characters, in which everything that could be
/// a phone number, a code or an e-mail address is masked.
#[must_use]
pub fn safe_detail(text: &str) -> String {
    let words: Vec<String> = text.split_whitespace().take(80).map(masked_word).collect();
    words.join(" ").chars().filter(|c| !c.is_control()).take(200).collect()
}

fn masked_word(word: &str) -> String {
    if word.contains('@') {
        return "…".to_owned();
    }
    let mut masked = String::with_capacity(word.len());
    let mut digits = String::new();
    for c in word.chars() {
        if c.is_ascii_digit() {
            digits.push(c);
            continue;
        }
        push_digits(&mut masked, &mut digits);
        masked.push(c);
    }
    push_digits(&mut masked, &mut digits);
    masked
}

/// Three digits can be an HTTP status or an error code; from four on they can be a one-time code or a part of a number.
fn push_digits(masked: &mut String, digits: &mut String) {
    masked.push_str(if digits.len() < 4 { digits } else { "…" });
    digits.clear();
}

/// Makes the call, once.
pub async fn send(call: Call) -> Result<Answer, CallError> {
    if call.url.scheme() != "https" && !is_loopback_http(&call.url) {
        return Err(CallError::NotSent("only https, or http on loopback, is allowed".to_owned()));
    }
    let client = client().ok_or_else(|| CallError::NotSent("the HTTP client cannot be built".to_owned()))?;
    exchange(client, call, TIMEOUT).await
}

/// One request, and its answer within `limit`.
async fn exchange(client: &reqwest::Client, call: Call, limit: Duration) -> Result<Answer, CallError> {
    let explain = |error: &reqwest::Error| explain(error, limit);
    let mut request = client.request(call.method, call.url).headers(call.headers).timeout(limit);
    if let Some(body) = call.body {
        request = request.body(body);
    }
    let mut response = request.send().await.map_err(|error| explain(&error))?;
    let status = response.status().as_u16();
    let too_large =
        || CallError::NoAnswer(format!("HTTP {status} with an answer over {} bytes", call.max_answer_bytes));
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| explain(&error))? {
        if body.len().saturating_add(chunk.len()) > call.max_answer_bytes {
            return Err(too_large());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Answer { status, body })
}

/// Says what happened and how far the request can have come; the address is left out, it can hold ids and keys.
fn explain(error: &reqwest::Error, limit: Duration) -> CallError {
    let mut cause = error.source();
    while let Some(deeper) = cause.and_then(std::error::Error::source) {
        cause = Some(deeper);
    }
    let cause = cause.map_or_else(|| "no further cause".to_owned(), |cause| safe_detail(&cause.to_string()));
    if error.is_connect() {
        CallError::NotSent(format!("no connection ({cause})"))
    } else if error.is_builder() {
        CallError::NotSent(format!("the request cannot be built ({cause})"))
    } else if error.is_timeout() {
        CallError::NoAnswer(format!("no complete answer within {} s", limit.as_secs_f32()))
    } else {
        CallError::NoAnswer(format!("the connection broke ({cause})"))
    }
}

/// The one client of the process, built at the first call: a function that calls no partner does not pay for it.
fn client() -> Option<&'static reqwest::Client> {
    static CLIENT: OnceLock<Option<reqwest::Client>> = OnceLock::new();
    CLIENT.get_or_init(|| builder(tls_config(public_roots())?).build().ok()).as_ref()
}

/// What every client keeps to.
fn builder(tls: rustls::ClientConfig) -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .timeout(TIMEOUT)
        .connect_timeout(CONNECT_TIMEOUT)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .no_proxy()
        .http1_only()
        // A frozen Lambda wakes up with dead sockets; a request written to one of them is lost or, worse, doubtful.
        .pool_max_idle_per_host(0)
        .user_agent("lunas")
}

/// Roots compiled in as ready trust anchors: reading and parsing the system's store costs several milliseconds at every
/// start.
fn public_roots() -> rustls::RootCertStore {
    rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() }
}

fn tls_config(roots: rustls::RootCertStore) -> Option<rustls::ClientConfig> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().ok()?;
    Some(config.with_root_certificates(roots).with_no_client_auth())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_loopback() {
        for yes in ["http://127.0.0.1:8080/x", "http://127.9.9.9", "http://[::1]:1", "http://localhost:3000"] {
            assert!(Url::parse(yes).is_ok_and(|url| is_loopback_http(&url)), "{yes}");
        }
        for no in [
            "https://127.0.0.1",
            "http://127.0.0.1@example.com",
            "http://10.0.0.1",
            "http://localhost.example.com",
            "http://0.0.0.0",
        ] {
            assert!(Url::parse(no).is_ok_and(|url| !is_loopback_http(&url)), "{no}");
        }
    }

    #[test]
    fn a_detail_is_short_and_holds_no_number_or_address() {
        assert_eq!(
            safe_detail("status 400:\n phone 6281234567890, mail budi@example.com"),
            "status 400: phone …, mail …"
        );
        assert_eq!(safe_detail("code 123456"), "code …");
        assert_eq!(safe_detail(&"é ".repeat(900)).chars().count(), 159);
        assert_eq!(safe_detail(&"é".repeat(900)).chars().count(), 200);
    }

    #[test]
    fn the_client_can_be_built() {
        assert!(client().is_some());
    }
}
