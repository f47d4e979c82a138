//! What GenieACS, the provider's TR-069 server, knows of a customer's modem (ONT).
//!
//! Start at [`look::look`]: it asks for the device of a [`matching::SubscriberLine`] and answers a
//! [`reading::Reading`], read by pure functions out of whatever JSON came. [`view::DeviceView`] says it in words.
//! GenieACS is reached through its NBI, a REST interface without any rights of its own, so [`nbi::Nbi`] asks for named
//! values only and never for a password.
//!
//! Sources: <https://docs.genieacs.com/en/latest/api-reference.html>, and the REST interface as GenieACS's own code has
//! it, <https://github.com/genieacs/genieacs/blob/master/lib/nbi.ts> and `query.ts` beside it.

pub mod breaker;
mod document;
pub mod formats;
pub mod look;
pub mod matching;
pub mod memory;
pub mod names;
pub mod nbi;
mod query;
pub mod reading;
pub mod secret;
pub mod view;
pub mod words;
