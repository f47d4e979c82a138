//! What Lunas needs of AWS: the store (DynamoDB), secrets, the event bus, settings, the clock and the logs.
//!
//! [`store::Store`] carries decisions of `billing` out, one transaction each. It is a plain struct: tests run it
//! against an embedded DynamoDB, not against a fake of it.

pub mod app;
pub mod aws;
pub mod bus;
pub mod clock;
pub mod master_key;
pub mod pay_page_key;
pub mod public_url;
pub mod queue;
pub mod secrets;
pub mod settings;
pub mod store;
pub mod telemetry;
