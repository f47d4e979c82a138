//! The NBI, GenieACS's REST interface. Four questions are asked, each for named values only.

use std::{fmt, time::Duration};

use http::{HeaderMap, HeaderValue, Method, header};
use partner_http::{Answer, Call, CallError, own::Client};
use serde_json::{Value, json};
use tokio::time::Instant;
use url::Url;

use crate::matching::SubscriberLine;
use crate::names::{Names, is_secret};
use crate::query;

/// Longest time of a call.
pub const LIMIT: Duration = Duration::from_secs(4);
/// How long the ACS may wait for a device to answer its wake-up call, in milliseconds.
const WAKE_UP_MS: &str = "2000";
/// Devices that a search may answer: a swap leaves a few, a household shares a tag.
const MOST_FOUND: &str = "20";
const DEVICE_BYTES: usize = 64 * 1024;
const SEARCH_BYTES: usize = 128 * 1024;
const SMALL_BYTES: usize = 64 * 1024;

/// Why the ACS gave no answer. Tells no address, no credentials and nothing of what it said.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AcsError {
    /// No connection.
    #[error("the ACS cannot be reached: {0}")]
    Unreachable(String),
    /// Connected, and no whole answer in time: the ACS, or only this device.
    #[error("the ACS gave no answer: {0}")]
    Silent(String),
    /// It does not let us in.
    #[error("the ACS refuses the credentials (HTTP {0})")]
    Refused(u16),
    /// It, or something in between, answered what is no answer.
    #[error("the ACS gave no usable answer: {0}")]
    Unusable(String),
}

impl AcsError {
    /// Credentials do not mend themselves; an ACS that is down may.
    #[must_use]
    pub const fn needs_a_person(&self) -> bool {
        matches!(self, Self::Refused(_))
    }

    /// Certainly the ACS's failure, and not that of one device behind it.
    #[must_use]
    pub const fn is_of_the_acs(&self) -> bool {
        !matches!(self, Self::Silent(_))
    }
}

impl From<CallError> for AcsError {
    fn from(error: CallError) -> Self {
        match error {
            CallError::NotSent(why) => Self::Unreachable(why),
            CallError::NoAnswer(why) => Self::Silent(why),
        }
    }
}

/// What became of a wish to refresh.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refreshed {
    /// The device was awake and told everything anew.
    Done,
    /// It will, when it next reports.
    Queued,
    /// There is no such device any more.
    NoDevice,
}

/// The moment at which a customer has waited long enough.
#[derive(Debug, Clone, Copy)]
pub struct Deadline(Instant);

impl Deadline {
    #[must_use]
    pub fn after(time: Duration) -> Self {
        let now = Instant::now();
        Self(now.checked_add(time).unwrap_or(now))
    }

    fn left(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }
}

/// The interface of one ACS.
#[derive(Clone)]
pub struct Nbi {
    client: Client,
    base: Url,
    headers: HeaderMap,
    names: Names,
}

/// Shows the host only.
impl fmt::Debug for Nbi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Nbi").field("host", &self.base.host_str()).finish_non_exhaustive()
    }
}

impl Nbi {
    pub(crate) const fn new(client: Client, base: Url, headers: HeaderMap, names: Names) -> Self {
        Self { client, base, headers, names }
    }

    /// Under which names values stand at this provider.
    #[must_use]
    pub const fn names(&self) -> &Names {
        &self.names
    }

    /// Where it is, for a person: without credentials, which are never part of it.
    #[must_use]
    pub fn address(&self) -> &str {
        self.base.as_str()
    }

    /// One device by its id, with the values that are shown.
    pub async fn device(&self, id: &str, deadline: Deadline) -> Result<Option<Value>, AcsError> {
        let found = self.devices(&query::by_id(id), &self.names.projection(), "2", DEVICE_BYTES, deadline).await?;
        Ok(found.into_iter().find(|device| device.get("_id").and_then(Value::as_str) == Some(id)))
    }

    /// The devices that could be the line's, those that informed last first, with what tells whose they are and no
    /// more: asked for all values, the address would be longer than a proxy takes. By everything that is known at once,
    /// because each question is a scan of the ACS's database. Whose they are is for [`crate::matching::choose`].
    pub async fn search(&self, line: &SubscriberLine, deadline: Deadline) -> Result<Vec<Value>, AcsError> {
        self.devices(&query::of_line(line, &self.names), &self.names.identity(), MOST_FOUND, SEARCH_BYTES, deadline)
            .await
    }

    async fn devices(
        &self,
        query: &Value,
        projection: &[String],
        limit: &str,
        bytes: usize,
        deadline: Deadline,
    ) -> Result<Vec<Value>, AcsError> {
        let mut url = self.collection("devices")?;
        url.query_pairs_mut()
            .append_pair("query", &query.to_string())
            .append_pair("projection", &projection.join(","))
            .append_pair("sort", &json!({"_lastInform": -1}).to_string())
            .append_pair("limit", limit);
        self.list(url, bytes, deadline).await
    }

