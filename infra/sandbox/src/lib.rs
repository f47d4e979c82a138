//! Stand-ins of Midtrans (Snap and Core API), Xendit (Invoice API), senders of WhatsApp messages (Meta's Cloud API,
//! Fonnte, WAHA and a generic one), GenieACS (NBI) and the provider's network as one program.
//!
//! Start at [`start`]. Each partner listens on a loopback port of its own and has a module of its own (`midtrans`,
//! `xendit`, `whatsapp`, `genieacs`, `network`) that behaves as the partner's pages and official clients say, also
//! where that is inconvenient. Every base URL also serves the control API of `control`: what a person clicks on the
//! payment page, a script does with `POST /simulate`.
//!
//! Nothing here leaves this machine, nothing is kept on disk, and everything kept in memory is bounded.

mod basic_auth;
mod books;
mod calls;
mod clock;
mod connection;
mod control;
mod faults;
mod form;
mod genieacs;
mod midtrans;
mod network;
mod page;
mod partner;
mod random;
mod rupiah;
mod simulation;
mod webhooks;
mod whatsapp;
mod world;
mod xendit;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, ensure};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

pub use crate::books::{Made, OrderBooks};
pub use crate::calls::Call;
pub use crate::connection::{BreakableListener, BreakableStream, Connection};
pub use crate::faults::{Fault, FaultKind, TARGETS};
pub use crate::genieacs::{Behaviour, Change, Device, Task};
pub use crate::network::{Effect, NetworkLine, Told};
pub use crate::partner::Partner;
pub use crate::simulation::{Outcome, Simulate, SimulateError, Simulated};
pub use crate::webhooks::{Delivery, Sent};
pub use crate::whatsapp::{Message, Sender, SimulateMessage, SimulateMessageError};
pub use crate::world::Urls;

use crate::world::{Partners, Shared};

/// Server key of Midtrans in the demo.
pub const DEMO_MIDTRANS_SERVER_KEY: &str = "SB-Mid-server-demo";
/// Secret key of Xendit in the demo.
pub const DEMO_XENDIT_API_KEY: &str = "xnd_development_demo";
/// Token of Xendit's webhooks in the demo.
pub const DEMO_XENDIT_CALLBACK_TOKEN: &str = "demo-callback-token";
/// Key of the WhatsApp sender in the demo.
pub const DEMO_WHATSAPP_API_KEY: &str = "demo-whatsapp-key";

/// Token of Meta's system user in the demo.
pub const DEMO_META_TOKEN: &str = whatsapp::TOKEN;
/// Meta's id of the sending number in the demo.
pub const DEMO_META_PHONE_NUMBER_ID: &str = whatsapp::PHONE_NUMBER_ID;
/// What signs Meta's webhooks in the demo.
pub const DEMO_META_APP_SECRET: &str = whatsapp::APP_SECRET;
/// What Meta's handshake carries in the demo.
pub const DEMO_META_VERIFY_TOKEN: &str = whatsapp::VERIFY_TOKEN;
/// Token of the device at Fonnte in the demo.
pub const DEMO_FONNTE_TOKEN: &str = whatsapp::FONNTE_TOKEN;
/// What the address of Fonnte's webhooks ends in, in the demo.
pub const DEMO_FONNTE_WEBHOOK_TOKEN: &str = whatsapp::FONNTE_WEBHOOK_TOKEN;
/// API key of WAHA in the demo.
pub const DEMO_WAHA_API_KEY: &str = whatsapp::WAHA_API_KEY;
/// What signs WAHA's webhooks in the demo.
pub const DEMO_WAHA_HMAC_KEY: &str = whatsapp::WAHA_HMAC_KEY;
/// The session of WAHA in the demo.
pub const DEMO_WAHA_SESSION: &str = whatsapp::WAHA_SESSION;

/// What WAHA writes into `X-Webhook-Hmac` above such a body.
#[must_use]
pub fn waha_signature(body: &str) -> String {
    whatsapp::waha_signature(body)
}

