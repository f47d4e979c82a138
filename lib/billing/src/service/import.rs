//! Import of customers from the provider's own records: the same row again changes nothing.

use time::OffsetDateTime;

use crate::access::phone::Phone;
use crate::id::{CustomerId, PackageId};
use crate::money::Rupiah;
use crate::service::customer::Profile;
use crate::service::entitlement::{FoldError, Grant, Reason, extend};
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
    /// If package or expiry are other than the last import said, and other than what the customer has: what it says of
    /// them supersedes payments made since, on purpose.
    pub grant: Option<Grant>,
    /// A phone that is no longer the customer's.
    pub former_phone: Option<Phone>,
    /// What the customer would lose by it, in columns that were not said to be overwritten.
    pub losses: Vec<Loss>,
}

/// A column of which a customer may lose what they have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    Phone,
    Package,
    Expiry,
}

impl Column {
    pub const ALL: [Self; 3] = [Self::Phone, Self::Package, Self::Expiry];

    /// Its name in a file.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Phone => "phone",
            Self::Package => "packageId",
            Self::Expiry => "expiresAt",
        }
    }
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
    #[must_use]
    pub const fn column(&self) -> Column {
        match self {
            Self::Phone(_) => Column::Phone,
            Self::Package { .. } => Column::Package,
            Self::Time { .. } => Column::Expiry,
        }
    }
}

fn losses(before: &Profile, after: &Profile, now: OffsetDateTime) -> Vec<Loss> {
    let mut losses = Vec::new();
    if let (Some(phone), None) = (&before.phone, &after.phone) {
        losses.push(Loss::Phone(phone.clone()));
    }
    let (held, left) = (&before.entitlement, &after.entitlement);
    if !held.has_paid(now) {
        return losses;
    }
    if held.package.id != left.package.id {
        losses.push(Loss::Package { from: held.package.id.clone(), to: left.package.id.clone() });
    }
    if left.expires_at < held.expires_at {
        losses.push(Loss::Time { from: held.expires_at, to: left.expires_at });
    }
    losses
}

/// Compares a row with what is there. `None` = nothing to do. `new_id` is used if the customer is new. Columns in
/// `overwritten` are set whatever the last import said.
pub fn import(
    existing: Option<&Profile>,
    row: &CustomerRow,
    overwritten: &[Column],
    new_id: CustomerId,
    zone: Zone,
    now: OffsetDateTime,
) -> Result<Option<Import>, FoldError> {
    let Some(before) = existing else {
        let reason = Reason::Import { sets_package: true, expires_at: Some(row.expires_at) };
        let grant = grant(new_id, 1, reason, row, now);
        let profile = new_profile(row, &grant, zone, now)?;
        return Ok(Some(Import { profile, grant: Some(grant), former_phone: None, losses: Vec::new() }));
    };
    let mut profile = Profile {
        name: row.name.clone(),
        phone: row.phone.clone(),
        device_id: row.device_id.clone(),
        ont_serial: row.ont_serial.clone(),
        ..before.clone()
    };
    // What the file repeats says nothing new, and neither does what payments have made of the customer meanwhile.
    let (held, last_day) = (&before.entitlement, zone.date(row.expires_at));
    let sets_package = held.package.id != row.package.id
        && (before.imported_package != row.package.id || overwritten.contains(&Column::Package));
    let sets_expiry = zone.date(held.expires_at) != last_day
        && (before.imported_expiry != last_day || overwritten.contains(&Column::Expiry));
    if sets_package {
        profile.imported_package = row.package.id.clone();
    }
    if sets_expiry {
        profile.imported_expiry = last_day;
    }
    let mut granted = None;
    if sets_package || sets_expiry {
        let expires_at = if sets_expiry { Some(row.expires_at) } else { None };
        profile.last_grant = profile.last_grant.saturating_add(1);
        let reason = Reason::Import { sets_package, expires_at };
        let grant = grant(profile.id.clone(), profile.last_grant, reason, row, now);
        profile.entitlement = extend(Some(held.clone()), &grant, zone)?;
        granted = Some(grant);
    }
    if profile == *before {
        return Ok(None);
    }
    profile.updated_at = now;
    let former_phone = before.phone.clone().filter(|phone| profile.phone.as_ref() != Some(phone));
    let mut losses = losses(before, &profile, now);
    losses.retain(|loss| !overwritten.contains(&loss.column()));
    Ok(Some(Import { profile, grant: granted, former_phone, losses }))
}

fn grant(customer_id: CustomerId, sequence: u32, reason: Reason, row: &CustomerRow, now: OffsetDateTime) -> Grant {
    let package = row.package.clone();
    Grant { customer_id, sequence, reason, package, revoked: false, returns: Vec::new(), granted_at: now }
}

