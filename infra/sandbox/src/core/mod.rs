//! What the stand-ins share. Nothing in here knows any of them.

pub(crate) mod basic_auth;
mod calls;
mod clock;
mod connection;
mod delivery;
mod faults;
pub(crate) mod form;
mod gateway;
mod keeping;
pub(crate) mod options;
pub(crate) mod page;
mod partner;
pub(crate) mod random;
mod receive;
pub(crate) mod rupiah;
mod simulation;
mod state;
mod webhooks;

pub use calls::Call;
pub(crate) use clock::{midtrans_time, parse_midtrans_time, parse_utc_time, unix_millis, utc_time};
pub use connection::{BreakableListener, BreakableStream, Connection};
pub use faults::{Fault, FaultKind, TARGETS};
pub use gateway::OrderBooks;
pub(crate) use gateway::{Gateway, play, replay};
pub(crate) use keeping::keep;
pub(crate) use page::{button, escape, fact, shell};
pub use partner::Partner;
pub(crate) use partner::{ApiCall, PartnerRules};
pub(crate) use receive::receive;
pub use simulation::{Outcome, Simulate, SimulateError, Simulated};
pub use state::Urls;
pub(crate) use state::{Authorized, Core, PartnerState, loopback_url};
pub(crate) use webhooks::Notification;
pub use webhooks::{Delivery, Made, Sent};
