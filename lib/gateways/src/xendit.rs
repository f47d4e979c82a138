//! Xendit: the Invoice API, with Xendit's hosted page.
//!
//! Source: <https://github.com/xendit/xendit-node/blob/master/docs/Invoice.md>. Xendit calls this API legacy and steers
//! new integrations to Payment Sessions; what would change is `create` and the wire types (see
//! <https://docs.xendit.co/docs/migrate-to-payment-session>).

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
    secret::{Rotating, Secret},
    wire::{path_segment, plain_id},
};

/// Xendit with the keys of one account.
#[derive(Debug)]
pub(crate) struct Xendit {
    key: Secret,
    /// Without it no notification is believed; orders still settle, by asking.
    callback_token: Option<Rotating>,
    api: Api,
    mode: Mode,
    active: bool,
    stand_in: bool,
    base: String,
}

impl Xendit {
    /// Takes `apiKey`, `callbackToken`, `previousCallbackToken` and `isActive`. The key's prefix decides the mode.
    pub(crate) fn from_rows(
        rows: &GatewayRows<'_>,
        production_only: bool,
        stand_in: Option<&str>,
    ) -> Result<Self, SetupError> {
        let Some(key) = rows.secret("apiKey")? else {
            return Err(SetupError::NotConfigured(GatewayName::Xendit));
        };
        let text = rows.text("apiKey").unwrap_or_default();
        let mode = if text.starts_with("xnd_production_") {
            Mode::Production
        } else if text.starts_with("xnd_development_") {
            Mode::Sandbox
        } else {
            return Err(
                rows.unusable("apiKey: paste the secret key, which begins with xnd_production_ or xnd_development_")
            );
        };
        if production_only && mode == Mode::Sandbox {
            return Err(rows.unusable("a sandbox key is not allowed on the production stage"));
        }
        let authorization = key.basic_auth().ok_or_else(|| rows.unusable("apiKey: cannot be sent"))?;
        Ok(Self {
            key,
            callback_token: rows.rotating("callbackToken", "previousCallbackToken")?,
            api: Api::new(authorization),
            mode,
            active: rows.flag("isActive", true)?,
            stand_in: stand_in.is_some(),
            base: stand_in.unwrap_or("https://api.xendit.co").to_owned(),
        })
    }
}

#[async_trait]
impl Gateway for Xendit {
    fn name(&self) -> GatewayName {
        GatewayName::Xendit
    }

    fn mode(&self) -> Mode {
        self.mode
    }

    fn key_fingerprint(&self) -> String {
        self.key.fingerprint(GatewayName::Xendit)
    }

    fn is_active(&self) -> bool {
        self.active
    }

    fn verify(&self, request: &WebhookRequest<'_>) -> Result<Hint, VerifyError> {
        let tokens = self.callback_token.as_ref().ok_or(VerifyError::NotConfigured)?;
        notification::verify(request, tokens)
    }

    async fn create(&self, order: &NewOrder) -> Result<CreatedOrder, CreateError> {
        let (body, validity) = create::request(order)?;
        let reply = self.api.post(&format!("{}/v2/invoices", self.base), Some(&body)).await?;
        create::read(&reply, order, validity, self.stand_in)
    }

    /// Asks by invoice id; without one (the answer to `create` was lost) by our order id. Xendit does not keep that
    /// unique: where another invoice under it was heard of, that one is asked about too.
    async fn status(&self, order: &OrderRef) -> Result<Report, GatewayError> {
        if let Some(id) = order.reference.as_deref().and_then(plain_id) {
            let ask = async |id: &str| {
                status::read_one(&self.api.get(&format!("{}/v2/invoices/{id}", self.base)).await?, order, id)
            };
            let report = ask(id).await?;
            return match order.transaction_id.as_deref().and_then(plain_id).filter(|other| *other != id) {
                Some(other) => Ok(report.and(ask(other).await?)),
                None => Ok(report),
            };
        }
        let order_id = path_segment(&order.order_id)?;
        let reply = self.api.get(&format!("{}/v2/invoices?external_id={order_id}", self.base)).await?;
        status::read_list(&reply, order)
    }

    async fn cancel(&self, order: &OrderRef) -> Result<Cancellation, GatewayError> {
        let Some(id) = order.reference.as_deref().and_then(plain_id) else {
            return Ok(Cancellation::Refused);
        };
        let reply = self.api.post(&format!("{}/invoices/{id}/expire!", self.base), None).await?;
        status::read_expiry(&reply, order, id)
    }
}