/// What the proxy in front of GenieACS wants in the demo.
pub const DEMO_GENIEACS_USERNAME: &str = "lunas";
/// Its password.
pub const DEMO_GENIEACS_PASSWORD: &str = "demo-genieacs-password";

/// What signs messages to the network in the demo.
pub const DEMO_NETWORK_SECRET: &str = "whsec_ZGVtby1uZXR3b3JrLXNlY3JldC1vZi1sdW5hcyE=";

/// How the sandbox is set up.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where Midtrans listens; a loopback address, port 0 for any free one.
    pub midtrans_address: SocketAddr,
    pub xendit_address: SocketAddr,
    pub whatsapp_address: SocketAddr,
    pub genieacs_address: SocketAddr,
    pub network_address: SocketAddr,
    /// Valid server keys (two while one is being replaced). The first signs notifications.
    pub midtrans_server_keys: Vec<String>,
    /// Core API errors travel as HTTP 200 with the code in the body, as the real one is seen to do. `true` sends them
    /// as HTTP errors too. A client must understand both.
    pub midtrans_http_errors: bool,
    pub xendit_api_key: String,
    /// What Xendit's webhooks carry in `x-callback-token`.
    pub xendit_callback_token: String,
    /// Notifications go to `{webhook_base}/api/webhooks/{gateway}`; without it they are lost.
    pub webhook_base: Option<String>,
    /// The gateways' waits between repeated notifications (minutes to hours) are divided by this.
    pub retry_speedup: u32,
    /// What `POST /send` wants in `Authorization`.
    pub whatsapp_api_key: String,
    /// What GenieACS wants in Basic authentication.
    pub genieacs_username: String,
    pub genieacs_password: String,
    /// Milliseconds for which a slow modem holds whoever asks about it.
    pub genieacs_slow_ms: u64,
    /// What signs messages to the network: `whsec_` and base64.
    pub network_secret: String,
    /// Life of a Snap page, a payment code and a Xendit invoice whose creator does not say.
    pub default_expiry: Duration,
}

impl Default for Options {
    fn default() -> Self {
        let any_port = SocketAddr::from(([127, 0, 0, 1], 0));
        Self {
            midtrans_address: any_port,
            xendit_address: any_port,
            whatsapp_address: any_port,
            genieacs_address: any_port,
            network_address: any_port,
            midtrans_server_keys: vec![DEMO_MIDTRANS_SERVER_KEY.to_owned()],
            midtrans_http_errors: false,
            xendit_api_key: DEMO_XENDIT_API_KEY.to_owned(),
            xendit_callback_token: DEMO_XENDIT_CALLBACK_TOKEN.to_owned(),
            webhook_base: None,
            retry_speedup: 1,
            whatsapp_api_key: DEMO_WHATSAPP_API_KEY.to_owned(),
            genieacs_username: DEMO_GENIEACS_USERNAME.to_owned(),
            genieacs_password: DEMO_GENIEACS_PASSWORD.to_owned(),
            genieacs_slow_ms: 30_000,
            network_secret: DEMO_NETWORK_SECRET.to_owned(),
            default_expiry: Duration::from_hours(24),
        }
    }
}

/// The running stand-ins. They end when this is dropped.
#[derive(Debug)]
pub struct Sandbox {
    world: Shared,
    servers: JoinSet<std::io::Result<()>>,
}

