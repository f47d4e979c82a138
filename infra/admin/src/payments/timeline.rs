//! What the items say about a payment, put in order. Pure: facts in, steps and advice out.

use std::collections::HashMap;

use billing::id::OrderId;
use billing::money::ledger::EntryKind;
use billing::payment::invoice::{Invoice, InvoiceStatus};
use billing::payment::order::{Order, OrderStatus};
use billing::service::entitlement::{Entitlement, Grant, Reason};
use billing::telling::network::{NetworkUpdate, TellingState};
use cloud::store::{LedgerLine, outbox::EventState};
use time::OffsetDateTime;

use crate::ui::Ui;

/// Everything that is known.
#[derive(Debug, Clone)]
pub(super) struct Facts {
    pub(super) invoice: Invoice,
    pub(super) orders: Vec<Order>,
    pub(super) entries: Vec<LedgerLine>,
    /// The events that were written with the entries, by id.
    pub(super) events: HashMap<String, EventState>,
    pub(super) grants: Vec<Grant>,
    /// What the live payments bought and an import took away, while that time is not over.
    pub(super) taken: Option<Taken>,
    /// What the network was told of the customer's line; `None` = there is none to tell.
    pub(super) network_update: Option<NetworkUpdate>,
}

/// Less service than was bought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Taken {
    pub(super) bought: Entitlement,
    pub(super) left: Entitlement,
}

impl Facts {
    /// The live grant of the invoice's newest settlement: by it the customer is served.
    fn grant(&self) -> Option<&Grant> {
        let settlement_no = self.invoice.granted?;
        self.grants.iter().find(|grant| !grant.revoked && grant.is_of(&self.invoice.id, settlement_no))
    }

    /// An import took something of it away.
    fn taken(&self) -> Option<&Taken> {
        let grant = self.grant()?;
        let imported = |later: &Grant| later.sequence > grant.sequence && matches!(later.reason, Reason::Import { .. });
        self.taken.as_ref().filter(|_| self.grants.iter().any(imported))
    }

    fn served(&self, ui: Ui) -> String {
        match self.taken() {
            None => "the customer is served for it".to_owned(),
            Some(Taken { bought, left }) => format!(
                "an import took service away: with {} until {}, bought was {} until {}",
                left.package.id,
                ui.time(left.expires_at),
                bought.package.id,
                ui.time(bought.expires_at)
            ),
        }
    }
}

/// One step of a payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Step {
    /// link, webhook, confirmation, settled, relayed, applied, network; or another moment of the order.
    pub(super) name: String,
    /// When; `None` = it did not happen.
    pub(super) at: Option<OffsetDateTime>,
    /// Of which order; `None` = of the invoice.
    pub(super) order: Option<OrderId>,
    pub(super) detail: String,
}

/// The steps: per order link, webhook, confirmation, settled; then relayed and applied; then told to the network, if
/// there is one.
pub(super) fn steps(facts: &Facts, ui: Ui) -> Vec<Step> {
    let mut steps: Vec<Step> = facts.orders.iter().flat_map(|order| of_order(facts, order, ui)).collect();
    if facts.orders.is_empty() {
        steps.push(Step {
            name: "link".to_owned(),
            at: None,
            order: None,
            detail: "none that is still known".to_owned(),
        });
    }
    steps.push(relayed(facts));
    let detail = match facts.invoice.status {
        _ if facts.invoice.awaits_apply() => format!("waiting since {}", ui.time(facts.invoice.updated_at)),
        InvoiceStatus::Paid if facts.grant().is_some() => facts.served(ui),
        _ => String::new(),
    };
    steps.push(Step { name: "applied".to_owned(), at: facts.invoice.applied_at, order: None, detail });
    steps.extend(network(facts, ui));
    steps
}

/// Whether the network knows of it. It is told states, not payments: what is known is when it last took one.
fn network(facts: &Facts, ui: Ui) -> Option<Step> {
    let network_update =
        facts.network_update.as_ref().filter(|network_update| network_update.state != TellingState::Off)?;
    let applied_at = facts.invoice.applied_at?;
    let step = |at, detail| Some(Step { name: "network".to_owned(), at, order: None, detail });
    if !network_update.is_owed(applied_at) {
        let at = network_update.told_at.filter(|told_at| *told_at >= applied_at);
        return at.and_then(|at| {
            step(Some(at), format!("knows version {}", network_update.told_number.unwrap_or_default()))
        });
    }
    let problem = network_update.problem.map_or_else(String::new, |problem| format!(": {}", super::word(&problem)));
    let again = network_update
        .wake_at
        .map_or_else(|| "not told any more".to_owned(), |wake_at| format!("next try {}", ui.time(wake_at)));
    step(None, format!("{} tries{problem}; {again}", network_update.tries))
}

