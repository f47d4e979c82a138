//! What is owed, and how it is paid: invoices, the attempts to pay them, and what a gateway's report changes.

pub mod gateway;
pub mod invoice;
pub mod link;
pub mod order;
pub mod renewal;
pub mod settlement;
pub mod withdrawal;
