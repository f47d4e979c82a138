//! A customer's profile: one subscription line.

use serde::{Deserialize, Serialize};
use time::{Date, OffsetDateTime};

use crate::access::phone::Phone;
use crate::id::{CustomerId, InvoiceId, PackageId};
use crate::money::Rupiah;
use crate::payment::invoice::{Attempts, Invoice, InvoiceKind, InvoiceStatus};
use crate::service::entitlement::Entitlement;
use crate::telling::event::Event;
use crate::zone::format;

/// One subscription line. Several may share a phone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    pub id: CustomerId,
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
    /// The last day of service that it named, in the provider's zone.
    #[serde(with = "format::day")]
    pub imported_expiry: Date,
    /// Money held for the customer: the sum of the credit entries. Negative after the reversal of credit already used.
    pub credit: Rupiah,
    /// The open renewal invoice, if one was issued.
    pub open_renewal: Option<InvoiceId>,
    /// The open invoice for a change of package, if the customer chose one.
    pub open_upgrade: Option<InvoiceId>,
    /// Invoices that were opened lately for changes of package.
    pub upgrade_attempts: Option<Attempts>,
    #[serde(with = "time::serde::rfc3339::option")]
    pub expiry_told: Option<OffsetDateTime>,
    pub last_grant: u32,
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    pub updated_at: OffsetDateTime,
    pub version: u64,
}

impl Profile {
    #[must_use]
    pub fn is_active(&self, now: OffsetDateTime) -> bool {
        now < self.entitlement.expires_at
    }

    /// When its expiry is to be told: the moment itself, until that was done.
    #[must_use]
    pub fn tells_expiry_at(&self) -> Option<OffsetDateTime> {
        let expires_at = self.entitlement.expires_at;
        (self.expiry_told != Some(expires_at)).then_some(expires_at)
    }

    /// The profile and the event once the expiry has passed; `None` if it has not, or was told.
    #[must_use]
    pub fn expired(&self, now: OffsetDateTime) -> Option<(Self, Event)> {
        let expires_at = self.tells_expiry_at().filter(|at| *at <= now)?;
        let event = Event::SubscriptionExpired {
            customer_id: self.id.clone(),
            expires_at,
            version: self.version.saturating_add(1),
        };
        Some((Self { expiry_told: Some(expires_at), updated_at: now, ..self.clone() }, event))
    }

    /// That invoice is not open any more.
    pub(crate) fn forget_open(&mut self, invoice: &InvoiceId) {
        for open in [&mut self.open_renewal, &mut self.open_upgrade] {
            open.take_if(|open| open == invoice);
        }
    }

    /// The invoice of that kind that is remembered as open.
    #[must_use]
    pub fn open(&self, kind: InvoiceKind) -> Option<&InvoiceId> {
        match kind {
            InvoiceKind::Renewal => self.open_renewal.as_ref(),
            InvoiceKind::Upgrade => self.open_upgrade.as_ref(),
        }
    }

    /// An invoice that is remembered as open and is CANCELLED (refunded in full before it was applied) takes no place.
    /// One that is PAID and waits to be applied does: its payment may be taken back too.
    pub fn forget_if_cancelled(&mut self, invoice: &Invoice) {
        if invoice.status == InvoiceStatus::Cancelled {
            self.forget_open(&invoice.id);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        examples::{self, EXPIRY, NOW},
        zone::later,
    };

    #[test]
    fn every_expiry_is_told_once_when_it_has_passed() {
        let profile = examples::profile();
        assert_eq!((profile.expired(NOW), profile.tells_expiry_at()), (None, Some(EXPIRY)));
        let (told, event) = profile.expired(EXPIRY).unwrap();
        assert_eq!(event, Event::SubscriptionExpired { customer_id: profile.id, expires_at: EXPIRY, version: 2 });
        assert_eq!((told.expired(EXPIRY), told.tells_expiry_at()), (None, None));
        let mut extended = told;
        extended.entitlement.expires_at = later(EXPIRY, time::Duration::days(30));
        assert_eq!(
            (extended.expired(EXPIRY), extended.tells_expiry_at()),
            (None, Some(extended.entitlement.expires_at))
        );
    }
}
