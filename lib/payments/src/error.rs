//! Why nothing could be booked.

use billing::{id::OrderId, money::MoneyError};
use cloud::{secrets::SecretError, store::StoreError};
use gateways::{GatewayError, SetupError};

/// Why nothing could be booked now. Nothing is lost: what is due is looked at again.
#[derive(Debug, thiserror::Error)]
pub enum BookingError {
    /// The table.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The secret could not be read.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The secret cannot be used.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// The gateway.
    #[error(transparent)]
    Gateway(#[from] GatewayError),
    /// The order was opened in sandbox and the key is for production, or the other way round: the gateway would not
    /// know it.
    #[error("the order belongs to the gateway's other mode")]
    OtherMode,
    /// An amount that is none.
    #[error(transparent)]
    Money(#[from] MoneyError),
    /// An order whose invoice does not exist.
    #[error("order {0} has no invoice")]
    NoInvoice(OrderId),
}

impl BookingError {
    /// Nothing that asking again would mend.
    #[must_use]
    pub const fn needs_a_person(&self) -> bool {
        match self {
            Self::OtherMode | Self::NoInvoice(_) | Self::Money(_) => true,
            Self::Store(error) => error.needs_a_person(),
            Self::Secret(_) | Self::Setup(_) | Self::Gateway(_) => false,
        }
    }
}
