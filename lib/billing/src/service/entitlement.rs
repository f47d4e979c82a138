//! Until when a customer is served, with which package: a fold over grants.
//!
//! A grant stores inputs, never results. So revoking one, whenever, is the same as refolding without it.
//!
//! Every grant of a payment adds exactly its money to what the customer holds: unused service and credit (see
//! [`stretch`]). Dates follow from that: service ends at the end of the day on which the money is used up. The rest of
//! that day is given and worth nothing, so it cannot be changed into days or credit.

pub mod stretch;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::id::{CustomerId, InvoiceId};
use crate::money::{MoneyError, Rupiah};
use crate::service::package::Package;
use crate::zone::{OutOfCalendar, Zone};
use stretch::{Purchase, Stretch, bought, cost};

/// Stretches that are kept apart. Who pays further ahead gets the next two joined: their money is then spread evenly
/// over both.
pub const STRETCHES: usize = 24;

/// What a customer is entitled to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entitlement {
    pub package: Package,
    /// The end of a day in the provider's zone, 23:59:59; of an import, what it says.
    #[serde(with = "time::serde::rfc3339")]
    pub expires_at: OffsetDateTime,
    /// The day of the month on which periods end, 1 to 31, in the provider's zone.
    pub anchor_day: u8,
    /// What was paid for the service that is left, oldest first, at most [`STRETCHES`].
    pub stretches: Vec<Stretch>,
    /// Set if the expiry was reached by buying days.
    pub purchase: Option<Purchase>,
    /// What changes of package left over so far, in total: it is credit. Refolding without a grant tells what has to
    /// come back.
    pub to_credit: Rupiah,
}

/// Where the period of a customer starts who pays after the expiry. Kept in each grant: changing the setting changes no
/// past.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LateRenewal {
    /// When they pay: the days without service are not charged.
    #[default]
    FromPayment,
    /// At the old expiry.
    FromExpiry,
}

/// One reason for a customer's entitlement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    pub customer_id: CustomerId,
    /// Position in the fold, from 1; unique per customer.
    pub sequence: u32,
    pub reason: Reason,
    pub package: Package,
    /// No longer counts: its payment was taken back.
    pub revoked: bool,
    /// What of its money was given back since, by refunds and chargebacks that revoke nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub returns: Vec<Return>,
    #[serde(with = "time::serde::rfc3339")]
    pub granted_at: OffsetDateTime,
}

/// Money of a grant that went back to the payer while its service goes on. It takes a place of its own in the fold:
/// what came before it is worth less, dates stay as they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Return {
    pub sequence: u32,
    pub amount: Rupiah,
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
}

/// Returns that one grant keeps apart; a further one is added to the last.
pub const RETURNS: usize = 20;

/// What a grant was given for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Reason {
    /// The provider's own records said so. An import sets what it says anew and nothing else: a corrected package does
    /// not freeze the expiry that payments made.
    Import {
        /// The grant's package is set; else the customer keeps theirs.
        sets_package: bool,
        /// `None`: as it is.
        #[serde(with = "time::serde::rfc3339::option")]
        expires_at: Option<OffsetDateTime>,
    },
    /// A paid renewal.
    Renewal {
        invoice_id: InvoiceId,
        /// Which settlement of it: an invoice that is reversed and paid again is granted again.
        settlement_no: u32,
        #[serde(with = "time::serde::rfc3339")]
        paid_at: OffsetDateTime,
        money: Rupiah,
        late: LateRenewal,
    },
    /// A paid change to another package, upwards or downwards.
    Upgrade {
        invoice_id: InvoiceId,
        settlement_no: u32,
        #[serde(with = "time::serde::rfc3339")]
        paid_at: OffsetDateTime,
        money: Rupiah,
        /// What of it, together with the unused value, pays for service; the rest is credit. Negative: so much of the
        /// unused value is credit too.
        charge: Rupiah,
        /// The expiry up to which it is a difference; `None`: days are bought from the payment on.
        #[serde(with = "time::serde::rfc3339::option")]
        difference_until: Option<OffsetDateTime>,
    },
}

impl Grant {
    /// The last position in the fold that it takes, with what was given back of it.
    #[must_use]
    pub fn last_sequence(&self) -> u32 {
        self.returns.iter().map(|back| back.sequence).fold(self.sequence, u32::max)
    }

