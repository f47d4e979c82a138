//! `lunas customers import`: every row is one transaction, and the same file again changes nothing.

use std::collections::{HashMap, VecDeque};
use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use billing::id::{CustomerId, PackageId};
use billing::payment::invoice::Invoice;
use billing::service::customer::Profile;
use billing::service::import::{self, Column, Import, Loss};
use billing::service::package::Package;
use billing::zone::Zone;
use cloud::clock::Clock;
use cloud::store::{Store, StoreError, new_id};
use tokio::task::JoinHandle;

use super::row::{Checked, OPTIONAL, REQUIRED, check};
use crate::changes::{Change, Progress, RowOutcome, RowResult};
use crate::sheet::Sheet;
use crate::ui::Ui;
use crate::{Console, another_zone, refuse, trouble};

/// Rows on their way at once: enough to hide the distance to the region, few enough for a table that has just been
/// made.
const AT_ONCE: usize = 8;
/// Decisions about one row, made anew because the customer changed meanwhile or the table was busy.
const TRIES: u32 = 5;
/// So many rows in a row without an answer: the table is gone, and the rest of the file would only wait for it.
const SILENT_ROWS: u32 = 16;
const FIRST_WAIT: Duration = Duration::from_millis(200);

/// Imports the file's customers.
pub(crate) async fn import(console: &Console, path: &Path, overwrite: Vec<Column>) -> anyhow::Result<u8> {
    let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
    let length = file.metadata().map_or(0, |metadata| metadata.len());
    let mut sheet = Sheet::open(file, REQUIRED, OPTIONAL).with_context(|| path.display().to_string())?;
    if !sheet.unused.is_empty() {
        console.ui.message(&format!("columns that are not used: {}", sheet.unused.join(", ")));
    }
    let packages: HashMap<PackageId, Package> = console
        .store
        .packages()
        .await?
        .into_iter()
        .map(|package| (package.package.id.clone(), package.package))
        .collect();
    if packages.is_empty() {
        anyhow::bail!("the catalogue is empty; import packages first: lunas packages import FILE.csv");
    }
    if !console.dry_run {
        let stored = console.store.keep_zone(console.zone).await?;
        if stored != console.zone {
            return refuse(another_zone(stored, console.zone));
        }
    }
    let loader = Loader {
        store: console.store.clone(),
        clock: console.clock.clone(),
        zone: console.zone,
        dry_run: console.dry_run,
        ui: console.ui,
        overwrite: overwrite.into(),
    };
    let mut queue = Queue {
        waiting: VecDeque::with_capacity(AT_ONCE),
        progress: Progress::begin(console.ui, console.dry_run, length)?,
        silent: 0,
    };
    let mut seen = Seen::default();
    while let Some(row) = sheet.next_row() {
        let (place, checked) = match row {
            Ok(row) => {
                let checked = check(&row, &packages, console.zone).and_then(|checked| seen.note(checked, row.line));
                ((row.line, row.lines), checked)
            }
            Err(bad) => ((bad.line, bad.lines), Err(bad.reason)),
        };
        let next = match checked {
            Ok(checked) => Waiting::Loading(tokio::spawn(loader.clone().load(place, checked))),
            Err(reason) => Waiting::Done(Loaded { row: RowResult::refused(place, reason), silent: false }),
        };
        queue.push(next, sheet.position()).await?;
        if queue.silent >= SILENT_ROWS {
            break;
        }
    }
    queue.finish(sheet.lines()).await
}

/// User names and ids of the file so far, with their lines: the second row of a customer would undo the first.
#[derive(Default)]
struct Seen {
    usernames: HashMap<Box<str>, u32>,
    ids: HashMap<Box<str>, u32>,
}

