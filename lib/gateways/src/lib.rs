//! Payment gateways behind one trait, a file and a folder each.
//!
//! A gateway's unknown answer is never taken for a decision: only explicit words are final, everything else stays open
//! and is asked again.

use std::{collections::BTreeMap, fmt};

use async_trait::async_trait;
use billing::id::OrderId;
use billing::money::Rupiah;
use billing::payment::gateway::{GatewayName, Mode, Report};
use time::OffsetDateTime;

mod midtrans;
mod partner;
mod rows;
mod secret;
mod wire;
mod xendit;

/// One payment gateway with its keys.
#[async_trait]
pub trait Gateway: Send + Sync + fmt::Debug {
    /// Which gateway this is.
    fn name(&self) -> GatewayName;

    /// The world that the configured key belongs to.
    fn mode(&self) -> Mode;

    /// Short hash of the current key: tells whether an order was made with this key, and nothing about the key.
    fn key_fingerprint(&self) -> String;

    /// Makes new links? (`isActive` in the secret.) Webhooks and status questions go on when not.
    fn is_active(&self) -> bool;

    /// Authenticates a webhook over its raw bytes, in constant time, with the current and the previous key.
    fn verify(&self, request: &WebhookRequest<'_>) -> Result<Hint, VerifyError>;

    /// Opens the order at the gateway. Called at most once per order id.
    async fn create(&self, order: &NewOrder) -> Result<CreatedOrder, CreateError>;

    /// Asks what has become of the order.
    async fn status(&self, order: &OrderRef) -> Result<Report, GatewayError>;

    /// Asks the gateway to let nobody pay the order any more.
    async fn cancel(&self, order: &OrderRef) -> Result<Cancellation, GatewayError>;
}

/// A webhook as it came in.
#[derive(Debug, Clone, Copy)]
pub struct WebhookRequest<'a> {
    /// The raw body, at most 64 KB.
    pub body: &'a [u8],
    /// Looks a header up by lower-case name.
    pub headers: &'a http::HeaderMap,
}

/// What an authentic webhook points at. It books nothing: the gateway is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hint {
    /// Something happened to this order.
    Order {
        order_id: OrderId,
        /// The gateway's transaction id, needed for channels that can only be asked by it (DANA).
        transaction_id: Option<String>,
        /// The gateway's own reference (Xendit invoice id).
        reference: Option<String>,
        /// It says that money arrived. If the gateway's status does not say so yet, the webhook is wanted again.
        claims_payment: bool,
    },
    /// About this order, if it is one of ours, in a word that is not known. The gateway's other products send such words
    /// too, about ids of their own, so it is asked only about an order that exists.
    OtherWord {
        order_id: OrderId,
        /// The word, shortened; `None` if there is none.
        status: Option<String>,
    },
    /// The dashboard's test notification, or an order id that cannot be ours: answer 200, do nothing.
    NotOurs(String),
}

/// Why a webhook is not believed.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// Not JSON, or a field has the wrong type: 400.
    #[error("malformed notification: {0}")]
    Malformed(String),
    /// The signature or token is wrong: 401. Worth one look whether the secret has changed.
    #[error("signature does not match")]
    Forged,
    /// There is nothing to check it against, such as no `callbackToken` yet: nothing is believed, 503 and an alarm.
    #[error("no secret configured to check the notification with")]
    NotConfigured,
}

/// An order to open. `order_id` has never been posted before.
#[derive(Debug, Clone)]
pub struct NewOrder {
    pub order_id: OrderId,
    /// What the customer pays: positive.
    pub amount: Rupiah,
    /// One line that the customer reads, such as `Home 20 – INV-2026-000001`.
    pub description: String,
    /// For the gateway's own page. Empty: it is told no name.
    pub customer_name: String,
    /// `62…`, digits only.
    pub customer_phone: Option<String>,
    /// When the link stops working; at least five minutes, at most seven days ahead.
    pub expires_at: OffsetDateTime,
    pub now: OffsetDateTime,
    /// Where the customer comes back to, if the provider's public address is known.
    pub finish_url: Option<String>,
}

