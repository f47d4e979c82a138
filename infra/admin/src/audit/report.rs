//! What the audit found, told as it is found. Only a limited number of findings is kept.

use std::collections::{BTreeMap, HashSet};
use std::io::{self, Write};

use billing::audit::{Audited, Finding, Pending, Wait};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use super::advice;
use crate::ui::Ui;

/// Findings that are listed; more are only counted. So many mean one cause.
const LISTED: usize = 10_000;
/// Waiting things that are listed.
const PENDING_LISTED: usize = 1_000;

/// The findings so far.
pub(super) struct AuditReport {
    ui: Ui,
    bar: ProgressBar,
    customers: u64,
    others: u64,
    unlisted: u64,
    listed: HashSet<Finding>,
    pending: Vec<Pending>,
    waiting: BTreeMap<Wait, u64>,
}

impl AuditReport {
    /// `rows`: about how many there are; zero if nobody knows.
    pub(super) fn begin(ui: Ui, rows: u64) -> io::Result<Self> {
        // Hidden by itself when stderr is no terminal.
        let bar = if rows == 0 { ProgressBar::new_spinner() } else { ProgressBar::new(rows) };
        let template =
            if rows == 0 { "{spinner} {pos} rows, {msg}" } else { "{bar:40} {percent}% {msg} (about {eta} left)" };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        if ui.json {
            write!(io::stdout().lock(), "{{\"findings\":[")?;
        }
        let (listed, pending, waiting) = (HashSet::new(), Vec::new(), BTreeMap::new());
        Ok(Self { ui, bar, customers: 0, others: 0, unlisted: 0, listed, pending, waiting })
    }

    /// One more row was met.
    pub(super) fn row(&self) {
        self.bar.inc(1);
    }

    /// What the books of one customer say.
    pub(super) fn customer(&mut self, audited: Audited) -> anyhow::Result<()> {
        self.customers = self.customers.saturating_add(1);
        for pending in &audited.pending {
            let count = self.waiting.entry(pending.wait).or_default();
            *count = count.saturating_add(1);
        }
        let room = PENDING_LISTED.saturating_sub(self.pending.len());
        self.pending.extend(audited.pending.into_iter().take(room));
        self.findings(audited.findings)
    }

    /// What an order or an event says by itself. What is pending is counted with its customer.
    pub(super) fn other(&mut self, audited: Audited) -> anyhow::Result<()> {
        self.others = self.others.saturating_add(1);
        self.findings(audited.findings)
    }

    fn findings(&mut self, findings: Vec<Finding>) -> anyhow::Result<()> {
        for finding in findings {
            if self.listed.contains(&finding) {
                continue;
            }
            if self.listed.len() >= LISTED {
                self.unlisted = self.unlisted.saturating_add(1);
                continue;
            }
            self.list(&finding)?;
            self.listed.insert(finding);
        }
        self.bar.set_message(format!("{} customers, {} findings", self.customers, self.found()));
        Ok(())
    }

    fn list(&self, finding: &Finding) -> anyhow::Result<()> {
        let next = advice::next(finding.rule);
        if self.ui.json {
            let separator = if self.listed.is_empty() { "\n" } else { ",\n" };
            let mut line = serde_json::to_value(finding)?;
            line["next"] = next.into();
            write!(io::stdout().lock(), "{separator}{line}")?;
            return Ok(());
        }
        let ids = [
            finding.customer_id.as_ref().map(|id| format!("customer {id}")),
            finding.invoice_id.as_ref().map(|id| format!("invoice {id}")),
            finding.order_id.as_ref().map(|id| format!("order {id}")),
        ];
        let ids: Vec<String> = ids.into_iter().flatten().collect();
        let text = format!("{}: {}\n  {}\n  next: {next}\n", finding.rule.as_str(), ids.join(", "), finding.what);
        self.bar.suspend(|| writeln!(io::stdout().lock(), "{text}"))?;
        Ok(())
    }

    fn found(&self) -> u64 {
        u64::try_from(self.listed.len()).unwrap_or(u64::MAX).saturating_add(self.unlisted)
    }

    /// The sum; answers whether everything agrees.
    pub(super) fn end(self) -> anyhow::Result<bool> {
        self.bar.finish_and_clear();
        let Self { customers, others, unlisted, .. } = &self;
        let found = self.found();
        let mut out = io::stdout().lock();
        if self.ui.json {
            let waiting: BTreeMap<_, _> = self.waiting.iter().map(|(wait, count)| (word(*wait), count)).collect();
            let end = json!({
                "clean": found == 0, "customers": customers, "ordersAndEvents": others, "found": found, "unlisted": unlisted,
                "waiting": waiting, "pending": self.pending,
            });
            let end = end.to_string();
            writeln!(out, "\n],{}", end.get(1..).unwrap_or("}"))?;
            return Ok(found == 0);
        }
        for (wait, count) in &self.waiting {
            writeln!(out, "{count} {}", waiting_for(*wait))?;
        }
        let more = if *unlisted > 0 { format!(" ({unlisted} of them not listed)") } else { String::new() };
        let verdict = if found == 0 { "everything agrees".to_owned() } else { format!("{found} findings{more}") };
        writeln!(out, "{customers} customers, {others} orders and events: {verdict}")?;
        Ok(found == 0)
    }
}

fn word(wait: Wait) -> String {
    serde_json::to_value(wait).ok().and_then(|word| word.as_str().map(str::to_owned)).unwrap_or_default()
}

const fn waiting_for(wait: Wait) -> &'static str {
    match wait {
        Wait::Apply => "paid, and waiting to be applied",
        Wait::Revoke => "taken back, and waiting to be reverted",
        Wait::Relay => "events waiting to be relayed",
        Wait::Look => "orders waiting for a look at their gateway",
    }
}
