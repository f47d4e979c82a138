//! `lunas audit`: do the books agree, customer by customer, and does every item that is due stand where somebody finds
//! it?
//!
//! The rules are `billing::audit`. Here the table is gone through: the one command that scans it, page by page and keys
//! only. The keys of profiles give the customers, and everything of one is then read consistently by key; orders that
//! no ledger entry and no link names are found by their own rows, as are events. So memory holds a page of keys and the
//! books of a few customers, however large the table is.

mod advice;
mod look;
mod report;

use std::collections::VecDeque;

use anyhow::Context;
use billing::{audit::Audited, id::CustomerId};
use cloud::store::{StoreError, audit::Row, keys::Key};
use tokio::task::JoinHandle;

use crate::{ALL_DONE, Console, SOME_REFUSED, find};
use look::{Look, Target};
use report::AuditReport;

/// Customers, orders and events that are looked at at once.
const AT_ONCE: usize = 8;

/// Audits one customer, or the whole table. Findings make the exit code [`SOME_REFUSED`].
pub(crate) async fn audit(console: &Console, customer: Option<&str>) -> anyhow::Result<u8> {
    let look = Look { store: console.store.clone(), clock: console.clock.clone(), zone: console.zone };
    let report = match customer {
        Some(text) => {
            let profile = find::customer(console, text).await?;
            let mut report = AuditReport::begin(console.ui, 1)?;
            report.customer(look.at(&Target::Customer(profile.id)).await?)?;
            report
        }
        None => everything(console, &look).await?,
    };
    Ok(if report.end()? { ALL_DONE } else { SOME_REFUSED })
}

async fn everything(console: &Console, look: &Look) -> anyhow::Result<AuditReport> {
    // Unknown to who may not describe tables; only the bar is the poorer for it.
    let rows = console.store.size().await.unwrap_or_default();
    let mut queue = Queue {
        look: look.clone(),
        waiting: VecDeque::with_capacity(AT_ONCE),
        report: AuditReport::begin(console.ui, rows)?,
    };
    let mut partition = Partition::default();
    let mut after: Option<Key> = None;
    loop {
        let page = look.rows(after.as_ref()).await?;
        for row in page.rows {
            queue.report.row();
            if let Some(customer) = partition.next(&row) {
                queue.push(Target::WithoutProfile(customer)).await?;
            }
            match row {
                Row::Profile(customer) => queue.push(Target::Customer(customer)).await?,
                Row::Order(key) => queue.push(Target::Order(key)).await?,
                Row::Event(key) => queue.push(Target::Event(key)).await?,
                Row::Of(_) | Row::Other => {}
            }
        }
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    if let Some(customer) = partition.end() {
        queue.push(Target::WithoutProfile(customer)).await?;
    }
    queue.finish().await
}

/// Looks on their way, told of in the order of the table.
struct Queue {
    look: Look,
    waiting: VecDeque<(bool, JoinHandle<Result<Audited, StoreError>>)>,
    report: AuditReport,
}

impl Queue {
    async fn push(&mut self, target: Target) -> anyhow::Result<()> {
        let is_customer = matches!(target, Target::Customer(_));
        let look = self.look.clone();
        self.waiting.push_back((is_customer, tokio::spawn(async move { look.at(&target).await })));
        if self.waiting.len() < AT_ONCE { Ok(()) } else { self.pop().await }
    }

    async fn pop(&mut self) -> anyhow::Result<()> {
        let Some((is_customer, task)) = self.waiting.pop_front() else { return Ok(()) };
        let audited = task.await.context("a look's task ended")??;
        if is_customer { self.report.customer(audited) } else { self.report.other(audited) }
    }

    async fn finish(mut self) -> anyhow::Result<AuditReport> {
        while !self.waiting.is_empty() {
            self.pop().await?;
        }
        Ok(self.report)
    }
}

/// The customer whose rows are coming by.
#[derive(Default)]
struct Partition {
    customer: Option<CustomerId>,
    has_profile: bool,
}

impl Partition {
    /// Notes a row; answers the customer before it, if none of their rows was a profile.
    fn next(&mut self, row: &Row) -> Option<CustomerId> {
        let (Row::Profile(customer) | Row::Of(customer)) = row else { return None };
        let same = self.customer.as_ref() == Some(customer);
        let before = if same { None } else { std::mem::take(self).end() };
        self.customer = Some(customer.clone());
        self.has_profile |= matches!(row, Row::Profile(_));
        before
    }

    fn end(self) -> Option<CustomerId> {
        if self.has_profile { None } else { self.customer }
    }
}
