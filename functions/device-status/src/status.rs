//! `GET /api/customer/device`.

use billing::id::CustomerId;
use devices::matching::SubscriberLine;
use devices::memory::Memory;
use devices::secret::Acs;
use devices::view::{DeviceView, Frame};
use lambda_http::Request;
use web::answer::{self, Answer};
use web::caller::claim;
use web::problem;

use crate::DeviceStatus;

pub(crate) async fn show(state: &DeviceStatus, request: &Request) -> Answer {
    let (store, now) = (&state.app.store, state.app.clock.now());
    let claim = claim(request, state.app.settings.public_url.as_ref())?;
    let caller = store.caller_and_device::<Memory>(&claim.customer_id, &claim.token_hash, now).await?;
    let (profile, remembered) = caller.ok_or(problem::INVALID_TOKEN)?;
    let acs = state.acs.acs(&state.app).await?;
    let line = SubscriberLine::of(&profile);
    let memory = remembered.memory.filter(|memory| memory.line == line);
    let (memory, is_stale) = match memory {
        Some(memory) if memory.is_fresh(remembered.refreshed_at, now) => (memory, false),
        memory => ask(state, &acs, &profile.id, line, memory).await?,
    };
    let reading = memory.reading.as_ref().ok_or(problem::DEVICE_NOT_FOUND)?;
    let frame = Frame {
        asked_at: memory.asked_at,
        stale: is_stale,
        freshness: acs.freshness,
        language: answer::language(request.headers()),
        now,
    };
    answer::success(answer::field("device", DeviceView::of(reading, frame)))
}

/// Asks the ACS and remembers its answer; if there is none, the last good one is stale.
async fn ask(
    state: &DeviceStatus,
    acs: &Acs,
    customer: &CustomerId,
    line: SubscriberLine,
    before: Option<Memory>,
) -> Result<(Memory, bool), problem::Problem> {
    let now = state.app.clock.now();
    let known = before.as_ref().and_then(|memory| memory.reading.as_ref()).map(|reading| reading.device_id.clone());
    let may_search = before.as_ref().is_none_or(|memory| memory.may_search(now));
    match state.acs.look(&state.app, acs, &line, known.as_deref(), may_search).await {
        Ok(look) => {
            let searched_at = if look.searched { Some(now) } else { before.and_then(|memory| memory.searched_at) };
            let memory = Memory { line, reading: look.found.map(|found| found.reading), asked_at: now, searched_at };
            if let Err(error) = state.app.store.remember_device(customer, &memory, now).await {
                tracing::warn!(%error, "the modem's answer was not remembered");
            }
            Ok((memory, false))
        }
        Err(_) => before
            .filter(|memory| memory.reading.is_some())
            .map(|memory| (memory, true))
            .ok_or(problem::ACS_UNREACHABLE),
    }
}
