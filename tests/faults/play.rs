//! Plays a schedule on a Lunas of its own: the functions' real handlers, the embedded DynamoDB, the sandbox's gateways.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::pin::pin;

use apply_payment::Apply;
use billing::{
    id::{CustomerId, InvoiceId, PackageId},
    payment::{gateway::GatewayName, invoice::NewInvoice, renewal::issue_renewal, withdrawal::withdraw},
    service::{
        apply::ApplyRules,
        customer::Profile,
        import::{CustomerRow, import},
    },
};
use cloud::app::App;
use cloud::queue::Batch;
use cloud::store::{Store, StoreError, new_id};
use lambda_http::{Body, Response};
use lunas_sandbox::{OrderBooks, Outcome, Partner, Simulate};
use relay_events::Relay;
use serde_json::{Value, json};
use testkit::notification::Notification;
use testkit::request::{answer, delivery, request};
use testkit::sabotage::Sabotage;
use testkit::tap::{How, Tap};
use testkit::{World, table};
use time::{Duration, OffsetDateTime};

use crate::books::{Books, Failure, Kind};
use crate::schedule::{Action, KeyChange, Open, Row, Step, Sum, Trouble};

/// What a step takes. So nothing is due in the same second as something else, and who comes first is no chance.
const STEP: Duration = Duration::seconds(7);
/// Rounds of delivering until nothing moves.
const ROUNDS: usize = 60;
/// Runs of the reconciliation until nothing is due.
const RUNS: usize = 30;
/// Times that a gateway sends a notification that is not accepted.
const SENDINGS: usize = 6;
/// Times that somebody decides anew, as the functions do.
const TRIES: usize = 5;

/// What happened, for the table.
#[derive(Debug, Default, Clone)]
pub struct Tally {
    pub steps: usize,
    /// Troubles that really struck, by kind.
    pub troubles: Vec<&'static str>,
    pub payments: usize,
    pub taken_back: usize,
    /// What was answered, step by step.
    pub answers: Vec<String>,
}

/// One schedule under way.
pub struct Play {
    pub world: World,
    /// Past the tap.
    pub direct: Store,
    /// The process that answers; after a crash another one.
    process: RefCell<App>,
    relay: Relay,
    apply: Apply,
    customer: CustomerId,
    phone: Profile,
    token: RefCell<(String, OffsetDateTime)>,
    /// Orders that the gateways made, oldest first, by what a script calls them.
    pages: Vec<String>,
    /// Notifications that wait, with a number each.
    waiting: Vec<(usize, Notification)>,
    /// How often each was sent and not accepted.
    refused: BTreeMap<usize, usize>,
    /// Lost ones that the gateway repeats in the end.
    again: Vec<(usize, Notification)>,
    /// Messages that wait for apply-payment.
    queue: Vec<(usize, Value)>,
    streamed: BTreeSet<String>,
    numbers: usize,
    keys: [Cell<Keys>; 2],
    /// What was answered in the step under way.
    answers: RefCell<Vec<String>>,
    tally: Tally,
}

/// How far a gateway's change of keys has come.
#[derive(Debug, Clone, Copy, Default)]
struct Keys {
    changed: bool,
    typed: bool,
}

/// What an action came to.
#[derive(Debug)]
enum Done {
    Nothing,
    Delivered { number: usize, over: bool },
    Applied { number: usize, over: bool },
    Streamed(Vec<String>),
    Lost(usize),
    MessageLost(usize),
    Paid,
    TakenBack,
    Crashed,
}

/// Plays `steps` and judges the books after every step and in the end.
pub async fn play(steps: &[Step], sabotage: Option<Sabotage>) -> (Tally, Result<(), Failure>) {
    let mut play = Play::start().await;
    if let Some(sabotage) = sabotage {
        play.world.tap.sabotage(sabotage);
    }
    let judged = play.through(steps).await;
    (play.tally, judged)
}

