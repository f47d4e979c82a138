//! GenieACS: the NBI in front of a fleet of modems, behind Basic authentication as a provider's nginx puts it there.
//!
//! Sources: <https://docs.genieacs.com/en/latest/api-reference.html>, and the NBI's own code,
//! <https://github.com/genieacs/genieacs/blob/master/lib/nbi.ts>, `query.ts` beside it.

mod api;
mod device;
mod fleet;
mod page;
mod projection;
mod query;
mod rules;
mod store;

use axum::Router;
use axum::routing::{delete, get, post};

pub use device::{Behaviour, Change, Device};
pub(crate) use page::overview;
pub(crate) use rules::RULES;
pub use store::Task;
pub(crate) use store::{Fleet, Genieacs, SimulateDevice};

pub(crate) fn router() -> Router<Genieacs> {
    Router::new()
        .route("/devices", get(api::devices))
        .route("/devices/", get(api::devices))
        .route("/devices/{id}/tasks", post(api::add_task))
        .route("/devices/{id}/tags/{tag}", post(api::add_tag).delete(api::remove_tag))
        .route("/tasks", get(api::tasks))
        .route("/tasks/", get(api::tasks))
        .route("/tasks/{id}", delete(api::delete_task))
        // With the slash, as its documents write it; without, it is the control API's.
        .route("/faults/", get(api::faults))
        .route("/faults/{id}", delete(api::delete_fault))
        .route("/virtual_parameters", get(api::virtual_parameters))
        .route("/virtual_parameters/", get(api::virtual_parameters))
}