impl Seen {
    fn note(&mut self, checked: Checked, line: u64) -> Result<Checked, String> {
        let line = u32::try_from(line).unwrap_or(u32::MAX);
        let username = checked.row.username.as_str();
        if let Some(first) = self.usernames.get(username) {
            return Err(format!("username {username:?} stands in line {first} already"));
        }
        if let Some(id) = &checked.id {
            if let Some(first) = self.ids.get(id.as_str()) {
                return Err(format!("id {id} stands in line {first} already"));
            }
            self.ids.insert(id.as_str().into(), line);
        }
        self.usernames.insert(username.into(), line);
        Ok(checked)
    }
}

/// Rows on their way, told of in the order of the file.
struct Queue {
    waiting: VecDeque<(Waiting, u64)>,
    progress: Progress,
    /// Rows in a row that got no answer.
    silent: u32,
}

enum Waiting {
    Done(Loaded),
    Loading(JoinHandle<Loaded>),
}

/// A row that is through; `silent` if the table gave no answer.
struct Loaded {
    row: RowResult,
    silent: bool,
}

impl Queue {
    async fn push(&mut self, next: Waiting, position: u64) -> anyhow::Result<()> {
        self.waiting.push_back((next, position));
        if self.waiting.len() < AT_ONCE { Ok(()) } else { self.pop().await }
    }

    async fn pop(&mut self) -> anyhow::Result<()> {
        let Some((waiting, position)) = self.waiting.pop_front() else { return Ok(()) };
        let loaded = match waiting {
            Waiting::Done(loaded) => loaded,
            Waiting::Loading(task) => task.await.context("a row's task ended")?,
        };
        if loaded.silent {
            self.silent = self.silent.saturating_add(1);
        } else if !matches!(loaded.row.outcome, RowOutcome::Refused { .. }) {
            self.silent = 0;
        }
        self.progress.row(&loaded.row, position)
    }

    async fn finish(mut self, lines: u64) -> anyhow::Result<u8> {
        let stopped = self.silent >= SILENT_ROWS;
        while !self.waiting.is_empty() {
            self.pop().await?;
        }
        let why = "the table gives no answer; the rest of the file was left. Run the same command again later: what is loaded stays as it is";
        self.progress.end(lines, stopped.then_some(why))
    }
}

/// Loads rows.
#[derive(Clone)]
struct Loader {
    store: Store,
    clock: Clock,
    zone: Zone,
    dry_run: bool,
    ui: Ui,
    /// Columns of which customers may lose what they have.
    overwrite: Arc<[Column]>,
}

/// Why a row could not be loaded.
enum RowError {
    Refused(String),
    Store(StoreError),
}

impl From<StoreError> for RowError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl Loader {
    async fn load(self, place: (u64, u64), checked: Checked) -> Loaded {
        match self.load_row(&checked).await {
            Ok((id, change)) => {
                Loaded { row: RowResult::done(place, id.as_ref(), &checked.row.username, change), silent: false }
            }
            Err(RowError::Refused(reason)) => Loaded { row: RowResult::refused(place, reason), silent: false },
            Err(RowError::Store(error)) => {
                let reason = format!("not loaded: {}", trouble::of_store(&error));
                Loaded { row: RowResult::refused(place, reason), silent: matches!(error, StoreError::Unavailable(_)) }
            }
        }
    }

    /// Reads, decides, writes; again if the customer changed meanwhile or the table was busy.
    async fn load_row(&self, checked: &Checked) -> Result<(Option<CustomerId>, Change), RowError> {
        let new_id = match &checked.id {
            Some(id) => id.clone(),
            None => CustomerId::parse(&new_id("c", self.clock.now()))
                .map_err(|error| RowError::Refused(error.to_string()))?,
        };
        let (mut sent, mut wait) = (None, FIRST_WAIT);
        for _ in 1..TRIES {
            match self.try_row(checked, &new_id, &mut sent).await {
                Err(RowError::Store(StoreError::Stale)) => {}
                Err(RowError::Store(StoreError::Unavailable(_))) => {
                    tokio::time::sleep(wait).await;
                    wait = wait.saturating_mul(2);
                }
                done => return done,
            }
        }
        self.try_row(checked, &new_id, &mut sent).await
    }

