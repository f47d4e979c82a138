//! CPU time that was used, as Linux counts it.

use std::fs;

use crate::shop::TABLE_THREADS;

/// Clock ticks per second; Linux shows times in these to every program.
const TICKS: f64 = 100.0;

/// CPU-seconds of this process, and of the threads of its table. Zero where there is no `/proc`.
#[derive(Debug, Clone, Copy)]
pub struct Usage {
    pub all: f64,
    pub table: f64,
}

impl Usage {
    pub fn now() -> Self {
        let threads = fs::read_dir("/proc/self/task").into_iter().flatten().flatten().map(|entry| entry.path());
        let table = threads.filter(|thread| {
            fs::read_to_string(thread.join("comm")).is_ok_and(|name| name.trim_end() == TABLE_THREADS)
        });
        let table = table.map(|thread| seconds(&fs::read_to_string(thread.join("stat")).unwrap_or_default())).sum();
        Self { all: seconds(&fs::read_to_string("/proc/self/stat").unwrap_or_default()), table }
    }

    pub fn since(self, before: &Self) -> Self {
        Self { all: self.all - before.all, table: self.table - before.table }
    }
}

/// User and system time of a line of `stat`: fields 14 and 15, counted behind the name, which may hold anything.
fn seconds(stat: &str) -> f64 {
    let behind = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks: u32 = behind.split_whitespace().skip(11).take(2).filter_map(|field| field.parse::<u32>().ok()).sum();
    f64::from(ticks) / TICKS
}
