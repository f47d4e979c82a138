//! Queue: sends messages to customers. For now: login codes.
//!
//! The event names a request; phone and code are found out here, behind the bus, so that the endpoint's answer and its time are
//! the same whether anybody has that phone or not.

use std::sync::Arc;

use billing::event::Event;
use cloud::{
    aws::Account,
    clock::Clock,
    queue::{Batch, Message, NotAnEvent, Report},
    secrets::{SecretError, Secrets},
    settings::{SettingError, Settings},
    store::{Store, StoreError},
};
use messaging::{HttpProvider, ProviderError, RejectionClass, SendOutcome};
use web::login::{KeyError, MasterKey};

/// The store, the keys and the installation.
#[derive(Debug, Clone)]
pub struct Notify {
    /// The table.
    pub store: Store,
    /// The keys.
    pub secrets: Secrets,
    /// The installation.
    pub settings: Arc<Settings>,
    /// The time.
    pub clock: Clock,
}

impl Notify {
    /// What Lambda puts into the environment.
    pub fn from_env() -> Result<Self, SettingError> {
        let settings = Settings::from_env()?;
        let account = Account::from_env();
        let clock = Clock::default();
        Ok(Self {
            store: Store::new(account.dynamodb(), settings.table.clone()),
            secrets: Secrets::new(account.secretsmanager(), &settings.stage, clock.clone()),
            settings: Arc::new(settings),
            clock,
        })
    }
}

#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error(transparent)]
    Message(#[from] NotAnEvent),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Secret(#[from] SecretError),
    #[error(transparent)]
    Key(#[from] KeyError),
    #[error(transparent)]
    Provider(#[from] ProviderError),
    #[error("no message provider is configured")]
    NotConfigured,
    #[error("the provider does not take the message now: {0}")]
    Later(String),
}

/// Sends a batch; what may succeed later comes again.
pub async fn handle(notify: &Notify, batch: Batch) -> Report {
    let mut report = Report::default();
    for message in &batch.messages {
        if let Err(error) = notify_one(notify, message).await {
            let alarm = !matches!(error, Failed::Store(_) | Failed::Later(_));
            tracing::error!(alarm, message_id = message.message_id, %error, "message not sent");
            report.failed(message);
        }
    }
    report
}

async fn notify_one(notify: &Notify, message: &Message) -> Result<(), Failed> {
    match message.event()?.event {
        Event::LoginCodeRequested { login_id, request_id } => send_code(notify, &login_id, &request_id, message.came_before()).await,
        other => {
            tracing::warn!(kind = other.kind(), "an event without a message");
            Ok(())
        }
    }
}

async fn send_code(notify: &Notify, login_id: &str, request_id: &str, came_before: bool) -> Result<(), Failed> {
    let Some(state) = notify.store.login_state(login_id).await? else { return Ok(()) };
    // A message that comes late must not bring a code that no longer works.
    if state.request_id != request_id || state.used {
        return Ok(());
    }
    if notify.clock.now() >= state.expires_at {
        // Tried until it was too late: nobody can log in as long as the provider takes nothing.
        tracing::error!(alarm = came_before, "a login code could not be sent in time");
        return Ok(());
    }
    if notify.store.lines_of(&state.phone).await?.is_empty() {
        return Ok(());
    }
    let rows = notify.secrets.rows("whatsapp").await?;
    let provider = HttpProvider::from_secret(&rows, !notify.settings.is_production())?.ok_or(Failed::NotConfigured)?;
    let code = MasterKey::read(&notify.secrets).await?.code(&state.phone, request_id);
    let text = format!("Kode masuk {code}. Berlaku 5 menit. Jangan berikan kode ini kepada siapa pun.");
    match provider.send(state.phone.as_str(), &text).await {
        SendOutcome::Accepted { .. } => Ok(()),
        // It may have arrived. The customer sees whether it did, and can ask for the same code again.
        SendOutcome::Unknown(detail) => {
            tracing::warn!(detail, "no answer whether the code was sent");
            Ok(())
        }
        SendOutcome::Rejected { class: RejectionClass::Refused, detail } => {
            // No alarm: it may be the number, and anybody can type one.
            tracing::error!(detail, "the provider refuses the message");
            Ok(())
        }
        SendOutcome::Rejected { class: RejectionClass::Credentials, detail } => {
            tracing::error!(alarm = true, "the provider refuses the credentials");
            let _ = notify.secrets.refreshed_rows("whatsapp").await;
            Err(Failed::Later(detail))
        }
        SendOutcome::Rejected { class: RejectionClass::Later | RejectionClass::Throttled, detail } => Err(Failed::Later(detail)),
    }
}