impl Play {
    async fn start() -> Self {
        let world = World::start().await;
        world.sandbox.keep_notifications();
        for (id, price) in [("home10", 150_000), ("home20", 300_000), ("home50", 500_000), ("gratis", 0)] {
            world.offer(id, price).await;
        }
        let customer = world.customer("budi", "081234567890").await;
        world.invoice(&customer).await;
        let p = world.app.clone();
        let relay = Relay { store: p.store.clone(), bus: world.bus.clone(), clock: p.clock.clone() };
        let rules = ApplyRules { zone: p.settings.zone, late: p.settings.late_renewal };
        let apply = Apply { store: p.store.clone(), rules, clock: p.clock.clone() };
        Self {
            direct: Store::new(world.aws.direct.clone(), table::NAME.to_owned()),
            token: RefCell::new((String::new(), OffsetDateTime::UNIX_EPOCH)),
            process: RefCell::new(p),
            world,
            relay,
            apply,
            customer: customer.id.clone(),
            phone: customer,
            pages: Vec::new(),
            waiting: Vec::new(),
            refused: BTreeMap::new(),
            again: Vec::new(),
            queue: Vec::new(),
            streamed: BTreeSet::new(),
            numbers: 0,
            keys: [Cell::default(), Cell::default()],
            answers: RefCell::default(),
            tally: Tally::default(),
        }
    }

    fn now(&self) -> OffsetDateTime {
        self.world.app.clock.now()
    }

    async fn through(&mut self, steps: &[Step]) -> Result<(), Failure> {
        for (number, step) in steps.iter().enumerate() {
            let wrote = self.step(step).await;
            if !wrote {
                continue;
            }
            let books = Books::read(self).await;
            books.add_up().map_err(|failure| failure.at(&format!("after step {}: {step}", number + 1)))?;
        }
        self.finish().await.map_err(|failure| failure.at("in the end"))
    }

    /// One step with its trouble. Can it have written something?
    async fn step(&mut self, step: &Step) -> bool {
        self.tally.steps += 1;
        self.wait(STEP);
        let (tap, aws) = (self.world.tap.clone(), self.world.aws.clone());
        tap.forget();
        match step.trouble {
            Some(Trouble::Break { call, times, when, how }) => tap.break_calls(call, times, when, how),
            Some(Trouble::Meanwhile { call, when, .. }) => tap.break_call(call, when, How::Held),
            Some(Trouble::Unprocessed { batches }) => aws.leave_unprocessed(batches),
            Some(Trouble::IndexHidden) => aws.hide_index(true),
            Some(Trouble::IndexFrozen) => aws.freeze_index(true),
            Some(Trouble::BusDown) => aws.stop_bus(true),
            Some(Trouble::EntriesFail { entries }) => aws.fail_entries(entries),
            None => {}
        }
        let mut done = Vec::new();
        if let Some(Trouble::Meanwhile { action: other, .. }) = step.trouble {
            let other_process = self.world.another_process();
            let mut first = pin!(tap.or_crash(self.perform(step.action, self.process.borrow().clone())));
            tokio::select! {
                biased;
                () = tap.held() => {
                    done.push(self.perform(other, other_process).await);
                    tap.release();
                    done.push(first.await.unwrap_or(Done::Crashed));
                }
                only = &mut first => done.push(only.unwrap_or(Done::Crashed)),
            }
        } else {
            let process = self.process.borrow().clone();
            done.push(tap.or_crash(self.perform(step.action, process)).await.unwrap_or(Done::Crashed));
        }
        let struck = match step.trouble {
            Some(Trouble::Break { .. } | Trouble::Meanwhile { .. }) => tap.broke(),
            Some(Trouble::Unprocessed { .. }) => reached(&tap, "BatchGetItem"),
            Some(Trouble::IndexHidden | Trouble::IndexFrozen) => reached(&tap, "of wake-ups"),
            Some(Trouble::BusDown | Trouble::EntriesFail { .. }) => reached(&tap, "PutEvents"),
            None => false,
        };
        if let Some(trouble) = step.trouble.filter(|_| struck) {
            self.tally.troubles.push(trouble.kind());
        }
        let wrote = tap
            .calls()
            .iter()
            .any(|call| ["Put", "Update", "Transact"].iter().any(|verb| call.operation.starts_with(verb)));
        tap.forget();
        aws.leave_unprocessed(0);
        aws.hide_index(false);
        aws.freeze_index(false);
        aws.stop_bus(false);
        aws.fail_entries(0);
        let answers = std::mem::take(&mut *self.answers.borrow_mut());
        self.tally.answers.push(if tap_crashed(&done) {
            format!("{} crashed", answers.join(", "))
        } else {
            answers.join(", ")
        });
        for done in done {
            self.note(done);
        }
        self.collect();
        wrote
    }