/// What the gateway opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreatedOrder {
    /// The page to pay at; its host has been checked.
    pub link: String,
    /// The gateway's own reference: Snap token or Xendit invoice id.
    pub reference: String,
    /// When the link stops working, as the gateway confirmed it (or as asked for).
    pub expires_at: OffsetDateTime,
}

/// Which order to ask about.
#[derive(Debug, Clone)]
pub struct OrderRef {
    pub order_id: OrderId,
    /// The gateway's own reference, if its answer ever arrived.
    pub reference: Option<String>,
    /// The gateway's transaction id, if one was ever seen.
    pub transaction_id: Option<String>,
}

/// Outcome of asking for a cancellation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cancellation {
    /// Nobody can pay it any more.
    Cancelled,
    /// The gateway refuses: paid, in progress, over already or unknown. Ask for the status.
    Refused,
}

/// Why a call to a gateway brought no usable answer.
#[derive(Debug, Clone, thiserror::Error)]
pub enum GatewayError {
    /// 401 or 403: the key is wrong. Read the secret again.
    #[error("the gateway refuses the key (HTTP {status})")]
    Unauthorized { status: u16 },
    /// 429.
    #[error("the gateway limits the rate")]
    RateLimited,
    /// The gateway understood the request and refuses it.
    #[error("the gateway refuses the request (HTTP {status}): {detail}")]
    Rejected {
        status: u16,
        /// The gateway's words, shortened, without customer data.
        detail: String,
    },
    /// Time-out, broken connection, 5xx, redirect, too large or unreadable answer: it may or may not have happened.
    #[error("no usable answer: {0}")]
    Ambiguous(String),
    /// The order was opened, but its page is not the gateway's own: nobody is sent there, and a person has to look.
    #[error("the payment page is not the gateway's own: {0}")]
    ForeignPage(String),
}

/// Why an order was not opened; see [`CreateError::may_exist`].
pub type CreateError = GatewayError;

impl GatewayError {
    /// The gateway may have done what was asked although no usable answer came.
    #[must_use]
    pub const fn may_exist(&self) -> bool {
        matches!(self, Self::Ambiguous(_) | Self::ForeignPage(_))
    }

    /// The key has to be replaced, or somebody could rob a customer. The rest is asked again.
    #[must_use]
    pub const fn needs_a_person(&self) -> bool {
        matches!(self, Self::Unauthorized { .. } | Self::ForeignPage(_))
    }
}

/// The rows of one secret as the admin typed them: trimmed, empty rows absent.
pub type SecretRows = BTreeMap<String, String>;

/// Where partners are reached, and what the deployment allows.
#[derive(Debug, Clone)]
pub struct Setup {
    /// `None` = the gateway's own hosts; `Some` = a stand-in on loopback.
    pub base_url: Option<url::Url>,
    /// The stage is production: sandbox keys are refused.
    pub production_only: bool,
}

/// Why a gateway cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SetupError {
    /// No key typed yet.
    #[error("{0}: no key configured")]
    NotConfigured(GatewayName),
    /// A row that cannot be used, such as a sandbox key on the production stage.
    #[error("{gateway}: {problem}")]
    Unusable {
        gateway: GatewayName,
        /// What to change, without the value itself.
        problem: String,
    },
}

impl SetupError {
    /// A gateway without a key is one that the provider does not use.
    #[must_use]
    pub const fn needs_a_person(&self) -> bool {
        matches!(self, Self::Unusable { .. })
    }
}

/// The gateway of that name with the keys of its secret. Cheap, and makes no call.
///
/// Fails while no key is configured, and when a row cannot be used: see [`SetupError`].
pub fn connect(name: GatewayName, rows: &SecretRows, setup: &Setup) -> Result<Box<dyn Gateway>, SetupError> {
    let rows = rows::GatewayRows::new(name, rows);
    let stand_in = rows.stand_in(setup)?;
    let stand_in = stand_in.as_deref();
    Ok(match name {
        GatewayName::Midtrans => Box::new(midtrans::Midtrans::from_rows(&rows, setup.production_only, stand_in)?),
        GatewayName::Xendit => Box::new(xendit::Xendit::from_rows(&rows, setup.production_only, stand_in)?),
    })
}
