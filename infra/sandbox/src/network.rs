//! A receiver of the provider's network: checks signatures as Standard Webhooks wants it and keeps lines as a RADIUS
//! server would.
//!
//! Source: <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Form, Json, Router};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::core::{
    Fault, FaultKind, Partner, PartnerRules, PartnerState, escape, keep, midtrans_time, shell, unix_millis,
};

const MAX_MESSAGES: usize = 1_000;
/// Lines kept; a script that tells of more has a mistake.
const MAX_LINES: usize = 10_000;
/// Rows on the page.
const SHOWN: usize = 50;
const REFRESH_SECONDS: u32 = 5;
/// Older or newer messages may be replayed ones.
const TOLERATED_SECONDS: i64 = 300;
/// What the buttons do to the next messages.
const FAILURES: [(&str, &str); 5] = [
    ("500", "Fail"),
    ("timeout", "Say nothing"),
    ("401", "Refuse the signature"),
    ("410", "Want no more"),
    ("redirect", "Redirect"),
];

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Effect {
    /// The line is as it says.
    Applied,
    /// The same state again.
    Repeated,
    /// An older state than the one that is known.
    Late,
    /// Not authentic, or not readable.
    Refused,
}

/// A message as it came.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Told {
    /// When, milliseconds since 1970.
    pub at: i64,
    /// The header `webhook-id`.
    pub id: String,
    /// The header `webhook-timestamp`.
    pub timestamp: String,
    /// The header `webhook-signature`.
    pub signature: String,
    /// Is it signed with the secret, and not older than five minutes?
    pub verified: bool,
    pub effect: Effect,
    pub body: String,
    #[serde(skip)]
    shown_at: String,
}

/// A subscription line as the network knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NetworkLine {
    /// The kind of event that it was last told with.
    pub r#type: String,
    pub customer_id: String,
    pub username: String,
    pub package_id: String,
    /// Mbit/s.
    pub down_mbps: u32,
    /// Mbit/s.
    pub up_mbps: u32,
    /// Until when, as it was told.
    pub expires_at: String,
    pub active: bool,
    pub version: u64,
}

pub(crate) type Network = PartnerState<Receiver>;

/// What the network knows.
#[derive(Debug, Default)]
pub(crate) struct Receiver {
    messages: VecDeque<Told>,
    /// By customer: a user name may change.
    lines: BTreeMap<String, NetworkLine>,
}

impl Receiver {
    fn take(&mut self, body: &[u8]) -> Effect {
        let Ok(line) = serde_json::from_slice::<NetworkLine>(body) else { return Effect::Refused };
        let known = self.lines.get(&line.customer_id).map(|known| known.version);
        match known {
            Some(version) if line.version == version => Effect::Repeated,
            Some(version) if line.version < version => Effect::Late,
            None if self.lines.len() >= MAX_LINES => Effect::Refused,
            _ => {
                self.lines.insert(line.customer_id.clone(), line);
                Effect::Applied
            }
        }
    }

    pub(crate) fn messages(&self) -> Vec<Told> {
        self.messages.iter().cloned().collect()
    }

    pub(crate) fn lines(&self) -> Vec<NetworkLine> {
        self.lines.values().cloned().collect()
    }
}

pub(crate) static RULES: PartnerRules = PartnerRules::new(
    Partner::Network,
    |post, parts| (post && parts == ["webhook"]).then_some(("network.webhook", None)),
    |_path, status| (status, Json(json!({"error": status.canonical_reason()}))).into_response(),
);

/// The receiver, and what it knows.
pub(crate) fn router() -> Router<Network> {
    Router::new()
        .route("/webhook", post(receive))
        .route("/lines", get(lines))
        .route("/messages", get(messages).delete(forget))
        .route("/fail", post(fail))
}