    fn note(&mut self, done: Done) {
        match done {
            Done::Nothing | Done::Applied { over: false, .. } => {}
            Done::Delivered { number, over: false } => *self.refused.entry(number).or_default() += 1,
            Done::Delivered { number, over: true } => self.waiting.retain(|(waiting, _)| *waiting != number),
            Done::Applied { number, .. } | Done::MessageLost(number) => {
                self.queue.retain(|(waiting, _)| *waiting != number);
            }
            Done::Lost(number) => {
                let lost = self
                    .waiting
                    .iter()
                    .filter(|(waiting, notification)| *waiting == number && takes_back(notification))
                    .cloned();
                self.again.extend(lost.collect::<Vec<_>>());
                self.waiting.retain(|(waiting, _)| *waiting != number);
            }
            Done::Streamed(events) => self.streamed.extend(events),
            Done::Paid => self.tally.payments += 1,
            Done::TakenBack => self.tally.taken_back += 1,
            // A new process: nothing is cached.
            Done::Crashed => self.process = RefCell::new(self.world.another_process()),
        }
    }

    /// New notifications, new pages, new messages.
    fn collect(&mut self) {
        for made in self.world.sandbox.take_notifications() {
            self.numbers += 1;
            let headers =
                made.headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
            self.waiting.push((self.numbers, Notification { path: made.path, headers, body: made.body.into() }));
        }
        for account in self.world.sandbox.books() {
            if !self.pages.contains(&account.link) {
                self.pages.push(account.link);
            }
        }
        let mut entries = self.world.aws.take_bus();
        entries.sort_by_key(|entry| told(entry["Detail"].as_str().unwrap()));
        for entry in entries {
            if matches!(entry["DetailType"].as_str(), Some("payment.settled" | "payment.reversed" | "payment.review")) {
                self.numbers += 1;
                let detail: Value = serde_json::from_str(entry["Detail"].as_str().unwrap()).unwrap();
                let body = json!({"source": entry["Source"], "detail-type": entry["DetailType"], "detail": detail})
                    .to_string();
                self.queue.push((self.numbers, json!({"messageId": "m", "body": body})));
            }
        }
    }

