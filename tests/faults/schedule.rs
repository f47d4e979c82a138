//! A schedule: everything that happens to one customer, as plain data made from a seed. It can be printed, replayed and
//! shrunk.

use std::fmt;

use billing::payment::gateway::GatewayName;
use lunas_sandbox::Outcome;
use testkit::tap::{How, When};

/// What somebody does. Things are named by their place counted from the newest, round and round; what is not there is
/// not done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// The customer asks for a link.
    Link { invoice: Open, gateway: GatewayName },
    /// The customer chooses another package, and asks for the link.
    Choose { package: &'static str, gateway: GatewayName },
    /// Somebody acts on a page that a gateway made, whoever holds its link.
    AtGateway { page: usize, outcome: Outcome, sum: Sum },
    /// A notification arrives; with `keep` it will arrive again.
    Deliver { nth: usize, keep: bool },
    /// A notification gets lost. One about money that went back comes again in the end.
    LoseNotification { nth: usize },
    /// The table's stream hands new events to relay-events.
    Stream,
    /// A message of the queue arrives; with `keep` it will arrive again.
    Apply { nth: usize, keep: bool },
    /// A message of the queue gets lost.
    LoseMessage { nth: usize },
    /// The customer has the payment checked.
    Check { invoice: Open },
    /// The reconciliation runs.
    Reconcile,
    /// The sweep of the outbox runs.
    Sweep,
    /// Time passes.
    Wait { minutes: i64 },
    /// Keys change.
    Keys { gateway: GatewayName, change: KeyChange },
    /// The admin withdraws an invoice.
    Withdraw { invoice: Open },
    /// The admin issues the next renewal, if none is open.
    Issue,
    /// The admin imports a file with the customer's row.
    Import { row: Row },
}

/// What a row says: what the first import said, or one column corrected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Row {
    Again,
    Renamed,
    Package(&'static str),
    /// Served until so many days from now.
    Days(i64),
}

/// One of the invoices that a profile holds as open; if there is none, the newest of all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Open {
    Renewal,
    Upgrade,
}

/// How much is paid or given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sum {
    Whole,
    Part,
    More,
    WithFee,
    ByCard,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyChange {
    /// The gateway makes new ones, and signs with them.
    AtGateway,
    /// The admin types them in.
    Typed,
    /// The gateway takes the old ones no more.
    OldOnesEnd,
}

/// What goes wrong in a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// Calls from number `call` on are broken.
    Break { call: usize, times: usize, when: When, how: How },
    /// Call number `call` is held until somebody else has done something.
    Meanwhile { call: usize, when: When, action: Action },
    /// Batch reads leave their keys unprocessed.
    Unprocessed { batches: usize },
    /// The index of wake-ups has not caught up.
    IndexHidden,
    /// The index of wake-ups shows what it showed before.
    IndexFrozen,
    /// The bus takes nothing.
    BusDown,
    /// The bus takes some entries only.
    EntriesFail { entries: usize },
}

impl Trouble {
    /// Its kind, for the table of what was injected.
    pub fn kind(self) -> &'static str {
        match self {
            Self::Break { how, when, .. } => match (how, when) {
                (How::Crash, When::Before) => "crash before the effect",
                (How::Crash, When::After) => "crash after the effect",
                (How::Error, When::Before) => "HTTP 500 instead of the effect",
                (How::Error, When::After) => "HTTP 500 after the effect",
                (How::Cut, When::Before) => "connection cut before the effect",
                (How::Cut, When::After) => "connection cut after the effect",
                (How::Garbled, _) => "answer cut in half",
                (How::Throttled, _) => "throttled",
                (How::Conflict, _) => "transaction conflict",
                (How::Held, _) => "held",
            },
            Self::Meanwhile { .. } => "another one in between",
            Self::Unprocessed { .. } => "keys left unprocessed",
            Self::IndexHidden | Self::IndexFrozen => "index lags",
            Self::BusDown | Self::EntriesFail { .. } => "bus refuses",
        }
    }
}

/// One step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    pub action: Action,
    pub trouble: Option<Trouble>,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.action)?;
        match self.trouble {
            Some(trouble) => write!(f, "  with  {trouble:?}"),
            None => Ok(()),
        }
    }
}

/// `SplitMix64`: small, and the same everywhere.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(bound).unwrap()).unwrap()
    }

    fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }

    /// Small numbers mostly.
    fn near(&mut self) -> usize {
        self.one_of(&[0, 0, 0, 0, 1, 1, 2, 3])
    }
}

