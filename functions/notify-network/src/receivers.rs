//! Whom to tell, as the secret `network` says, and one try at all of them.

use std::collections::BTreeMap;

use billing::telling::network::{NetworkUpdate, ReceiverProblem, TryResult};
use billing::zone::format;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use partner_http::own::{Client, Options};
use partner_http::rows::{RowError, RowReader};
use partner_http::{Call, CallError, is_loopback_http};
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use time::OffsetDateTime;
use tokio::task::JoinSet;
use url::Url;

use crate::NAME;
use crate::signature::{self, Key};

/// Receivers that are told.
const MAX_RECEIVERS: usize = 5;
/// What is read of an answer: only its status counts.
const MAX_ANSWER_BYTES: usize = 16 * 1024;

/// Everybody who is told.
#[derive(Debug, Clone)]
pub(crate) struct Receivers {
    addresses: Vec<Address>,
    /// The current secret, then the one that is being replaced.
    keys: Vec<Key>,
    client: Client,
}

#[derive(Clone)]
struct Address {
    hash: String,
    url: Url,
}

/// An address may hold a key.
impl std::fmt::Debug for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.hash)
    }
}

/// The body of a message.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    r#type: &'a str,
    timestamp: String,
    customer_id: &'a str,
    username: &'a str,
    package_id: &'a str,
    down_mbps: u32,
    up_mbps: u32,
    expires_at: String,
    active: bool,
    version: u64,
}

impl Receivers {
    /// Reads the rows `webhookUrl` (up to five addresses), `secret`, `previousSecret` and `caCertificate`. `None` while
    /// `webhookUrl` is empty. `loopback` admits a stand-in on this machine, over plain http.
    pub(crate) fn from_rows(rows: &BTreeMap<String, String>, loopback: bool) -> Result<Option<Self>, RowError> {
        let rows = RowReader::new(NAME, rows);
        let row = |name: &str| rows.text(name);
        let error = |row, problem: &'static str| Err(rows.error(row, problem));
        let Some(typed) = row("webhookUrl") else { return Ok(None) };
        let mut addresses: Vec<Address> = Vec::new();
        for text in typed.split([',', ' ', '\t', '\r', '\n']).filter(|text| !text.is_empty()) {
            let Some(url) = Url::parse(text).ok().filter(Url::has_host) else {
                return error("webhookUrl", "type addresses that begin with https://, with blanks between them");
            };
            if url.scheme() != "https" && !(loopback && is_loopback_http(&url)) {
                return error("webhookUrl", "every address must begin with https://");
            }
            if !url.username().is_empty() || url.password().is_some() {
                return error("webhookUrl", "an address must hold no user name: the signature proves who is calling");
            }
            if addresses.iter().all(|known| known.url != url) {
                addresses.push(Address { hash: hash(&url), url });
            }
        }
        if addresses.is_empty() || addresses.len() > MAX_RECEIVERS {
            return error("webhookUrl", "type one to five addresses");
        }
        let Some(secret) = row("secret").and_then(Key::parse) else {
            return error(
                "secret",
                "type whsec_ and 24 to 64 random bytes in base64, as `echo whsec_$(openssl rand -base64 32)` makes them",
            );
        };
        let previous = match row("previousSecret").map(Key::parse) {
            Some(None) => return error("previousSecret", "type the secret as it was, or nothing"),
            Some(Some(key)) => Some(key),
            None => None,
        };
        let keys = std::iter::once(secret).chain(previous).collect();
        let options = Options {
            timeout: partner_http::TIMEOUT,
            authorities: row("caCertificate").map(str::to_owned),
            // Only to this machine: every other address was found to be https.
            plain_http: loopback,
            loopback,
        };
        let Ok(client) = Client::new(options) else {
            return error("caCertificate", "paste the authority's certificate as PEM, or nothing");
        };
        Ok(Some(Self { addresses, keys, client }))
    }

    /// Tells everybody who has not taken it yet, all at once, each once.
    pub(crate) async fn tell(&self, network_update: &NetworkUpdate, now: OffsetDateTime) -> TryResult {
        let (headers, body) = self.message(network_update, now);
        let mut calls = JoinSet::new();
        for address in self.addresses.iter().filter(|address| !network_update.is_settled_with(&address.hash)) {
            let call = Call {
                method: Method::POST,
                url: address.url.clone(),
                headers: headers.clone(),
                body: Some(body.clone().into_bytes()),
                max_answer_bytes: MAX_ANSWER_BYTES,
            };
            let (client, hash) = (self.client.clone(), address.hash.clone());
            calls.spawn(async move { (hash, post(&client, call).await) });
        }
        let mut outcome = TryResult::default();
        while let Some(done) = calls.join_next().await {
            match done {
                Ok((hash, Ok(()))) => outcome.taken.push(hash),
                Ok((hash, Err(ReceiverProblem::Gone))) => outcome.gone.push(hash),
                Ok((hash, Err(problem))) => {
                    tracing::warn!(
                        customer = network_update.customer_id.as_str(),
                        receiver = hash,
                        ?problem,
                        "a receiver did not take it"
                    );
                    outcome.problem = outcome.problem.max(Some(problem));
                }
                Err(_) => outcome.problem = outcome.problem.max(Some(ReceiverProblem::NoAnswer)),
            }
        }
        outcome
    }

    fn message(&self, network_update: &NetworkUpdate, now: OffsetDateTime) -> (HeaderMap, String) {
        let line = &network_update.line;
        let body = Body {
            r#type: &network_update.kind,
            timestamp: format::instant(network_update.since),
            customer_id: network_update.customer_id.as_str(),
            username: &line.username,
            package_id: line.package_id.as_str(),
            down_mbps: line.down_mbps,
            up_mbps: line.up_mbps,
            expires_at: format::instant(line.expires_at),
            active: line.active,
            version: network_update.number,
        };
        let body = serde_json::to_string(&body).unwrap_or_default();
        let (id, timestamp) = (network_update.message_id(), now.unix_timestamp());
        let fields = [
            ("webhook-signature", signature::header(&self.keys, &id, timestamp, &body)),
            ("webhook-timestamp", timestamp.to_string()),
            ("webhook-id", id),
        ];
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        for (name, value) in fields {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(HeaderName::from_static(name), value);
            }
        }
        (headers, body)
    }
}

/// Sixteen characters that recognise an address.
fn hash(url: &Url) -> String {
    hex::encode(Sha256::digest(url.as_str().as_bytes())).chars().take(16).collect()
}

/// The standard's reading of an answer: 2xx is taken, 410 wants no more, all else is repeated.
async fn post(client: &Client, call: Call) -> Result<(), ReceiverProblem> {
    let problem = match client.send(call, partner_http::TIMEOUT).await {
        Err(CallError::NotSent(_)) => ReceiverProblem::Unreachable,
        Err(CallError::NoAnswer(_)) => ReceiverProblem::NoAnswer,
        Ok(answer) => match answer.status {
            200..=299 => return Ok(()),
            300..=399 => ReceiverProblem::Redirected,
            401 | 403 => ReceiverProblem::Unauthorized,
            410 => ReceiverProblem::Gone,
            429 => ReceiverProblem::Throttled,
            400..=499 => ReceiverProblem::Refused,
            _ => ReceiverProblem::ServerError,
        },
    };
    Err(problem)
}
