//! What the HTTP functions share: who is calling, how answers look, and how logins work.

pub mod address;
pub mod answer;
pub mod caller;
pub mod link;
pub mod login;
pub mod problem;
pub mod upgrade;