/// Actions of a schedule before some are dropped and others come in between.
const LENGTH: std::ops::Range<usize> = 8..20;
/// Time that passes in a schedule at most: without a run every minute, a link's looks would all lie in the past.
const LONGEST_MINUTES: i64 = 9 * 24 * 60;

/// The schedule of a seed: little stories one after the other, then things get lost, swapped, and come in between.
pub fn schedule(seed: u64) -> Vec<Step> {
    let mut random = Random(seed);
    let length = LENGTH.start + random.below(LENGTH.len());
    let mut told = Vec::with_capacity(length + 6);
    while told.len() < length {
        story(&mut random, &mut told);
    }
    if random.one_in(3) {
        // In between whatever belongs together.
        let place = random.below(told.len());
        told.insert(place, import(&mut random));
        told.push(import(&mut random));
    }
    for place in 1..told.len() {
        if random.one_in(8) {
            told.swap(place - 1, place);
        }
    }
    let mut minutes = 0;
    let mut steps = Vec::with_capacity(told.len());
    for action in told {
        if random.one_in(6) {
            push(&mut random, &mut steps, &mut minutes, None);
        }
        if !random.one_in(10) {
            push(&mut random, &mut steps, &mut minutes, Some(action));
        }
    }
    steps
}

/// Adds an action, or any, with or without trouble.
fn push(random: &mut Random, steps: &mut Vec<Step>, minutes: &mut i64, action: Option<Action>) {
    let mut action = action.unwrap_or_else(|| any(random));
    if let Action::Wait { minutes: wait } = action {
        *minutes += wait;
        if *minutes > LONGEST_MINUTES {
            action = Action::Reconcile;
        }
    }
    let trouble = if calls(action) { trouble(random) } else { None };
    steps.push(Step { action, trouble });
}

/// What usually follows one another.
fn story(random: &mut Random, told: &mut Vec<Action>) {
    if random.one_in(3) {
        told.push(Action::Issue);
    }
    let gateway = random.one_of(&[GatewayName::Midtrans, GatewayName::Midtrans, GatewayName::Xendit]);
    let other = GatewayName::ALL.into_iter().find(|other| *other != gateway).unwrap();
    let invoice = random.one_of(&[Open::Renewal, Open::Renewal, Open::Upgrade]);
    let (link, paid) = (Action::Link { invoice, gateway }, |random: &mut Random, page| {
        let sum = random.one_of(&[Sum::Whole, Sum::Whole, Sum::Whole, Sum::Part, Sum::More, Sum::WithFee, Sum::ByCard]);
        Action::AtGateway { page, outcome: Outcome::Paid, sum }
    });
    let chosen =
        Action::Choose { package: random.one_of(&["home10", "home20", "home50", "home50", "gratis"]), gateway };
    match random.below(9) {
        0..=2 => told.extend([link, paid(random, 0)]),
        3 => told.extend([chosen, paid(random, 0)]),
        // A link in place of another, and both are paid.
        4 => told.extend([link, Action::Link { invoice, gateway: other }, paid(random, 1), paid(random, 0)]),
        // A change of package while the renewal is open, and both are paid.
        5 => told.extend([
            Action::Link { invoice: Open::Renewal, gateway: other },
            chosen,
            paid(random, 0),
            paid(random, 1),
        ]),
        6 => told.extend([
            link,
            Action::AtGateway { page: 0, outcome: Outcome::Paid, sum: Sum::Part },
            link,
            paid(random, 0),
        ]),
        _ => told.extend([Action::Issue, Action::Link { invoice: Open::Renewal, gateway }, paid(random, 0)]),
    }
    becomes_known(random, told, invoice);
    if random.one_in(2) {
        let outcome = random.one_of(&[
            Outcome::Refunded,
            Outcome::Refunded,
            Outcome::Refunded,
            Outcome::Reversed,
            Outcome::Reversed,
            Outcome::Chargeback,
        ]);
        let sum = random.one_of(&[Sum::Whole, Sum::Part]);
        told.push(Action::AtGateway { page: random.near() / 2, outcome, sum });
        if random.one_in(3) {
            told.push(Action::AtGateway { page: random.near() / 2, outcome, sum });
        }
        becomes_known(random, told, invoice);
    }
}

/// How it becomes known what happened at the gateway, if it does.
fn becomes_known(random: &mut Random, told: &mut Vec<Action>, invoice: Open) {
    let keep = random.one_in(4);
    match random.below(6) {
        0..=2 => told.extend([Action::Deliver { nth: 0, keep }, Action::Stream, Action::Apply { nth: 0, keep }]),
        3 => told.extend([Action::Check { invoice }, Action::Stream, Action::Apply { nth: 0, keep }]),
        4 => told.extend([
            Action::Wait { minutes: 6 },
            Action::Reconcile,
            Action::Stream,
            Action::Apply { nth: 0, keep },
        ]),
        _ => {}
    }
}

