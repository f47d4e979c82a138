//! What the HTTP functions share: who is calling, how answers look, how logins work, and what an account shows.

pub mod account;
pub mod address;
pub mod answer;
pub mod caller;
pub mod cookie;
pub mod csrf;
pub mod link;
pub mod login;
pub mod pay_page;
pub mod problem;
pub mod routes;
mod runtime;
pub mod upgrade;

pub use runtime::run;
