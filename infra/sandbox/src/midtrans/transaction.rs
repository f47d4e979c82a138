//! One order at Midtrans and how its state may change.
//!
//! Source: <https://docs.midtrans.com/docs/transaction-status-cycle>.

use time::{Duration, OffsetDateTime};

use super::channel::{self, Channel};
use super::request::{CreateRequest, Expiry};
use crate::core::{OrderBooks, Outcome, Partner, Simulate, SimulateError, random};

/// `transaction_status`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    /// There is a page, but no method was chosen: the Core API does not know the order.
    NotChosen,
    Pending,
    Capture,
    Settlement,
    Deny,
    Cancel,
    Expire,
    Refund,
    PartialRefund,
    Chargeback,
}

impl Status {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::NotChosen => "not-chosen",
            Self::Pending => "pending",
            Self::Capture => "capture",
            Self::Settlement => "settlement",
            Self::Deny => "deny",
            Self::Cancel => "cancel",
            Self::Expire => "expire",
            Self::Refund => "refund",
            Self::PartialRefund => "partial_refund",
            Self::Chargeback => "chargeback",
        }
    }
}

/// Money given back.
#[derive(Clone, Debug)]
pub(crate) struct Refund {
    pub(crate) id: String,
    pub(crate) key: String,
    pub(crate) amount: i64,
    pub(crate) reason: String,
    pub(crate) at: OffsetDateTime,
    /// Set in the second of the two notifications of a refund.
    pub(crate) bank_confirmed_at: Option<OffsetDateTime>,
}

const MAX_REFUNDS: usize = 50;

#[expect(clippy::struct_field_names, reason = "the API calls it transaction_id, next to order_id")]
#[derive(Clone, Debug)]
pub(crate) struct Transaction {
    pub(crate) request: CreateRequest,
    /// Token of the living page; re-posting the order replaces it.
    pub(crate) token: String,
    pub(crate) page_expires_at: OffsetDateTime,
    pub(crate) session_cancelled: bool,
    pub(crate) status: Status,
    pub(crate) challenged: bool,
    pub(crate) channel: Option<Channel>,
    /// None until a method is chosen.
    pub(crate) transaction_id: Option<String>,
    pub(crate) chosen_at: Option<OffsetDateTime>,
    pub(crate) code_expires_at: Option<OffsetDateTime>,
    pub(crate) settled_at: Option<OffsetDateTime>,
    /// What the payer is charged: the amount asked unless less, more or a fee was paid.
    pub(crate) charged: i64,
    /// Part of `charged` that is a fee borne by the payer.
    pub(crate) fee: Option<i64>,
    pub(crate) refunds: Vec<Refund>,
}

fn impossible<T>(why: impl Into<String>) -> Result<T, SimulateError> {
    Err(SimulateError::Impossible(why.into()))
}

impl Transaction {
    pub(crate) fn new(request: CreateRequest, now: OffsetDateTime, default: Duration) -> Self {
        let page = request.page_expiry.or(request.expiry.map(|expiry| expiry.after));
        let start = match (request.page_expiry, request.expiry) {
            (None, Some(Expiry { start: Some(start), .. })) => start,
            _ => now,
        };
        Self {
            page_expires_at: start.saturating_add(page.unwrap_or(default)),
            token: random::uuid(),
            session_cancelled: false,
            status: Status::NotChosen,
            challenged: false,
            channel: None,
            transaction_id: None,
            chosen_at: None,
            code_expires_at: None,
            settled_at: None,
            charged: request.gross_amount,
            fee: None,
            refunds: Vec::new(),
            request,
        }
    }

    pub(crate) fn refunded(&self) -> i64 {
        self.refunds.iter().fold(0, |sum: i64, refund| sum.saturating_add(refund.amount))
    }

    /// Lets a payment code run out whose time has come; true if it just did.
    pub(crate) fn look(&mut self, now: OffsetDateTime) -> bool {
        let due = self.status == Status::Pending && self.code_expires_at.is_some_and(|at| at <= now);
        if due {
            self.status = Status::Expire;
        }
        due
    }

    /// Whether the page can still be used to choose a method.
    pub(crate) fn page_is_open(&self, now: OffsetDateTime) -> bool {
        !self.session_cancelled && now < self.page_expires_at
    }

    /// Chooses a method, unless the same one was chosen before.
    fn choose(&mut self, name: Option<&str>, now: OffsetDateTime, default: Duration) -> Result<(), SimulateError> {
        let offered = channel::offered(&self.request.enabled_payments, self.request.gross_amount);
        let name = match (name, &self.channel) {
            (None, Some(_)) => return Ok(()),
            (Some(name), Some(chosen)) if chosen.name == name => return Ok(()),
            (Some(name), _) => name,
            (None, None) => channel::preferred(&offered),
        };
        if !self.page_is_open(now) {
            return impossible("the page has expired or was cancelled, no method can be chosen on it");
        }
        let Some(chosen) = Channel::new(name) else {
            return Err(SimulateError::Invalid(format!("unknown channel {name:?}")));
        };
        // A held card payment is simulated also where the page does not offer cards.
        if !offered.contains(&chosen.name) && !chosen.is_card() {
            return impossible(format!("{name} is not among the enabled payments: {}", offered.join(", ")));
        }
        let expiry = self.request.expiry;
        let start = expiry.and_then(|expiry| expiry.start).unwrap_or(now);
        let after = expiry.map_or(default, |expiry| expiry.after);
        self.channel = Some(chosen);
        self.transaction_id = Some(random::uuid());
        self.chosen_at = Some(now);
        self.code_expires_at = Some(start.saturating_add(after));
        Ok(())
    }