    /// Does it, on that process. Only the future of this may be dropped in between: what it came to is noted
    /// afterwards.
    async fn perform(&self, action: Action, p: App) -> Done {
        match action {
            Action::Link { invoice, gateway } => {
                if let Some(invoice) = self.open(invoice).await {
                    let path = format!("/api/customer/invoices/payment?invoiceId={invoice}&gateway={gateway}");
                    let asked = request("GET", &path, Some(&self.token().await), None);
                    self.answered(&create_payment_link::handle(&p, asked).await);
                }
                Done::Nothing
            }
            Action::Choose { package, gateway } => {
                let token = self.token().await;
                let path = format!("/api/customer/upgrade?packageId={package}");
                let (status, shown) =
                    answer(&request_upgrade::handle(&p, request("GET", &path, Some(&token), None)).await);
                if status == 200 {
                    let body = json!({"packageId": package, "expectedAmount": shown["amount"], "gateway": gateway});
                    let asked = request("POST", "/api/customer/upgrade", Some(&token), Some(&body));
                    self.answered(&request_upgrade::handle(&p, asked).await);
                }
                Done::Nothing
            }
            Action::AtGateway { page, outcome, sum } => self.at_gateway(page, outcome, sum).await,
            Action::Deliver { nth, keep } => match newest(&self.waiting, nth) {
                Some((number, notification)) => {
                    let response = receive_webhook::handle(&p, delivery(notification)).await;
                    self.answered(&response);
                    Done::Delivered { number: *number, over: response.status().is_success() && !keep }
                }
                None => Done::Nothing,
            },
            Action::LoseNotification { nth } => {
                newest(&self.waiting, nth).map_or(Done::Nothing, |(number, _)| Done::Lost(*number))
            }
            Action::Stream => self.stream().await,
            Action::Apply { nth, keep } => match newest(&self.queue, nth) {
                Some((number, message)) => {
                    let batch: Batch = serde_json::from_value(json!({"Records": [message]})).unwrap();
                    let report = apply_payment::handle(&self.apply, batch).await;
                    Done::Applied { number: *number, over: report.batch_item_failures.is_empty() && !keep }
                }
                None => Done::Nothing,
            },
            Action::LoseMessage { nth } => {
                newest(&self.queue, nth).map_or(Done::Nothing, |(number, _)| Done::MessageLost(*number))
            }
            Action::Check { invoice } => {
                if let Some(invoice) = self.open(invoice).await {
                    let path = format!("/api/customer/invoices/{invoice}/check");
                    let asked = request("POST", &path, Some(&self.token().await), None);
                    self.answered(&check_payment::handle(&p, asked).await);
                }
                Done::Nothing
            }
            Action::Reconcile => {
                reconcile_payments::handle(&p, json!({})).await;
                Done::Nothing
            }
            Action::Sweep => {
                relay_events::handle(&self.relay, json!({})).await;
                Done::Nothing
            }
            Action::Wait { minutes } => {
                self.wait(Duration::minutes(minutes));
                Done::Nothing
            }
            Action::Keys { gateway, change } => {
                self.change_keys(gateway, change);
                Done::Nothing
            }
            Action::Withdraw { invoice } => {
                if let Some(invoice) = self.open(invoice).await {
                    self.withdraw(&p, &invoice).await;
                }
                Done::Nothing
            }
            Action::Issue => {
                self.issue().await;
                Done::Nothing
            }
            Action::Import { row } => {
                self.import(&p, row).await;
                Done::Nothing
            }
        }
    }

    fn answered(&self, response: &Response<Body>) {
        let (status, body) = answer(response);
        let word = body["code"].as_str().or(body["status"].as_str()).unwrap_or_default();
        self.answers.borrow_mut().push(format!("{status} {word}"));
    }

    /// Time passes for everybody.
    fn wait(&self, by: Duration) {
        self.world.app.clock.advance(by);
        self.world.sandbox.advance_clock(by.unsigned_abs());
    }

    async fn profile(&self) -> Profile {
        self.direct.profile(&self.customer).await.unwrap().unwrap()
    }

    /// The open invoice of that kind; else the newest.
    async fn open(&self, which: Open) -> Option<InvoiceId> {
        let profile = self.profile().await;
        let open = match which {
            Open::Renewal => profile.open_renewal,
            Open::Upgrade => profile.open_upgrade,
        };
        match open {
            Some(open) => Some(open),
            None => {
                self.direct.invoices(&self.customer, None, 1).await.unwrap().entries.pop().map(|invoice| invoice.id)
            }
        }
    }

    /// A login that is valid for a while.
    async fn token(&self) -> String {
        let now = self.now();
        if self.token.borrow().1 <= now {
            let token = self.world.token(&self.phone).await;
            *self.token.borrow_mut() = (token, now.saturating_add(Duration::hours(20)));
        }
        self.token.borrow().0.clone()
    }

