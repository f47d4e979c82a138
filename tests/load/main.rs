//! Load: many payments from link to webhook to apply, sixteen at a time, over the real handlers and an embedded
//! DynamoDB. Afterwards the books of every customer are audited.
//!
//! As a test it makes a hundred; `make load` makes twenty thousand (`make load ARGS="--payments 2000 --at-once 8"`, or
//! `LOAD_PAYMENTS`), in a build with some optimisation. CPU is that of the functions, of the gateways' stand-ins and of
//! the table together: they are one process. Ends with 1 if a payment failed or the audit finds something.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::arithmetic_side_effects,
    clippy::float_arithmetic,
    clippy::cast_precision_loss,
    clippy::as_conversions,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test that prints a table"
)]

mod audit;
mod options;
mod pay;
mod shop;
mod usage;

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use options::Options;
use shop::Shop;
use usage::Usage;

fn main() -> ExitCode {
    let Some(options) = Options::from_arguments(std::env::args().skip(1)) else { return ExitCode::SUCCESS };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    if runtime.block_on(run(options)) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Does `each` for every number below `count`, so many at a time, and says how far it is.
async fn many<F, R>(what: &'static str, count: usize, at_once: usize, each: F)
where
    F: Fn(usize) -> R + Clone + Send + 'static,
    R: Future<Output = ()> + Send + 'static,
{
    let (next, done) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let step = count.div_ceil(10).max(1);
    let begin = Instant::now();
    let workers = (0..at_once).map(|_| {
        let (next, done, each) = (next.clone(), done.clone(), each.clone());
        tokio::spawn(async move {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= count {
                    return;
                }
                each(number).await;
                let done = done.fetch_add(1, Ordering::Relaxed) + 1;
                if done.is_multiple_of(step) {
                    eprintln!("{what}: {done} of {count}, {:.0} s", begin.elapsed().as_secs_f64());
                }
            }
        })
    });
    for worker in workers.collect::<Vec<_>>() {
        worker.await.expect("a worker lives to the end");
    }
}

async fn run(options: Options) -> bool {
    let Options { payments, at_once } = options;
    let shop = Arc::new(Shop::open(payments).await);
    let opening = shop.clone();
    many("customers and bills", payments, at_once, move |number| {
        let shop = opening.clone();
        async move { shop.enrol(number).await }
    })
    .await;
    shop.until_quiet().await;
    shop.forget_errors();

    let (begin, before) = (Instant::now(), Usage::now());
    let paying = shop.clone();
    many("payments", payments, at_once, move |number| {
        let shop = paying.clone();
        async move { shop.pay(number).await }
    })
    .await;
    shop.until_quiet().await;
    let (seconds, used) = (begin.elapsed().as_secs_f64(), Usage::now().since(&before));

    let found = audit::everything(&shop, at_once).await;
    let errors = shop.errors();
    let per_thousand = |cpu: f64| cpu * 1_000.0 / payments as f64;
    println!();
    println!("{:<34}{payments}, {at_once} at a time", "payments");
    println!("{:<34}{seconds:.1}", "seconds");
    println!("{:<34}{:.1}", "payments per second", payments as f64 / seconds);
    println!("{:<34}{:.1}", "CPU-seconds per 1,000 payments", per_thousand(used.all));
    println!(
        "{:<34}{:.1} ({:.0} %)",
        "  of them the embedded DynamoDB",
        per_thousand(used.table),
        100.0 * used.table / used.all.max(0.01)
    );
    let busy = 100.0 * used.table / seconds.max(0.01);
    let limit = if busy > 75.0 { ": it is what limits the payments per second, DynamoDB on AWS would not" } else { "" };
    println!("{:<34}{busy:.0} % of the time{limit}", "embedded DynamoDB busy");
    println!("{:<34}{}", "errors", errors.len());
    println!(
        "{:<34}{} customers, {} orders, {} events: {} findings",
        "audit",
        found.customers,
        found.orders,
        found.events,
        found.findings.len()
    );
    for error in errors.iter().take(10) {
        println!("error: {error}");
    }
    for finding in found.findings.iter().take(10) {
        println!("finding: {finding}");
    }
    let complete = found.customers == payments && found.paid == payments;
    if !complete {
        println!("error: {} of {} customers are served for their payment", found.paid, found.customers);
    }
    errors.is_empty() && found.findings.is_empty() && complete
}
