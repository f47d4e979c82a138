//! The terminal: results on stdout, messages on stderr.

use std::io::{self, BufRead, Write};

use billing::zone::Zone;
use serde_json::{Value, json};
use time::{OffsetDateTime, macros::format_description};

/// How results are shown.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ui {
    pub(crate) json: bool,
    zone: Zone,
}

impl Ui {
    pub(crate) const fn new(json: bool, zone: Zone) -> Self {
        Self { json, zone }
    }

    /// The result of a command: `human` or `machine`, as the flag `--json` wants it.
    pub(crate) fn result(self, human: &str, machine: &Value) -> io::Result<()> {
        let mut out = io::stdout().lock();
        if self.json { writeln!(out, "{machine:#}") } else { writeln!(out, "{}", human.trim_end()) }
    }

    /// A message for the person at the terminal. Nobody there to read it is no error.
    #[expect(clippy::unused_self, reason = "messages go the same way as results")]
    pub(crate) fn message(self, text: &str) {
        let _ = writeln!(io::stderr().lock(), "{text}");
    }

    /// An instant in the provider's zone, such as `2026-11-30 23:59:59 WIB`.
    pub(crate) fn time(self, at: OffsetDateTime) -> String {
        let local = at.checked_to_offset(self.zone.offset()).unwrap_or(at);
        let text =
            local.format(format_description!("[year]-[month]-[day] [hour]:[minute]:[second]")).unwrap_or_default();
        let name = match self.zone {
            Zone::Jakarta => "WIB",
            Zone::Makassar => "WITA",
            Zone::Jayapura => "WIT",
        };
        format!("{text} {name}")
    }
}

/// Why the command ended.
pub(crate) fn error(text: &str, json: bool) {
    let _ = writeln!(io::stderr().lock(), "lunas: {text}");
    if json {
        let _ = writeln!(io::stdout().lock(), "{:#}", json!({"success": false, "error": text}));
    }
}

/// Asks on stderr, so that a result on stdout stays clean. No answer is no.
pub(crate) fn ask(plan: &str) -> io::Result<bool> {
    let mut terminal = io::stderr().lock();
    write!(terminal, "{plan} Go on? [y/N] ")?;
    terminal.flush()?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes" | "ya"))
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn times_are_the_providers() {
        let at = datetime!(2026-11-30 16:59:59 UTC);
        let texts = [Zone::Jakarta, Zone::Makassar, Zone::Jayapura].map(|zone| Ui::new(false, zone).time(at));
        assert_eq!(texts, ["2026-11-30 23:59:59 WIB", "2026-12-01 00:59:59 WITA", "2026-12-01 01:59:59 WIT"]);
    }
}
