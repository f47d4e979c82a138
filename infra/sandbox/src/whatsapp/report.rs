//! What happens to a message, and the webhooks in which its sender reports it.

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::{Sha256, Sha512};

use super::message::{Message, Sender, Whatsapp};
use super::refusal::Refusal;
use super::rules::RULES;
use crate::core::options::{
    DEMO_FONNTE_WEBHOOK_TOKEN, DEMO_META_APP_SECRET, DEMO_META_PHONE_NUMBER_ID, DEMO_WAHA_HMAC_KEY, DEMO_WAHA_SESSION,
};
use crate::core::{Notification, random, unix_millis};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// WhatsApp has it.
    Sent,
    /// It is on the phone.
    Delivered,
    /// It was opened.
    Read,
    /// It will not arrive; Meta's code says why.
    Failed(i64),
    /// The customer writes back.
    Reply(String),
}

impl Event {
    fn word(&self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Read => "read",
            Self::Failed(_) => "failed",
            Self::Reply(_) => "reply",
        }
    }
}

impl Whatsapp {
    /// Takes a message: into the inbox, and on to a phone that is switched on.
    pub(crate) fn arrived(&self, message: Message) {
        let reports =
            [Event::Sent, Event::Delivered].iter().filter_map(|event| self.notification(&message, event)).collect();
        self.store().add(message);
        self.deliver_in_background(reports);
    }

    /// The webhook that its sender makes of an event; none from a service without webhooks, and none without an address.
    pub(crate) fn notification(&self, message: &Message, event: &Event) -> Option<Notification> {
        let base = self.settings().webhook_base?;
        let address = format!("{}/api/webhooks/whatsapp/{}", base.trim_end_matches('/'), message.provider.name());
        let now = self.clock.now().unix_timestamp();
        let (body, headers, address) = match message.provider {
            Sender::Meta => {
                let body = meta_webhook(message, event, now).to_string();
                let signature = meta_signature(&body);
                (body, vec![("x-hub-signature-256", signature)], address)
            }
            Sender::Waha => {
                let body = waha_webhook(message, event, now).to_string();
                let headers = vec![
                    ("x-webhook-hmac", waha_signature(&body)),
                    ("x-webhook-hmac-algorithm", "sha512".to_owned()),
                    ("x-webhook-request-id", random::uuid()),
                    ("x-webhook-timestamp", unix_millis(self.clock.now()).to_string()),
                ];
                (body, headers, address)
            }
            Sender::Fonnte => {
                let body = fonnte_webhook(message, event).to_string();
                (body, Vec::new(), format!("{address}?token={DEMO_FONNTE_WEBHOOK_TOKEN}"))
            }
            Sender::Http => return None,
        };
        let reference = message.id.clone();
        Some(Notification { rules: &RULES, reference, instead: vec![address], also: Vec::new(), headers, body })
    }
}

fn meta_webhook(message: &Message, event: &Event, now: i64) -> Value {
    let timestamp = now.to_string();
    let mut value = json!({
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "62811000000", "phone_number_id": DEMO_META_PHONE_NUMBER_ID},
    });
    if let Event::Reply(text) = event {
        let id = format!("wamid.{}", random::object_id());
        value["contacts"] = json!([{"wa_id": message.phone}]);
        value["messages"] =
            json!([{"from": message.phone, "id": id, "timestamp": timestamp, "type": "text", "text": {"body": text}}]);
    } else {
        let mut status =
            json!({"id": message.id, "status": event.word(), "timestamp": timestamp, "recipient_id": message.phone});
        if let Some(callback) = &message.callback {
            status["biz_opaque_callback_data"] = callback.as_str().into();
        }
        if let Event::Failed(code) = event {
            status["errors"] = json!([Refusal::new(*code, "Message undeliverable").in_status()]);
        }
        value["statuses"] = json!([status]);
    }
    let change = json!({"field": "messages", "value": value});
    json!({"object": "whatsapp_business_account", "entry": [{"id": "102290129340398", "changes": [change]}]})
}

fn meta_signature(body: &str) -> String {
    let mac = Hmac::<Sha256>::new_from_slice(DEMO_META_APP_SECRET.as_bytes())
        .map(|mac| mac.chain_update(body.as_bytes()).finalize().into_bytes());
    mac.map(|bytes| format!("sha256={}", hex::encode(bytes))).unwrap_or_default()
}

pub(crate) fn waha_id(message: &Message) -> String {
    format!("true_{}@c.us_{}", message.phone, message.id)
}

/// Fonnte names the message by both its ids in the first report, and by the second from then on.
fn fonnte_webhook(message: &Message, event: &Event) -> Value {
    let state_id = format!("S{}", message.id);
    match event {
        Event::Reply(text) => json!({"device": "62811000000", "sender": message.phone, "message": text}),
        Event::Sent => {
            json!({"device": "62811000000", "id": message.id, "stateid": state_id, "status": "sent", "state": "sent"})
        }
        Event::Failed(_) => json!({"device": "62811000000", "id": message.id, "status": "invalid"}),
        other => json!({"device": "62811000000", "stateid": state_id, "state": other.word()}),
    }
}

fn waha_webhook(message: &Message, event: &Event, now: i64) -> Value {
    let chat = format!("{}@c.us", message.phone);
    let (event, payload) = match event {
        Event::Reply(text) => {
            ("message", json!({"id": "false_x", "timestamp": now, "from": chat, "fromMe": false, "body": text}))
        }
        status => {
            let ack = match status {
                Event::Sent => 1,
                Event::Delivered => 2,
                Event::Read => 3,
                Event::Failed(_) | Event::Reply(_) => -1,
            };
            ("message.ack", json!({"id": waha_id(message), "to": chat, "fromMe": true, "ack": ack}))
        }
    };
    json!({"event": event, "session": DEMO_WAHA_SESSION, "payload": payload})
}

/// What WAHA writes into `X-Webhook-Hmac` above such a body.
#[must_use]
pub fn waha_signature(body: &str) -> String {
    let mac = Hmac::<Sha512>::new_from_slice(DEMO_WAHA_HMAC_KEY.as_bytes())
        .map(|mac| mac.chain_update(body.as_bytes()).finalize().into_bytes());
    mac.map(hex::encode).unwrap_or_default()
}