    /// Plays one outcome; tells whether Midtrans notifies the merchant of it.
    pub(crate) fn play(
        &mut self,
        simulate: &Simulate,
        now: OffsetDateTime,
        default: Duration,
    ) -> Result<bool, SimulateError> {
        let channel = simulate.channel.as_deref();
        let waiting =
            matches!(self.status, Status::NotChosen | Status::Pending | Status::Deny) && self.settled_at.is_none();
        match simulate.outcome {
            Outcome::Paid if self.challenged => self.challenged = false,
            Outcome::Paid if waiting => {
                self.choose(channel, now, default)?;
                self.pay(simulate, now);
            }
            Outcome::Pending if waiting => {
                self.choose(channel, now, default)?;
                self.status = Status::Pending;
            }
            Outcome::Denied if waiting || self.challenged => {
                self.choose(channel, now, default)?;
                self.status = Status::Deny;
                self.challenged = false;
            }
            Outcome::Expired if matches!(self.status, Status::NotChosen | Status::Pending) => {
                self.choose(channel, now, default)?;
                self.status = Status::Expire;
            }
            Outcome::Challenged if waiting => {
                self.choose(Some("credit_card"), now, default)?;
                self.status = Status::Capture;
                self.challenged = true;
            }
            Outcome::PageExpired if self.status == Status::NotChosen => {
                self.page_expires_at = now;
                return Ok(false);
            }
            Outcome::Refunded => self.give_back(simulate.amount, None, "dashboard", now)?,
            // Settlements of Permata, Mandiri bill and Indomaret; a captured card is refunded or charged back.
            Outcome::Reversed if self.is_paid() && self.settled_at.is_some() => self.status = Status::Deny,
            Outcome::Chargeback if self.is_paid() => self.status = Status::Chargeback,
            Outcome::Settled if self.status == Status::Capture && !self.challenged => {
                self.status = Status::Settlement;
                self.settled_at = Some(now);
            }
            outcome => {
                let word = self.status.word();
                return impossible(format!("{outcome:?} cannot follow {word}").to_lowercase());
            }
        }
        Ok(true)
    }

    fn pay(&mut self, simulate: &Simulate, now: OffsetDateTime) {
        let paid = simulate.amount.unwrap_or(self.request.gross_amount);
        self.charged = paid.saturating_add(simulate.fee.unwrap_or(0));
        self.fee = simulate.fee;
        if self.channel.as_ref().is_some_and(Channel::is_card) {
            self.status = Status::Capture;
        } else {
            self.status = Status::Settlement;
            self.settled_at = Some(now);
        }
    }

    /// What Midtrans itself holds of the order: a denial gives everything back, a fee on top is the payer's own affair.
    pub(crate) fn account(&self) -> OrderBooks {
        let given_back = matches!(self.status, Status::Refund | Status::Chargeback);
        let received =
            if self.is_paid() || given_back { self.charged.saturating_sub(self.fee.unwrap_or(0)) } else { 0 };
        OrderBooks {
            gateway: Partner::Midtrans,
            order_id: self.request.order_id.clone(),
            link: self.request.order_id.clone(),
            asked: self.request.gross_amount,
            received,
            refunded: self.refunded().min(received),
            charged_back: self.status == Status::Chargeback,
        }
    }

    /// Money has come in and has not all gone back.
    pub(crate) fn is_paid(&self) -> bool {
        matches!(self.status, Status::Settlement | Status::PartialRefund)
            || (self.status == Status::Capture && !self.challenged)
    }

    /// Gives back `amount`, or whatever is left.
    pub(crate) fn give_back(
        &mut self,
        amount: Option<i64>,
        key: Option<&str>,
        reason: &str,
        now: OffsetDateTime,
    ) -> Result<(), SimulateError> {
        if !self.is_paid() {
            let word = self.status.word();
            return impossible(format!("refunded cannot follow {word}: there is no money to give back"));
        }
        let left = self.charged.saturating_sub(self.refunded());
        let amount = amount.unwrap_or(left);
        if amount > left || self.refunds.len() >= MAX_REFUNDS {
            return impossible(format!("only {left} rupiah are left to give back"));
        }
        self.refunds.push(Refund {
            id: random::digits(6),
            key: key.map_or_else(random::uuid, str::to_owned),
            amount,
            reason: reason.to_owned(),
            at: now,
            bank_confirmed_at: None,
        });
        self.status = if amount == left { Status::Refund } else { Status::PartialRefund };
        Ok(())
    }

    /// The bank confirms the newest refund.
    pub(crate) fn confirm_refund(&mut self, now: OffsetDateTime) {
        if let Some(refund) = self.refunds.last_mut() {
            refund.bank_confirmed_at = Some(now);
        }
    }
}
