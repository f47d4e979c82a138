//! What the rows of all providers have in common.

use std::{ops::RangeInclusive, time::Duration};

use partner_http::rows::{RowError, RowReader};
use url::Url;

use crate::provider::Pacing;

/// Pause between two messages of a linked phone, in seconds, unless the row `gapSeconds` says otherwise.
const GAP_SECONDS: RangeInclusive<u64> = 5..=15;
/// Messages of a linked phone a day, unless the row `messagesPerDay` says otherwise.
const MESSAGES_PER_DAY: u32 = 500;

/// Where providers are called.
#[derive(Debug, Clone, Copy, Default)]
pub struct Endpoints<'a> {
    /// Base address of the stand-in on this machine; Meta, Fonnte and WAHA are then called under it.
    pub stand_in: Option<&'a str>,
    /// Addresses that were typed into the secret may be plain http to this machine.
    pub loopback_http: bool,
}

/// Pacing of a linked phone, by the rows `gapSeconds` (`5-15`) and `messagesPerDay`.
pub(crate) fn linked_phone(rows: RowReader<'_>) -> Result<Pacing, RowError> {
    let gap = match rows.text("gapSeconds") {
        None => GAP_SECONDS,
        Some(text) => {
            gap(text).ok_or_else(|| rows.error("gapSeconds", "type two numbers of seconds up to 600, such as 5-15"))?
        }
    };
    let per_day = number(rows, "messagesPerDay")?.unwrap_or(MESSAGES_PER_DAY);
    Ok(Pacing::LinkedPhone { gap: Duration::from_secs(*gap.start())..=Duration::from_secs(*gap.end()), per_day })
}

fn gap(text: &str) -> Option<RangeInclusive<u64>> {
    let (shortest, longest) = text.split_once('-')?;
    let (shortest, longest) = (shortest.trim().parse().ok()?, longest.trim().parse().ok()?);
    if shortest <= longest && longest <= 600 { Some(shortest..=longest) } else { None }
}

/// A number from 1 on in a row, if there is one.
pub(crate) fn number(rows: RowReader<'_>, row: &'static str) -> Result<Option<u32>, RowError> {
    match rows.text(row).map(str::parse) {
        None => Ok(None),
        Some(Ok(number @ 1..)) => Ok(Some(number)),
        Some(_) => Err(rows.error(row, "type a number from 1 on")),
    }
}

/// The address in a row: https, or a stand-in on this machine where that is admitted, without user name and password.
pub(crate) fn address(rows: RowReader<'_>, row: &'static str, endpoints: Endpoints<'_>) -> Result<Url, RowError> {
    let missing = "type the provider's address";
    let url = Url::parse(rows.required(row, missing)?).map_err(|_| rows.error(row, missing))?;
    let local = endpoints.loopback_http && partner_http::is_loopback_http(&url);
    if !(url.scheme() == "https" || local) || !url.username().is_empty() || url.password().is_some() {
        return Err(rows.error(row, "must begin with https:// and hold no user name"));
    }
    Ok(url)
}

/// A base address and a path, which has been checked by its maker.
pub(crate) fn join(rows: RowReader<'_>, row: &'static str, base: &str, path: &str) -> Result<Url, RowError> {
    Url::parse(&format!("{}{path}", base.trim_end_matches('/')))
        .map_err(|_| rows.error(row, "together with the others is no address"))
}
