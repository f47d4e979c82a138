//! The rules of Lunas: what is owed, what counts as paid, and until when a customer is served.
//!
//! Everything here is a pure function of its arguments: no I/O, no clock, no AWS, no HTTP. `cloud::store` reads the
//! state that a decision needs and carries the decision out in one transaction. Start reading at
//! [`settlement::settle`].

pub mod adjustment;
pub mod apply;
pub mod audit;
pub mod credit;
pub mod customer;
pub mod delivery;
pub mod entitlement;
pub mod event;
#[cfg(test)]
mod examples;
pub mod gateway;
pub mod id;
pub mod import;
pub mod invoice;
pub mod ledger;
pub mod link;
pub mod login;
pub mod money;
pub mod network;
pub mod notice;
pub mod order;
pub mod package;
pub mod pay_page;
pub mod phone;
pub mod reminder;
pub mod review;
pub mod sender;
pub mod settlement;
pub mod upgrade;
pub mod withdrawal;
pub mod zone;