    async fn at_gateway(&self, page: usize, outcome: Outcome, sum: Sum) -> Done {
        let accounts = self.world.sandbox.books();
        let pages: Vec<&OrderBooks> =
            self.pages.iter().filter_map(|link| accounts.iter().find(|account| account.link == *link)).collect();
        let fitting: Vec<&OrderBooks> = pages.iter().copied().filter(|account| can_follow(outcome, account)).collect();
        let Some(account) = newest(if fitting.is_empty() { &pages } else { &fitting }, page) else {
            return Done::Nothing;
        };
        let (amount, fee, channel) = match (outcome, sum) {
            (Outcome::Paid, Sum::Part) => (Some(account.asked / 3), None, None),
            (Outcome::Paid, Sum::More) => (Some(account.asked + 50_000), None, None),
            (Outcome::Paid, Sum::WithFee) if account.gateway == Partner::Midtrans => (None, Some(4_000), None),
            (Outcome::Paid, Sum::ByCard) => (
                None,
                None,
                Some(if account.gateway == Partner::Midtrans { "credit_card" } else { "CREDIT_CARD" }.to_owned()),
            ),
            (Outcome::Refunded, Sum::Part | Sum::More) => (Some((account.received / 3).max(1)), None, None),
            _ => (None, None, None),
        };
        let simulate =
            Simulate { amount, fee, channel, webhook: false, ..Simulate::new(account.link.clone(), outcome) };
        let played = self.world.sandbox.simulate(&simulate).await;
        self.answers.borrow_mut().push(played.as_ref().map_or_else(ToString::to_string, |now| now.state.clone()));
        match (played, outcome) {
            (Ok(_), Outcome::Paid) => Done::Paid,
            (Ok(_), Outcome::Refunded | Outcome::Reversed | Outcome::Chargeback) => Done::TakenBack,
            _ => Done::Nothing,
        }
    }

    async fn stream(&self) -> Done {
        let mut events = table::items(&self.world.aws.direct, "EVENT").await;
        events.sort_by_key(|event| told(event["detail"].as_s().unwrap()));
        let mut ids = Vec::new();
        let mut records = Vec::new();
        for event in &events {
            let text = |name: &str| event[name].as_s().unwrap().clone();
            if !self.streamed.contains(&text("id")) {
                let image = json!({"SK": {"S": "EVENT"}, "id": {"S": text("id")}, "kind": {"S": text("kind")}, "detail": {"S": text("detail")}});
                records.push(json!({"eventName": "INSERT", "dynamodb": {"NewImage": image}}));
                ids.push(text("id"));
            }
        }
        if !ids.is_empty() {
            relay_events::handle(&self.relay, json!({"Records": records})).await;
        }
        Done::Streamed(ids)
    }

    /// Each gateway changes its keys once at most: a notification that was signed two keys ago is not believed any
    /// more.
    fn change_keys(&self, gateway: GatewayName, change: KeyChange) {
        let of = &self.keys[usize::from(gateway == GatewayName::Xendit)];
        let keys = of.get();
        let (old, new) = match gateway {
            GatewayName::Midtrans => (lunas_sandbox::DEMO_MIDTRANS_SERVER_KEY, "SB-Mid-server-new"),
            GatewayName::Xendit => (lunas_sandbox::DEMO_XENDIT_API_KEY, "xnd_development_new"),
        };
        match (change, gateway) {
            (KeyChange::AtGateway, GatewayName::Midtrans) if !keys.changed => {
                self.world.sandbox.set_midtrans_server_keys(vec![new.to_owned(), old.to_owned()]);
                of.set(Keys { changed: true, ..keys });
            }
            (KeyChange::AtGateway, GatewayName::Xendit) if !keys.changed => {
                self.world.sandbox.set_xendit_keys(new, "new-callback-token");
                of.set(Keys { changed: true, ..keys });
            }
            (KeyChange::OldOnesEnd, GatewayName::Midtrans) if keys.changed => {
                self.world.sandbox.set_midtrans_server_keys(vec![new.to_owned()]);
            }
            (KeyChange::Typed, GatewayName::Midtrans) if keys.changed && !keys.typed => {
                let rows = json!({"serverKey": new, "previousServerKey": old, "isSandbox": "true"});
                self.world.aws.set_secret("lunas/dev/midtrans", &rows.to_string());
                of.set(Keys { typed: true, ..keys });
            }
            (KeyChange::Typed, GatewayName::Xendit) if keys.changed && !keys.typed => {
                let former = lunas_sandbox::DEMO_XENDIT_CALLBACK_TOKEN;
                let rows =
                    json!({"apiKey": new, "callbackToken": "new-callback-token", "previousCallbackToken": former});
                self.world.aws.set_secret("lunas/dev/xendit", &rows.to_string());
                of.set(Keys { typed: true, ..keys });
            }
            _ => {}
        }
    }

