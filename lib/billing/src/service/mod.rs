//! What a customer gets, and until when.

pub mod apply;
pub mod customer;
pub mod entitlement;
pub mod import;
pub mod package;
pub mod upgrade;
