//! All providers: the one place that knows them by name. A new one begins here.

use std::collections::BTreeMap;

use partner_http::rows::{RowError, RowReader};

use crate::provider::{Provider, ProviderName};
use crate::setup::Endpoints;
use crate::webhook::{ProviderReport, WebhookError, WebhookRequest};
use crate::{fonnte, http_provider, meta, waha};

/// Name of the secret with the rows of all providers.
pub(crate) const SECRET: &str = "whatsapp";

pub(crate) fn provider(
    name: ProviderName,
    rows: RowReader<'_>,
    endpoints: Endpoints<'_>,
) -> Result<Box<dyn Provider>, RowError> {
    Ok(match name {
        ProviderName::Meta => Box::new(meta::Meta::read(rows, endpoints)?),
        ProviderName::Fonnte => Box::new(fonnte::Fonnte::read(rows, endpoints)?),
        ProviderName::Waha => Box::new(waha::Waha::read(rows, endpoints)?),
        ProviderName::Http => Box::new(http_provider::HttpProvider::read(rows, endpoints)?),
    })
}

/// Verifies a webhook and reads what it reports. What it holds besides, such as pictures that customers send, is left
/// out.
pub fn read_webhook(
    provider: ProviderName,
    rows: &BTreeMap<String, String>,
    request: &WebhookRequest<'_>,
) -> Result<Vec<ProviderReport>, WebhookError> {
    let rows = RowReader::new(SECRET, rows);
    match provider {
        ProviderName::Meta => meta::webhook::read(rows, request),
        ProviderName::Fonnte => fonnte::webhook::read(rows, request),
        ProviderName::Waha => waha::webhook::read(rows, request),
        ProviderName::Http => Err(WebhookError::NoWebhooks),
    }
}

/// Answers Meta's handshake, which comes when the address is typed into its console.
pub fn meta_handshake(
    rows: &BTreeMap<String, String>,
    query: impl Fn(&str) -> Option<String>,
) -> Result<String, WebhookError> {
    meta::webhook::handshake(RowReader::new(SECRET, rows), query)
}
