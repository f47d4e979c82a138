//! Midtrans: Snap for the payment page, the Core API for what became of it.
//!
//! Sources: <https://docs.midtrans.com/reference/backend-integration>,
//! <https://docs.midtrans.com/reference/core-api-snap-open-api-overview>.

mod cancel;
mod create;
mod notification;
mod status;

use async_trait::async_trait;
use billing::payment::gateway::{GatewayName, Mode, Report};

use crate::{
    Cancellation, CreateError, CreatedOrder, Gateway, GatewayError, Hint, NewOrder, OrderRef, SetupError, VerifyError,
    WebhookRequest,
    partner::Api,
    rows::GatewayRows,
    secret::Rotating,
    wire::{path_segment, plain_id},
};

/// Midtrans with the keys of one merchant account.
#[derive(Debug)]
pub(crate) struct Midtrans {
    keys: Rotating,
    api: Api,
    mode: Mode,
    active: bool,
    stand_in: bool,
    /// Payment channels on offer: those that can be asked for by order id, and what the admin adds.
    channels: Vec<String>,
    snap: String,
    core: String,
}

impl Midtrans {
    /// Takes `serverKey`, `previousServerKey`, `isSandbox`, `isActive` and `extraChannels`; `clientKey` is for browsers
    /// only.
    pub(crate) fn from_rows(
        rows: &GatewayRows<'_>,
        production_only: bool,
        stand_in: Option<&str>,
    ) -> Result<Self, SetupError> {
        let Some(keys) = rows.rotating("serverKey", "previousServerKey")? else {
            return Err(SetupError::NotConfigured(GatewayName::Midtrans));
        };
        let server_key = rows.text("serverKey").unwrap_or_default();
        if server_key.contains("Mid-client-") {
            return Err(rows.unusable("serverKey: this is a client key; paste the server key"));
        }
        let mode = if rows.flag("isSandbox", false)? { Mode::Sandbox } else { Mode::Production };
        let looks_like_sandbox = server_key.starts_with("SB-");
        if production_only && (mode == Mode::Sandbox || looks_like_sandbox) {
            return Err(rows.unusable("a sandbox key is not allowed on the production stage"));
        }
        // Newer accounts have keys of other shapes: a mismatch is told, not refused.
        if looks_like_sandbox && mode == Mode::Production {
            tracing::warn!(gateway = "midtrans", "serverKey looks like a sandbox key, but isSandbox is not true");
        }
        let authorization = keys.current.basic_auth().ok_or_else(|| rows.unusable("serverKey: cannot be sent"))?;
        let (snap, core) = hosts(mode, stand_in);
        Ok(Self {
            keys,
            api: Api::new(authorization),
            mode,
            active: rows.flag("isActive", true)?,
            stand_in: stand_in.is_some(),
            channels: create::channels(rows)?,
            snap,
            core,
        })
    }

    async fn ask(&self, order: &OrderRef, id: &str) -> Result<Report, GatewayError> {
        let reply = self.api.get(&format!("{}/v2/{id}/status", self.core)).await?;
        status::read(&reply, order, id)
    }
}

fn hosts(mode: Mode, stand_in: Option<&str>) -> (String, String) {
    let (app, api) = match (stand_in, mode) {
        (Some(base), _) => (base, base),
        (None, Mode::Sandbox) => ("https://app.sandbox.midtrans.com", "https://api.sandbox.midtrans.com"),
        (None, Mode::Production) => ("https://app.midtrans.com", "https://api.midtrans.com"),
    };
    (format!("{app}/snap/v1"), api.to_owned())
}

#[async_trait]
impl Gateway for Midtrans {
    fn name(&self) -> GatewayName {
        GatewayName::Midtrans
    }

    fn mode(&self) -> Mode {
        self.mode
    }

    fn key_fingerprint(&self) -> String {
        self.keys.current.fingerprint(GatewayName::Midtrans)
    }

    fn is_active(&self) -> bool {
        self.active
    }

    fn verify(&self, request: &WebhookRequest<'_>) -> Result<Hint, VerifyError> {
        notification::verify(request.body, &self.keys)
    }

    async fn create(&self, order: &NewOrder) -> Result<CreatedOrder, CreateError> {
        let (body, validity) = create::request(order, &self.channels)?;
        let reply = self.api.post(&format!("{}/transactions", self.snap), Some(&body)).await?;
        create::read(&reply, order, validity, self.mode, self.stand_in)
    }

    /// Asks by order id, which finds one attempt; by transaction id what was not found that way: the channels that know
    /// no order id (DANA and the virtual accounts that run on BI-SNAP:
    /// <https://docs.midtrans.com/reference/get-transaction-status>), and an earlier attempt on the same page that was
    /// paid after a later one was begun.
    async fn status(&self, order: &OrderRef) -> Result<Report, GatewayError> {
        let report = self.ask(order, path_segment(&order.order_id)?).await?;
        let listed = |id: &str| report.transactions.iter().any(|transaction| transaction.id == id);
        match order.transaction_id.as_deref().and_then(plain_id).filter(|id| !listed(id)) {
            Some(transaction_id) => Ok(report.and(self.ask(order, transaction_id).await?)),
            None => Ok(report),
        }
    }

    /// Closes the payment page; if the customer has begun to pay there, expires that payment. At most two calls.
    /// Expire and not cancel: cancel would also void a card payment that was captured in this moment.
    async fn cancel(&self, order: &OrderRef) -> Result<Cancellation, GatewayError> {
        if let Some(token) = order.reference.as_deref().and_then(plain_id) {
            let reply = self.api.post(&format!("{}/transactions/{token}/cancel", self.snap), None).await?;
            if cancel::closes_page(&reply)? {
                return Ok(Cancellation::Cancelled);
            }
        }
        let id = path_segment(&order.order_id)?;
        let reply = self.api.post(&format!("{}/v2/{id}/expire", self.core), None).await?;
        cancel::read(&reply, order)
    }
}
