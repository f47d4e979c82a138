//! How the sandbox is set up, and the keys of the demo.

use std::net::SocketAddr;
use std::time::Duration;

/// Signs notifications, too.
pub const DEMO_MIDTRANS_SERVER_KEY: &str = "SB-Mid-server-demo";
pub const DEMO_XENDIT_API_KEY: &str = "xnd_development_demo";
/// What Xendit's webhooks carry.
pub const DEMO_XENDIT_CALLBACK_TOKEN: &str = "demo-callback-token";
/// Key of the generic WhatsApp sender.
pub const DEMO_WHATSAPP_API_KEY: &str = "demo-whatsapp-key";
/// Token of Meta's system user.
pub const DEMO_META_TOKEN: &str = "demo-meta-token";
/// Meta's id of the sending number.
pub const DEMO_META_PHONE_NUMBER_ID: &str = "106540352242922";
/// Signs Meta's webhooks.
pub const DEMO_META_APP_SECRET: &str = "demo-meta-app-secret";
/// What Meta's handshake carries.
pub const DEMO_META_VERIFY_TOKEN: &str = "demo-meta-verify-token";
/// Token of the device at Fonnte.
pub const DEMO_FONNTE_TOKEN: &str = "demo-fonnte-token";
/// What the address of Fonnte's webhooks ends in.
pub const DEMO_FONNTE_WEBHOOK_TOKEN: &str = "demo-fonnte-webhook-token";
pub const DEMO_WAHA_API_KEY: &str = "demo-waha-key";
/// Signs WAHA's webhooks.
pub const DEMO_WAHA_HMAC_KEY: &str = "demo-waha-hmac-key";
pub const DEMO_WAHA_SESSION: &str = "default";
/// What the proxy in front of GenieACS wants.
pub const DEMO_GENIEACS_USERNAME: &str = "lunas";
pub const DEMO_GENIEACS_PASSWORD: &str = "demo-genieacs-password";
/// Signs messages to the network.
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
