//! Changing the package: who may change to what, what it costs, what is carried over, and the one invoice that is open
//! for it.
//!
//! An upgrade is any change that a customer makes, downwards too. What it does to package and expiry is computed by
//! [`change`], for the preview as for the payment: what is shown is what will happen.

use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

use crate::id::PackageId;
use crate::money::Rupiah;
use crate::payment::invoice::{Attempts, Invoice, InvoiceKind, InvoiceStatus, NewInvoice, Terms};
use crate::payment::order::LinkedInvoice;
use crate::payment::withdrawal::{Withdrawal, withdraw};
use crate::service::apply::ApplyError;
use crate::service::customer::Profile;
use crate::service::entitlement::stretch::{Purchase, bought, cost};
use crate::service::entitlement::{Entitlement, FoldError, PackagePayment, change};
use crate::service::package::{CataloguePackage, Package};
use crate::telling::event::Event;
use crate::zone::Zone;

/// Invoices opened per customer within [`ATTEMPTS_WINDOW`](crate::payment::invoice::ATTEMPTS_WINDOW): each has a number
/// and can have orders.
pub const ATTEMPTS: u32 = 10;
/// The longest time that a difference is charged for; who has more left pays a period of the new package.
const MOST_PRORATED: Duration = Duration::days(731);

/// What a change of package costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UpgradePricing {
    /// The new package's price: a new period begins with the payment, and what is unused of the old one is carried over
    /// as days.
    #[default]
    FullPrice,
    /// The difference for the time that is left; the expiry stays.
    Prorated,
}

/// The rules of the deployment that matter here.
#[derive(Debug, Clone, Copy)]
pub struct UpgradeRules {
    /// The provider's zone.
    pub zone: Zone,
    pub pricing: UpgradePricing,
}

/// A package that a customer is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Choice<'a> {
    /// As it is sold now; the current one, if it is not sold any more, as the customer has it.
    pub package: &'a Package,
    pub current: bool,
}

/// Why a package cannot be changed to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotOffered {
    /// The customer has it already.
    #[error("the customer has this package already")]
    Same,
    /// No such package, or none that this customer may change to.
    #[error("no such package for this customer")]
    Unknown,
    /// Not sold any more.
    #[error("the package is retired")]
    Retired,
}

/// What a change to a package would do if it were paid now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preview {
    pub package: Package,
    /// To pay; zero means that the change is made at once. So it is if that is too little for a gateway, which is asked
    /// with the next bill ([`crate::money::credit`]).
    pub amount: Rupiah,
    pub terms: Terms,
    /// What is left of what was paid for the current package.
    pub unused: Rupiah,
    /// The days of the new package that `unused` buys, whole ones, rounded down.
    pub carried_over_days: i64,
    /// What becomes credit, once it is paid.
    pub to_credit: Rupiah,
    pub new_expires_at: OffsetDateTime,
}

/// The current package and those that the customer may change to, cheapest first.
#[must_use]
pub fn choices<'a>(entitlement: &'a Entitlement, catalogue: &'a [CataloguePackage]) -> Vec<Choice<'a>> {
    let current = &entitlement.package;
    let sold = catalogue.iter().find(|offered| offered.package.id == current.id && offered.active);
    let shown = Choice { package: sold.map_or(current, |sold| &sold.package), current: true };
    let offered = catalogue.iter().map(|offered| &offered.package);
    let others = offered.filter(|package| chosen(entitlement, catalogue, &package.id).is_ok());
    let mut choices: Vec<_> =
        std::iter::once(shown).chain(others.map(|package| Choice { package, current: false })).collect();
    choices.sort_by(|a, b| (a.package.price, &a.package.id).cmp(&(b.package.price, &b.package.id)));
    choices
}

/// The package that a customer wants to change to, as it is sold now.
pub fn chosen<'a>(
    entitlement: &Entitlement,
    catalogue: &'a [CataloguePackage],
    wanted: &PackageId,
) -> Result<&'a Package, NotOffered> {
    if entitlement.package.id == *wanted {
        return Err(NotOffered::Same);
    }
    let in_catalogue = |id: &PackageId| catalogue.iter().find(|offered| offered.package.id == *id);
    let offered = in_catalogue(wanted).ok_or(NotOffered::Unknown)?;
    if !offered.active {
        return Err(NotOffered::Retired);
    }
    let allowed = in_catalogue(&entitlement.package.id).and_then(|current| current.changeable_to.as_ref());
    if allowed.is_some_and(|allowed| !allowed.contains(wanted)) {
        return Err(NotOffered::Unknown);
    }
    Ok(&offered.package)
}

/// What a change to `package` would do, paid now.
pub fn preview(
    profile: &Profile,
    package: &Package,
    rules: UpgradeRules,
    now: OffsetDateTime,
) -> Result<Preview, FoldError> {
    let before = &profile.entitlement;
    let terms = terms(before, package, rules, now)?;
    let amount = terms.charge.max(Rupiah::ZERO);
    let Terms { charge, difference_until } = terms;
    let payment = PackagePayment { at: now, money: amount, charge, difference_until };
    let after = change(Some(before), package, payment, rules.zone)?;
    let unused = before.unused(now)?;
    let used_up = |paid: Rupiah| {
        let purchase = Purchase { from: now, anchor_day: rules.zone.date(now).day(), paid: paid.max(Rupiah::ZERO) };
        bought(package, &purchase, rules.zone).map(|(until, _)| until)
    };
    let carried_over_days = if package.price.is_positive() {
        (used_up(terms.charge.plus(unused)?)? - used_up(terms.charge)?).whole_days()
    } else {
        0
    };
    Ok(Preview {
        package: package.clone(),
        amount,
        terms,
        unused,
        carried_over_days,
        to_credit: after.to_credit.minus(before.to_credit)?,
        new_expires_at: after.expires_at,
    })
}

