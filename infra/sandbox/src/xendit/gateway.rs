//! What can be done with an invoice from outside its API.

use serde_json::json;

use super::invoice::{Invoice, notification};
use super::store::Xendit;
use crate::core::{Gateway, Notification, OrderBooks, Partner, Simulate, SimulateError, Simulated};

impl Gateway for Xendit {
    fn partner(&self) -> Partner {
        self.rules.partner
    }

    fn find(&self, token: &str) -> Option<(String, bool)> {
        self.store().id_of_link(token).map(|id| (id, true))
    }

    fn change(&self, id: &str, simulate: &Simulate) -> Result<(Simulated, Vec<Notification>), SimulateError> {
        let token = self.settings().xendit_callback_token;
        let now = self.clock.now();
        let mut store = self.store();
        let invoice = store.get(id).ok_or(SimulateError::UnknownLink)?;
        if invoice.look(now) {
            self.deliver_in_background(vec![invoice.notification(&token)]);
        }
        let notifies = invoice.play(simulate, now)?;
        let notifications = if notifies { vec![invoice.notification(&token)] } else { Vec::new() };
        let result = Simulated {
            gateway: self.rules.partner,
            state: invoice.status.word().to_owned(),
            order_id: invoice.external_id.clone(),
            transaction_id: Some(invoice.id.clone()),
            webhook: None,
        };
        Ok((result, notifications))
    }

    fn accounts(&self) -> Vec<OrderBooks> {
        self.store().oldest_first().map(Invoice::account).collect()
    }

    /// A paid invoice that never was, with the real token.
    fn canned_notification(&self) -> Notification {
        let id = "579c8d61f23fa4ca35e52da4";
        let body = json!({
            "id": id,
            "external_id": "invoice_123124123",
            "user_id": "5781d19b2e2385880609791c",
            "is_high": true,
            "payment_method": "BANK_TRANSFER",
            "status": "PAID",
            "merchant_name": "Xendit",
            "amount": 50_000,
            "paid_amount": 50_000,
            "bank_code": "PERMATA",
            "paid_at": "2016-10-12T08:15:03.404Z",
            "payer_email": "payer@example.com",
            "description": "This is a description",
            "adjusted_received_amount": 47_500,
            "fees_paid_amount": 0,
            "updated": "2016-10-10T08:15:03.404Z",
            "created": "2016-10-10T08:15:03.404Z",
            "currency": "IDR",
            "payment_channel": "PERMATA",
            "payment_destination": "888888888888",
        });
        notification(id, &body, &self.settings().xendit_callback_token)
    }
}
