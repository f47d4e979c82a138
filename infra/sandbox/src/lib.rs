//! Stand-ins of Midtrans (Snap and Core API), Xendit (Invoice API), senders of WhatsApp messages (Meta's Cloud API,
//! Fonnte, WAHA and a generic one), GenieACS (NBI) and the provider's network as one program.
//!
//! Start at [`start`]. Each partner listens on a loopback port of its own and has a module of its own (`midtrans`,
//! `xendit`, `whatsapp`, `genieacs`, `network`) that behaves as the partner's pages and official clients say, also
//! where that is inconvenient. What they share is in `core`, which knows none of them. Every base URL also serves the
//! control API of `control`: what a person clicks on the payment page, a script does with `POST /simulate`.
//!
//! Nothing here leaves this machine, nothing is kept on disk, and everything kept in memory is bounded.

mod control;
mod core;
mod genieacs;
mod midtrans;
mod network;
mod partners;
mod whatsapp;
mod xendit;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, ensure};
use axum::Router;
use axum::middleware::from_fn_with_state;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

pub use crate::core::options::*;
pub use crate::core::{BreakableListener, BreakableStream, Connection, OrderBooks, Partner, Urls};
pub use crate::core::{Call, Delivery, Fault, FaultKind, Made, Sent, TARGETS};
pub use crate::core::{Outcome, Simulate, SimulateError, Simulated};
pub use crate::genieacs::{Behaviour, Change, Device, Task};
pub use crate::network::{Effect, NetworkLine, Told};
pub use crate::whatsapp::{Message, Sender, SimulateMessage, SimulateMessageError, waha_signature};

use crate::core::{Core, PartnerRules};
use crate::partners::Partners;

/// The running stand-ins. They end when this is dropped.
#[derive(Debug)]
pub struct Sandbox {
    partners: Partners,
    servers: JoinSet<std::io::Result<()>>,
}

/// Binds the ports and starts serving.
///
/// # Errors
/// An address is in use or not on loopback, or the webhook base is not on this machine.
pub async fn start(options: Options) -> anyhow::Result<Sandbox> {
    if let Some(base) = &options.webhook_base {
        core::loopback_url(base).context("webhook base")?;
    }
    let (midtrans, midtrans_url) = bind(Partner::Midtrans, options.midtrans_address).await?;
    let (xendit, xendit_url) = bind(Partner::Xendit, options.xendit_address).await?;
    let (whatsapp, whatsapp_url) = bind(Partner::Whatsapp, options.whatsapp_address).await?;
    let (genieacs, genieacs_url) = bind(Partner::Genieacs, options.genieacs_address).await?;
    let (network, network_url) = bind(Partner::Network, options.network_address).await?;
    let urls = Urls {
        midtrans: midtrans_url,
        xendit: xendit_url,
        whatsapp: whatsapp_url,
        genieacs: genieacs_url,
        network: network_url,
    };
    let partners = Partners::new(Arc::new(Core::new(options, urls)?));
    let mut servers = JoinSet::new();
    for (rules, listener, api) in [
        (&midtrans::RULES, midtrans, midtrans::router().with_state(partners.midtrans.clone())),
        (&xendit::RULES, xendit, xendit::router().with_state(partners.xendit.clone())),
        (&whatsapp::RULES, whatsapp, whatsapp::router().with_state(partners.whatsapp.clone())),
        (&genieacs::RULES, genieacs, genieacs::router().with_state(partners.genieacs.clone())),
        (&network::RULES, network, network::router().with_state(partners.network.clone())),
    ] {
        servers.spawn(serve(partners.clone(), rules, listener, api));
    }
    Ok(Sandbox { partners, servers })
}

async fn bind(partner: Partner, address: SocketAddr) -> anyhow::Result<(TcpListener, String)> {
    let name = partner.name();
    ensure!(address.ip().is_loopback(), "{name}: {address} is not a loopback address");
    let listener = TcpListener::bind(address).await.with_context(|| format!("{name}: cannot listen on {address}"))?;
    let url = format!("http://{}", listener.local_addr()?);
    Ok((listener, url))
}

async fn serve(
    partners: Partners,
    rules: &'static PartnerRules,
    listener: TcpListener,
    api: Router,
) -> std::io::Result<()> {
    let layer = from_fn_with_state((Arc::clone(&partners.core), rules), core::receive);
    let stopped = partners.core.stopped();
    let app = api.layer(layer).merge(control::router(rules).with_state(partners));
    axum::serve(BreakableListener(listener), app.into_make_service_with_connect_info::<Connection>())
        .with_graceful_shutdown(stopped)
        .await
}

impl Sandbox {
    #[must_use]
    pub fn urls(&self) -> Urls {
        self.partners.core.urls.clone()
    }

    /// The lines as the network knows them, by customer.
    #[must_use]
    pub fn network_lines(&self) -> Vec<NetworkLine> {
        self.partners.network.store().lines()
    }

    /// The newest 1000 messages to the network, oldest first.
    #[must_use]
    pub fn network_messages(&self) -> Vec<Told> {
        self.partners.network.store().messages()
    }

    /// Changes the secret that the network knows.
    pub fn set_network_secret(&self, secret: impl Into<String>) {
        let secret = secret.into();
        self.partners.core.change_settings(|settings| settings.network_secret = secret);
    }