/// Binds the ports and starts serving.
///
/// # Errors
/// An address is in use or not on loopback, or the webhook base is not on this machine.
pub async fn start(options: Options) -> anyhow::Result<Sandbox> {
    if let Some(base) = &options.webhook_base {
        world::loopback_url(base).context("webhook base")?;
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
    let world = Arc::new(Partners::new(options, urls)?);
    let mut servers = JoinSet::new();
    for (partner, listener, api) in [
        (Partner::Midtrans, midtrans, midtrans::router()),
        (Partner::Xendit, xendit, xendit::router()),
        (Partner::Whatsapp, whatsapp, whatsapp::router()),
        (Partner::Genieacs, genieacs, genieacs::router()),
        (Partner::Network, network, network::router()),
    ] {
        servers.spawn(serve(Arc::clone(&world), partner, listener, api));
    }
    Ok(Sandbox { world, servers })
}

async fn bind(partner: Partner, address: SocketAddr) -> anyhow::Result<(TcpListener, String)> {
    let name = partner.name();
    ensure!(address.ip().is_loopback(), "{name}: {address} is not a loopback address");
    let listener = TcpListener::bind(address).await.with_context(|| format!("{name}: cannot listen on {address}"))?;
    let url = format!("http://{}", listener.local_addr()?);
    Ok((listener, url))
}

async fn serve(
    world: Shared,
    partner: Partner,
    listener: TcpListener,
    api: axum::Router<Shared>,
) -> std::io::Result<()> {
    let layer = axum::middleware::from_fn_with_state((Arc::clone(&world), partner), calls::receive);
    let stopped = world.stopped();
    let app = api.layer(layer).merge(control::router(partner)).with_state(world);
    axum::serve(BreakableListener(listener), app.into_make_service_with_connect_info::<Connection>())
        .with_graceful_shutdown(stopped)
        .await
}

impl Sandbox {
    /// Base URL of Midtrans: the Snap API is under `/snap/v1`, the Core API under `/v2`.
    #[must_use]
    pub fn midtrans_url(&self) -> String {
        self.world.urls.midtrans.clone()
    }

    #[must_use]
    pub fn xendit_url(&self) -> String {
        self.world.urls.xendit.clone()
    }

    #[must_use]
    pub fn whatsapp_url(&self) -> String {
        self.world.urls.whatsapp.clone()
    }

    #[must_use]
    pub fn genieacs_url(&self) -> String {
        self.world.urls.genieacs.clone()
    }

    /// Base URL of the network; its receiver is at `/webhook`.
    #[must_use]
    pub fn network_url(&self) -> String {
        self.world.urls.network.clone()
    }

    /// The lines as the network knows them, by customer.
    #[must_use]
    pub fn network_lines(&self) -> Vec<NetworkLine> {
        locked(&self.world.network).lines()
    }

    /// The newest 1000 messages to the network, oldest first.
    #[must_use]
    pub fn network_messages(&self) -> Vec<Told> {
        locked(&self.world.network).messages()
    }

    /// Changes the secret that the network knows.
    pub fn set_network_secret(&self, secret: impl Into<String>) {
        let secret = secret.into();
        self.world.change_settings(|settings| settings.network_secret = secret);
    }

    #[must_use]
    pub fn urls(&self) -> Urls {
        self.world.urls.clone()
    }

    /// Sends notifications to `{base}/api/webhooks/{gateway}` from now on.
    ///
    /// # Errors
    /// The base is not on this machine.
    pub fn set_webhook_base(&self, base: impl Into<String>) -> anyhow::Result<()> {
        let base = base.into();
        world::loopback_url(&base)?;
        self.world.change_settings(|settings| settings.webhook_base = Some(base));
        Ok(())
    }

    /// Changes the valid Midtrans server keys; the first signs notifications.
    pub fn set_midtrans_server_keys(&self, keys: Vec<String>) {
        self.world.change_settings(|settings| settings.midtrans_server_keys = keys);
    }

    /// Changes Xendit's secret key and callback token.
    pub fn set_xendit_keys(&self, api_key: impl Into<String>, callback_token: impl Into<String>) {
        let (api_key, callback_token) = (api_key.into(), callback_token.into());
        self.world.change_settings(|settings| {
            settings.xendit_api_key = api_key;
            settings.xendit_callback_token = callback_token;
        });
    }

    /// Puts the gateways' clock forward.
    pub fn advance_clock(&self, by: Duration) {
        let seconds = i64::try_from(by.as_secs()).unwrap_or(i64::MAX);
        self.world.clock.advance(seconds);
    }

    /// How often a call such as `midtrans.create` came in (see [`TARGETS`]), faults included.
    #[must_use]
    pub fn calls_of(&self, target: &str) -> usize {
        self.world.calls.count(target)
    }

    /// The newest 1000 partner API calls, oldest first.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        self.world.calls.list()
    }

    /// The newest 1000 attempts to deliver a notification, oldest first.
    #[must_use]
    pub fn deliveries(&self) -> Vec<Delivery> {
        self.world.sender.deliveries()
    }

    /// Puts a fault in the way of calls to come.
    ///
    /// # Errors
    /// The target is unknown or too many faults are pending.
    pub fn add_fault(&self, fault: Fault) -> anyhow::Result<()> {
        self.world.faults.add(fault).map_err(anyhow::Error::msg)
    }

    /// Takes the faults away that have not struck yet.
    pub fn clear_faults(&self) {
        self.world.faults.clear();
    }

    /// What the gateways themselves hold of every order, the oldest of each gateway first.
    #[must_use]
    pub fn books(&self) -> Vec<OrderBooks> {
        books::all(&self.world)
    }

    /// Sends no notification any more: whoever calls [`Sandbox::take_notifications`] delivers them.
    pub fn keep_notifications(&self) {
        self.world.change_settings(|settings| settings.webhook_base = None);
    }

    /// The notifications that were made since the last call, oldest first, at most the newest 1000. Sent or not.
    #[must_use]
    pub fn take_notifications(&self) -> Vec<Made> {
        books::take_made(&self.world)
    }

    /// Messages to a phone, oldest first.
    #[must_use]
    pub fn inbox(&self, phone: &str) -> Vec<Message> {
        locked(&self.world.inbox).of(phone)
    }

    /// Plays a customer's phone, as `POST /simulate-message` does; the status of the answer to the webhook.
    ///
    /// # Errors
    /// There is no such message or event, or its sender reports nothing.
    pub async fn simulate_message(&self, wish: &SimulateMessage) -> Result<Sent, SimulateMessageError> {
        whatsapp::run(&self.world, wish).await
    }

    /// Changes a modem, as `POST /simulate-device` does; its id, and for a swap the id of the new one. `None`: no modem
    /// has this id, serial number or PPPoE user.
    #[must_use]
    pub fn simulate_device(&self, device: &str, change: Change) -> Option<String> {
        genieacs::change(&self.world, device, change)
    }

    /// Adds a modem to the fleet.
    pub fn add_device(&self, device: Device) {
        locked(&self.world.genieacs).add(device);
    }

    /// Changes what GenieACS knows of a modem, however unlikely.
    pub fn edit_device(&self, device: &str, edit: impl FnOnce(&mut Device)) {
        genieacs::edit(&self.world, device, edit);
    }

    #[must_use]
    pub fn tasks(&self) -> Vec<Task> {
        genieacs::waiting(&self.world)
    }

    /// Changes the credentials that GenieACS wants.
    pub fn set_genieacs_password(&self, password: impl Into<String>) {
        let password = password.into();
        self.world.change_settings(|settings| settings.genieacs_password = password);
    }

    /// Plays the customer or the bank, as `POST /simulate` does.
    ///
    /// # Errors
    /// The link is unknown or the outcome cannot follow its present state.
    pub async fn simulate(&self, simulate: &Simulate) -> Result<Simulated, SimulateError> {
        simulation::run(&self.world, simulate).await
    }

    /// Sends everything ever notified about a link `copies` times over, as `POST /webhooks/replay` does; the
    /// statuses of the answers, none for a post that was not answered.
    ///
    /// # Errors
    /// The link is unknown.
    pub async fn replay(&self, link: &str, copies: usize, shuffle: bool) -> Result<Vec<Option<u16>>, SimulateError> {
        simulation::replay(&self.world, link, copies, shuffle).await
    }

    /// Ends the stand-ins and waits until their ports are closed.
    pub async fn stop(mut self) {
        self.world.stop();
        // Connections that a caller keeps open without a request would be waited for: give them a moment only.
        let ended = async { while self.servers.join_next().await.is_some() {} };
        let _ = tokio::time::timeout(Duration::from_millis(200), ended).await;
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.world.stop();
    }
}

/// A lock that outlives a panic of another test's task: the stand-ins keep no invariants across fields.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
