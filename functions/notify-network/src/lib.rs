//! Queue and clock: tells the provider's network who is served, in the form of Standard Webhooks.
//!
//! An event only says whose line to look at. What is told is the line as it stands, once per state, until every
//! receiver took it (`billing::telling::network`). What was not taken is planned work: the clock tells it again.

mod receivers;
pub mod signature;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use billing::id::CustomerId;
use billing::telling::network::{self, NetworkUpdate, ReceiverProblem, TellingState, TryResult};
use cloud::app::App;
use cloud::queue::{Batch, BatchReport, Message, NotAnEvent};
use cloud::secrets::{Rows, SecretError};
use cloud::store::StoreError;
use receivers::Receivers;
use serde::Deserialize;
use serde_json::Value;
use tokio::task::JoinSet;

/// Name of the secret, and of the stand-in among the partners' endpoints.
const NAME: &str = "network";
/// Times that one line is looked at in a row. Once more than it is told, unless it changes all the time.
const ROUNDS: u32 = 3;
/// Lines that a sweep finds per index partition, of sixteen.
const SWEEP_LIMIT: i32 = 20;
/// Lines that a sweep tells at the same time.
const AT_ONCE: usize = 5;
/// A sweep begins nothing new after this long: one try takes five seconds, the function lives fifteen.
const SWEEP_TIME: Duration = Duration::from_secs(7);

/// What telling the network takes. Clones share everything.
#[derive(Debug, Clone)]
pub struct Network {
    app: App,
    known: Arc<Mutex<Option<Known>>>,
}

/// The receivers of the rows that were last read: a client costs milliseconds.
#[derive(Debug)]
struct Known {
    rows: Arc<Rows>,
    receivers: Receivers,
}

#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error(transparent)]
    Message(#[from] NotAnEvent),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the line changes faster than it can be told")]
    Restless,
}

impl Failed {
    const fn needs_a_person(&self) -> bool {
        matches!(self, Self::Message(_) | Self::Store(StoreError::Damaged(_)))
    }
}

/// What matters of an event: its kind, and whose line to look at.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Changed {
    kind: String,
    customer_id: CustomerId,
}

impl Network {
    #[must_use]
    pub fn new(app: App) -> Self {
        Self { app, known: Arc::default() }
    }

    /// Whom to tell; `None` = nobody is configured.
    async fn receivers(&self) -> Result<Option<Receivers>, ReceiverProblem> {
        let secrets = &self.app.secrets;
        let unusable = |error: &dyn std::error::Error| {
            tracing::error!(alarm = true, %error, "the network cannot be told");
            ReceiverProblem::Misconfigured
        };
        let rows = secrets.rows(NAME).await.map_err(|error: SecretError| unusable(&error))?;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = known.as_ref().filter(|known| known.rows == rows) {
            return Ok(Some(known.receivers.clone()));
        }
        let stand_in = self.app.settings.partner_endpoints.contains_key(NAME);
        let receivers = Receivers::from_rows(&rows, stand_in).map_err(|error| unusable(&error))?;
        *known = receivers.clone().map(|receivers| Known { rows, receivers });
        Ok(receivers)
    }
}

/// Tells what a batch of events changed; or, called by the clock, what is due.
pub async fn handle(network: &Network, trigger: Value) -> BatchReport {
    let mut report = BatchReport::default();
    if trigger.get("Records").is_none() {
        sweep(network).await;
        return report;
    }
    match Batch::deserialize(trigger) {
        Ok(batch) => {
            for message in &batch.messages {
                if let Err(error) = tell_event(network, message).await {
                    tracing::error!(alarm = error.needs_a_person(), message_id = message.message_id, %error, "the network was not told; the message comes again");
                    report.failed(message);
                }
            }
        }
        Err(error) => tracing::error!(alarm = true, %error, "what the queue handed over cannot be read"),
    }
    report
}

async fn tell_event(network: &Network, message: &Message) -> Result<(), Failed> {
    let Changed { kind, customer_id } = message.detail()?;
    Box::pin(tell(network, &customer_id, Some(&kind))).await.map(|_| ())
}

