//! One invoice at Xendit and how its state may change.
//!
//! Source: <https://github.com/xendit/xendit-node/blob/master/docs/Invoice.md>.

use serde_json::{Map, Value, json};
use time::{Duration, OffsetDateTime};

use super::channel;
use super::rules::RULES;
use crate::core::{Notification, OrderBooks, Outcome, Partner, Simulate, SimulateError, random, rupiah, utc_time};

pub(crate) const MERCHANT: &str = "Contoh Net";
const USER_ID: &str = "5f0000000000000000000001";
/// Longest life of an invoice that the stand-in takes: a year.
const MAX_DURATION_SECONDS: i64 = 366 * 24 * 60 * 60;
/// Fields of the request that come back as they were sent.
const ECHOED: &[&str] = &[
    "payer_email",
    "description",
    "items",
    "fees",
    "customer",
    "customer_notification_preference",
    "metadata",
    "locale",
    "success_redirect_url",
    "failure_redirect_url",
];

/// Xendit's word for the state; settled is paid, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    Pending,
    Paid,
    Settled,
    Expired,
}

impl Status {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Paid => "PAID",
            Self::Settled => "SETTLED",
            Self::Expired => "EXPIRED",
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Payment {
    pub(crate) amount: i64,
    pub(crate) channel: String,
    destination: String,
    at: OffsetDateTime,
}

#[derive(Clone, Debug)]
pub(crate) struct Invoice {
    pub(crate) id: String,
    pub(crate) external_id: String,
    pub(crate) amount: i64,
    pub(crate) status: Status,
    pub(crate) created: OffsetDateTime,
    updated: OffsetDateTime,
    pub(crate) expiry: OffsetDateTime,
    pub(crate) payment_methods: Vec<String>,
    pub(crate) payment: Option<Payment>,
    pub(crate) echoed: Map<String, Value>,
}

/// An error code of the Invoice API and its message.
pub(crate) type Refusal = (&'static str, String);

impl Invoice {
    /// Reads the body of `POST /v2/invoices`.
    pub(crate) fn read(body: &Value, now: OffsetDateTime, default: Duration) -> Result<Self, Refusal> {
        let invalid = |message: &str| ("API_VALIDATION_ERROR", message.to_owned());
        let external_id = body["external_id"]
            .as_str()
            .filter(|id| !id.is_empty())
            .ok_or_else(|| invalid("\"external_id\" is required"))?;
        let amount = rupiah::whole(&body["amount"])
            .filter(|amount| *amount > 0)
            .ok_or_else(|| invalid("\"amount\" must be a positive number of whole rupiah"))?;
        if body["currency"].as_str().is_some_and(|currency| currency != "IDR") {
            return Err(("UNSUPPORTED_CURRENCY", "The sandbox knows IDR only".to_owned()));
        }
        if body["payer_email"].as_str().is_some_and(|email| !email.contains('@')) {
            return Err(("EMAIL_FORMAT_ERROR", "\"payer_email\" is not an e-mail address".to_owned()));
        }
        let payment_methods = payment_methods(body)?;
        if channel::offered(&payment_methods, amount).is_empty() {
            return Err(("NO_COLLECTION_METHODS_ERROR", "No payment method takes this amount".to_owned()));
        }
        let life = match &body["invoice_duration"] {
            Value::Null => default,
            seconds => rupiah::whole(seconds)
                .filter(|seconds| (1..=MAX_DURATION_SECONDS).contains(seconds))
                .map(Duration::seconds)
                .ok_or_else(|| invalid("\"invoice_duration\" must be a positive number of seconds"))?,
        };
        let mut echoed = Map::new();
        for name in ECHOED {
            if let Some(value) = body.get(*name).filter(|value| !value.is_null()) {
                echoed.insert((*name).to_owned(), value.clone());
            }
        }
        Ok(Self {
            id: random::object_id(),
            external_id: external_id.to_owned(),
            amount,
            status: Status::Pending,
            created: now,
            updated: now,
            expiry: now.saturating_add(life),
            payment_methods,
            payment: None,
            echoed,
        })
    }

    /// Lets the invoice expire whose time has come; true if it just did.
    pub(crate) fn look(&mut self, now: OffsetDateTime) -> bool {
        let due = self.status == Status::Pending && self.expiry <= now;
        if due {
            self.change(Status::Expired, now);
        }
        due
    }

    pub(crate) fn change(&mut self, status: Status, now: OffsetDateTime) {
        self.status = status;
        self.updated = now;
    }

    /// Plays one outcome; tells whether Xendit notifies the merchant of it.
    pub(crate) fn play(&mut self, simulate: &Simulate, now: OffsetDateTime) -> Result<bool, SimulateError> {
        match (simulate.outcome, self.status) {
            (Outcome::Paid, Status::Pending) => {
                self.pay(simulate, now)?;
                Ok(true)
            }
            (Outcome::Expired, Status::Pending) => {
                self.change(Status::Expired, now);
                Ok(true)
            }
            (Outcome::Settled, Status::Paid) => {
                self.change(Status::Settled, now);
                Ok(true)
            }
            // Choosing a method and failing with it leave an invoice as it is, and nobody is told.
            (Outcome::Pending | Outcome::Denied, Status::Pending) => Ok(false),
            (
                Outcome::Challenged
                | Outcome::Refunded
                | Outcome::Reversed
                | Outcome::Chargeback
                | Outcome::PageExpired,
                _,
            ) => {
                let why = format!("an invoice of Xendit has no such state: {:?}", simulate.outcome);
                Err(SimulateError::Impossible(why.to_lowercase()))
            }
            (outcome, status) => {
                let outcome = format!("{outcome:?}").to_lowercase();
                Err(SimulateError::Impossible(format!("{outcome} cannot follow {}", status.word())))
            }
        }
    }

    fn pay(&mut self, simulate: &Simulate, now: OffsetDateTime) -> Result<(), SimulateError> {
        let offered = channel::offered(&self.payment_methods, self.amount);
        let channel = match simulate.channel.as_deref() {
            Some(name) if offered.contains(&name) => name,
            Some(name) => {
                let why = format!("{name} is not among the payment methods: {}", offered.join(", "));
                return Err(SimulateError::Impossible(why));
            }
            None => offered.first().copied().unwrap_or("BCA"),
        };
        self.payment = Some(Payment {
            amount: simulate.amount.unwrap_or(self.amount),
            channel: channel.to_owned(),
            destination: random::digits(10),
            at: now,
        });
        self.change(Status::Paid, now);
        Ok(())
    }

    /// What Xendit itself holds of the invoice; it never gives anything back.
    pub(crate) fn account(&self) -> OrderBooks {
        OrderBooks {
            gateway: Partner::Xendit,
            order_id: self.external_id.clone(),
            link: self.id.clone(),
            asked: self.amount,
            received: self.payment.as_ref().map_or(0, |payment| payment.amount),
            refunded: 0,
            charged_back: false,
        }
    }

    /// The invoice as the API tells it.
    pub(crate) fn answered(&self, url: &str) -> Value {
        let mut body = self.common();
        let mut put = |name: &str, value: Value| {
            body.insert(name.to_owned(), value);
        };
        put("merchant_profile_picture_url", format!("{url}/picture.png").into());
        put("expiry_date", utc_time(self.expiry).into());
        put("invoice_url", format!("{url}/web/{}", self.id).into());
        put(
            "should_exclude_credit_card",
            (!channel::offered(&self.payment_methods, self.amount).contains(&"CREDIT_CARD")).into(),
        );
        put("should_send_email", false.into());
        for array in channel::ARRAYS {
            put(array, channel::entries(array, &self.payment_methods, self.amount, MERCHANT));
        }
        for (name, value) in &self.echoed {
            put(name, value.clone());
        }
        Value::Object(body)
    }

    fn common(&self) -> Map<String, Value> {
        let mut body = json!({
            "id": self.id,
            "external_id": self.external_id,
            "user_id": USER_ID,
            "status": self.status.word(),
            "merchant_name": MERCHANT,
            "amount": self.amount,
            "created": utc_time(self.created),
            "updated": utc_time(self.updated),
            "currency": "IDR",
        });
        if let Some(payment) = &self.payment {
            body["paid_amount"] = payment.amount.into();
            body["paid_at"] = utc_time(payment.at).into();
            body["payment_method"] = channel::family(&payment.channel).into();
            body["payment_channel"] = payment.channel.as_str().into();
            body["payment_destination"] = payment.destination.as_str().into();
        }
        match body {
            Value::Object(body) => body,
            _ => Map::new(),
        }
    }

    /// The webhook of the present state.
    ///
    /// Source: <https://docs.xendit.co/docs/handling-webhooks>.
    pub(crate) fn notification(&self, callback_token: &str) -> Notification {
        let mut body = self.common();
        body.insert("is_high".to_owned(), false.into());
        for name in
            ["payer_email", "description", "items", "fees", "metadata", "success_redirect_url", "failure_redirect_url"]
        {
            if let Some(value) = self.echoed.get(name) {
                body.insert(name.to_owned(), value.clone());
            }
        }
        notification(&self.id, &Value::Object(body), callback_token)
    }
}

fn payment_methods(body: &Value) -> Result<Vec<String>, Refusal> {
    let Some(list) = body.get("payment_methods").and_then(Value::as_array) else {
        return Ok(Vec::new());
    };
    let names: Vec<String> = list.iter().filter_map(Value::as_str).map(str::to_owned).collect();
    match names.iter().find(|name| !channel::is_known(name)) {
        Some(unknown) => {
            Err(("UNAVAILABLE_PAYMENT_METHOD_ERROR", format!("The payment method {unknown} is not available")))
        }
        None => Ok(names),
    }
}

/// A webhook with its two headers; every repetition keeps the `webhook-id`.
pub(crate) fn notification(id: &str, body: &Value, callback_token: &str) -> Notification {
    Notification {
        rules: &RULES,
        reference: id.to_owned(),
        instead: Vec::new(),
        also: Vec::new(),
        headers: vec![("x-callback-token", callback_token.to_owned()), ("webhook-id", random::uuid())],
        body: body.to_string(),
    }
}
