//! The fault campaign: random schedules of payments, refunds, changes of package, crashes and faults, over the real
//! handlers. In the end every rupiah that a gateway kept has to be booked once and to serve once: nothing lost, nothing
//! doubled.
//!
//! `make faults` plays 10,000 schedules, `ARGS="--schedules 500 --seed 7"` others, `ARGS="--only 4711"` one, step by
//! step. Without arguments (in `make test`) it is the short form. Determined by the seed: every step, which calls break
//! and how, and who comes in between whom. Not determined: ids, and the moment of the first step, from which all others
//! are counted.

#![expect(clippy::unwrap_used, clippy::panic, clippy::arithmetic_side_effects, clippy::large_futures, reason = "tests")]

mod books;
mod campaign;
mod play;
mod schedule;

use campaign::{Campaign, play_one, tell};
use schedule::schedule;
use testkit::sabotage::Sabotage;

/// Schedules of the short form, which is part of `make test`.
const SHORT: u64 = 200;
/// The seed of its first schedule.
const SEED: u64 = 1;

/// The options of `make faults`, in the variable `FAULTS`.
#[derive(Debug, Default)]
struct Options {
    schedules: Option<u64>,
    seed: Option<u64>,
    only: Option<u64>,
}

impl Options {
    fn read() -> Self {
        let text = std::env::var("FAULTS").unwrap_or_default();
        let mut words = text.split_whitespace();
        let mut options = Self::default();
        while let Some(word) = words.next() {
            let usage = "make faults ARGS=\"[--schedules NUMBER] [--seed SEED] [--only SEED]\"";
            let number = words.next().and_then(|number| number.parse().ok());
            match (word, number) {
                ("--schedules", Some(number)) => options.schedules = Some(number),
                ("--seed", Some(number)) => options.seed = Some(number),
                ("--only", Some(number)) => options.only = Some(number),
                _ => panic!("{word} is not understood: {usage}"),
            }
        }
        options
    }
}

#[test]
fn nothing_is_lost_and_nothing_is_doubled() {
    let options = Options::read();
    if let Some(seed) = options.only {
        let (tally, judged) = play_one(&schedule(seed), None);
        for (number, (step, answer)) in schedule(seed).iter().zip(&tally.answers).enumerate() {
            println!("  {:>2}. {step}  ->  {answer}", number + 1);
        }
        if let Err(failure) = judged {
            panic!("{}", tell(seed, &failure, None));
        }
        println!("seed {seed}: nothing lost, nothing doubled");
        return;
    }
    let began = std::time::Instant::now();
    let campaign = Campaign {
        seed: options.seed.unwrap_or(SEED),
        schedules: options.schedules.unwrap_or(SHORT),
        sabotage: None,
        progress: true,
    };
    let outcome = campaign.run();
    println!("{}  seconds {:>38}", outcome.table(), began.elapsed().as_secs());
    let told: Vec<String> = outcome.failures.iter().take(3).map(|(seed, failure)| tell(*seed, failure, None)).collect();
    assert!(outcome.failures.is_empty(), "{} schedules failed\n{}", outcome.failures.len(), told.join("\n"));
}

#[test]
fn a_seed_is_played_again_as_it_was() {
    for seed in 1..=6 {
        let play = || {
            let (tally, judged) = play_one(&schedule(seed), None);
            (tally.answers, tally.troubles, judged.map_err(|failure| failure.kind))
        };
        assert_eq!(play(), play(), "seed {seed}");
    }
}

/// A build that is broken on purpose has to be found out within the schedules of the short form.
fn is_found_out(sabotage: Sabotage) {
    let outcome = Campaign { seed: SEED, schedules: SHORT, sabotage: Some(sabotage), progress: false }.run();
    let (seed, failure) = outcome.failures.first_key_value().unwrap_or_else(|| panic!("{sabotage:?} was not noticed"));
    println!("{sabotage:?}: found by schedule {}, {:?}: {}", seed - SEED + 1, failure.kind, failure.text);
}

#[test]
fn a_grant_outside_the_transaction_is_found_out() {
    is_found_out(Sabotage::GrantOutsideTheTransaction);
}

#[test]
fn writing_over_any_version_is_found_out() {
    is_found_out(Sabotage::NoVersionCondition);
}

#[test]
fn booking_the_report_instead_of_the_difference_is_found_out() {
    is_found_out(Sabotage::WholeInsteadOfDifference);
}

#[test]
fn an_order_that_is_written_after_the_call_is_found_out() {
    is_found_out(Sabotage::OrderAfterTheCall);
}
