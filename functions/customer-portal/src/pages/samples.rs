//! An account with everything that pages can show, for their tests.

use billing::access::phone::Phone;
use billing::id::{CustomerId, InvoiceId, OrderId, PackageId};
use billing::language::Language;
use billing::money::Rupiah;
use billing::payment::gateway::{GatewayName, Mode};
use billing::payment::invoice::{Invoice, InvoiceKind, InvoiceStatus, OrderKey, PaymentLink, Terms};
use billing::service::customer::Profile;
use billing::service::entitlement::Entitlement;
use billing::service::package::Package;
use billing::service::upgrade::Preview;
use billing::zone::Zone;
use time::macros::{date, datetime};
use time::{Duration, OffsetDateTime};
use web::account::{Bill, Kind, Moment, Payment};

use super::{Chosen, Page};

pub(super) const NOW: OffsetDateTime = datetime!(2026-11-23 03:00 UTC);
/// What a name may hold in the worst case.
pub(super) const HOSTILE: &str = "<script>alert(1)</script>\"'&";

pub(super) fn page(lang: Language, path: &str) -> Page<'_> {
    Page {
        lang,
        csrf: "token-of-the-page",
        path,
        zone: Zone::Jakarta,
        now: NOW,
        provider: None,
        signed_in: true,
        support: "",
    }
}

pub(super) fn profile(name: &str) -> Profile {
    Profile {
        id: CustomerId::parse("c1").unwrap(),
        name: name.into(),
        phone: Some(Phone::parse("081234567890").unwrap()),
        username: format!("{name}@lunas"),
        device_id: None,
        ont_serial: None,
        entitlement: Entitlement {
            package: package(name),
            expires_at: datetime!(2026-12-05 16:59:59 UTC),
            anchor_day: 5,
            stretches: Vec::new(),
            purchase: None,
            to_credit: Rupiah::ZERO,
        },
        imported_package: PackageId::parse("home20").unwrap(),
        imported_expiry: NOW.date(),
        credit: Rupiah::new(25_000),
        open_renewal: None,
        open_upgrade: None,
        upgrade_attempts: None,
        expiry_told: None,
        last_grant: 1,
        created_at: NOW,
        updated_at: NOW,
        version: 1,
    }
}

pub(super) fn package(name: &str) -> Package {
    let id = PackageId::parse("home20").unwrap();
    let name = if name == HOSTILE { HOSTILE } else { "Home 20" };
    Package { id, name: name.into(), price: Rupiah::new(300_000), period_months: 1, down_mbps: 20, up_mbps: 10 }
}

/// Unpaid and due in a week, without a link.
pub(super) fn invoice(number: u32, text: &str) -> Invoice {
    Invoice {
        id: InvoiceId::parse(&format!("inv_{number}")).unwrap(),
        customer_id: CustomerId::parse("c1").unwrap(),
        number: format!("INV-2026-{number:06}"),
        kind: InvoiceKind::Renewal,
        upgrade: None,
        package: package(text),
        description: text.into(),
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
        created_at: NOW,
        updated_at: NOW,
        remind_at: None,
        wake_at: None,
        version: 0,
    }
}

fn link() -> PaymentLink {
    PaymentLink {
        url: "https://pay.example/snap/v4?a=1&b=\"2\"".into(),
        gateway: GatewayName::Midtrans,
        mode: Mode::Sandbox,
        order_id: OrderId::parse("INV-2026-000005-abcd").unwrap(),
        reference: "token".into(),
        amount: Rupiah::new(300_000),
        expires_at: NOW + Duration::days(1),
        public: false,
    }
}

pub(super) fn bill(invoice: Invoice) -> Bill {
    Bill::of(invoice, Zone::Jakarta, NOW).unwrap()
}

/// One bill in each state, with and without a link, one part-paid.
pub(super) fn bills(text: &str) -> Vec<Bill> {
    let paid = |granted| Invoice {
        status: InvoiceStatus::Paid,
        received: Rupiah::new(300_000),
        settlement_no: 1,
        granted,
        paid_at: Some(NOW),
        ..invoice(3, text)
    };
    let id = |number: u32| InvoiceId::parse(&format!("inv_{number}")).unwrap();
    [
        Invoice { link: Some(link()), ..invoice(6, text) },
        Invoice { received: Rupiah::new(200_000), ..invoice(5, text) },
        Invoice { due_date: date!(2026 - 10 - 30), ..invoice(4, text) },
        paid(None),
        Invoice { id: id(2), number: "INV-2026-000002".into(), ..paid(Some(1)) },
        Invoice { status: InvoiceStatus::Cancelled, ..invoice(1, text) },
    ]
    .map(bill)
    .to_vec()
}

/// A card payment on its link is held for review.
pub(super) fn in_review(text: &str) -> Bill {
    let link = PaymentLink { public: true, ..link() };
    let held = OrderKey { gateway: link.gateway, order_id: link.order_id.clone() };
    bill(Invoice { link: Some(link), in_review: Some(held), ..invoice(7, text) })
}

pub(super) fn payments(text: &str) -> Vec<Payment> {
    let payment = |kind, method: &str| Payment {
        id: "0197a0b0-0000-7000-8000-000000000001".into(),
        invoice_id: InvoiceId::parse("inv_2").unwrap(),
        invoice_number: Some("INV-2026-000002".into()),
        gateway: Some(GatewayName::Midtrans),
        method: Some(method.into()),
        amount: Rupiah::new(300_000),
        kind,
        credit: false,
        at: NOW,
        timeline: vec![
            (NOW - Duration::minutes(9), Moment::LinkCreated),
            (NOW, Moment::Paid),
            (NOW, Moment::Confirmed),
            (NOW + Duration::minutes(1), Moment::ServiceExtended),
        ],
    };
    vec![
        payment(Kind::Received, "bank_transfer/bca"),
        payment(Kind::Refund, "qris"),
        Payment { credit: true, ..payment(Kind::Received, "qris") },
        Payment { gateway: None, timeline: Vec::new(), ..payment(Kind::Received, "credit") },
        payment(Kind::Reversal, text),
        Payment { timeline: Vec::new(), method: None, ..payment(Kind::Chargeback, text) },
    ]
}

/// What a change to the package comes to.
pub(super) fn chosen(name: &str) -> Chosen {
    let package = Package { id: PackageId::parse("home50").unwrap(), name: name.into(), ..package(name) };
    let terms = Terms { charge: package.price, difference_until: None };
    let preview = Preview {
        amount: package.price,
        package,
        terms,
        unused: Rupiah::new(120_000),
        carried_over_days: 12,
        to_credit: Rupiah::ZERO,
        new_expires_at: datetime!(2027-01-04 16:59:59 UTC),
    };
    Chosen { preview, explanation: format!("Anda membayar Rp300.000 untuk 1 bulan {name}.") }
}
