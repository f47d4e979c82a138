//! Many schedules: played on every core, counted, and the first that fails is shrunk.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use testkit::sabotage::Sabotage;

use crate::books::{Failure, Kind};
use crate::play::{Tally, play};
use crate::schedule::{Step, schedule};

/// Schedules played at once, per core: most of the time of one is spent waiting for its own next call.
const PER_CORE: usize = 2;
/// Schedules that are played to shrink one.
const SHRINKING: usize = 150;
/// A schedule that is not over by then hangs.
const TIME_LIMIT: Duration = Duration::from_mins(10);
/// Unoptimised handlers one within the other take more than a thread has by default.
const STACK: usize = 64 << 20;

/// Which schedules.
#[derive(Debug, Clone, Copy)]
pub struct Campaign {
    /// The seed of the first; every further one is one more.
    pub seed: u64,
    pub schedules: u64,
    pub sabotage: Option<Sabotage>,
    /// Print how far it is.
    pub progress: bool,
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Totals {
    pub schedules: u64,
    pub steps: usize,
    pub troubles: BTreeMap<&'static str, usize>,
    pub payments: usize,
    pub taken_back: usize,
    /// The failing seeds.
    pub failures: BTreeMap<u64, Failure>,
}

impl Totals {
    fn count(&mut self, seed: u64, tally: Tally, judged: Result<(), Failure>) {
        self.schedules += 1;
        self.steps += tally.steps;
        self.payments += tally.payments;
        self.taken_back += tally.taken_back;
        for trouble in tally.troubles {
            *self.troubles.entry(trouble).or_default() += 1;
        }
        if let Err(failure) = judged {
            self.failures.insert(seed, failure);
        }
    }

    fn of_kind(&self, kinds: &[Kind]) -> usize {
        self.failures.values().filter(|failure| kinds.contains(&failure.kind)).count()
    }

    /// The table.
    pub fn table(&self) -> String {
        let mut table = String::new();
        let mut row = |name: &str, number: usize| writeln!(table, "  {name:<36} {number:>9}").unwrap();
        row("schedules", usize::try_from(self.schedules).unwrap());
        row("steps", self.steps);
        row("payments", self.payments);
        row("refunds, reversals, chargebacks", self.taken_back);
        row("faults", self.troubles.values().sum());
        for (trouble, times) in &self.troubles {
            row(&format!("  {trouble}"), *times);
        }
        row("lost                      (goal: 0)", self.of_kind(&[Kind::Lost]));
        row("doubled                   (goal: 0)", self.of_kind(&[Kind::Doubled]));
        row("books that do not agree   (goal: 0)", self.of_kind(&[Kind::Books]));
        row("stuck                     (goal: 0)", self.of_kind(&[Kind::Stuck, Kind::Panicked]));
        table
    }
}

/// Plays one schedule in a runtime of its own, on one thread: what is not drawn from the seed cannot decide who comes
/// first.
pub fn play_one(steps: &[Step], sabotage: Option<Sabotage>) -> (Tally, Result<(), Failure>) {
    let run = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let hangs = || Err(Failure::new(Kind::Stuck, format!("not over after {} s", TIME_LIMIT.as_secs())));
        runtime.block_on(async {
            tokio::time::timeout(TIME_LIMIT, play(steps, sabotage))
                .await
                .unwrap_or_else(|_| (Tally::default(), hangs()))
        })
    };
    let played = std::thread::scope(|scope| {
        std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, run).unwrap().join()
    });
    played.unwrap_or_else(|panic| {
        let text =
            panic.downcast_ref::<String>().cloned().or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string));
        (Tally::default(), Err(Failure::new(Kind::Panicked, text.unwrap_or_default())))
    })
}

impl Campaign {
    /// Plays all; or until the first failure, if the build is sabotaged.
    pub fn run(self) -> Totals {
        let (next, stop) = (AtomicU64::new(0), AtomicBool::new(false));
        let totals = Mutex::new(Totals::default());
        let workers = std::thread::available_parallelism().map_or(1, std::num::NonZero::get) * PER_CORE;
        std::thread::scope(|scope| {
            for _ in 0..workers {
                scope.spawn(|| {
                    while !stop.load(Ordering::Relaxed) {
                        let number = next.fetch_add(1, Ordering::Relaxed);
                        if number >= self.schedules {
                            return;
                        }
                        let seed = self.seed + number;
                        let (tally, judged) = play_one(&schedule(seed), self.sabotage);
                        let mut totals = totals.lock().unwrap();
                        if let Err(failure) = &judged
                            && self.progress
                        {
                            println!("  seed {seed}: {:?}: {}", failure.kind, failure.text);
                        }
                        totals.count(seed, tally, judged);
                        if self.sabotage.is_some() && !totals.failures.is_empty() {
                            stop.store(true, Ordering::Relaxed);
                        }
                        self.show(&totals);
                    }
                });
            }
        });
        totals.into_inner().unwrap()
    }

    fn show(self, totals: &Totals) {
        if self.progress && totals.schedules.is_multiple_of(100) {
            let (done, failures) = (totals.schedules, totals.failures.len());
            let mut out = std::io::stdout();
            let _ =
                writeln!(out, "  {done} of {} schedules, {} steps, {failures} failed", self.schedules, totals.steps);
            let _ = out.flush();
        }
    }
}

/// The shortest schedule found that fails in the same way, and how it fails.
pub fn shrink(steps: Vec<Step>, failure: Failure, sabotage: Option<Sabotage>) -> (Vec<Step>, Failure) {
    let (mut best, mut tries) = ((steps, failure), 0);
    let mut fails = |candidate: &[Step], kind: Kind| {
        tries += 1;
        if tries > SHRINKING {
            return None;
        }
        play_one(candidate, sabotage).1.err().filter(|failure| failure.kind == kind)
    };
    // Whole stretches first, then single steps, then the troubles of what is left.
    let mut size = best.0.len().div_ceil(2);
    while size > 0 {
        let mut start = 0;
        while start < best.0.len() {
            let mut shorter = best.0.clone();
            shorter.drain(start..(start + size).min(best.0.len()));
            match fails(&shorter, best.1.kind) {
                Some(failure) => best = (shorter, failure),
                None => start += size,
            }
        }
        size /= 2;
    }
    for place in 0..best.0.len() {
        if best.0[place].trouble.is_some() {
            let mut simpler = best.0.clone();
            simpler[place].trouble = None;
            if let Some(failure) = fails(&simpler, best.1.kind) {
                best = (simpler, failure);
            }
        }
    }
    best
}

/// A failing seed, told: what is wrong, the shrunk schedule, how to see it again.
pub fn tell(seed: u64, failure: &Failure, sabotage: Option<Sabotage>) -> String {
    let (steps, shrunk) = shrink(schedule(seed), failure.clone(), sabotage);
    let mut told = format!(
        "seed {seed}: {:?}: {}\nshrunk to {} steps: {}\n",
        failure.kind,
        failure.text,
        steps.len(),
        shrunk.text
    );
    for (number, step) in steps.iter().enumerate() {
        writeln!(told, "  {:>2}. {step}", number + 1).unwrap();
    }
    writeln!(told, "again: make faults ARGS=\"--only {seed}\"").unwrap();
    told
}
