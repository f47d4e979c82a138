//! Who is told what: events for other systems, messages for customers, updates for the network, reviews for admins.

pub mod delivery;
pub mod event;
pub mod network;
pub mod notice;
pub mod reminder;
pub mod review;
pub mod sender;
