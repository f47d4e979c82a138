//! The functions together. Every test starts a Lunas of its own in this process (`testkit::World`) and plays customers,
//! gateways and the bus; nothing is faked between the handlers and the table.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::arithmetic_side_effects,
    clippy::large_futures,
    reason = "tests"
)]

mod account;
mod answers;
mod api;
mod budget;
mod check;
mod concurrency;
mod contract;
mod cookie;
mod crash;
mod device;
mod elsewhere;
mod journey;
mod link;
mod log;
mod login;
mod moments;
mod network;
mod notify;
mod odd;
mod pay_page;
mod policies;
mod portal;
mod reconcile;
mod relay;
mod status;
mod upgrade;
mod webhook;
