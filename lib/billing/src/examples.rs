//! One customer, one invoice, one order, for the tests of the rules.

use std::collections::BTreeMap;

use time::macros::{date, datetime};
use time::{Duration, OffsetDateTime};

use crate::id::{CustomerId, InvoiceId, OrderId, PackageId};
use crate::money::Rupiah;
use crate::payment::gateway::{GatewayName, Mode, Report, ReportedState, Transaction};
use crate::payment::invoice::{Invoice, InvoiceKind, InvoiceStatus, PaymentLink};
use crate::payment::order::{Order, OrderStatus};
use crate::service::customer::Profile;
use crate::service::entitlement::{Entitlement, Grant, LateRenewal, Reason};
use crate::service::package::Package;
use crate::zone::{Zone, later};

pub const NOW: OffsetDateTime = datetime!(2026-11-23 03:00 UTC);

/// Until when [`profile`] is served: the end of 30 November in Jakarta.
pub const EXPIRY: OffsetDateTime = datetime!(2026-11-30 16:59:59 UTC);

pub fn package(id: &str, price: i64) -> Package {
    Package {
        id: PackageId::parse(id).unwrap(),
        name: "Home 20".into(),
        price: Rupiah::new(price),
        period_months: 1,
        down_mbps: 20,
        up_mbps: 10,
    }
}

pub fn profile() -> Profile {
    Profile {
        id: CustomerId::parse("c1").unwrap(),
        name: "Budi".into(),
        phone: None,
        username: "budi".into(),
        device_id: None,
        ont_serial: None,
        entitlement: Entitlement::imported(&package("home20", 300_000), EXPIRY, NOW, Zone::Jakarta),
        imported_package: PackageId::parse("home20").unwrap(),
        imported_expiry: Zone::Jakarta.date(EXPIRY),
        credit: Rupiah::ZERO,
        open_renewal: Some(InvoiceId::parse("inv_1").unwrap()),
        open_upgrade: None,
        upgrade_attempts: None,
        expiry_told: None,
        last_grant: 1,
        created_at: NOW,
        updated_at: NOW,
        version: 1,
    }
}

pub fn invoice() -> Invoice {
    Invoice {
        id: InvoiceId::parse("inv_1").unwrap(),
        customer_id: CustomerId::parse("c1").unwrap(),
        number: "INV-2026-000001".into(),
        kind: InvoiceKind::Renewal,
        package: package("home20", 300_000),
        description: "Home 20".into(),
        amount: Rupiah::new(300_000),
        received: Rupiah::ZERO,
        credit_applied: Rupiah::ZERO,
        carried: Rupiah::ZERO,
        refunded: Rupiah::ZERO,
        charged_back: Rupiah::ZERO,
        granted_return: Rupiah::ZERO,
        status: InvoiceStatus::Unpaid,
        settlement_no: 0,
        granted: None,
        applied_at: None,
        due_date: date!(2026 - 11 - 30),
        paid_at: None,
        link: None,
        in_review: None,
        lease: None,
        attempts: None,
        upgrade: None,
        created_at: NOW,
        updated_at: NOW,
        remind_at: None,
        wake_at: None,
        version: 3,
    }
}

pub fn order() -> Order {
    Order {
        id: OrderId::parse("INV-2026-000001-x").unwrap(),
        gateway: GatewayName::Midtrans,
        mode: Mode::Sandbox,
        key_fingerprint: "k".into(),
        customer_id: CustomerId::parse("c1").unwrap(),
        invoice_id: InvoiceId::parse("inv_1").unwrap(),
        amount: Rupiah::new(300_000),
        reference: Some("token".into()),
        transaction_id: None,
        expires_at: later(NOW, Duration::hours(24)),
        status: OrderStatus::Open,
        cancel_wanted_since: None,
        unclear: Vec::new(),
        booked: BTreeMap::new(),
        invoice: None,
        timeline: Vec::new(),
        look_after_payment: None,
        created_at: NOW,
        wake_at: None,
        version: 2,
    }
}

pub fn transaction(received: i64, refunded: i64) -> Transaction {
    Transaction {
        id: "t1".into(),
        received: Rupiah::new(received),
        refunded: Rupiah::new(refunded),
        charged_back: Rupiah::ZERO,
        taken_back: true,
        paid_at: Some(NOW),
        method: Some("qris".into()),
        status: "settlement".into(),
    }
}

pub fn report(transactions: Vec<Transaction>) -> Report {
    let state = if transactions.is_empty() { ReportedState::Unknown } else { ReportedState::Paid };
    Report { state, transactions }
}

/// The link of [`order`], for all of [`invoice`], good for a day.
pub fn link() -> PaymentLink {
    PaymentLink {
        url: "https://pay.example/token".into(),
        gateway: GatewayName::Midtrans,
        mode: Mode::Sandbox,
        order_id: order().id,
        reference: "token".into(),
        amount: Rupiah::new(300_000),
        expires_at: later(NOW, Duration::hours(24)),
        public: false,
    }
}

/// The import behind the entitlement of [`profile`].
pub fn import() -> Grant {
    let (package, reason) =
        (package("home20", 300_000), Reason::Import { sets_package: true, expires_at: Some(EXPIRY) });
    Grant {
        customer_id: profile().id,
        sequence: 1,
        reason,
        package,
        revoked: false,
        returns: Vec::new(),
        granted_at: NOW,
    }
}

/// A renewal of `package` at its price, for invoice `inv_<sequence>`.
pub fn renewal(sequence: u32, package: Package, paid_at: OffsetDateTime, late: LateRenewal) -> Grant {
    let invoice_id = InvoiceId::parse(&format!("inv_{sequence}")).unwrap();
    let reason = Reason::Renewal { invoice_id, settlement_no: 1, paid_at, money: package.price, late };
    Grant {
        customer_id: profile().id,
        sequence,
        reason,
        package,
        revoked: false,
        returns: Vec::new(),
        granted_at: paid_at,
    }
}

/// A change to `package` at its price, for invoice `inv_<sequence>`.
pub fn upgrade(sequence: u32, package: Package, paid_at: OffsetDateTime) -> Grant {
    let invoice_id = InvoiceId::parse(&format!("inv_{sequence}")).unwrap();
    let (money, charge) = (package.price, package.price);
    let reason = Reason::Upgrade { invoice_id, settlement_no: 1, paid_at, money, charge, difference_until: None };
    Grant {
        customer_id: profile().id,
        sequence,
        reason,
        package,
        revoked: false,
        returns: Vec::new(),
        granted_at: paid_at,
    }
}