    /// As `lunas invoices cancel` does it.
    async fn withdraw(&self, p: &App, invoice: &InvoiceId) {
        for _ in 0..TRIES {
            let Ok(Some((invoice, profile))) = p.store.invoice_and_profile(&self.customer, invoice).await else {
                return;
            };
            let order = match &invoice.link {
                Some(link) => match p.store.order(link.gateway, &link.order_id).await {
                    Ok(order) => order,
                    Err(_) => return,
                },
                None => None,
            };
            let Ok(withdrawal) = withdraw(&invoice, &profile, order.as_ref(), self.now()) else { return };
            match p.store.withdraw_invoice(&withdrawal, self.now()).await {
                Err(StoreError::Stale | StoreError::Unavailable(_)) => {}
                _ => return,
            }
        }
    }

    /// As `lunas customers import` does it, without `--overwrite`.
    async fn import(&self, p: &App, row: Row) {
        let zone = p.settings.zone;
        let first = &self.phone;
        let mut said = CustomerRow {
            name: first.name.clone(),
            phone: first.phone.clone(),
            username: first.username.clone(),
            package: first.entitlement.package.clone(),
            expires_at: first.entitlement.expires_at,
            device_id: None,
            ont_serial: None,
        };
        match row {
            Row::Again => {}
            Row::Renamed => said.name.push_str(" (toko)"),
            Row::Days(days) => {
                said.expires_at = zone.end_of(zone.date(self.now().saturating_add(Duration::days(days))));
            }
            Row::Package(id) => {
                let id = PackageId::parse(id).unwrap();
                said.package = self.direct.package(&id).await.unwrap().unwrap().package;
            }
        }
        for _ in 0..TRIES {
            let Ok(before) = p.store.customer_by_username(&said.username).await else { return };
            let decided = import(before.as_ref(), &said, &[], self.customer.clone(), zone, self.now()).unwrap();
            let Some(import) = decided else { return self.answers.borrow_mut().push("unchanged".to_owned()) };
            if !import.losses.is_empty() {
                return self.answers.borrow_mut().push("refused".to_owned());
            }
            match p.store.import_customer(&import).await {
                Err(StoreError::Stale | StoreError::Unavailable(_)) => {}
                _ => return self.answers.borrow_mut().push("changed".to_owned()),
            }
        }
    }

    async fn issue(&self) {
        let profile = self.profile().await;
        if profile.open_renewal.is_some() {
            return;
        }
        let now = self.now();
        let id = InvoiceId::parse(&new_id("inv_", now)).unwrap();
        let number = self.direct.next_invoice_number(now.year()).await.unwrap();
        let in_catalogue =
            self.direct.package(&profile.entitlement.package.id).await.unwrap().map(|offered| offered.package);
        let due_date = self.world.app.settings.zone.date(now.saturating_add(Duration::days(7)));
        let issued = issue_renewal(
            &profile,
            in_catalogue.as_ref(),
            NewInvoice { id, number, due_date },
            billing::zone::Zone::Jakarta,
            now,
        )
        .unwrap();
        self.direct.issue_invoice(&issued, now).await.unwrap();
    }

    /// Faults are over. Whatever is under way arrives, time passes until every order was looked at, and then once more.
    async fn finish(&mut self) -> Result<(), Failure> {
        for gateway in GatewayName::ALL {
            self.change_keys(gateway, KeyChange::Typed);
        }
        self.waiting.append(&mut self.again);
        // Caches of keys are older than their minute.
        self.wait(Duration::minutes(2));
        self.until_quiet().await?;
        self.look_at_everything().await?;
        // An offer to change the package that holds money lapses, and its money becomes credit.
        self.wait(Duration::days(9));
        self.look_at_everything().await?;
        let first = Books::read(self).await;
        first.agree_with(&self.accounts())?;
        self.look_at_everything().await?;
        let second = Books::read(self).await;
        second.agree_with(&self.accounts())?;
        second.nothing_moved_since(&first)
    }

