//! What the rows of all gateways have in common.

use billing::payment::gateway::GatewayName;
use partner_http::rows::RowReader;
use url::Url;

use crate::secret::{Rotating, Secret};
use crate::{SecretRows, Setup, SetupError};

/// The rows of one gateway's secret.
pub(crate) struct GatewayRows<'a> {
    gateway: GatewayName,
    rows: RowReader<'a>,
}

impl<'a> GatewayRows<'a> {
    pub(crate) fn new(gateway: GatewayName, rows: &'a SecretRows) -> Self {
        Self { gateway, rows: RowReader::new(gateway.as_str(), rows) }
    }

    /// Rows that cannot be used. The text says what to change and never repeats a value.
    pub(crate) fn unusable(&self, problem: impl Into<String>) -> SetupError {
        SetupError::Unusable { gateway: self.gateway, problem: problem.into() }
    }

    pub(crate) fn text(&self, row: &str) -> Option<&'a str> {
        self.rows.text(row)
    }

    pub(crate) fn flag(&self, row: &'static str, absent: bool) -> Result<bool, SetupError> {
        self.rows.flag(row, absent).map_err(|error| self.unusable(format!("{}: {}", error.row, error.problem)))
    }

    /// A key or token and the one before it; `None` when no current one is typed.
    pub(crate) fn rotating(&self, current: &str, previous: &str) -> Result<Option<Rotating>, SetupError> {
        let Some(secret) = self.secret(current)? else {
            return Ok(None);
        };
        Ok(Some(Rotating { current: secret, previous: self.secret(previous)? }))
    }

    /// Keys and tokens of both gateways are printable ASCII without blanks: anything else is a slip while pasting.
    pub(crate) fn secret(&self, row: &str) -> Result<Option<Secret>, SetupError> {
        match self.text(row) {
            None => Ok(None),
            Some(text) if text.bytes().all(|b| b.is_ascii_graphic()) => Ok(Some(Secret::new(text))),
            Some(_) => Err(self.unusable(format!("{row}: holds a blank or an unusual character; paste it again"))),
        }
    }

    /// The stand-in to talk to instead of the gateway, without a trailing slash. Only on loopback, and never in
    /// production.
    pub(crate) fn stand_in(&self, setup: &Setup) -> Result<Option<String>, SetupError> {
        let Some(url) = &setup.base_url else {
            return Ok(None);
        };
        if setup.production_only {
            return Err(self.unusable("a stand-in's address is not allowed on the production stage"));
        }
        if !is_plain(url) {
            return Err(self.unusable("a stand-in's address must be http on loopback, without query"));
        }
        Ok(Some(url.as_str().trim_end_matches('/').to_owned()))
    }
}

fn is_plain(url: &Url) -> bool {
    partner_http::is_loopback_http(url)
        && url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none()
}
