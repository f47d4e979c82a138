//! Import of customers from the provider's own records: the same row again changes nothing.

use time::OffsetDateTime;

use crate::access::phone::Phone;
use crate::id::CustomerId;
use crate::money::Rupiah;
use crate::service::customer::Profile;
use crate::service::entitlement::{Entitlement, Grant, Reason, imported};
use crate::service::package::Package;
use crate::zone::Zone;

/// One checked row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomerRow {
    pub name: String,
    pub phone: Option<Phone>,
    /// PPPoE user name: what makes the row the same customer as before.
    pub username: String,
    pub package: Package,
    pub expires_at: OffsetDateTime,
    pub device_id: Option<String>,
    pub ont_serial: Option<String>,
}

/// What a row changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Import {
    pub profile: Profile,
    /// If package or expiry are other than the last import said: what it says of them supersedes payments made since,
    /// on purpose.
    pub grant: Option<Grant>,
    /// A phone that is no longer the customer's.
    pub former_phone: Option<Phone>,
}

/// Compares a row with what is there. `None` = nothing to do. `new_id` is used if the customer is new.
#[must_use]
pub fn import(
    existing: Option<&Profile>,
    row: &CustomerRow,
    new_id: CustomerId,
    zone: Zone,
    now: OffsetDateTime,
) -> Option<Import> {
    let Some(before) = existing else {
        let grant = grant(new_id.clone(), 1, row, now);
        return Some(Import { profile: new_profile(new_id, row, zone, now), grant: Some(grant), former_phone: None });
    };
    let mut profile = Profile {
        name: row.name.clone(),
        phone: row.phone.clone(),
        device_id: row.device_id.clone(),
        ont_serial: row.ont_serial.clone(),
        ..before.clone()
    };
    let (other_package, other_expiry) =
        (before.imported_package != row.package.id, before.imported_expiry != row.expires_at);
    let grant = (other_package || other_expiry).then(|| {
        // What the sheet repeats says nothing new: who only corrects dates does not take a package back that was paid
        // for since.
        let held = &before.entitlement;
        let row = &CustomerRow {
            package: if other_package { row.package.clone() } else { held.package.clone() },
            expires_at: if other_expiry { row.expires_at } else { held.expires_at },
            ..row.clone()
        };
        profile.entitlement = entitlement(Some(held), row, zone, now);
        profile.last_grant = profile.last_grant.saturating_add(1);
        grant(profile.id.clone(), profile.last_grant, row, now)
    });
    profile.imported_package = row.package.id.clone();
    profile.imported_expiry = row.expires_at;
    if profile == *before {
        return None;
    }
    profile.updated_at = now;
    let former_phone = before.phone.clone().filter(|phone| profile.phone.as_ref() != Some(phone));
    Some(Import { profile, grant, former_phone })
}

fn grant(customer_id: CustomerId, sequence: u32, row: &CustomerRow, now: OffsetDateTime) -> Grant {
    let reason = Reason::Import { expires_at: row.expires_at };
    Grant {
        customer_id,
        sequence,
        reason,
        package: row.package.clone(),
        revoked: false,
        returns: Vec::new(),
        granted_at: now,
    }
}

fn entitlement(before: Option<&Entitlement>, row: &CustomerRow, zone: Zone, now: OffsetDateTime) -> Entitlement {
    imported(before, &row.package, row.expires_at, now, zone)
}

fn new_profile(id: CustomerId, row: &CustomerRow, zone: Zone, now: OffsetDateTime) -> Profile {
    Profile {
        id,
        name: row.name.clone(),
        phone: row.phone.clone(),
        username: row.username.clone(),
        device_id: row.device_id.clone(),
        ont_serial: row.ont_serial.clone(),
        entitlement: entitlement(None, row, zone, now),
        imported_package: row.package.id.clone(),
        imported_expiry: row.expires_at,
        credit: Rupiah::ZERO,
        open_renewal: None,
        open_upgrade: None,
        upgrade_attempts: None,
        expiry_told: None,
        last_grant: 1,
        created_at: now,
        updated_at: now,
        version: 0,
    }
}

#[cfg(test)]
mod tests {
    use time::Duration;

    use super::*;
    use crate::{examples, zone::later};

    fn row() -> CustomerRow {
        CustomerRow {
            name: "Budi".into(),
            phone: Some(Phone::parse("081234567890").unwrap()),
            username: "budi".into(),
            package: examples::package("home20", 300_000),
            expires_at: examples::NOW,
            device_id: None,
            ont_serial: None,
        }
    }

    fn id() -> CustomerId {
        CustomerId::parse("c9").unwrap()
    }

    #[test]
    fn the_same_row_again_changes_nothing_even_after_a_payment() {
        let mut profile = import(None, &row(), id(), Zone::Jakarta, examples::NOW).unwrap().profile;
        assert_eq!(import(Some(&profile), &row(), id(), Zone::Jakarta, examples::NOW), None);
        profile.entitlement.expires_at = later(profile.entitlement.expires_at, Duration::days(30));
        profile.last_grant = 2;
        assert_eq!(import(Some(&profile), &row(), id(), Zone::Jakarta, examples::NOW), None);
    }

    #[test]
    fn another_expiry_or_package_is_a_new_grant_and_another_phone_is_not() {
        let profile = import(None, &row(), id(), Zone::Jakarta, examples::NOW).unwrap().profile;
        let moved = CustomerRow { phone: None, ..row() };
        let change = import(Some(&profile), &moved, id(), Zone::Jakarta, examples::NOW).unwrap();
        assert_eq!((change.grant, change.former_phone), (None, row().phone));
        let longer = CustomerRow { expires_at: later(row().expires_at, Duration::days(1)), ..row() };
        let change = import(Some(&profile), &longer, id(), Zone::Jakarta, examples::NOW).unwrap();
        assert_eq!(change.grant.map(|grant| grant.sequence), Some(2));
        assert_eq!(change.profile.entitlement.expires_at, longer.expires_at);
    }

    #[test]
    fn a_sheet_that_corrects_one_column_leaves_the_other_as_it_was_paid_for() {
        let mut profile = import(None, &row(), id(), Zone::Jakarta, examples::NOW).unwrap().profile;
        profile.entitlement.package = examples::package("home50", 500_000);
        profile.entitlement.expires_at = later(row().expires_at, Duration::days(24));
        let dates = CustomerRow { expires_at: later(row().expires_at, Duration::days(2)), ..row() };
        let change = import(Some(&profile), &dates, id(), Zone::Jakarta, examples::NOW).unwrap();
        let entitlement = &change.profile.entitlement;
        assert_eq!((entitlement.package.id.as_str(), entitlement.expires_at), ("home50", dates.expires_at));
        assert_eq!(import(Some(&change.profile), &dates, id(), Zone::Jakarta, examples::NOW), None);
        let package = CustomerRow { package: examples::package("home10", 100_000), ..row() };
        let change = import(Some(&profile), &package, id(), Zone::Jakarta, examples::NOW).unwrap();
        let entitlement = &change.profile.entitlement;
        assert_eq!(
            (entitlement.package.id.as_str(), entitlement.expires_at),
            ("home10", profile.entitlement.expires_at)
        );
    }
}
