//! WAHA, a program that the provider runs and that drives a linked phone:
//! <https://waha.devlike.pro/docs/how-to/send-messages/>.
//!
//! It sends only while its session is `WORKING`. An HTTP 500 can mean a message that did leave, so it stays unknown
//! (<https://github.com/devlikeapro/waha/issues/1916>).

pub(crate) mod webhook;

use std::fmt;

use async_trait::async_trait;
use http::{HeaderMap, HeaderValue, header};
use partner_http::Answer;
use partner_http::rows::{RowError, RowReader};
use serde_json::{Value, json};
use url::Url;

use crate::message::Message;
use crate::provider::{Pacing, Provider, ProviderName, RejectionClass, SendOutcome};
use crate::setup::{Endpoints, address, join, linked_phone};
use crate::wire::{post, provider_id, refuse_unusable, rejected, words};

const SESSION: &str = "default";
/// Where the engines of WAHA put the id of a sent message.
const IDS: [&str; 6] = ["/id/_serialized", "/id/id", "/id", "/key/id", "/_data/id/_serialized", "/_data/key/id"];

/// One session of one WAHA.
pub(crate) struct Waha {
    url: Url,
    headers: HeaderMap,
    session: String,
    pacing: Pacing,
}

impl fmt::Debug for Waha {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Waha").field("host", &self.url.host_str()).finish_non_exhaustive()
    }
}

impl Waha {
    /// Reads the rows `wahaUrl` (https), `wahaApiKey`, and `wahaSession` (`default` if absent).
    pub(crate) fn read(rows: RowReader<'_>, endpoints: Endpoints<'_>) -> Result<Self, RowError> {
        let base = match endpoints.stand_in {
            Some(stand_in) => format!("{stand_in}/waha"),
            None => address(rows, "wahaUrl", endpoints)?.to_string(),
        };
        let key = rows.required("wahaApiKey", "type WAHA's API key")?;
        let mut headers = HeaderMap::new();
        headers.insert("x-api-key", rows.secret_header("wahaApiKey", key)?);
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let url = join(rows, "wahaUrl", &base, "/api/sendText")?;
        Ok(Self { url, headers, session: session(rows).to_owned(), pacing: linked_phone(rows)? })
    }
}

/// The session that belongs to this deployment.
pub(crate) fn session(rows: RowReader<'_>) -> &str {
    rows.text("wahaSession").unwrap_or(SESSION)
}

#[async_trait]
impl Provider for Waha {
    fn name(&self) -> ProviderName {
        ProviderName::Waha
    }

    fn pacing(&self) -> Pacing {
        self.pacing.clone()
    }

    async fn send(&self, phone: &str, message: &Message) -> SendOutcome {
        if let Some(refused) = refuse_unusable(phone, message) {
            return refused;
        }
        let body = json!({"session": self.session, "chatId": format!("{phone}@c.us"), "text": message.text});
        match post(&self.url, &self.headers, body.to_string()).await {
            Ok(answer) => read_answer(&answer, &message.text),
            Err(outcome) => outcome,
        }
    }
}

fn read_answer(answer: &Answer, text: &str) -> SendOutcome {
    let status = answer.status;
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let said = ["error", "message"].into_iter().find_map(|name| body.get(name)?.as_str()).unwrap_or("no reason given");
    let detail = format!("HTTP {status}: {}", words(said, text));
    match status {
        200..=299 => match IDS.into_iter().find_map(|pointer| message_id(body.pointer(pointer)?)) {
            Some(id) => SendOutcome::Accepted { provider_id: Some(id) },
            None => SendOutcome::Unknown(format!("HTTP {status} without an id")),
        },
        // Key, session name, address.
        401 | 403 | 404 | 300..=399 => rejected(RejectionClass::Stop, detail),
        422 => rejected(unready(&body, said), detail),
        429 => rejected(RejectionClass::LATER, detail),
        408 | 500.. | ..200 => SendOutcome::Unknown(detail),
        _ => rejected(RejectionClass::Message, detail),
    }
}

/// Why a session sends nothing: it is starting, which passes, or somebody has to look after it.
fn unready(body: &Value, said: &str) -> RejectionClass {
    match body.get("status").and_then(Value::as_str) {
        Some("STARTING") => RejectionClass::LATER,
        Some(_) => RejectionClass::Stop,
        None if said.to_lowercase().contains("session") => RejectionClass::Stop,
        None => RejectionClass::Message,
    }
}

/// An id as engines write it, `true_6281…@c.us_3EB0…` or `3EB0…`, without the phone in it: the same in answers and in
/// statuses, whatever WhatsApp calls the chat by then.
pub(crate) fn message_id(id: &Value) -> Option<String> {
    let id = provider_id(Some(id))?;
    let own = if id.contains('@') { id.split('_').find(|part| is_own(part)) } else { Some(id.as_str()) };
    own.map(str::to_owned)
}

/// WhatsApp's own part of an id: letters and digits, behind `true` or `false` and the chat.
fn is_own(part: &str) -> bool {
    !part.contains('@') && !matches!(part, "true" | "false") && part.len() >= 8
}
