//! What functions log, as the log group gets it.

use std::io;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use tracing::{Dispatch, subscriber::DefaultGuard};
use tracing_subscriber::{Layer as _, filter::LevelFilter, layer::SubscriberExt as _};

/// Everything that this thread logs while it lives, one JSON object per line.
pub struct Log {
    lines: Lines,
    _guard: DefaultGuard,
}

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log {
    /// `DEBUG` is what a deployment with `LOG_LEVEL=debug` logs: the most there can be.
    pub fn begin(level: LevelFilter) -> Self {
        // With a single subscriber alive, `tracing` asks whatever thread meets a line first whether it is wanted at
        // all, and keeps the answer. Other tests run beside this one and want none.
        static SECOND: OnceLock<Dispatch> = OnceLock::new();
        SECOND.get_or_init(|| Dispatch::new(tracing_subscriber::registry()));
        let lines = Lines::default();
        let writer = lines.clone();
        let json = tracing_subscriber::fmt::layer().json().flatten_event(true).with_writer(move || writer.clone());
        let subscriber = tracing_subscriber::registry().with(json.with_filter(level));
        Self { lines, _guard: tracing::subscriber::set_default(subscriber) }
    }

    pub fn text(&self) -> String {
        String::from_utf8(self.lines.0.lock().unwrap_or_else(PoisonError::into_inner).clone()).unwrap()
    }
}
