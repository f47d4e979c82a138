//! Logs: one JSON object per line on stdout, which Lambda hands to `CloudWatch`.
//!
//! A failure is logged once, where it is answered. Never logged: secrets, tokens, codes, phones, names, payloads of
//! partners. A line with `alarm = true` is counted by a metric filter and wakes a person.

use tracing_subscriber::{Layer as _, filter::LevelFilter, layer::SubscriberExt as _, util::SubscriberInitExt as _};

/// Starts logging; once per process. Level `info`, or `debug` when `LOG_LEVEL=debug`.
pub fn init() {
    let level = match std::env::var("LOG_LEVEL").as_deref() {
        Ok("debug" | "DEBUG") => LevelFilter::DEBUG,
        Ok("warn" | "WARN") => LevelFilter::WARN,
        _ => LevelFilter::INFO,
    };
    let json = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_target(false)
        .with_current_span(false)
        .with_filter(level);
    // A second initialisation (tests) is refused, which is what is wanted.
    let _ = tracing_subscriber::registry().with(json).try_init();
}
