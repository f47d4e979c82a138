//! `POST /api/customer/device/refresh`: queues one task that has the modem tell everything anew.
//!
//! The refresh is claimed before the ACS hears of it: however many ask at once, one task is queued, and the next can be
//! asked for after [`EVERY`]. A claim is not given back when the ACS fails; it would only be asked again at once.

use billing::zone::retry_after;
use cloud::store::StoreError;
use devices::matching::SubscriberLine;
use devices::memory::Memory;
use devices::names::VIRTUAL;
use devices::nbi::{AcsError, Deadline, Refreshed};
use devices::reading::Reading;
use devices::secret::{Acs, PATIENCE};
use devices::words;
use lambda_http::Request;
use serde::Serialize;
use time::{Duration, OffsetDateTime};
use web::answer::{self, Answer};
use web::caller::claim;
use web::problem::{self, Problem};

use crate::DeviceStatus;

/// At most one refresh per customer in this time.
const EVERY: Duration = Duration::minutes(2);
/// What the customer saw so lately is acted upon; else the device is looked up anew, it may be another's by now.
const SEEN_WITHIN: Duration = Duration::minutes(5);
/// Looking for an equal task, queueing one, and looking whether it is there. With a look before, far inside the
/// function's time limit.
const QUEUED_WITHIN: std::time::Duration = PATIENCE.saturating_mul(2);

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RefreshAsked {
    queued: bool,
    message: String,
    retry_after: i64,
}

pub(crate) async fn refresh(state: &DeviceStatus, request: &Request) -> Answer {
    let (store, now) = (&state.app.store, state.app.clock.now());
    let claim = claim(request, state.app.settings.public_url.as_ref())?;
    let caller = store.caller_and_device::<Memory>(&claim.customer_id, &claim.token_hash, now).await?;
    let (profile, remembered) = caller.ok_or(problem::INVALID_TOKEN)?;
    if let Some(at) = remembered.refreshed_at.filter(|at| now - *at < EVERY) {
        return Err(too_soon(at, now));
    }
    let acs = state.acs.acs(&state.app).await?;
    let line = SubscriberLine::of(&profile);
    let seen = remembered.memory.filter(|memory| memory.line == line && now - memory.asked_at < SEEN_WITHIN);
    let reading = match seen.and_then(|memory| memory.reading) {
        Some(reading) => reading,
        None => look(state, &acs, &line).await?,
    };
    state.acs.admit(now).map_err(|_| problem::ACS_UNREACHABLE)?;
    store.claim_refresh(&profile.id, EVERY, now).await.map_err(|error| match error {
        StoreError::Stale => too_soon(now, now),
        error => error.into(),
    })?;
    let asked = queue(&acs, &reading).await;
    let no_answer = problem::ACS_UNREACHABLE.retry_after(EVERY.whole_seconds());
    let refreshed = state.acs.note(&line.username, now, asked).map_err(|_| no_answer)?;
    if refreshed == Refreshed::NoDevice {
        return Err(problem::DEVICE_NOT_FOUND);
    }
    let done = refreshed == Refreshed::Done;
    let message = words::refreshed(done, reading.interval(acs.freshness), answer::language(request.headers()));
    answer::success(RefreshAsked { queued: !done, message, retry_after: EVERY.whole_seconds() })
}

async fn look(state: &DeviceStatus, acs: &Acs, line: &SubscriberLine) -> Result<Reading, Problem> {
    let look = state.acs.look(&state.app, acs, line, None, true).await.map_err(|_| problem::ACS_UNREACHABLE)?;
    look.found.map(|found| found.reading).ok_or(problem::DEVICE_NOT_FOUND)
}

/// One task, unless an equal one waits.
async fn queue(acs: &Acs, reading: &Reading) -> Result<Refreshed, AcsError> {
    let (id, object, deadline) = (reading.device_id.as_str(), object(reading), Deadline::after(QUEUED_WITHIN));
    if acs.nbi.is_refresh_pending(id, object, deadline).await? {
        return Ok(Refreshed::Queued);
    }
    match acs.nbi.refresh(id, object, deadline).await {
        // The ACS stores the task before it wakes the device, and answers when the device is through. Is it there?
        Err(AcsError::Silent(_)) => {
            let waits = acs.nbi.is_refresh_pending(id, object, deadline).await?;
            Ok(if waits { Refreshed::Queued } else { Refreshed::Done })
        }
        answered => answered,
    }
}

/// The part of the device that holds what is shown. Virtual parameters are scripts that read the rest by themselves.
fn object(reading: &Reading) -> &'static str {
    let at = |root: &str| reading.won.values().any(|path| path.starts_with(root));
    match () {
        () if at(VIRTUAL) => VIRTUAL,
        () if at("Device.") => "Device.PPP",
        () => "InternetGatewayDevice.WANDevice.1",
    }
}

fn too_soon(at: OffsetDateTime, now: OffsetDateTime) -> Problem {
    problem::REFRESHED_LATELY.retry_after(retry_after(at.saturating_add(EVERY), now))
}