    /// Notes that so much of its money was given back.
    pub fn give_back(&mut self, back: Return) -> Result<(), MoneyError> {
        let joined = if self.returns.len() < RETURNS { None } else { self.returns.pop() };
        let amount = joined.map_or(Ok(back.amount), |last| last.amount.plus(back.amount))?;
        self.returns.push(Return { amount, ..back });
        Ok(())
    }

    #[must_use]
    pub fn is_of(&self, invoice: &InvoiceId, settlement_no: u32) -> bool {
        match &self.reason {
            Reason::Import { .. } => false,
            Reason::Renewal { invoice_id, settlement_no: of, .. }
            | Reason::Upgrade { invoice_id, settlement_no: of, .. } => invoice_id == invoice && *of == settlement_no,
        }
    }
}

/// An entitlement that cannot be computed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FoldError {
    /// A date outside the calendar.
    #[error(transparent)]
    Calendar(#[from] OutOfCalendar),
    /// An amount that does not fit.
    #[error(transparent)]
    Money(#[from] MoneyError),
}

/// Folds live grants, and what was given back of them, in order of sequence, into the entitlement. `None` while nothing
/// was granted.
pub fn fold<'a>(grants: impl IntoIterator<Item = &'a Grant>, zone: Zone) -> Result<Option<Entitlement>, FoldError> {
    fold_by(grants, |before, grant| extend(before, grant, zone))
}

/// What the live payments bought, if imports left the customer less, `left`: the fold without imports that took something
/// away from who had paid. `None` once the time that was taken is over, or its money went back.
pub fn taken_by_imports(
    grants: &[Grant],
    left: &Entitlement,
    zone: Zone,
    now: OffsetDateTime,
) -> Result<Option<Entitlement>, FoldError> {
    let mut taken_until = None;
    let bought = fold_by(grants, |before, grant| {
        let after = extend(before.clone(), grant, zone)?;
        let is_import = matches!(grant.reason, Reason::Import { .. });
        let kept = before.filter(|before| is_import && before.has_paid(grant.granted_at) && after.is_less_than(before));
        taken_until = taken_until.max(kept.as_ref().map(|kept| kept.expires_at));
        Ok(kept.unwrap_or(after))
    })?;
    let is_over = taken_until.is_none_or(|until| until <= now);
    Ok(bought.filter(|bought| !is_over && bought.has_paid(now) && left.is_less_than(bought)))
}

