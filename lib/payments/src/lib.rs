//! The one way in which money gets booked: ask the gateway, let `billing` decide, carry the decision out in one
//! transaction.
//!
//! A webhook, a customer who comes back and the reconciliation all end in [`booking::book`]. Whoever comes second finds
//! the money booked and changes nothing. Beside it: how a link comes about ([`link`]), and how a payment takes effect
//! ([`apply`]).

pub mod apply;
pub mod booking;
pub mod connect;
mod error;
pub mod link;

pub use error::BookingError;