    pub fn accounts(&self) -> Vec<OrderBooks> {
        self.world.sandbox.books()
    }

    /// Delivers whatever is under way, as often as it takes, oldest first. A gateway gives up at some time.
    async fn until_quiet(&mut self) -> Result<(), Failure> {
        for _ in 0..ROUNDS {
            let before = (self.streamed.len(), self.numbers);
            for _ in 0..self.waiting.len() {
                let oldest = self.waiting.first().map(|(number, _)| *number);
                self.step(&undisturbed(Action::Deliver { nth: self.waiting.len() - 1, keep: false })).await;
                if oldest == self.waiting.first().map(|(number, _)| *number) {
                    // Not accepted: the next in turn.
                    self.waiting.rotate_left(1);
                }
            }
            let refused = &self.refused;
            self.waiting.retain(|(number, _)| refused.get(number).is_none_or(|times| *times < SENDINGS));
            self.step(&undisturbed(Action::Stream)).await;
            for _ in 0..self.queue.len() {
                self.step(&undisturbed(Action::Apply { nth: self.queue.len() - 1, keep: false })).await;
            }
            if self.waiting.is_empty() && self.queue.is_empty() && before == (self.streamed.len(), self.numbers) {
                return Ok(());
            }
            if !self.waiting.is_empty() {
                // Not believed now: perhaps in two minutes.
                self.wait(Duration::minutes(2));
            }
        }
        Err(Failure::new(Kind::Stuck, format!("not quiet after {ROUNDS} rounds; messages {:?}", self.queue)))
    }

    /// Puts the clock behind everything that is planned, and reconciles until nothing is due.
    async fn look_at_everything(&mut self) -> Result<(), Failure> {
        let planned = Books::read(self).await.latest_wake();
        if let Some(wait) = planned.map(|at| at - self.now()).filter(|wait| wait.is_positive()) {
            self.wait(wait.saturating_add(Duration::seconds(1)));
        }
        for _ in 0..RUNS {
            let books = Books::read(self).await;
            let (events, others) = books.wake_time(self.now());
            if events {
                self.step(&undisturbed(Action::Sweep)).await;
            }
            if others {
                self.step(&undisturbed(Action::Reconcile)).await;
            }
            if !events && !others {
                return Ok(());
            }
            self.until_quiet().await?;
        }
        Err(Failure::new(Kind::Stuck, format!("something is still due after {RUNS} runs")))
    }
}

fn tap_crashed(done: &[Done]) -> bool {
    done.iter().any(|done| matches!(done, Done::Crashed))
}

/// When an event happened, and its kind: its place among others, whatever its id.
fn told(detail: &str) -> (String, String) {
    let detail: Value = serde_json::from_str(detail).unwrap();
    let text = |name: &str| detail[name].as_str().unwrap_or_default().to_owned();
    (text("at"), text("kind"))
}

/// Was there a call of that operation?
fn reached(tap: &Tap, operation: &str) -> bool {
    tap.calls().iter().any(|call| call.operation.ends_with(operation))
}

fn undisturbed(action: Action) -> Step {
    Step { action, trouble: None }
}

fn newest<T>(list: &[T], nth: usize) -> Option<&T> {
    let newest = list.len().checked_sub(1)?;
    list.get(newest - nth % list.len())
}

/// Is it worth trying?
fn can_follow(outcome: Outcome, account: &OrderBooks) -> bool {
    match outcome {
        Outcome::Refunded | Outcome::Reversed | Outcome::Chargeback => {
            account.gateway == Partner::Midtrans && account.received > account.refunded && !account.charged_back
        }
        Outcome::Settled => account.received > 0,
        _ => account.received == 0,
    }
}

/// Does it tell of money that went back? Gateways repeat such a notification until it is answered, and nobody looks by
/// himself long after a payment.
fn takes_back(notification: &Notification) -> bool {
    let status = notification.json()["transaction_status"].as_str().unwrap_or_default().to_lowercase();
    ["refund", "partial_refund", "deny", "cancel", "chargeback"].contains(&status.as_str())
}
