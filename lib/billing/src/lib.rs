//! The rules of Lunas: what is owed, what counts as paid, and until when a customer is served.
//!
//! Everything here is a pure function of its arguments: no I/O, no clock, no AWS, no HTTP. `cloud::store` reads the
//! state that a decision needs and carries the decision out in one transaction. Start reading at
//! [`payment::settlement::settle`].

pub mod access;
pub mod audit;
#[cfg(test)]
mod examples;
pub mod id;
pub mod language;
pub mod money;
pub mod payment;
pub mod service;
pub mod telling;
pub mod zone;
