//! Until when a customer is served, with which package: a fold over grants.
//!
//! A grant stores inputs, never results. So revoking one, whenever, is the same as refolding without it.
//!
//! Every grant of a payment adds exactly its money to what the customer holds: unused service and credit (see
//! [`stretch`]). Dates follow from that.

pub mod stretch;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::id::{CustomerId, InvoiceId};
use crate::money::{MoneyError, Rupiah};
use crate::service::package::Package;
use crate::zone::{OutOfCalendar, Zone};
use stretch::{Purchase, Stretch, bought};

/// Stretches that are kept apart. Who pays further ahead gets the next two joined: their money is then spread evenly
/// over both.
pub const STRETCHES: usize = 24;

/// What a customer is entitled to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entitlement {
    pub package: Package,
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
    /// The provider's own records said so (import or manual change): package and expiry are set.
    Import {
        #[serde(with = "time::serde::rfc3339")]
        expires_at: OffsetDateTime,
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
        /// What of it, together with the unused value, buys days; the rest is credit. Negative: so much of the unused
        /// value is credit too.
        charge: Rupiah,
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
        Step::Grant(grant) => extend(entitlement, grant, zone).map(Some),
        Step::Return(back) => entitlement.map(|entitlement| entitlement.give_back(back.amount, back.at)).transpose(),
    })
}

/// The entitlement after one more grant.
pub fn extend(before: Option<Entitlement>, grant: &Grant, zone: Zone) -> Result<Entitlement, FoldError> {
    match &grant.reason {
        Reason::Import { expires_at } => {
            Ok(imported(before.as_ref(), &grant.package, *expires_at, grant.granted_at, zone))
        }
        Reason::Renewal { paid_at, money, late, .. } => match before {
            Some(before) => renew(before, &grant.package, *paid_at, *money, *late, zone),
            None => begin(&grant.package, *paid_at, *money, zone),
        },
        Reason::Upgrade { paid_at, money, charge, .. } => change(
            before.as_ref(),
            &grant.package,
            PackagePayment { at: *paid_at, money: *money, charge: *charge },
            zone,
        ),
    }
}

/// What the provider's records say replaces package and expiry. Credit that earlier changes left over stays credit.
#[must_use]
pub fn imported(
    before: Option<&Entitlement>,
    package: &Package,
    expires_at: OffsetDateTime,
    at: OffsetDateTime,
    zone: Zone,
) -> Entitlement {
    Entitlement {
        package: package.clone(),
        expires_at,
        anchor_day: zone.date(expires_at).day(),
        stretches: unrecorded(package, expires_at, at, zone),
        purchase: None,
        to_credit: before.map_or(Rupiah::ZERO, |before| before.to_credit),
    }
}

/// Nobody wrote down what was paid. Where no period can be counted back, at the very end of the calendar, it is
/// nothing.
fn unrecorded(package: &Package, expires_at: OffsetDateTime, at: OffsetDateTime, zone: Zone) -> Vec<Stretch> {
    Stretch::at_list_price(package, expires_at, at, zone).ok().flatten().into_iter().collect()
}

impl Entitlement {
    /// What is left at `at` of what was paid.
    pub fn unused(&self, at: OffsetDateTime) -> Result<Rupiah, FoldError> {
        Ok(self.stretches.iter().try_fold(Rupiah::ZERO, |sum, stretch| sum.plus(stretch.unused(at)?))?)
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
    let expires_at = zone.add_months(paid_at, package.period_months.into(), anchor_day)?;
    let stretch = Stretch { from: paid_at, until: expires_at, paid: money, unrecorded: Rupiah::ZERO };
    let (package, stretches) = (package.clone(), vec![stretch]);
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
            (paid_for.clone(), until, anchor_day, None);
    } else if after.package.price.is_positive() {
        // The package changed between invoice and payment: the money buys days at the price of the active one.
        let begun = match after.purchase.take() {
            Some(begun) if start == after.expires_at => begun,
            _ => Purchase { from: start, anchor_day, paid: Rupiah::ZERO },
        };
        let purchase = Purchase { paid: begun.paid.plus(money)?, ..begun };
        let (until, day) = bought(&after.package, &purchase, zone)?;
        after.stretches.push(Stretch { from: start, until, paid: money, unrecorded: Rupiah::ZERO });
        (after.expires_at, after.anchor_day, after.purchase) = (until, day, Some(purchase));
    } else {
        // Days of a package without a price cannot be bought: the money is credit, and there is a period from the
        // payment on.
        let period_end = zone.add_months(paid_at, after.package.period_months.into(), zone.date(paid_at).day())?;
        if period_end > after.expires_at {
            (after.expires_at, after.anchor_day, after.purchase) = (period_end, zone.date(paid_at).day(), None);
        }
        after.to_credit = after.to_credit.plus(money)?;
    }
    after.tidied(paid_at)
}

/// A payment for a change of package.
#[derive(Debug, Clone, Copy)]
pub struct PackagePayment {
    pub at: OffsetDateTime,
    pub money: Rupiah,
    /// What of it buys days, see [`Reason::Upgrade`].
    pub charge: Rupiah,
}

/// What a change of package makes of the entitlement. A new time begins with the payment: unused value and `charge` buy
/// days of the new package, and what buys none is credit, as far as somebody paid it: the list price of imported
/// service only ever buys days. A package without a price is served for one period, and all value is credit; from one
/// such package to another the expiry stays.
pub fn change(
    before: Option<&Entitlement>,
    package: &Package,
    payment: PackagePayment,
    zone: Zone,
) -> Result<Entitlement, FoldError> {
    let PackagePayment { at: paid_at, money, charge } = payment;
    let (unused, recorded, to_credit) = match before {
        Some(before) => (before.unused(paid_at)?, before.unused_recorded(paid_at)?, before.to_credit),
        None => (Rupiah::ZERO, Rupiah::ZERO, Rupiah::ZERO),
    };
    let day = zone.date(paid_at).day();
    let paid = if package.price.is_positive() { unused.plus(charge)?.max(Rupiah::ZERO) } else { Rupiah::ZERO };
    let purchase = Purchase { from: paid_at, anchor_day: day, paid };
    let (expires_at, anchor_day) = match before {
        _ if package.price.is_positive() => bought(package, &purchase, zone)?,
        // Else changing to and fro would be served for ever.
        Some(before) if !before.package.price.is_positive() => (before.expires_at, before.anchor_day),
        _ => (zone.add_months(paid_at, package.period_months.into(), day)?, day),
    };
    let left = unused.plus(money)?.minus(paid)?;
    let credit = left.min(money.plus(recorded)?);
    // What nobody recorded buys days first.
    let unrecorded = unused.minus(recorded)?.min(paid);
    let stretches = vec![Stretch { from: paid_at, until: expires_at, paid, unrecorded }];
    let to_credit = to_credit.plus(credit)?;
    Ok(Entitlement { package: package.clone(), expires_at, anchor_day, stretches, purchase: Some(purchase), to_credit })
}

#[cfg(test)]
mod tests;
