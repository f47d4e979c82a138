//! Secrets as the admin types them in the AWS console: flat rows of text, cached for five minutes.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;

use aws_sdk_secretsmanager::{Client, error::DisplayErrorContext};
use time::{Duration, OffsetDateTime};
use tokio::sync::Mutex;

use crate::clock::Clock;

/// The rows of one secret, trimmed; rows left empty are absent.
pub type Rows = BTreeMap<String, String>;

const CACHED_FOR: Duration = Duration::minutes(5);
const REFRESHED_AT_MOST_EVERY: Duration = Duration::minutes(1);
const ROW_LIMIT: usize = 64;

/// Reads secrets `lunas/<stage>/<name>`.
#[derive(Clone)]
pub struct Secrets {
    client: Client,
    prefix: Arc<str>,
    clock: Clock,
    cache: Arc<Mutex<HashMap<String, Cached>>>,
}

/// Never prints what it holds.
impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secrets").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

#[derive(Clone)]
struct Cached {
    rows: Arc<Rows>,
    read_at: OffsetDateTime,
}

/// A secret that could not be read. Fail closed: nothing is believed or sent without it.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SecretError {
    /// Secrets Manager gave no answer.
    #[error("secret {name} could not be read: {cause}")]
    Unavailable { name: String, cause: String },
    /// Not a flat JSON object of texts: edit it in the console as key/value rows.
    #[error("secret {name} is not a flat list of key/value rows; repair it in the AWS console under Secrets Manager")]
    Malformed { name: String },
}

impl Secrets {
    #[must_use]
    pub fn new(client: Client, stage: &str, clock: Clock) -> Self {
        Self { client, prefix: format!("lunas/{stage}/").into(), clock, cache: Arc::default() }
    }

    /// The rows of a secret, at most five minutes old.
    pub async fn rows(&self, name: &str) -> Result<Arc<Rows>, SecretError> {
        self.rows_not_older_than(name, CACHED_FOR).await
    }

    /// The rows after a partner refused a key or a signature did not match: read again, at most once a minute.
    pub async fn refreshed_rows(&self, name: &str) -> Result<Arc<Rows>, SecretError> {
        self.rows_not_older_than(name, REFRESHED_AT_MOST_EVERY).await
    }

    async fn rows_not_older_than(&self, name: &str, age: Duration) -> Result<Arc<Rows>, SecretError> {
        // Held over the read: many requests at once after a key change make one call, not many.
        let mut cache = self.cache.lock().await;
        let now = self.clock.now();
        if let Some(cached) = cache.get(name).filter(|cached| now - cached.read_at < age) {
            return Ok(Arc::clone(&cached.rows));
        }
        let rows = Arc::new(self.read(name).await?);
        cache.insert(name.to_owned(), Cached { rows: Arc::clone(&rows), read_at: now });
        Ok(rows)
    }

    async fn read(&self, name: &str) -> Result<Rows, SecretError> {
        let name = format!("{}{name}", self.prefix);
        let answer =
            self.client.get_secret_value().secret_id(&name).send().await.map_err(|error| SecretError::Unavailable {
                name: name.clone(),
                cause: DisplayErrorContext(error).to_string().chars().take(300).collect(),
            })?;
        parse(answer.secret_string().unwrap_or_default()).ok_or(SecretError::Malformed { name })
    }
}

/// Numbers and booleans are taken as their text: the console's plain-text view lets admins write them so.
fn parse(text: &str) -> Option<Rows> {
    let object: serde_json::Map<String, serde_json::Value> = serde_json::from_str(text).ok()?;
    let mut rows = Rows::new();
    for (key, value) in object.into_iter().take(ROW_LIMIT) {
        let value = match value {
            serde_json::Value::String(text) => text.trim().to_owned(),
            serde_json::Value::Bool(flag) => flag.to_string(),
            serde_json::Value::Number(number) => number.to_string(),
            serde_json::Value::Null => String::new(),
            serde_json::Value::Array(_) | serde_json::Value::Object(_) => return None,
        };
        if !value.is_empty() {
            rows.insert(key.trim().to_owned(), value);
        }
    }
    Some(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_trimmed_and_empty_ones_are_absent() {
        let rows = parse(r#"{"serverKey":" k\n","clientKey":"","isSandbox":true,"n":null}"#).unwrap();
        assert_eq!(
            rows.into_iter().collect::<Vec<_>>(),
            [("isSandbox".into(), "true".into()), ("serverKey".into(), "k".into())]
        );
    }

    #[test]
    fn what_is_not_a_flat_object_is_refused_not_taken_for_empty() {
        for refused in ["", "not json", "[]", r#"{"serverKey":{"a":1}}"#, r#""text""#] {
            assert_eq!(parse(refused), None, "{refused}");
        }
    }
}
