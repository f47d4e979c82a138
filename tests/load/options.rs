//! How many payments, how many at a time.

/// Without other orders: short enough for every run of the tests.
const PAYMENTS: usize = 100;
const AT_ONCE: usize = 16;

#[derive(Debug, Clone, Copy)]
pub struct Options {
    pub payments: usize,
    pub at_once: usize,
}

impl Options {
    /// Beside its own this understands what `cargo test` gives to every test: `None` means that something else was
    /// asked for.
    pub fn from_arguments(arguments: impl Iterator<Item = String>) -> Option<Self> {
        let from_environment = std::env::var("LOAD_PAYMENTS").ok().filter(|text| !text.is_empty());
        let payments = from_environment.map_or(PAYMENTS, |text| number("LOAD_PAYMENTS", &text));
        let mut options = Self { payments, at_once: AT_ONCE };
        let mut arguments = arguments.peekable();
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--payments" => options.payments = number(&argument, &arguments.next().unwrap_or_default()),
                "--at-once" => options.at_once = number(&argument, &arguments.next().unwrap_or_default()),
                "--list" => {
                    println!("load: test");
                    return None;
                }
                flag if flag.starts_with('-') => {}
                filter if "load".contains(filter) => {}
                _ => return None,
            }
        }
        Some(options)
    }
}

fn number(name: &str, text: &str) -> usize {
    match text.parse() {
        Ok(number) if (1..=1_000_000).contains(&number) => number,
        _ => panic!("{name} wants a number from 1 to 1000000, not {text:?}"),
    }
}
