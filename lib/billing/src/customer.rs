//! A customer's profile: one subscription line.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::{
    entitlement::Entitlement,
    id::{CustomerId, InvoiceId, PackageId},
    invoice::{Attempts, InvoiceKind},
    money::Rupiah,
    phone::Phone,
};

/// One subscription line. Several may share a phone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// Its id.
    pub id: CustomerId,
    /// The customer's name.
    pub name: String,
    /// Where login codes go; `None` when the import held no usable mobile number.
    pub phone: Option<Phone>,
    /// PPPoE user name, unique.
    pub username: String,
    /// Device id in the ACS, if known.
    pub device_id: Option<String>,
    /// Serial number of the ONT, if known.
    pub ont_serial: Option<String>,
    /// Package and expiry: the fold of the live grants.
    pub entitlement: Entitlement,
    /// The package that the last import named, so that importing the same row again changes nothing.
    pub imported_package: PackageId,
    /// The expiry that the last import named.
    #[serde(with = "time::serde::rfc3339")]
    pub imported_expiry: OffsetDateTime,
    /// Money held for the customer: the sum of the credit entries. Negative after the reversal of credit already used.
    pub credit: Rupiah,
    /// The open renewal invoice, if one was issued.
    pub open_renewal: Option<InvoiceId>,
    /// The open invoice for a change of package, if the customer chose one.
    #[serde(default)]
    pub open_upgrade: Option<InvoiceId>,
    /// Invoices that were opened lately for changes of package.
    #[serde(default)]
    pub upgrade_attempts: Option<Attempts>,
    /// Sequence of the newest grant.
    pub last_grant: u32,
    /// When the line was first imported.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    /// When it last changed.
    #[serde(with = "time::serde::rfc3339")]
    pub updated_at: OffsetDateTime,
    /// Counts the writes.
    #[serde(default)]
    pub version: u64,
}

impl Profile {
    /// Is the customer served now?
    #[must_use]
    pub fn is_active(&self, now: OffsetDateTime) -> bool {
        now < self.entitlement.expires_at
    }

    /// That invoice is not open any more.
    pub(crate) fn forget_open(&mut self, invoice: &InvoiceId) {
        for open in [&mut self.open_renewal, &mut self.open_upgrade] {
            open.take_if(|open| open == invoice);
        }
    }

    /// Where the open invoice of that kind stands.
    pub(crate) fn open_mut(&mut self, kind: InvoiceKind) -> &mut Option<InvoiceId> {
        match kind {
            InvoiceKind::Renewal => &mut self.open_renewal,
            InvoiceKind::Upgrade => &mut self.open_upgrade,
        }
    }
}
