//! The partners, and how one differs from the others in what they share.

use std::time::Duration;

use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::Response;
use serde::{Deserialize, Serialize};

use super::options::Options;

/// A company that the sandbox stands in for. Each has a module, a port and a base URL of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Partner {
    /// Snap and Core API.
    Midtrans,
    /// Invoice API.
    Xendit,
    /// Meta, Fonnte, WAHA and a generic HTTP sender, with one inbox.
    Whatsapp,
    /// The provider's own TR-069 server.
    Genieacs,
    /// The provider's RADIUS server, or whatever lets customers online.
    Network,
}

impl Partner {
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Midtrans => "midtrans",
            Self::Xendit => "xendit",
            Self::Whatsapp => "whatsapp",
            Self::Genieacs => "genieacs",
            Self::Network => "network",
        }
    }
}

/// An API call as faults and counters name it, and the order or invoice id in its path, where there is one.
pub(crate) type ApiCall<'a> = (&'static str, Option<&'a str>);

/// How a partner differs. Each module exports its own.
#[derive(Debug)]
pub(crate) struct PartnerRules {
    pub(crate) partner: Partner,
    /// Which call a `POST` (`true`) or another request to a path, cut at its slashes, is.
    pub(crate) api_call: for<'a> fn(bool, &[&'a str]) -> Option<ApiCall<'a>>,
    /// Does a request carry the key?
    pub(crate) admits: fn(&Options, &HeaderMap) -> bool,
    /// JSON pointers to the reference in a body, where the path has none.
    pub(crate) references: &'static [&'static str],
    /// JSON pointers to what is not recorded.
    pub(crate) hidden: &'static [&'static str],
    /// An error answer, in the partner's shape for that path.
    pub(crate) error: fn(&str, StatusCode) -> Response,
    /// How the partner refuses at that path, for a reason in its own words.
    pub(crate) refusal: Option<fn(&str, &str) -> Response>,
    /// How long it waits for the answer to a notification.
    pub(crate) patience: Duration,
    /// Minutes before each repetition of a notification that was last answered with that status.
    pub(crate) retry_minutes: fn(Option<u16>) -> &'static [u64],
}

impl PartnerRules {
    /// Of a partner that admits everybody and repeats nothing.
    pub(crate) const fn new(
        partner: Partner,
        api_call: for<'a> fn(bool, &[&'a str]) -> Option<ApiCall<'a>>,
        error: fn(&str, StatusCode) -> Response,
    ) -> Self {
        Self {
            partner,
            api_call,
            admits: |_, _| true,
            references: &[],
            hidden: &[],
            error,
            refusal: None,
            patience: Duration::from_secs(30),
            retry_minutes: |_| &[],
        }
    }

    /// Which API call a request is.
    pub(crate) fn call<'a>(&self, method: &Method, path: &'a str) -> Option<ApiCall<'a>> {
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        (self.api_call)(method == Method::POST, &parts)
    }
}