/// Tells one line, and looks at it once more afterwards: who came meanwhile found it claimed, and relied on that.
/// Answers the problem of the last try, if it reached nobody.
async fn tell(
    network: &Network,
    customer: &CustomerId,
    cause: Option<&str>,
) -> Result<Option<ReceiverProblem>, Failed> {
    let App { store, clock, .. } = &network.app;
    let receivers = network.receivers().await;
    let mut cause = cause;
    for round in 1..=ROUNDS {
        let Some((profile, before)) = store.profile_and_network_update(customer).await? else { return Ok(None) };
        if let Ok(None) = &receivers {
            return forget(network, before).await;
        }
        let now = clock.now();
        let Some(claimed) = network::claim(before.as_ref(), &profile, cause, now) else { return Ok(None) };
        let claimed = match store.put_network_update(claimed).await {
            Ok(claimed) => claimed,
            // Somebody else was faster.
            Err(StoreError::Stale) => continue,
            Err(error) => return Err(error.into()),
        };
        let outcome = match &receivers {
            Ok(Some(receivers)) => receivers.tell(&claimed, now).await,
            Ok(None) => TryResult::default(),
            Err(problem) => TryResult { problem: Some(*problem), ..TryResult::default() },
        };
        if outcome.problem == Some(ReceiverProblem::Unauthorized) {
            // The key may have been replaced: the next try signs with what is typed in now.
            let _ = network.app.secrets.refreshed_rows(NAME).await;
        }
        let after = claimed.after(&outcome, round == ROUNDS, clock.now());
        note(&after);
        let is_due = after.wake_at.is_some();
        match store.put_network_update(after).await {
            // Stale: this took longer than the claim lasts, and somebody else is at it.
            Ok(_) | Err(StoreError::Stale) => {}
            Err(error) => return Err(error.into()),
        }
        if is_due {
            // The clock looks at it once more.
            let reached_nobody = outcome.taken.is_empty() && outcome.gone.is_empty();
            return Ok(if reached_nobody { outcome.problem } else { None });
        }
        cause = None;
    }
    Err(Failed::Restless)
}

/// Nobody is configured: customers are not shown a network that is late.
async fn forget(network: &Network, network_update: Option<NetworkUpdate>) -> Result<Option<ReceiverProblem>, Failed> {
    if let Some(off) = network_update.and_then(|network_update| network_update.off()) {
        match network.app.store.put_network_update(off).await {
            Ok(_) | Err(StoreError::Stale) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(None)
}

/// What became of a try, in one line.
fn note(network_update: &NetworkUpdate) {
    let (customer, version, tries) = (network_update.customer_id.as_str(), network_update.number, network_update.tries);
    match network_update.state {
        TellingState::Told => tracing::info!(customer, version, tries, "the network was told"),
        TellingState::GivenUp => {
            tracing::error!(alarm = true, customer, version, tries, problem = ?network_update.problem, "the network was not told, and is no longer asked");
        }
        TellingState::Pending | TellingState::Failing | TellingState::Off => {
            tracing::error!(alarm = network_update.is_alarming(), customer, version, tries, problem = ?network_update.problem, "the network was not told yet");
        }
    }
}

/// Tells what is due, longest overdue first. A receiver that is down is found out with the first few; the rest waits
/// until it is back.
async fn sweep(network: &Network) {
    let started = tokio::time::Instant::now();
    let App { store, clock, .. } = &network.app;
    let wake_at = match store.network_updates_to_send(clock.now(), SWEEP_LIMIT).await {
        Ok(wake_at) => wake_at,
        Err(error) => {
            tracing::error!(alarm = true, %error, "due lines could not be read");
            return;
        }
    };
    for customers in wake_at.chunks(AT_ONCE) {
        if started.elapsed() > SWEEP_TIME {
            tracing::warn!(wake_at = wake_at.len(), "more lines are due than a run can tell");
            return;
        }
        let mut telling = JoinSet::new();
        for customer in customers {
            let (network, customer) = (network.clone(), customer.clone());
            telling.spawn(async move {
                let told = Box::pin(tell(&network, &customer, None)).await;
                if let Err(error) = &told {
                    tracing::error!(alarm = error.needs_a_person(), customer = customer.as_str(), %error, "a due line was not told; it stays due");
                }
                matches!(told, Ok(Some(problem)) if problem.concerns_every_line())
            });
        }
        let in_vain = telling.join_all().await;
        // One of several receivers that is down must not keep the others waiting.
        if in_vain.iter().all(|in_vain| *in_vain) {
            return;
        }
    }
}
