//! Rupiah, and every rupiah in or out.

pub mod adjustment;
pub mod credit;
pub mod ledger;
mod rupiah;

pub use rupiah::{LEAST_AMOUNT, MoneyError, Rupiah};
