//! Queue: sends messages to customers. For now: login codes.
//!
//! The event names a request; phone and code are found out here, behind the bus, so that the endpoint's answer and its time are
//! the same whether anybody has that phone or not.

use billing::event::Event;
use cloud::{
    installation::Installation,
    queue::{Batch, Message, NotAnEvent, Report},
    secrets::SecretError,
    store::StoreError,
};
use messaging::{Category, Channel, Endpoints, Language, ProviderError, RejectionClass, SendOutcome};
use web::login::{KeyError, MasterKey};

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
pub async fn handle(installation: &Installation, batch: Batch) -> Report {
    let mut report = Report::default();
    for message in &batch.messages {
        if let Err(error) = notify_one(installation, message).await {
            let alarm = !matches!(error, Failed::Store(_) | Failed::Later(_));
            tracing::error!(alarm, message_id = message.message_id, %error, "message not sent");
            report.failed(message);
        }
    }
    report
}

async fn notify_one(installation: &Installation, message: &Message) -> Result<(), Failed> {
    match message.event()?.event {
        Event::LoginCodeRequested { login_id, request_id } => send_code(installation, &login_id, &request_id, message.came_before()).await,
        other => {
            tracing::warn!(kind = other.kind(), "an event without a message");
            Ok(())
        }
    }
}

async fn send_code(installation: &Installation, login_id: &str, request_id: &str, came_before: bool) -> Result<(), Failed> {
    let Some(state) = installation.store.login_state(login_id).await? else { return Ok(()) };
    // A message that comes late must not bring a code that no longer works.
    if state.request_id != request_id || state.used {
        return Ok(());
    }
    if installation.clock.now() >= state.expires_at {
        // Tried until it was too late: nobody can log in as long as the provider takes nothing.
        tracing::error!(alarm = came_before, "a login code could not be sent in time");
        return Ok(());
    }
    if installation.store.lines_of(&state.phone).await?.is_empty() {
        return Ok(());
    }
    let rows = installation.secrets.rows("whatsapp").await?;
    let endpoints = Endpoints {
        stand_in: installation.settings.partner_endpoints.get("whatsapp").map(String::as_str),
        loopback_http: !installation.settings.is_production(),
    };
    let channel = Channel::open(&rows, endpoints)?.ok_or(Failed::NotConfigured)?;
    let code = MasterKey::read(&installation.secrets).await?.code(&state.phone, request_id);
    let text = format!("Kode masuk {code}. Berlaku 5 menit. Jangan berikan kode ini kepada siapa pun.");
    let message = messaging::Message {
        template: "login_code",
        category: Category::Authentication,
        language: Language::Id,
        parameters: vec![code.clone()],
        button: Some(code),
        text,
        callback: request_id.to_owned(),
    };
    match channel.send(state.phone.as_str(), &message).await.outcome {
        SendOutcome::Accepted { .. } => Ok(()),
        // It may have arrived. The customer sees whether it did, and can ask for the same code again.
        SendOutcome::Unknown(detail) => {
            tracing::warn!(detail, "no answer whether the code was sent");
            Ok(())
        }
        SendOutcome::Rejected { class: RejectionClass::Recipient, detail } => {
            // No alarm: it may be the number, and anybody can type one.
            tracing::error!(detail, "the provider refuses the message");
            Ok(())
        }
        SendOutcome::Rejected { class: RejectionClass::Message, detail } => {
            tracing::error!(alarm = true, detail, "the provider refuses login codes as they are");
            Ok(())
        }
        SendOutcome::Rejected { class: RejectionClass::Stop, detail } => {
            tracing::error!(alarm = true, detail, "the provider takes no messages from us");
            let _ = installation.secrets.refreshed_rows("whatsapp").await;
            Err(Failed::Later(detail))
        }
        SendOutcome::Rejected { class: RejectionClass::Later { .. }, detail } => Err(Failed::Later(detail)),
    }
}