    /// `sent`: what an earlier try wrote without hearing the answer. If it did happen, that is what the row did.
    async fn try_row(
        &self,
        checked: &Checked,
        new_id: &CustomerId,
        sent: &mut Option<Change>,
    ) -> Result<(Option<CustomerId>, Change), RowError> {
        let existing = self.store.customer_by_username(&checked.row.username).await?;
        self.check_id(checked, existing.as_ref(), new_id).await?;
        let (zone, now) = (self.zone, self.clock.now());
        let decided = import::import(existing.as_ref(), &checked.row, &self.overwrite, new_id.clone(), zone, now);
        let Some(import) = decided.map_err(|error| RowError::Refused(error.to_string()))? else {
            return Ok((existing.map(|profile| profile.id), sent.unwrap_or(Change::Unchanged)));
        };
        self.refuse_losses(&import)?;
        if let Some(profile) = existing.as_ref().filter(|_| import.grant.is_some()) {
            self.refuse_under_payment(profile).await?;
        }
        let change = if existing.is_some() { Change::Changed } else { Change::New };
        if !self.dry_run {
            let done = sent.unwrap_or(change);
            let written = self.store.import_customer(&import).await;
            if matches!(written, Err(StoreError::Unavailable(_))) {
                *sent = Some(done);
            }
            return written.map(|()| (Some(import.profile.id), done)).map_err(RowError::Store);
        }
        // An id that was made for a row that is not written will never exist.
        let known = existing.is_some() || checked.id.is_some();
        Ok((known.then_some(import.profile.id), change))
    }

    /// What was paid and is not applied yet is in no entitlement that the row could be compared with.
    async fn refuse_under_payment(&self, profile: &Profile) -> Result<(), RowError> {
        for id in profile.open_renewal.iter().chain(&profile.open_upgrade) {
            let invoice = self.store.invoice(&profile.id, id).await?;
            if let Some(invoice) = invoice.filter(Invoice::awaits_apply) {
                let reason = format!(
                    "a payment of {} is being applied ({}); import the row again in a minute",
                    profile.username, invoice.number
                );
                return Err(RowError::Refused(reason));
            }
        }
        Ok(())
    }

    fn refuse_losses(&self, import: &Import) -> Result<(), RowError> {
        if import.losses.is_empty() {
            return Ok(());
        }
        let losses: Vec<_> = import
            .losses
            .iter()
            .map(|loss| match loss {
                Loss::Phone(phone) => format!("phone {phone} → none"),
                Loss::Package { from, to } => format!("packageId {from}, which is paid for → {to}"),
                Loss::Time { from, to } => {
                    format!("expiresAt {}, which is paid for → {}", self.ui.time(*from), self.ui.time(*to))
                }
            })
            .collect();
        let columns: Vec<_> = import.losses.iter().map(|loss| loss.column().as_str()).collect();
        Err(RowError::Refused(format!(
            "{} would lose what they have: {}; if that is meant: --overwrite {}",
            import.profile.username,
            losses.join("; "),
            columns.join(",")
        )))
    }

    /// An id in the file must be the one that the customer has, and nobody else's.
    async fn check_id(
        &self,
        checked: &Checked,
        existing: Option<&Profile>,
        new_id: &CustomerId,
    ) -> Result<(), RowError> {
        let Some(id) = &checked.id else { return Ok(()) };
        if let Some(profile) = existing {
            let username = &profile.username;
            return if profile.id == *id {
                Ok(())
            } else {
                Err(RowError::Refused(format!(
                    "username {username:?} is customer {}, not {id}; an id does not change",
                    profile.id
                )))
            };
        }
        match self.store.profile(new_id).await? {
            Some(other) => Err(RowError::Refused(format!(
                "id {id} is the customer with the username {:?}; a username does not change",
                other.username
            ))),
            None => Ok(()),
        }
    }
}
