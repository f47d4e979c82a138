//! The store: one DynamoDB table, one index of wake-ups, every decision one transaction.
//!
//! Every write is conditional on the version that the decision was made from. So a decision made from a state that
//! moved on changes nothing ([`StoreError::Stale`]), and the caller reads and decides again ([`retry_stale`]). A write
//! answers the states as they are stored then.

pub mod audit;
mod catalogue;
mod customer;
mod device;
mod entitlement;
mod error;
mod id;
mod installation;
mod invoice;
mod item;
pub mod keys;
mod ledger;
mod login;
mod message;
mod network;
mod notice;
mod order;
pub mod outbox;
mod pages;
mod pay_page;
pub mod review;
mod session;
mod table;
mod wake;

pub use device::DeviceMemory;
pub use error::StoreError;
pub use id::new_id;
pub use item::WakeKind;
pub use ledger::LedgerLine;
pub use message::{Recorded, StatusReport};
pub use notice::{NoticeContext, Recipient};
pub use pages::Page;
pub use session::{Caller, Session};
pub use table::{Store, retry_stale, unless_stale};