fn new_profile(row: &CustomerRow, grant: &Grant, zone: Zone, now: OffsetDateTime) -> Result<Profile, FoldError> {
    Ok(Profile {
        id: grant.customer_id.clone(),
        name: row.name.clone(),
        phone: row.phone.clone(),
        username: row.username.clone(),
        device_id: row.device_id.clone(),
        ont_serial: row.ont_serial.clone(),
        entitlement: extend(None, grant, zone)?,
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
    })
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

    fn new() -> Profile {
        let id = CustomerId::parse("c9").unwrap();
        import(None, &row(), &[], id, Zone::Jakarta, examples::NOW).unwrap().unwrap().profile
    }

    fn again(profile: &Profile, row: &CustomerRow) -> Option<Import> {
        import(Some(profile), row, &[], profile.id.clone(), Zone::Jakarta, examples::NOW).unwrap()
    }

    #[test]
    fn the_same_row_again_changes_nothing_even_after_a_payment() {
        let mut profile = new();
        assert_eq!(again(&profile, &row()), None);
        profile.entitlement.expires_at = later(profile.entitlement.expires_at, Duration::days(30));
        profile.last_grant = 2;
        assert_eq!(again(&profile, &row()), None);
    }

    #[test]
    fn another_expiry_or_package_is_a_new_grant_and_another_phone_is_not() {
        let profile = new();
        let moved = CustomerRow { phone: None, ..row() };
        let change = again(&profile, &moved).unwrap();
        assert_eq!((change.grant, change.former_phone), (None, row().phone));
        assert_eq!(change.losses, [Loss::Phone(row().phone.unwrap())]);
        let longer = CustomerRow { expires_at: later(row().expires_at, Duration::days(1)), ..row() };
        let change = again(&profile, &longer).unwrap();
        assert_eq!(change.grant.map(|grant| grant.sequence), Some(2));
        assert_eq!(change.profile.entitlement.expires_at, longer.expires_at);
    }

    #[test]
    fn what_somebody_paid_for_is_not_taken_away_unsaid() {
        let new = new();
        let earlier = CustomerRow { expires_at: later(row().expires_at, Duration::days(-3)), ..row() };
        let smaller = CustomerRow { package: examples::package("home10", 100_000), ..row() };
        for row in [&earlier, &smaller] {
            let change = again(&new, row).unwrap();
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
        let change = again(&paid, &earlier).unwrap();
        assert_eq!(change.losses, [Loss::Time { from: until, to: earlier.expires_at }]);
        let change = again(&paid, &smaller).unwrap();
        let (from, to) = (row().package.id, smaller.package.id);
        assert_eq!(change.losses, [Loss::Package { from, to }]);
        let longer = CustomerRow { expires_at: later(until, Duration::days(9)), ..row() };
        assert_eq!(again(&paid, &longer).unwrap().losses, []);
    }

    #[test]
    fn a_day_is_the_same_day_at_whatever_hour() {
        let profile = new();
        let hours = CustomerRow { expires_at: later(row().expires_at, Duration::hours(2)), ..row() };
        assert_eq!(again(&profile, &hours), None);
    }

    #[test]
    fn a_sheet_that_corrects_one_column_leaves_the_other_as_it_was_paid_for() {
        let mut profile = new();
        profile.entitlement.package = examples::package("home50", 500_000);
        profile.entitlement.expires_at = later(row().expires_at, Duration::days(24));
        let dates = CustomerRow { expires_at: later(row().expires_at, Duration::days(2)), ..row() };
        let change = again(&profile, &dates).unwrap();
        let entitlement = &change.profile.entitlement;
        assert_eq!((entitlement.package.id.as_str(), entitlement.expires_at), ("home50", dates.expires_at));
        assert_eq!(
            change.grant.map(|grant| grant.reason),
            Some(Reason::Import { sets_package: false, expires_at: Some(dates.expires_at) })
        );
        assert_eq!(again(&change.profile, &dates), None);
        let package = CustomerRow { package: examples::package("home10", 100_000), ..row() };
        let change = again(&profile, &package).unwrap();
        let entitlement = &change.profile.entitlement;
        assert_eq!(
            (entitlement.package.id.as_str(), entitlement.expires_at),
            ("home10", profile.entitlement.expires_at)
        );
        assert_eq!(
            change.grant.map(|grant| grant.reason),
            Some(Reason::Import { sets_package: true, expires_at: None })
        );
        let known = CustomerRow {
            package: profile.entitlement.package.clone(),
            expires_at: profile.entitlement.expires_at,
            ..row()
        };
        assert_eq!(again(&profile, &known), None, "the file knows what payments made, and freezes nothing");
    }

    #[test]
    fn a_column_that_is_to_be_overwritten_is_set_although_the_last_import_said_the_same() {
        let mut paid = new();
        paid.entitlement.package = examples::package("home50", 500_000);
        paid.entitlement.expires_at = later(row().expires_at, Duration::days(30));
        let set = |columns: &[Column]| {
            let change = import(Some(&paid), &row(), columns, paid.id.clone(), Zone::Jakarta, examples::NOW).unwrap();
            change.map(|change| change.grant.unwrap().reason)
        };
        assert_eq!(set(&[]), None);
        assert_eq!(
            set(&[Column::Expiry]),
            Some(Reason::Import { sets_package: false, expires_at: Some(row().expires_at) })
        );
        assert_eq!(set(&[Column::Package]), Some(Reason::Import { sets_package: true, expires_at: None }));
    }
}
