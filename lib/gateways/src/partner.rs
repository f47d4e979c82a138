//! Calls to a gateway: what every answer means before anybody reads it.

use http::{HeaderMap, HeaderValue, Method, header};
use partner_http::{Answer, Call, safe_detail};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;
use url::Url;

use crate::{GatewayError, wire::unreadable};

/// A page of ten invoices with every field is some 60 KB.
const MAX_ANSWER_BYTES: usize = 256 * 1024;

/// The gateway's API for one key.
#[derive(Debug)]
pub(crate) struct Api {
    authorization: HeaderValue,
}

/// An answer that somebody has to read: 2xx, or a 4xx that says no.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    body: Vec<u8>,
}

impl Api {
    pub(crate) fn new(authorization: HeaderValue) -> Self {
        Self { authorization }
    }

    pub(crate) async fn get(&self, url: &str) -> Result<Reply, GatewayError> {
        self.call(Method::GET, url, None).await
    }

    pub(crate) async fn post(&self, url: &str, body: Option<&Value>) -> Result<Reply, GatewayError> {
        self.call(Method::POST, url, body.map(|body| body.to_string().into_bytes())).await
    }

    async fn call(&self, method: Method, url: &str, body: Option<Vec<u8>>) -> Result<Reply, GatewayError> {
        let url = Url::parse(url).map_err(|_| GatewayError::Ambiguous("not an address".to_owned()))?;
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, self.authorization.clone());
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let call = Call { method, url, headers, body, max_answer_bytes: MAX_ANSWER_BYTES };
        // An order that never left is as good as a doubtful one: its id is not used again either way.
        let answer = partner_http::send(call).await.map_err(|error| GatewayError::Ambiguous(error.to_string()))?;
        Reply::sort(answer)
    }
}

impl Reply {
    /// Sorts out what no caller has to think about: a refused key, the rate limit, and whatever leaves open what
    /// happened.
    pub(crate) fn sort(answer: Answer) -> Result<Self, GatewayError> {
        let Answer { status, body } = answer;
        match status {
            401 | 403 => Err(GatewayError::Unauthorized { status }),
            429 => Err(GatewayError::RateLimited),
            // 408 and 425 come from something in between; 409 says that the same request is known already.
            408 | 409 | 425 => Err(GatewayError::Ambiguous(format!("HTTP {status}"))),
            200..=299 | 400..=499 => Ok(Self { status, body }),
            _ => Err(GatewayError::Ambiguous(format!("HTTP {status}"))),
        }
    }

    /// Reads the body; what cannot be read is no answer at all.
    pub(crate) fn json<T: DeserializeOwned>(&self) -> Result<T, GatewayError> {
        serde_json::from_slice(&self.body)
            .map_err(|error| GatewayError::Ambiguous(format!("HTTP {}: {}", self.status, unreadable(&error))))
    }

    /// A reply for the tests of its readers.
    #[cfg(test)]
    pub(crate) fn of(status: u16, body: impl Into<Vec<u8>>) -> Result<Self, GatewayError> {
        Self::sort(Answer { status, body: body.into() })
    }

    /// 2xx.
    pub(crate) const fn is_success(&self) -> bool {
        self.status >= 200 && self.status <= 299
    }

    /// The refusal that a 4xx expresses.
    pub(crate) fn rejected(&self) -> GatewayError {
        GatewayError::Rejected { status: self.status, detail: self.error_text() }
    }

    /// The refusal of something that held what is not for logs, as it was sent, should the gateway repeat it: a
    /// person's name, or the address of a public page.
    pub(crate) fn rejected_without(&self, unsaid: &[&str]) -> GatewayError {
        let mut words = self.words().unwrap_or_default();
        // Before it is shortened: half a name is still one.
        for unsaid in unsaid.iter().filter(|unsaid| !unsaid.is_empty()) {
            words = words.replace(unsaid, "…");
        }
        GatewayError::Rejected { status: self.status, detail: safe_detail(&words) }
    }

    /// What the gateway says about an error, shortened and masked.
    pub(crate) fn error_text(&self) -> String {
        self.words().map_or_else(|| "no reason given".to_owned(), |words| safe_detail(&words))
    }

    /// The words of an error; the gateways' fields for them go by several names.
    fn words(&self) -> Option<String> {
        #[derive(Deserialize)]
        struct Wire {
            error_messages: Option<Vec<String>>,
            validation_messages: Option<Vec<String>>,
            status_message: Option<String>,
            error_code: Option<String>,
            message: Option<String>,
        }
        let wire: Wire = serde_json::from_slice(&self.body).ok()?;
        let lists = wire.error_messages.into_iter().chain(wire.validation_messages).flatten();
        let words = lists.chain(wire.status_message).chain(wire.error_code).chain(wire.message);
        Some(words.collect::<Vec<_>>().join("; "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(status: u16, expected: &str) {
        let sorted = Reply::sort(Answer { status, body: b"<html>".to_vec() });
        let sorted = match sorted {
            Ok(reply) => reply.json::<Value>().map_or_else(|error| format!("reply, {error}"), |_| "reply".to_owned()),
            Err(error) => error.to_string(),
        };
        assert!(sorted.starts_with(expected), "{status}: {sorted}");
    }

    #[test]
    fn a_status_means_the_same_at_every_gateway() {
        check(200, "reply, no usable answer: HTTP 200: not JSON");
        check(400, "reply");
        check(404, "reply");
        check(401, "the gateway refuses the key");
        check(403, "the gateway refuses the key");
        check(429, "the gateway limits");
        for doubtful in [100, 301, 302, 307, 308, 408, 409, 500, 502, 503, 504, 599, 999] {
            check(doubtful, "no usable answer");
        }
    }

    #[test]
    fn an_error_is_told_without_the_customers_data() {
        let reply = |body: &str| Reply { status: 400, body: body.as_bytes().to_vec() }.error_text();
        let masked = r#"{"error_messages":["phone 6281234567890 of budi@example.com is wrong"]}"#;
        assert_eq!(reply(masked), "phone … of … is wrong");
        assert_eq!(reply(r#"{"error_code":"X_ERROR","message":"no"}"#), "X_ERROR; no");
        assert_eq!(reply("Budi"), "no reason given");
    }

    #[test]
    fn a_refusal_repeats_neither_a_name_nor_the_address_of_a_page() {
        let body = r#"{"message":"Budi may not come back to https://bayar.example.id/p/AAAA/finish"}"#;
        let refused = Reply { status: 400, body: body.as_bytes().to_vec() }.rejected_without(&[
            "Budi",
            "",
            "https://bayar.example.id/p/AAAA/finish",
        ]);
        assert_eq!(
            refused.to_string(),
            GatewayError::Rejected { status: 400, detail: "… may not come back to …".to_owned() }.to_string()
        );
    }
}
