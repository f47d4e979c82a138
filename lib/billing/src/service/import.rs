//! Import of customers from the provider's own records: the same row again changes nothing.

use time::OffsetDateTime;

use crate::access::phone::Phone;
use crate::id::{CustomerId, PackageId};
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
    /// What the customer would lose by it.
    pub losses: Vec<Loss>,
}

/// Something that a customer has, and that a row takes away. Old sheets are imported again by mistake, so nobody loses
/// anything unless that is said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Loss {
    /// The customer can no longer log in, and is told nothing.
    Phone(Phone),
    /// Who has paid is served with another package.
    Package { from: PackageId, to: PackageId },
    /// Who has paid is served for a shorter time.
    Time { from: OffsetDateTime, to: OffsetDateTime },
}

impl Loss {
    /// The column of the file that says so.
    #[must_use]
    pub const fn column(&self) -> &'static str {
        match self {
            Self::Phone(_) => "phone",
            Self::Package { .. } => "packageId",
            Self::Time { .. } => "expiresAt",
        }
    }
}

fn losses(before: &Profile, after: &Profile, now: OffsetDateTime) -> Vec<Loss> {
    let mut losses = Vec::new();
    if let (Some(phone), None) = (&before.phone, &after.phone) {
        losses.push(Loss::Phone(phone.clone()));
    }
    if !before.has_paid(now) {
        return losses;
    }
    let (held, left) = (&before.entitlement, &after.entitlement);
    if held.package.id != left.package.id {
        losses.push(Loss::Package { from: held.package.id.clone(), to: left.package.id.clone() });
    }
    if left.expires_at < held.expires_at {
        losses.push(Loss::Time { from: held.expires_at, to: left.expires_at });
    }
    losses
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
        let profile = new_profile(new_id, row, zone, now);
        return Some(Import { profile, grant: Some(grant), former_phone: None, losses: Vec::new() });
    };
    let mut profile = Profile {
        name: row.name.clone(),
        phone: row.phone.clone(),
        device_id: row.device_id.clone(),
        ont_serial: row.ont_serial.clone(),
        ..before.clone()
    };
    let imported_expiry = zone.date(row.expires_at);
    let (other_package, other_expiry) =
        (before.imported_package != row.package.id, before.imported_expiry != imported_expiry);
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
    profile.imported_expiry = imported_expiry;
    if profile == *before {
        return None;
    }
    profile.updated_at = now;
    let former_phone = before.phone.clone().filter(|phone| profile.phone.as_ref() != Some(phone));
    let losses = losses(before, &profile, now);
    Some(Import { profile, grant, former_phone, losses })
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
        imported_expiry: zone.date(row.expires_at),
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
    use crate::examples;
    use crate::service::entitlement::stretch::Stretch;
    use crate::zone::later;

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
        assert_eq!(change.losses, [Loss::Phone(row().phone.unwrap())]);
        let longer = CustomerRow { expires_at: later(row().expires_at, Duration::days(1)), ..row() };
        let change = import(Some(&profile), &longer, id(), Zone::Jakarta, examples::NOW).unwrap();
        assert_eq!(change.grant.map(|grant| grant.sequence), Some(2));
        assert_eq!(change.profile.entitlement.expires_at, longer.expires_at);
    }

    #[test]
    fn what_somebody_paid_for_is_not_taken_away_unsaid() {
        let new = import(None, &row(), id(), Zone::Jakarta, examples::NOW).unwrap().profile;
        let earlier = CustomerRow { expires_at: later(row().expires_at, Duration::days(-3)), ..row() };
        let smaller = CustomerRow { package: examples::package("home10", 100_000), ..row() };
        for row in [&earlier, &smaller] {
            let change = import(Some(&new), row, id(), Zone::Jakarta, examples::NOW).unwrap();
            assert_eq!(change.losses, [], "nobody has paid: the sheet is what is known");
        }
        let until = later(row().expires_at, Duration::days(30));
        let mut paid = new;
        paid.entitlement.expires_at = until;
        paid.entitlement.stretches.push(Stretch {
            from: row().expires_at,
            until,
            paid: Rupiah::new(300_000),
            unrecorded: Rupiah::ZERO,
        });
        let change = import(Some(&paid), &earlier, id(), Zone::Jakarta, examples::NOW).unwrap();
        assert_eq!(change.losses, [Loss::Time { from: until, to: earlier.expires_at }]);
        let change = import(Some(&paid), &smaller, id(), Zone::Jakarta, examples::NOW).unwrap();
        let (from, to) = (row().package.id, smaller.package.id);
        assert_eq!(change.losses, [Loss::Package { from, to }]);
        let longer = CustomerRow { expires_at: later(until, Duration::days(9)), ..row() };
        assert_eq!(import(Some(&paid), &longer, id(), Zone::Jakarta, examples::NOW).unwrap().losses, []);
    }

    #[test]
    fn a_day_is_the_same_day_at_whatever_hour() {
        let profile = import(None, &row(), id(), Zone::Jakarta, examples::NOW).unwrap().profile;
        let hours = CustomerRow { expires_at: later(row().expires_at, Duration::hours(2)), ..row() };
        assert_eq!(import(Some(&profile), &hours, id(), Zone::Jakarta, examples::NOW), None);
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