/// What the change costs now.
fn terms(
    before: &Entitlement,
    package: &Package,
    rules: UpgradeRules,
    now: OffsetDateTime,
) -> Result<Terms, FoldError> {
    if rules.pricing == UpgradePricing::FullPrice || !has_a_difference(before, package, now) {
        return Ok(Terms { charge: package.price, difference_until: None });
    }
    let charge = difference(before, package, rules.zone, now)?;
    // Somebody reads the preview before they answer it, so what is to pay holds for a day: it is the most that it is
    // today, from the begin of today, or of today's last change. Who pays in between loses nothing: what the time left
    // no longer costs is credit.
    let today = rules.zone.date(now);
    let last_change = before.stretches.iter().map(|stretch| stretch.from).filter(|from| *from <= now).max();
    let begin = last_change.map_or(rules.zone.start_of(today), |change| change.max(rules.zone.start_of(today)));
    let end = rules.zone.end_of(today).min(before.expires_at);
    let charge = if charge.is_positive() {
        difference(before, package, rules.zone, begin)?.max(charge).max(difference(before, package, rules.zone, end)?)
    } else if package.is_cheaper_than(&before.package) {
        charge
    } else {
        // Months differ in length, and nobody is owed money for that.
        Rupiah::ZERO
    };
    Ok(Terms { charge, difference_until: Some(before.expires_at) })
}

/// With no time left there is no difference to pay, and without a price an expired customer could choose for nothing.
/// Days of a package without a price cannot be counted in money, and those of a line that is to be served for ever
/// would cost millions.
fn has_a_difference(before: &Entitlement, package: &Package, now: OffsetDateTime) -> bool {
    let left = before.paid_until() - now;
    left.is_positive() && left <= MOST_PRORATED && package.price.is_positive() && before.package.price.is_positive()
}

/// The new package's price of the time that is left, less what is left of what was paid for it.
fn difference(before: &Entitlement, package: &Package, zone: Zone, at: OffsetDateTime) -> Result<Rupiah, FoldError> {
    Ok(cost(package, at, before.paid_until(), zone)?.minus(before.unused(at)?)?)
}

/// What a choice means, given the invoice that is open for an earlier one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// The same choice at the same price: that invoice is the one.
    Same,
    /// Something was paid for it, and is being applied or taken back: to be asked again in a moment.
    Underway,
    /// To be opened in place of it.
    Replace,
    /// To be opened; nothing is in the way.
    Open,
    /// So many were opened that somebody is playing: wait so many seconds.
    TooMany {
        /// Seconds to wait.
        retry_after: i64,
    },
}

/// Compares a choice with the invoice that is open for a change of package, if there is one.
#[must_use]
pub fn decide(profile: &Profile, open: Option<&Invoice>, preview: &Preview, now: OffsetDateTime) -> Decision {
    if open.is_some_and(Invoice::awaits_apply) {
        return Decision::Underway;
    }
    let unpaid = open.filter(|open| open.status == InvoiceStatus::Unpaid);
    let same = |open: &Invoice| {
        !open.is_lapsed(now)
            && open.package == preview.package
            && open.amount == preview.amount
            && open.upgrade == Some(preview.terms)
    };
    if unpaid.is_some_and(same) {
        return Decision::Same;
    }
    // Its payment may be accepted yet.
    if unpaid.is_some_and(|open| open.in_review.is_some()) {
        return Decision::Underway;
    }
    match Attempts::wait(profile.upgrade_attempts, ATTEMPTS, now) {
        Some(retry_after) => Decision::TooMany { retry_after },
        None if unpaid.is_some() => Decision::Replace,
        None => Decision::Open,
    }
}

/// A new invoice for a change of package and everything that goes with it, as one transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewUpgrade {
    /// Unpaid; or PAID and awaiting apply, if there is nothing to pay.
    pub invoice: Invoice,
    /// Holds it as open, and what the invoice before it gave back.
    pub profile: Profile,
    pub event: Event,
    pub withdrawal: Option<Withdrawal>,
}

/// Opens the invoice for a change of package, in place of the unpaid one of an earlier choice.
pub fn open(
    profile: &Profile,
    preview: &Preview,
    replaced: Option<LinkedInvoice<'_>>,
    new: NewInvoice,
    now: OffsetDateTime,
) -> Result<NewUpgrade, ApplyError> {
    let withdrawal = replaced.map(|replaced| withdraw(replaced.invoice, profile, replaced.order, now)).transpose()?;
    let profile = withdrawal.as_ref().map_or(profile, |withdrawal| &withdrawal.profile);
    let invoice = Invoice::issued(InvoiceKind::Upgrade, profile.id.clone(), preview.package.clone(), new, now);
    let mut invoice = Invoice { amount: preview.amount, upgrade: Some(preview.terms), ..invoice };
    let (customer_id, invoice_id, amount) = (profile.id.clone(), invoice.id.clone(), invoice.amount);
    let event = if amount.is_positive() {
        Event::InvoiceIssued { customer_id, invoice_id, amount }
    } else {
        invoice.settle_now(now)
    };
    let upgrade_attempts = Some(Attempts::counted(profile.upgrade_attempts, now));
    let profile =
        Profile { open_upgrade: Some(invoice.id.clone()), upgrade_attempts, updated_at: now, ..profile.clone() };
    Ok(NewUpgrade { invoice, profile, event, withdrawal })
}

#[cfg(test)]
mod tests;