/// Does it call the functions?
fn calls(action: Action) -> bool {
    !matches!(
        action,
        Action::AtGateway { .. }
            | Action::LoseNotification { .. }
            | Action::LoseMessage { .. }
            | Action::Wait { .. }
            | Action::Keys { .. }
            | Action::Issue
    )
}

/// Anything.
fn any(random: &mut Random) -> Action {
    let gateway = random.one_of(&GatewayName::ALL);
    let invoice = random.one_of(&[Open::Renewal, Open::Renewal, Open::Upgrade]);
    let (nth, keep) = (random.near(), random.one_in(4));
    match random.below(100) {
        0..=14 => Action::Link { invoice, gateway },
        15..=22 => {
            Action::Choose { package: random.one_of(&["home10", "home20", "home50", "home50", "gratis"]), gateway }
        }
        23..=44 => at_gateway(random),
        45..=59 => Action::Deliver { nth, keep },
        60..=62 => Action::LoseNotification { nth },
        63..=69 => Action::Stream,
        70..=78 => Action::Apply { nth, keep },
        79 => Action::LoseMessage { nth },
        80..=83 => Action::Check { invoice },
        84..=88 => Action::Reconcile,
        89 => Action::Sweep,
        90 => import(random),
        91..=95 => Action::Wait { minutes: random.one_of(&[1, 2, 6, 6, 16, 61, 6 * 60, 24 * 60, 3 * 24 * 60]) },
        96..=97 => Action::Keys {
            gateway,
            change: random.one_of(&[KeyChange::AtGateway, KeyChange::Typed, KeyChange::OldOnesEnd]),
        },
        98 => Action::Withdraw { invoice },
        _ => Action::Issue,
    }
}

/// The same file again mostly, else one that was corrected.
fn import(random: &mut Random) -> Action {
    let row = match random.below(8) {
        0..=3 => Row::Again,
        4 => Row::Renamed,
        5 => Row::Package(random.one_of(&["home10", "home20", "home50", "gratis"])),
        _ => Row::Days(random.one_of(&[-1, 3, 12, 45, 100])),
    };
    Action::Import { row }
}

fn at_gateway(random: &mut Random) -> Action {
    let outcome = match random.below(24) {
        0..=12 => Outcome::Paid,
        13..=15 => Outcome::Refunded,
        16..=17 => Outcome::Reversed,
        18 => Outcome::Denied,
        19 => Outcome::Pending,
        20 => Outcome::Expired,
        21 => Outcome::Chargeback,
        22 => Outcome::Challenged,
        _ => Outcome::Settled,
    };
    let sum = random.one_of(&[
        Sum::Whole,
        Sum::Whole,
        Sum::Whole,
        Sum::Whole,
        Sum::Part,
        Sum::Part,
        Sum::More,
        Sum::WithFee,
        Sum::ByCard,
    ]);
    Action::AtGateway { page: random.near(), outcome, sum }
}

fn trouble(random: &mut Random) -> Option<Trouble> {
    let call = random.one_of(&[1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 7, 8, 9]);
    let when = random.one_of(&[When::Before, When::After]);
    match random.below(100) {
        0..=27 => {
            let how = random.one_of(&[
                How::Crash,
                How::Crash,
                How::Error,
                How::Cut,
                How::Garbled,
                How::Throttled,
                How::Conflict,
            ]);
            // Three: as often as the client tries by itself.
            let times = random.one_of(&[1, 1, 3]);
            Some(Trouble::Break { call, times, when, how })
        }
        28..=43 => Some(Trouble::Meanwhile { call, when, action: meanwhile(random) }),
        44 => Some(Trouble::Unprocessed { batches: random.one_of(&[1, 1, 1, 8]) }),
        45 => Some(Trouble::IndexHidden),
        46 => Some(Trouble::IndexFrozen),
        47 => Some(Trouble::BusDown),
        48 => Some(Trouble::EntriesFail { entries: 1 + random.below(3) }),
        _ => None,
    }
}

fn meanwhile(random: &mut Random) -> Action {
    if random.one_in(4) {
        return at_gateway(random);
    }
    loop {
        let action = any(random);
        if !matches!(action, Action::Wait { .. } | Action::LoseNotification { .. } | Action::LoseMessage { .. }) {
            return action;
        }
    }
}