    /// The names of the virtual parameters that the ACS has scripts for.
    pub async fn virtual_parameters(&self, deadline: Deadline) -> Result<Vec<String>, AcsError> {
        let mut url = self.collection("virtual_parameters")?;
        url.query_pairs_mut().append_pair("projection", "_id").append_pair("limit", "200");
        let found = self.list(url, SMALL_BYTES, deadline).await?;
        Ok(found.iter().filter_map(|script| script.get("_id")?.as_str().map(str::to_owned)).collect())
    }

    /// Does an equal task wait already?
    pub async fn is_refresh_pending(&self, id: &str, object: &str, deadline: Deadline) -> Result<bool, AcsError> {
        let mut url = self.collection("tasks")?;
        url.query_pairs_mut()
            .append_pair("query", &query::refresh_task(id, object).to_string())
            .append_pair("projection", "_id,device,objectName")
            .append_pair("limit", "5");
        let found = self.list(url, SMALL_BYTES, deadline).await?;
        let is = |task: &Value, field: &str, text: &str| task.get(field).and_then(Value::as_str) == Some(text);
        Ok(found.iter().any(|task| is(task, "device", id) && is(task, "objectName", object)))
    }

    /// Queues one task that has the device tell everything under `object` anew, and has it woken up. Tasks stay queued,
    /// so a caller asks [`Nbi::is_refresh_pending`] before.
    pub async fn refresh(&self, id: &str, object: &str, deadline: Deadline) -> Result<Refreshed, AcsError> {
        let mut url = self.collection("devices")?;
        // The serializer encodes the id's own percent signs once more, as GenieACS wants it.
        url.path_segments_mut().map_err(|()| unusable("the address has no path"))?.push(id).push("tasks");
        url.query_pairs_mut().append_key_only("connection_request").append_pair("timeout", WAKE_UP_MS);
        let task = json!({"name": "refreshObject", "objectName": object});
        let mut headers = self.headers.clone();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let body = Some(task.to_string().into_bytes());
        let call = Call { method: Method::POST, url, headers, body, max_answer_bytes: SMALL_BYTES };
        let answer = self.client.send(call, deadline.left()).await?;
        match answer.status {
            200 => Ok(Refreshed::Done),
            202 => Ok(Refreshed::Queued),
            404 => Ok(Refreshed::NoDevice),
            _ => Err(refused(&answer)),
        }
    }

    fn collection(&self, name: &str) -> Result<Url, AcsError> {
        let mut url = self.base.clone();
        url.path_segments_mut().map_err(|()| unusable("the address has no path"))?.pop_if_empty().push(name);
        Ok(url)
    }

    async fn list(&self, url: Url, max_answer_bytes: usize, deadline: Deadline) -> Result<Vec<Value>, AcsError> {
        let call = Call { method: Method::GET, url, headers: self.headers.clone(), body: None, max_answer_bytes };
        let answer = self.client.send(call, deadline.left()).await?;
        if answer.status != 200 {
            return Err(refused(&answer));
        }
        let list: Vec<Value> = serde_json::from_slice(&answer.body).map_err(|_| {
            let html = answer.body.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'<');
            unusable(if html {
                "HTML instead of JSON: something else answers at this address"
            } else {
                "not a JSON list"
            })
        })?;
        Ok(list)
    }
}

fn unusable(why: &str) -> AcsError {
    AcsError::Unusable(why.to_owned())
}

fn refused(answer: &Answer) -> AcsError {
    match answer.status {
        status @ (401 | 403) => AcsError::Refused(status),
        status @ 300..=399 => {
            AcsError::Unusable(format!("HTTP {status}: the address has moved, and redirects are not followed"))
        }
        404 => unusable("HTTP 404: is this the address of the NBI (port 7557)?"),
        status => AcsError::Unusable(format!("HTTP {status}")),
    }
}

/// A raw answer as it may be shown to an admin: whatever looks like a password is left out.
#[must_use]
pub fn without_secrets(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let shown = fields.iter().map(|(name, value)| {
                let value = if is_secret(name) { json!("…") } else { without_secrets(value) };
                (name.clone(), value)
            });
            Value::Object(shown.collect())
        }
        Value::Array(list) => Value::Array(list.iter().map(without_secrets).collect()),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_left_out_of_what_is_shown() {
        let raw = json!({"VirtualParameters": {"WlanPassword": {"_value": "geheim"}, "RXPower": {"_value": "-20"}}, "x": [{"PreSharedKey": 1}]});
        let shown = without_secrets(&raw).to_string();
        assert!(
            !shown.contains("geheim") && shown.contains("-20") && shown.contains(r#""PreSharedKey":"…""#),
            "{shown}"
        );
    }
}
