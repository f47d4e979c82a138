//! What an import did: per row as it happens, and in sum. Nothing is collected, so a file of a million rows needs no
//! more memory.

use std::io::{self, Write};

use billing::id::CustomerId;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use serde_json::json;

use crate::{ALL_DONE, NOTHING_DONE, SOME_REFUSED, ui::Ui};

/// What a good row changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Change {
    New,
    Changed,
    Unchanged,
}

/// One row as the result lists it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct RowResult {
    pub(crate) line: u64,
    /// Lines that it takes, or that are lost with it.
    #[serde(skip_serializing_if = "is_one")]
    pub(crate) lines: u64,
    /// Of the customer or package; none for a customer who would be new in a dry run.
    pub(crate) id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) username: Option<String>,
    #[serde(flatten)]
    pub(crate) outcome: RowOutcome,
}

/// What became of a row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "result", rename_all = "lowercase")]
pub(crate) enum RowOutcome {
    New,
    Changed,
    Unchanged,
    Refused { reason: String },
}

impl From<Change> for RowOutcome {
    fn from(change: Change) -> Self {
        match change {
            Change::New => Self::New,
            Change::Changed => Self::Changed,
            Change::Unchanged => Self::Unchanged,
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
const fn is_one(lines: &u64) -> bool {
    *lines == 1
}

impl RowResult {
    pub(crate) fn refused((line, lines): (u64, u64), reason: impl Into<String>) -> Self {
        Self { line, lines, id: None, username: None, outcome: RowOutcome::Refused { reason: reason.into() } }
    }

    pub(crate) fn done((line, lines): (u64, u64), id: Option<&CustomerId>, username: &str, change: Change) -> Self {
        let (id, username) = (id.map(ToString::to_string), Some(username.to_owned()));
        Self { line, lines, id, username, outcome: change.into() }
    }
}

/// Tells what happens while a file is imported.
pub(crate) struct Progress {
    ui: Ui,
    dry_run: bool,
    bar: ProgressBar,
    new: u64,
    changed: u64,
    unchanged: u64,
    refused: u64,
    /// Lines of rows, beyond the first of each.
    continued: u64,
}

impl Progress {
    /// `bytes`: the length of the file.
    pub(crate) fn begin(ui: Ui, dry_run: bool, bytes: u64) -> io::Result<Self> {
        // Hidden by itself when stderr is no terminal.
        let bar = ProgressBar::new(bytes);
        if let Ok(style) = ProgressStyle::with_template("{bar:40} {percent}% {msg} (about {eta} left)") {
            bar.set_style(style);
        }
        if ui.json {
            write!(io::stdout().lock(), "{{\"rows\":[")?;
        }
        Ok(Self { ui, dry_run, bar, new: 0, changed: 0, unchanged: 0, refused: 0, continued: 0 })
    }

    /// One more row. `position`: bytes of the file that were read.
    pub(crate) fn row(&mut self, row: &RowResult, position: u64) -> anyhow::Result<()> {
        let first = self.rows() == 0;
        match &row.outcome {
            RowOutcome::New => self.new = self.new.saturating_add(1),
            RowOutcome::Changed => self.changed = self.changed.saturating_add(1),
            RowOutcome::Unchanged => self.unchanged = self.unchanged.saturating_add(1),
            RowOutcome::Refused { reason } => {
                // Every line of it is a customer who is not loaded.
                self.refused = self.refused.saturating_add(row.lines);
                self.bar.suspend(|| self.ui.message(&format!("line {}: {reason}", row.line)));
            }
        }
        if !matches!(row.outcome, RowOutcome::Refused { .. }) {
            self.continued = self.continued.saturating_add(row.lines.saturating_sub(1));
        }
        self.bar.set_position(position);
        self.bar.set_message(format!("line {}", row.line));
        if self.ui.json {
            let separator = if first { "\n" } else { ",\n" };
            write!(io::stdout().lock(), "{separator}{}", serde_json::to_string(row)?)?;
        }
        Ok(())
    }

    fn rows(&self) -> u64 {
        self.good().saturating_add(self.refused)
    }

    fn good(&self) -> u64 {
        self.new.saturating_add(self.changed).saturating_add(self.unchanged)
    }

    /// The sum, and the exit code. Every one of the file's `lines` is in it: the header, empty lines, rows, and what rows
    /// continue inside quotation marks. `stopped`: why the rest of the file was left.
    pub(crate) fn end(&self, lines: u64, stopped: Option<&str>) -> anyhow::Result<u8> {
        self.bar.finish_and_clear();
        let Self { new, changed, unchanged, refused, continued, .. } = self;
        let empty = lines.saturating_sub(1).saturating_sub(self.rows()).saturating_sub(*continued);
        let empty = if stopped.is_some() { 0 } else { empty };
        if let Some(why) = stopped {
            self.ui.message(&format!("lunas: {why}"));
        }
        let mut out = io::stdout().lock();
        if self.ui.json {
            let summary = json!({
                "new": new, "changed": changed, "unchanged": unchanged, "refused": refused,
                "lines": lines, "empty": empty, "continued": continued,
            });
            write!(out, "\n],\"summary\":{summary},\"dryRun\":{},\"stopped\":{}}}", self.dry_run, json!(stopped))?;
            writeln!(out)?;
        } else {
            let dry = if self.dry_run { "dry run, nothing written: " } else { "" };
            let rows = self.rows();
            write!(out, "{dry}{rows} rows: {new} new, {changed} changed, {unchanged} unchanged, {refused} refused")?;
            for (count, what) in [(empty, "empty lines"), (*continued, "lines inside quotation marks")] {
                if count > 0 {
                    write!(out, "; {count} {what}")?;
                }
            }
            writeln!(out)?;
        }
        Ok(match (self.good(), *refused, stopped) {
            (_, 0, None) => ALL_DONE,
            (0, _, _) => NOTHING_DONE,
            _ => SOME_REFUSED,
        })
    }
}
