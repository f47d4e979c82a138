//! What is asked for, and what comes of it.

use billing::{
    money::MoneyError,
    payment::{gateway::GatewayName, invoice::Invoice, link::NoLink},
};
use cloud::store::StoreError;

/// A link that can be paid.
#[derive(Debug, Clone)]
pub struct Link {
    /// The invoice that it pays, as it stands now.
    pub invoice: Invoice,
    pub url: String,
}

/// What came of a request for a link.
#[derive(Debug, Clone)]
pub enum LinkOutcome {
    Link(Box<Link>),
    /// The customer's credit has just paid all of it, so there is nothing to pay at a gateway. The invoice is PAID.
    PaidByCredit(Box<Invoice>),
}

/// Who is to pay: decides what the gateway is told, and where its page leads back to.
#[derive(Debug, Clone, Copy)]
pub enum Payer<'a> {
    /// The customer, who comes back to the portal. The gateway's page may name them.
    Customer,
    /// Whoever holds the link of the invoice's public page. The gateway is told nothing of the customer.
    Public {
        /// The page to come back to, a path.
        finish: &'a str,
    },
}

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub struct LinkRequest<'a> {
    /// The gateway that the customer wants, if any.
    pub gateway: Option<GatewayName>,
    /// Is this a request that may open an order? Else only a stored link is given out.
    pub may_open: bool,
    pub payer: Payer<'a>,
}

/// Why there is no link.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// An order would have to be opened, and the request may not.
    #[error("no link is stored, and this request may not open an order")]
    MayNotOpen,
    /// A reason that the customer is told.
    #[error(transparent)]
    NoLink(#[from] NoLink),
    /// The table.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The invoice cannot be what it is: a person has to look.
    #[error("amounts of an invoice do not add up: {0}")]
    Money(#[from] MoneyError),
    /// No randomness, or an invoice number without a usable letter.
    #[error("no order id could be made")]
    NoOrderId,
}