async fn receive(State(network): State<Network>, headers: HeaderMap, body: Bytes) -> Response {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let (id, timestamp, signature) = (header("webhook-id"), header("webhook-timestamp"), header("webhook-signature"));
    let now = network.clock.now();
    let fresh = timestamp
        .parse::<i64>()
        .is_ok_and(|second| now.unix_timestamp().abs_diff(second) <= TOLERATED_SECONDS.unsigned_abs());
    let verified = fresh && is_signed(&network.settings().network_secret, &id, &timestamp, &signature, &body);
    let mut store = network.store();
    let effect = if verified { store.take(&body) } else { Effect::Refused };
    let body = String::from_utf8_lossy(&body).into_owned();
    let told =
        Told { at: unix_millis(now), id, timestamp, signature, verified, effect, body, shown_at: midtrans_time(now) };
    keep(&mut store.messages, told, MAX_MESSAGES);
    let status = match effect {
        Effect::Applied | Effect::Repeated | Effect::Late => StatusCode::OK,
        Effect::Refused if verified => StatusCode::BAD_REQUEST,
        Effect::Refused => StatusCode::UNAUTHORIZED,
    };
    (status, Json(json!({"effect": effect}))).into_response()
}

/// Does one of the signatures belong to `id.timestamp.body`?
fn is_signed(secret: &str, id: &str, timestamp: &str, signatures: &str, body: &[u8]) -> bool {
    let Ok(key) = STANDARD.decode(secret.strip_prefix("whsec_").unwrap_or(secret)) else { return false };
    let given = signatures.split(' ').filter_map(|one| STANDARD.decode(one.strip_prefix("v1,")?).ok());
    given.into_iter().any(|given| {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&key) else { return false };
        mac.update(format!("{id}.{timestamp}.").as_bytes());
        mac.update(body);
        mac.verify_slice(&given).is_ok()
    })
}

async fn lines(State(network): State<Network>) -> Json<Vec<NetworkLine>> {
    Json(network.store().lines())
}

async fn messages(State(network): State<Network>) -> Json<Vec<Told>> {
    Json(network.store().messages())
}

async fn forget(State(network): State<Network>) -> StatusCode {
    network.store().messages.clear();
    StatusCode::NO_CONTENT
}

#[derive(Debug, Deserialize)]
struct Fail {
    kind: String,
    times: Option<u32>,
}

/// The buttons of the page.
async fn fail(State(network): State<Network>, Form(wish): Form<Fail>) -> Response {
    if wish.kind == "recover" {
        network.faults.clear();
    } else if let Ok(kind) = wish.kind.parse::<FaultKind>() {
        let _ = network.faults.add(Fault { times: wish.times.unwrap_or(3), ..Fault::once("network.webhook", kind) });
    }
    Redirect::to("/").into_response()
}

/// A state of something, good or bad.
fn verdict(good: bool, said: [&str; 2]) -> String {
    let (class, text) = if good { ("good", said[0]) } else { ("bad", said[1]) };
    format!("<span class=\"{class}\">{text}</span>")
}

fn line_rows(store: &Receiver) -> String {
    let mut rows = String::new();
    for line in store.lines.values().take(SHOWN) {
        let _ = write!(
            rows,
            "<tr><td>{}<br><span class=\"muted\">{} · {}/{} Mbps · until {} · version {}</span></td><td>{}</td></tr>",
            escape(&line.username),
            escape(&line.package_id),
            line.down_mbps,
            line.up_mbps,
            escape(&line.expires_at),
            line.version,
            verdict(line.active, ["active", "expired"]),
        );
    }
    rows
}

/// Newest first.
fn message_rows(store: &Receiver) -> String {
    let mut rows = String::new();
    for told in store.messages.iter().rev().take(SHOWN) {
        let body: Value = serde_json::from_str(&told.body).unwrap_or_default();
        let effect = serde_json::to_value(told.effect).unwrap_or_default();
        let _ = write!(
            rows,
            "<tr><td>{} · {}<br><span class=\"muted\">{} · {} WIB</span></td><td>{}<br>{}</td></tr>",
            escape(body["type"].as_str().unwrap_or("?")),
            escape(body["username"].as_str().unwrap_or("?")),
            escape(&told.id),
            told.shown_at,
            verdict(told.verified, ["signature verified", "not authentic"]),
            effect.as_str().unwrap_or_default(),
        );
    }
    rows
}