    /// Sends notifications to `{base}/api/webhooks/{gateway}` from now on.
    ///
    /// # Errors
    /// The base is not on this machine.
    pub fn set_webhook_base(&self, base: impl Into<String>) -> anyhow::Result<()> {
        let base = base.into();
        core::loopback_url(&base)?;
        self.partners.core.change_settings(|settings| settings.webhook_base = Some(base));
        Ok(())
    }

    /// Changes the valid Midtrans server keys; the first signs notifications.
    pub fn set_midtrans_server_keys(&self, keys: Vec<String>) {
        self.partners.core.change_settings(|settings| settings.midtrans_server_keys = keys);
    }

    /// Changes Xendit's secret key and callback token.
    pub fn set_xendit_keys(&self, api_key: impl Into<String>, callback_token: impl Into<String>) {
        let (api_key, callback_token) = (api_key.into(), callback_token.into());
        self.partners.core.change_settings(|settings| {
            settings.xendit_api_key = api_key;
            settings.xendit_callback_token = callback_token;
        });
    }

    /// Puts the gateways' clock forward.
    pub fn advance_clock(&self, by: Duration) {
        let seconds = i64::try_from(by.as_secs()).unwrap_or(i64::MAX);
        self.partners.core.clock.advance(seconds);
    }

    /// How often a call such as `midtrans.create` came in (see [`TARGETS`]), faults included.
    #[must_use]
    pub fn calls_of(&self, target: &str) -> usize {
        self.partners.core.calls.count(target)
    }

    /// The newest 1000 partner API calls, oldest first.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        self.partners.core.calls.list()
    }

    /// The newest 1000 attempts to deliver a notification, oldest first.
    #[must_use]
    pub fn deliveries(&self) -> Vec<Delivery> {
        self.partners.core.webhooks.deliveries()
    }

    /// Puts a fault in the way of calls to come.
    ///
    /// # Errors
    /// The target is unknown or too many faults are pending.
    pub fn add_fault(&self, fault: Fault) -> anyhow::Result<()> {
        self.partners.core.faults.add(fault).map_err(anyhow::Error::msg)
    }

    /// Takes the faults away that have not struck yet.
    pub fn clear_faults(&self) {
        self.partners.core.faults.clear();
    }

    /// What the gateways themselves hold of every order, the oldest of each gateway first.
    #[must_use]
    pub fn books(&self) -> Vec<OrderBooks> {
        self.partners.books()
    }

    /// Sends no notification any more: whoever calls [`Sandbox::take_notifications`] delivers them.
    pub fn keep_notifications(&self) {
        self.partners.core.change_settings(|settings| settings.webhook_base = None);
    }

    /// The notifications that were made since the last call, oldest first, at most the newest 1000. Sent or not.
    #[must_use]
    pub fn take_notifications(&self) -> Vec<Made> {
        self.partners.core.webhooks.take_made()
    }

    /// Messages to a phone, oldest first.
    #[must_use]
    pub fn inbox(&self, phone: &str) -> Vec<Message> {
        self.partners.whatsapp.store().of(phone)
    }

    /// Plays a customer's phone, as `POST /simulate-message` does; the status of the answer to the webhook.
    ///
    /// # Errors
    /// There is no such message or event, or its sender reports nothing.
    pub async fn simulate_message(&self, wish: &SimulateMessage) -> Result<Sent, SimulateMessageError> {
        self.partners.whatsapp.simulate(wish).await
    }

    /// Changes a modem, as `POST /simulate-device` does; its id, and for a swap the id of the new one. `None`: no modem
    /// has this id, serial number or PPPoE user.
    #[must_use]
    pub fn simulate_device(&self, device: &str, change: Change) -> Option<String> {
        self.partners.genieacs.change(device, change)
    }

    /// Adds a modem to the fleet.
    pub fn add_device(&self, device: Device) {
        self.partners.genieacs.store().add(device);
    }

    /// Changes what GenieACS knows of a modem, however unlikely.
    pub fn edit_device(&self, device: &str, edit: impl FnOnce(&mut Device)) {
        self.partners.genieacs.edit(device, edit);
    }

    #[must_use]
    pub fn tasks(&self) -> Vec<Task> {
        self.partners.genieacs.fleet_now().tasks.iter().cloned().collect()
    }

    /// Changes the credentials that GenieACS wants.
    pub fn set_genieacs_password(&self, password: impl Into<String>) {
        let password = password.into();
        self.partners.core.change_settings(|settings| settings.genieacs_password = password);
    }

    /// Plays the customer or the bank, as `POST /simulate` does.
    ///
    /// # Errors
    /// The link is unknown or the outcome cannot follow its present state.
    pub async fn simulate(&self, simulate: &Simulate) -> Result<Simulated, SimulateError> {
        self.partners.simulate(simulate).await
    }

    /// Sends everything ever notified about a link `copies` times over, as `POST /webhooks/replay` does; the
    /// statuses of the answers, none for a post that was not answered.
    ///
    /// # Errors
    /// The link is unknown.
    pub async fn replay(&self, link: &str, copies: usize, shuffle: bool) -> Result<Vec<Option<u16>>, SimulateError> {
        self.partners.replay(link, copies, shuffle).await
    }

    /// Ends the stand-ins and waits until their ports are closed.
    pub async fn stop(mut self) {
        self.partners.core.stop();
        // Connections that a caller keeps open without a request would be waited for: give them a moment only.
        let ended = async { while self.servers.join_next().await.is_some() {} };
        let _ = tokio::time::timeout(Duration::from_millis(200), ended).await;
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.partners.core.stop();
    }
}
