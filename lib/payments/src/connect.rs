//! Gateways with the keys that admins typed in, connected once per request.

use billing::payment::gateway::{GatewayName, Report};
use billing::payment::order::Order;
use cloud::{app::App, secrets::Rows};
use gateways::{Gateway, GatewayError, OrderRef, Setup, SetupError};

use crate::error::BookingError;

/// The gateway with its current keys.
pub async fn connect(app: &App, name: GatewayName) -> Result<Box<dyn Gateway>, BookingError> {
    let rows = app.secrets.rows(name.as_str()).await?;
    from_rows(app, name, &rows)
}

/// The gateway with its keys read again: after a 401 or a signature that does not match.
pub async fn connect_with_fresh_keys(app: &App, name: GatewayName) -> Result<Box<dyn Gateway>, BookingError> {
    let rows = app.secrets.refreshed_rows(name.as_str()).await?;
    from_rows(app, name, &rows)
}

fn from_rows(app: &App, name: GatewayName, rows: &Rows) -> Result<Box<dyn Gateway>, BookingError> {
    let base_url = app.settings.partner_endpoints.get(name.as_str()).map(|url| url::Url::parse(url)).transpose();
    let base_url = base_url
        .map_err(|error| SetupError::Unusable { gateway: name, problem: format!("PARTNER_ENDPOINTS: {error}") })?;
    Ok(gateways::connect(name, rows, &Setup { base_url, production_only: app.settings.is_production() })?)
}

/// The gateways that make links now.
#[derive(Debug, Default)]
pub struct Active {
    /// Configured, usable and switched on.
    pub gateways: Vec<Box<dyn Gateway>>,
    /// Whose secret cannot be read or used at the moment: nothing is known of their links.
    pub unreadable: Vec<GatewayName>,
}

/// The gateways that make links: configured, usable and switched on. One that is badly configured is reported and left
/// out.
pub async fn active_gateways(app: &App) -> Active {
    let mut active = Active::default();
    for name in GatewayName::ALL {
        let connected = match connect(app, name).await {
            // The key may just have been typed in.
            Err(BookingError::Setup(SetupError::NotConfigured(_))) if name == app.settings.default_gateway => {
                connect_with_fresh_keys(app, name).await
            }
            connected => connected,
        };
        match connected {
            Ok(gateway) if gateway.is_active() => active.gateways.push(gateway),
            Ok(_) | Err(BookingError::Setup(SetupError::NotConfigured(_))) => {}
            Err(error) => {
                tracing::error!(alarm = true, gateway = name.as_str(), %error, "gateway is not usable");
                active.unreadable.push(name);
            }
        }
    }
    active
}

/// The gateway of an order. One of the other mode would not know the order, which must not be taken for an answer.
pub async fn connect_for(app: &App, order: &Order) -> Result<Box<dyn Gateway>, BookingError> {
    let gateway = connect(app, order.gateway).await?;
    require_same_mode(&*gateway, order).map(|()| gateway)
}

/// An order of the other mode would be unknown to the gateway.
pub fn require_same_mode(gateway: &dyn Gateway, order: &Order) -> Result<(), BookingError> {
    if gateway.mode() == order.mode { Ok(()) } else { Err(BookingError::OtherMode) }
}

/// Asks the gateway about an order. A refused key is read again once.
pub async fn ask(app: &App, gateway: &dyn Gateway, order: &OrderRef) -> Result<Report, BookingError> {
    match gateway.status(order).await {
        Err(GatewayError::Unauthorized { status }) => {
            let fresh = connect_with_fresh_keys(app, gateway.name()).await?;
            if fresh.mode() != gateway.mode() {
                return Err(BookingError::OtherMode);
            }
            if fresh.key_fingerprint() == gateway.key_fingerprint() {
                tracing::error!(alarm = true, gateway = gateway.name().as_str(), status, "the gateway refuses the key");
                return Err(GatewayError::Unauthorized { status }.into());
            }
            Ok(fresh.status(order).await?)
        }
        answer => Ok(answer?),
    }
}

/// How to ask about an order.
#[must_use]
pub fn order_ref(order: &Order) -> OrderRef {
    OrderRef {
        order_id: order.id.clone(),
        reference: order.reference.clone(),
        transaction_id: order.transaction_id.clone(),
    }
}