fn of_order(facts: &Facts, order: &Order, ui: Ui) -> Vec<Step> {
    let step = |name: &str, at, detail| Step { name: name.to_owned(), at, order: Some(order.id.clone()), detail };
    let moment = |test: &dyn Fn(&str) -> bool| order.timeline.iter().find(|moment| test(&moment.what));
    let link = moment(&|what| what == "link_created").map(|moment| moment.at);
    let link_detail = match link {
        Some(_) => format!("{}, payable until {}", order.amount, ui.time(order.expires_at)),
        None if order.status == OrderStatus::Creating => {
            format!("{}: asked for, no answer of the gateway recorded", order.amount)
        }
        None => format!("{}: the gateway gave none", order.amount),
    };
    let confirmed = moment(&|what| what.starts_with("confirmed_by:"));
    let via = confirmed.and_then(|moment| moment.what.strip_prefix("confirmed_by:"));
    let hook = moment(&|what| what.starts_with("webhook") || what == "confirmed_by:webhook").map(|moment| moment.at);
    let hook_detail = match (hook, via) {
        (None, Some(via)) => format!("not needed: {via} was faster"),
        (None, None) => "none that led to money".to_owned(),
        (Some(_), _) => String::new(),
    };
    let booked = moment(&|what| what.starts_with("booked:")).map(|moment| moment.at);
    let asked = via.map_or_else(String::new, |via| format!("the gateway said so when {via} asked"));
    let mut steps = vec![
        step("link", link, link_detail),
        step("webhook", hook, hook_detail),
        step("confirmation", confirmed.map(|moment| moment.at), asked),
        step("settled", booked, money(facts, order)),
    ];
    let told = |what: &str| {
        matches!(what, "creating" | "link_created")
            || ["webhook", "confirmed_by:", "booked:"].iter().any(|start| what.starts_with(start))
    };
    steps.extend(
        order
            .timeline
            .iter()
            .filter(|moment| !told(&moment.what))
            .map(|moment| step(&moment.what, Some(moment.at), String::new())),
    );
    steps
}

/// What the ledger holds of an order.
fn money(facts: &Facts, order: &Order) -> String {
    let of_order = facts
        .entries
        .iter()
        .filter(|line| line.entry.payment.as_ref().is_some_and(|payment| payment.order_id == order.id));
    let parts = of_order.map(|line| {
        let method = line.entry.payment.as_ref().and_then(|payment| payment.method.as_deref());
        let what = match line.entry.kind {
            EntryKind::Received => "received",
            EntryKind::Surplus => "became credit",
            EntryKind::Returned => "returned",
            EntryKind::Reversal => "taken back by the gateway",
            EntryKind::SurplusReversal => "taken back from credit",
            EntryKind::Refund => "refunded",
            EntryKind::SurplusRefund => "refunded from credit",
            EntryKind::Chargeback => "charged back",
            EntryKind::SurplusChargeback => "charged back from credit",
            EntryKind::FromCredit => "paid from credit",
            EntryKind::CreditUsed => "used from credit",
            EntryKind::Carried => "carried from or to another bill",
            EntryKind::Owed => "owed with the next bill",
            EntryKind::Adjusted => "adjusted",
            EntryKind::Unused => "left over by a change of package",
        };
        method.map_or_else(
            || format!("{} {what}", line.entry.amount),
            |method| format!("{} {what} ({method})", line.entry.amount),
        )
    });
    parts.collect::<Vec<_>>().join(", ")
}

/// The event that tells of the newest settlement. Entries of older versions know no events, and events are kept a week.
fn settled_event(facts: &Facts) -> Option<&EventState> {
    facts.events.values().filter(|event| event.kind == "payment.settled").max_by(|a, b| a.id.cmp(&b.id))
}

fn relayed(facts: &Facts) -> Step {
    let event = settled_event(facts);
    let detail = match event {
        Some(event) if event.relayed_at.is_some() => format!("payment.settled {}", event.id),
        Some(event) => format!("payment.settled {} is still waiting", event.id),
        None if facts.invoice.settlement_no == 0 => String::new(),
        None => "no longer known: events are kept for a week".to_owned(),
    };
    Step { name: "relayed".to_owned(), at: event.and_then(|event| event.relayed_at), order: None, detail }
}

