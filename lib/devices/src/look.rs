//! Finding a line's device and reading it: one question when the id is known. When it is not, or when the device is
//! silent and may have been swapped, all devices are searched and the one that is chosen is read.

use serde_json::Value;
use time::OffsetDateTime;

use crate::matching::{Evidence, SubscriberLine, choose};
use crate::nbi::{AcsError, Deadline};
use crate::reading::Reading;
use crate::secret::Acs;

/// A line's device.
#[derive(Debug, Clone)]
pub struct Found {
    pub reading: Reading,
    pub evidence: Evidence,
    /// What the ACS answered, as it stands.
    pub raw: Value,
}

/// What a look found.
#[derive(Debug, Clone)]
pub struct Look {
    pub found: Option<Found>,
    pub searched: bool,
}

/// Looks for the line's device. `known` is the id that was found before; `may_search` = also search if the device is
/// there but silent.
pub async fn look(
    acs: &Acs,
    line: &SubscriberLine,
    known: Option<&str>,
    may_search: bool,
    now: OffsetDateTime,
    deadline: Deadline,
) -> Result<Look, AcsError> {
    let known = match known.or(line.device_id.as_deref()) {
        Some(id) => read(acs, line, id, now, deadline).await?,
        None => None,
    };
    if known.as_ref().is_some_and(|found| !may_search || is_enough(acs, found, now)) {
        return Ok(Look { found: known, searched: false });
    }
    match search(acs, line, known.as_ref(), now, deadline).await {
        Ok(found) => Ok(Look { found, searched: true }),
        // The known device has answered: silent it may be, but it is what there is.
        Err(_) if known.is_some() => Ok(Look { found: known, searched: false }),
        Err(error) => Err(error),
    }
}

/// A tag counts only as long as no other device has it, which one device does not tell.
fn is_enough(acs: &Acs, found: &Found, now: OffsetDateTime) -> bool {
    found.evidence != Evidence::Tag && found.reading.is_online(acs.freshness, now)
}

async fn read(
    acs: &Acs,
    line: &SubscriberLine,
    id: &str,
    now: OffsetDateTime,
    deadline: Deadline,
) -> Result<Option<Found>, AcsError> {
    let Some(raw) = acs.nbi.device(id, deadline).await? else { return Ok(None) };
    let chosen = choose(line, std::slice::from_ref(&raw), acs.nbi.names(), acs.freshness, now);
    Ok(chosen.map(|(reading, evidence)| Found { reading, evidence, raw }))
}

async fn search(
    acs: &Acs,
    line: &SubscriberLine,
    known: Option<&Found>,
    now: OffsetDateTime,
    deadline: Deadline,
) -> Result<Option<Found>, AcsError> {
    let found = acs.nbi.search(line, deadline).await?;
    let Some((chosen, _)) = choose(line, &found, acs.nbi.names(), acs.freshness, now) else { return Ok(None) };
    match known.filter(|known| known.reading.device_id == chosen.device_id) {
        Some(known) => Ok(Some(known.clone())),
        None => read(acs, line, &chosen.device_id, now, deadline).await,
    }
}
