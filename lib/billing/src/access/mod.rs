//! Who may see and pay what: phones, login codes, and the page that opens without a session.

pub mod login;
pub mod pay_page;
pub mod phone;