fn fold_by<'a>(
    grants: impl IntoIterator<Item = &'a Grant>,
    mut extend: impl FnMut(Option<Entitlement>, &Grant) -> Result<Entitlement, FoldError>,
) -> Result<Option<Entitlement>, FoldError> {
    enum Step<'a> {
        Grant(&'a Grant),
        Return(&'a Return),
    }
    let live = grants.into_iter().filter(|grant| !grant.revoked);
    let mut steps: Vec<(u32, Step<'a>)> = Vec::new();
    for grant in live {
        steps.push((grant.sequence, Step::Grant(grant)));
        steps.extend(grant.returns.iter().map(|back| (back.sequence, Step::Return(back))));
    }
    steps.sort_by_key(|(sequence, _)| *sequence);
    steps.into_iter().try_fold(None, |entitlement: Option<Entitlement>, (_, step)| match step {
        Step::Grant(grant) => extend(entitlement, grant).map(Some),
        Step::Return(back) => entitlement.map(|entitlement| entitlement.give_back(back.amount, back.at)).transpose(),
    })
}

/// The entitlement after one more grant.
pub fn extend(before: Option<Entitlement>, grant: &Grant, zone: Zone) -> Result<Entitlement, FoldError> {
    match &grant.reason {
        Reason::Import { sets_package, expires_at } => {
            let at = grant.granted_at;
            let Some(before) = before else {
                return Ok(Entitlement::imported(&grant.package, expires_at.unwrap_or(at), at, zone));
            };
            let after = if *sets_package { before.with_package(&grant.package, zone) } else { before };
            match expires_at {
                Some(expires_at) => after.with_expiry(*expires_at, at, zone),
                None => Ok(after),
            }
        }
        Reason::Renewal { paid_at, money, late, .. } => match before {
            Some(before) => renew(before, &grant.package, *paid_at, *money, *late, zone),
            None => begin(&grant.package, *paid_at, *money, zone),
        },
        &Reason::Upgrade { paid_at: at, money, charge, difference_until, .. } => {
            change(before.as_ref(), &grant.package, PackagePayment { at, money, charge, difference_until }, zone)
        }
    }
}

/// Where no period can be counted back, at the very end of the calendar, it is nothing.
fn unrecorded(package: &Package, expires_at: OffsetDateTime, at: OffsetDateTime, zone: Zone) -> Vec<Stretch> {
    Stretch::at_list_price(package, expires_at, at, zone).ok().flatten().into_iter().collect()
}

impl Entitlement {
    /// The first of all, if the provider's records say so. Nobody wrote down what was paid.
    #[must_use]
    pub fn imported(package: &Package, expires_at: OffsetDateTime, at: OffsetDateTime, zone: Zone) -> Self {
        Self {
            package: package.clone(),
            expires_at,
            anchor_day: zone.date(expires_at).day(),
            stretches: unrecorded(package, expires_at, at, zone),
            purchase: None,
            to_credit: Rupiah::ZERO,
        }
    }

    /// Does money that was recorded serve the customer at `at`, beyond what was imported? The rest of the last day too.
    #[must_use]
    pub fn has_paid(&self, at: OffsetDateTime) -> bool {
        let is_paid = |stretch: &Stretch| stretch.paid > stretch.unrecorded;
        let on_last_day = self.expires_at > at && self.stretches.last().is_some_and(is_paid);
        on_last_day || self.stretches.iter().any(|stretch| stretch.until > at && is_paid(stretch))
    }

    /// Less service: for a shorter time, or with a package that is cheaper per month.
    fn is_less_than(&self, other: &Self) -> bool {
        self.expires_at < other.expires_at || self.package.is_cheaper_than(&other.package)
    }

    /// With another package because the provider's records say so: the expiry stays, and what was paid counts on.
    /// Service whose price nobody recorded counts at the price of the package that it is said to be.
    fn with_package(mut self, package: &Package, zone: Zone) -> Self {
        for stretch in &mut self.stretches {
            // Nothing and nothing: of a package without a price, or all of it went back to the payer.
            let is_worth_nothing = stretch.paid.is_zero() && self.package.price.is_positive();
            if stretch.paid == stretch.unrecorded && !is_worth_nothing {
                *stretch = Stretch::unrecorded(package, stretch.from, stretch.until, zone);
            }
        }
        Self { package: package.clone(), purchase: None, ..self }
    }

    /// With another expiry because the provider's records say so: what was paid for service before it counts on, time
    /// that was not paid for is at list price, and service after it is gone.
    fn with_expiry(mut self, expires_at: OffsetDateTime, at: OffsetDateTime, zone: Zone) -> Result<Self, FoldError> {
        if self.expires_at <= at {
            self.stretches = unrecorded(&self.package, expires_at, at, zone);
        } else if expires_at > self.expires_at {
            self.stretches.push(Stretch::unrecorded(&self.package, self.expires_at, expires_at, zone));
        } else {
            self.stretches.retain(|stretch| stretch.from < expires_at);
            for stretch in &mut self.stretches {
                *stretch = stretch.until(expires_at)?;
            }
        }
        (self.expires_at, self.anchor_day, self.purchase) = (expires_at, zone.date(expires_at).day(), None);
        self.tidied(at)
    }

    /// What is left at `at` of what was paid.
    pub fn unused(&self, at: OffsetDateTime) -> Result<Rupiah, FoldError> {
        Ok(self.stretches.iter().try_fold(Rupiah::ZERO, |sum, stretch| sum.plus(stretch.unused(at)?))?)
    }

    /// When the money that was paid is used up: on the day of the expiry.
    #[must_use]
    pub fn paid_until(&self) -> OffsetDateTime {
        self.stretches.last().map_or(self.expires_at, |stretch| stretch.until)
    }

    /// What is left at `at` of what was recorded as paid: without the list price of imported service.
    fn unused_recorded(&self, at: OffsetDateTime) -> Result<Rupiah, FoldError> {
        Ok(self.stretches.iter().try_fold(Rupiah::ZERO, |sum, stretch| sum.plus(stretch.unused_recorded(at)?))?)
    }

    /// After so much of what was paid went back to the payer: unused service is worth less, the newest first, and then
    /// what changes of package made credit. Service that is used up stays used, and no date moves: nothing is revoked
    /// by itself.
    pub fn give_back(self, amount: Rupiah, at: OffsetDateTime) -> Result<Self, FoldError> {
        let mut after = self;
        let mut left = amount;
        for stretch in after.stretches.iter_mut().rev() {
            let taken = left.min(stretch.unused_recorded(at)?);
            *stretch = stretch.without(taken, at)?;
            left = left.minus(taken)?;
        }
        let from_credit = left.min(after.to_credit).max(Rupiah::ZERO);
        after.to_credit = after.to_credit.minus(from_credit)?;
        Ok(after)
    }

    /// Without what is used up, and within the limit.
    fn tidied(mut self, at: OffsetDateTime) -> Result<Self, FoldError> {
        self.stretches.retain(|stretch| stretch.until > at);
        while self.stretches.len() > STRETCHES {
            let first = self.stretches.remove(0);
            if let Some(next) = self.stretches.first_mut() {
                *next = Stretch {
                    from: first.from,
                    until: next.until,
                    paid: first.paid.plus(next.paid)?,
                    unrecorded: first.unrecorded.plus(next.unrecorded)?,
                };
            }
        }
        Ok(self)
    }
}

/// The first grant of all, if it is a renewal: served from the payment on.
fn begin(package: &Package, paid_at: OffsetDateTime, money: Rupiah, zone: Zone) -> Result<Entitlement, FoldError> {
    let anchor_day = zone.date(paid_at).day();
    let until = zone.add_months(paid_at, package.period_months.into(), anchor_day)?;
    let stretch = Stretch { from: paid_at, until, paid: money, unrecorded: Rupiah::ZERO };
    let (package, stretches, expires_at) = (package.clone(), vec![stretch], zone.day_end(until));
    Ok(Entitlement { package, expires_at, anchor_day, stretches, purchase: None, to_credit: Rupiah::ZERO })
}

fn renew(
    before: Entitlement,
    paid_for: &Package,
    paid_at: OffsetDateTime,
    money: Rupiah,
    late: LateRenewal,
    zone: Zone,
) -> Result<Entitlement, FoldError> {
    let (start, anchor_day) = match late {
        LateRenewal::FromPayment if paid_at > before.expires_at => (paid_at, zone.date(paid_at).day()),
        LateRenewal::FromPayment | LateRenewal::FromExpiry => (before.expires_at, before.anchor_day),
    };
    let mut after = before;
    if after.package.id == paid_for.id {
        // The package as it was sold: price, bandwidth or period may have changed since.
        let until = zone.add_months(start, paid_for.period_months.into(), anchor_day)?;
        after.stretches.push(Stretch { from: start, until, paid: money, unrecorded: Rupiah::ZERO });
        (after.package, after.expires_at, after.anchor_day, after.purchase) =
            (paid_for.clone(), zone.day_end(until), anchor_day, None);
    } else if after.package.price.is_positive() {
        // The package changed between invoice and payment: the money buys days at the price of the active one.
        // It goes on counting where earlier money ends; on the last day, once that is used up, from the end of the day.
        let (mut begun, mut from) = (Purchase { from: start, anchor_day, paid: Rupiah::ZERO }, start);
        if let Some(earlier) = after.purchase.take()
            && start == after.expires_at
        {
            let (used_up, _) = bought(&after.package, &earlier, zone)?;
            if paid_at <= used_up {
                (begun, from) = (earlier, used_up);
            }
        }
        let purchase = Purchase { paid: begun.paid.plus(money)?, ..begun };
        let (until, day) = bought(&after.package, &purchase, zone)?;
        after.stretches.push(Stretch { from, until, paid: money, unrecorded: Rupiah::ZERO });
        (after.expires_at, after.anchor_day, after.purchase) = (zone.day_end(until), day, Some(purchase));
    } else {
        // Days of a package without a price cannot be bought: the money is credit, and there is a period from the
        // payment on.
        let day = zone.date(paid_at).day();
        let period_end = zone.day_end(zone.add_months(paid_at, after.package.period_months.into(), day)?);
        if period_end > after.expires_at {
            (after.expires_at, after.anchor_day, after.purchase) = (period_end, day, None);
        }
        after.to_credit = after.to_credit.plus(money)?;
    }
    after.tidied(paid_at)
}

/// A payment for a change of package. `charge` and `difference_until` as in [`Reason::Upgrade`].
#[derive(Debug, Clone, Copy)]
pub struct PackagePayment {
    pub at: OffsetDateTime,
    pub money: Rupiah,
    pub charge: Rupiah,
    pub difference_until: Option<OffsetDateTime>,
}

/// What a change of package makes of the entitlement. Unused value and `charge` pay for service of the new package, and
/// what pays for none is credit, as far as somebody paid it: the list price of imported service never becomes credit.
pub fn change(
    before: Option<&Entitlement>,
    package: &Package,
    payment: PackagePayment,
    zone: Zone,
) -> Result<Entitlement, FoldError> {
    let PackagePayment { at, money, charge, difference_until } = payment;
    let (unused, recorded, to_credit) = match before {
        Some(before) => (before.unused(at)?, before.unused_recorded(at)?, before.to_credit),
        None => (Rupiah::ZERO, Rupiah::ZERO, Rupiah::ZERO),
    };
    let value = unused.plus(charge)?.max(Rupiah::ZERO);
    let service = match before {
        _ if !package.price.is_positive() => Service::without_price(before, package, at, zone)?,
        // A renewal that was paid since made the time longer, and nobody paid the difference for that.
        Some(before) if difference_until.is_some_and(|until| before.expires_at <= until) => {
            Service::as_long_as_before(before, package, payment, value, zone)?
        }
        _ => Service::from_payment(package, at, value, zone)?,
    };
    let Service { paid, until, expires_at, anchor_day, purchase } = service;
    let left = unused.plus(money)?.minus(paid)?;
    let credit = left.min(money.plus(recorded)?);
    // What nobody recorded pays for service first.
    let unrecorded = unused.minus(recorded)?.min(paid);
    let is_service = until > at || paid.is_positive();
    let stretches = is_service.then_some(Stretch { from: at, until, paid, unrecorded }).into_iter().collect();
    let to_credit = to_credit.plus(credit)?;
    Ok(Entitlement { package: package.clone(), expires_at, anchor_day, stretches, purchase, to_credit })
}

/// The service of a package that was changed to.
struct Service {
    /// What pays for it.
    paid: Rupiah,
    /// When that is used up.
    until: OffsetDateTime,
    expires_at: OffsetDateTime,
    anchor_day: u8,
    purchase: Option<Purchase>,
}

impl Service {
    /// A new time begins with the payment: the value buys days.
    fn from_payment(package: &Package, at: OffsetDateTime, paid: Rupiah, zone: Zone) -> Result<Self, FoldError> {
        let purchase = Purchase { from: at, anchor_day: zone.date(at).day(), paid };
        let (until, anchor_day) = bought(package, &purchase, zone)?;
        Ok(Self { paid, until, expires_at: zone.day_end(until), anchor_day, purchase: Some(purchase) })
    }

    /// The expiry stays, and the value pays for the time until then. Rounded up to days, a difference of some hundred
    /// rupiah would buy a day of the dearest package, as often as somebody likes; so it never moves the expiry, and what
    /// is more than the time costs is credit. Paid after the expiry there is no time, and all of it is credit.
    fn as_long_as_before(
        before: &Entitlement,
        package: &Package,
        payment: PackagePayment,
        value: Rupiah,
        zone: Zone,
    ) -> Result<Self, FoldError> {
        let (until, anchor_day) = (before.paid_until().max(payment.at), before.anchor_day);
        // Where nothing is charged, months differ in length, and nobody is owed money for that.
        let paid =
            if payment.charge.is_positive() { value.min(cost(package, payment.at, until, zone)?) } else { value };
        Ok(Self { paid, until, expires_at: zone.day_end(before.expires_at), anchor_day, purchase: None })
    }

    /// One period, paid by nothing; from one such package to another the expiry stays, else changing to and fro would be
    /// served for ever.
    fn without_price(
        before: Option<&Entitlement>,
        package: &Package,
        at: OffsetDateTime,
        zone: Zone,
    ) -> Result<Self, FoldError> {
        let (until, anchor_day) = match before {
            Some(before) if !before.package.price.is_positive() => (before.expires_at, before.anchor_day),
            _ => {
                let day = zone.date(at).day();
                (zone.add_months(at, package.period_months.into(), day)?, day)
            }
        };
        Ok(Self { paid: Rupiah::ZERO, until, expires_at: zone.day_end(until), anchor_day, purchase: None })
    }
}

#[cfg(test)]
mod tests;