/// What to do next.
pub(super) fn next(facts: &Facts, ui: Ui) -> String {
    let invoice = &facts.invoice;
    match invoice.status {
        InvoiceStatus::Paid if !invoice.awaits_apply() && is_untold(facts) => network_advice(),
        _ if invoice.awaits_apply() => apply_advice(facts, ui),
        InvoiceStatus::Paid if facts.taken().is_some() => {
            "an import says less than was paid for; if that is not meant, import the customer with the right package and expiry".to_owned()
        }
        InvoiceStatus::Paid if facts.grant().is_some() => "nothing to do: paid, and the customer is served for it".to_owned(),
        InvoiceStatus::Paid => "noted as applied, but no grant serves the customer for it: lunas audit --customer, and report it".to_owned(),
        InvoiceStatus::Cancelled if facts.orders.iter().any(|order| order.cancel_wanted_since.is_some()) => {
            "the invoice is cancelled; its link is cancelled at the gateway by reconcile-payments, which runs every minute".to_owned()
        }
        InvoiceStatus::Cancelled => {
            "nothing to do: the invoice is cancelled; money that still comes becomes credit".to_owned()
        }
        InvoiceStatus::Unpaid => unpaid_advice(facts, ui),
    }
}

/// The network has not taken it, though it was told.
fn is_untold(facts: &Facts) -> bool {
    let failing = facts
        .network_update
        .as_ref()
        .filter(|network_update| matches!(network_update.state, TellingState::Failing | TellingState::GivenUp));
    failing.zip(facts.invoice.applied_at).is_some_and(|(network_update, applied_at)| network_update.is_owed(applied_at))
}

fn network_advice() -> String {
    "paid and served for it, but the network does not know: look at its receiver and at the secret lunas/STAGE/network, and at the logs of \
     notify-network; `lunas network tell CUSTOMER` has it told anew"
        .to_owned()
}

fn apply_advice(facts: &Facts, ui: Ui) -> String {
    let what = if facts.invoice.status == InvoiceStatus::Paid { "settled" } else { "taken back" };
    if settled_event(facts).is_some_and(|event| event.relayed_at.is_none()) {
        return format!(
            "{what} but not relayed: relay-events sends what is left over every minute; if this stays, read the logs of relay-events"
        );
    }
    let again =
        facts.invoice.wake_at.map_or_else(String::new, |wake_at| format!("; it is told again at {}", ui.time(wake_at)));
    format!(
        "{what} but not applied: look at the queue of apply-payment and its dead letters (stack outputs ApplyQueueUrl, \
         ApplyDeadLettersUrl) and at the logs of apply-payment{again}"
    )
}

fn unpaid_advice(facts: &Facts, ui: Ui) -> String {
    let partly = if facts.invoice.received.is_positive() {
        format!("{} of {} was paid; ", facts.invoice.received, facts.invoice.amount)
    } else {
        String::new()
    };
    let Some(order) = facts.orders.last() else {
        return format!(
            "{partly}the customer has not asked for a payment link, or an earlier one was replaced (show it by its order id)"
        );
    };
    if let Some(why) = order.timeline.last().and_then(|moment| moment.what.strip_prefix("unclear:")) {
        return format!(
            "{partly}the gateway's answer needs a person ({why}): look order {} up in the dashboard of {}",
            order.id, order.gateway
        );
    }
    let look = order
        .wake_at
        .map_or_else(|| "no further look is planned".to_owned(), |wake_at| format!("next look {}", ui.time(wake_at)));
    match order.status {
        OrderStatus::Creating | OrderStatus::Open => format!("{partly}no payment seen at the gateway yet; {look}"),
        OrderStatus::Failed => {
            format!(
                "{partly}the gateway refused to make the link: read the logs of create-payment-link; the customer can try again"
            )
        }
        OrderStatus::Expired | OrderStatus::Cancelled => {
            format!("{partly}the link is over and was not paid; the customer can ask for a new one; {look}")
        }
        OrderStatus::Paid => format!("{partly}the customer can pay the rest with a new link"),
        OrderStatus::Reversed => format!("{partly}the gateway took the payment back; the customer has to pay again"),
    }
}

#[cfg(test)]
mod tests;