/// What the network knows, and what came, for people.
pub(crate) fn page(network: &Network) -> Response {
    let (lines, messages) = {
        let store = network.store();
        (line_rows(&store), message_rows(&store))
    };
    let none = "<tr><td class=\"muted\">Nothing yet. It appears here by itself.</td></tr>";
    let or_none = |rows: String| if rows.is_empty() { none.to_owned() } else { rows };
    let pending = network
        .faults
        .pending()
        .iter()
        .filter(|fault| fault.target == "network.webhook")
        .map(|fault| fault.times)
        .sum::<u32>();
    let state = if pending == 0 {
        "It takes everything.".to_owned()
    } else {
        format!("The next {pending} messages will fail.")
    };
    let buttons = FAILURES
        .map(|(kind, label)| format!("<button name=\"kind\" value=\"{kind}\">{label} (3 times)</button>"))
        .concat();
    let body = format!(
        "<h1>Network receiver</h1><p class=\"muted\">As a RADIUS server would know the customers' lines.</p>\
         <div class=\"card\"><h2>Lines</h2><table>{}</table></div><div class=\"card\"><h2>Messages, newest first</h2><table>{}</table></div>\
         <div class=\"card\"><h2>Trouble</h2><p>{state}</p><form method=\"post\" action=\"/fail\"><div class=\"pair\">{buttons}\
         <button name=\"kind\" value=\"recover\" class=\"primary\">Take everything again</button></div></form></div>\
         <div class=\"card\"><h2>For scripts</h2><pre>curl {}/faults \\\n  -d '{{\"target\":\"network.webhook\",\"kind\":\"500\",\"times\":3}}'</pre>\
         <p class=\"muted\">GET <a href=\"/lines\">/lines</a>, <a href=\"/messages\">/messages</a>, <a href=\"/faults\">/faults</a>.</p></div>",
        or_none(lines),
        or_none(messages),
        network.urls.network,
    );
    shell("Network receiver", Some(REFRESH_SECONDS), &body).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    #[test]
    fn the_standards_own_example_is_authentic_and_nothing_else_is() {
        let body = br#"{"test": 2432232314}"#;
        let (id, at, good) =
            ("msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        assert!(is_signed(SECRET, id, at, good, body));
        assert!(is_signed(SECRET, id, at, &format!("v1,AAAA v1a,BBBB {good}"), body), "one of several");
        for (id, at, signature, body) in [
            (id, at, good, &b"{\"test\": 2432232315}"[..]),
            ("msg_other", at, good, body),
            (id, "1614265331", good, body),
            (id, at, "v1,AAAA", body),
            (id, at, "", body),
        ] {
            assert!(!is_signed(SECRET, id, at, signature, body), "{signature}");
        }
    }

    #[test]
    fn an_older_state_never_replaces_a_newer_one() {
        let mut store = Receiver::default();
        let line = |version: u64, active: bool| {
            json!({"type": "subscription.extended", "customerId": "c1", "username": "budi", "packageId": "home20", "downMbps": 20,
                "upMbps": 10, "expiresAt": "2026-12-30T16:59:59Z", "active": active, "version": version})
            .to_string()
        };
        let effects = [(2, true), (2, true), (1, false), (3, false)]
            .map(|(version, active)| store.take(line(version, active).as_bytes()));
        assert_eq!(effects, [Effect::Applied, Effect::Repeated, Effect::Late, Effect::Applied]);
        assert!(!store.lines()[0].active);
        assert_eq!(store.take(b"{}"), Effect::Refused);
    }
}
