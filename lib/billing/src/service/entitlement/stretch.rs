//! What service is worth: money, spread evenly over the time that it bought.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::money::{MoneyError, Rupiah};
use crate::service::entitlement::FoldError;
use crate::service::package::Package;
use crate::zone::{OutOfCalendar, Zone};

/// What an import counts for at most. Lines that are to be served for ever have an expiry in the far future, and nobody
/// paid for that.
const IMPORTED_MONTHS: i32 = 24;

/// A span of service and the money that bought it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stretch {
    #[serde(with = "time::serde::rfc3339")]
    pub from: OffsetDateTime,
    /// When its money is used up. Served is until the end of that day.
    #[serde(with = "time::serde::rfc3339")]
    pub until: OffsetDateTime,
    pub paid: Rupiah,
    /// How much of that nobody recorded: imported service at its list price. It buys days like money, and never becomes
    /// credit.
    pub unrecorded: Rupiah,
}

/// Days that were bought up to the expiry, instead of a period that was sold as a whole. More money goes on counting
/// from the same begin, so that its order makes no difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Purchase {
    #[serde(with = "time::serde::rfc3339")]
    pub from: OffsetDateTime,
    /// The day of the month that periods are counted on.
    pub anchor_day: u8,
    pub paid: Rupiah,
}

impl Stretch {
    /// Service until `until` whose price nobody recorded, as imports have it: whole periods at the package's price, as
    /// many as reach back to `at`, but two years at most. `None` if it is over.
    pub fn at_list_price(
        package: &Package,
        until: OffsetDateTime,
        at: OffsetDateTime,
        zone: Zone,
    ) -> Result<Option<Self>, FoldError> {
        if until <= at {
            return Ok(None);
        }
        let anchor_day = zone.date(until).day();
        let fewest =
            zone.months_between(at, until).checked_div(package.period_months.into()).unwrap_or_default().max(1);
        // The days of the month decide about one more; a clamped month end about another.
        for periods in fewest..=fewest.saturating_add(2) {
            let from = zone.add_months(until, months(package, periods)?.saturating_neg(), anchor_day)?;
            if from <= at {
                let paid = Rupiah::new(
                    i64::from(periods.min(most_periods(package)))
                        .checked_mul(package.price.get())
                        .ok_or(MoneyError::OutOfRange)?,
                );
                return Ok(Some(Self { from, until, paid, unrecorded: paid }));
            }
        }
        Err(OutOfCalendar.into())
    }

    /// Service from `from` to `until` whose price nobody recorded, at the package's price, two years at most. At the very
    /// end of the calendar, where no period can be counted, it is worth nothing.
    pub(super) fn unrecorded(package: &Package, from: OffsetDateTime, until: OffsetDateTime, zone: Zone) -> Self {
        let most = package.price.get().saturating_mul(most_periods(package).into());
        let paid = cost(package, from, until, zone).unwrap_or(Rupiah::ZERO).min(Rupiah::new(most));
        Self { from, until, paid, unrecorded: paid }
    }

    /// The part of it before `until`, with its share of the money.
    pub(super) fn until(&self, until: OffsetDateTime) -> Result<Self, MoneyError> {
        let (after, recorded) = (self.unused(until)?, self.unused_recorded(until)?);
        Ok(Self {
            from: self.from,
            until: self.until.min(until),
            paid: self.paid.minus(after)?,
            unrecorded: self.unrecorded.minus(after.minus(recorded)?)?,
        })
    }

    /// What is left of the money at `at`, in proportion to the time left. Whole rupiah, rounded down: less than Rp1 per
    /// change stays with the provider.
    pub fn unused(&self, at: OffsetDateTime) -> Result<Rupiah, MoneyError> {
        self.left_of(self.paid, at)
    }

    /// What is left at `at` of what was recorded as paid.
    pub fn unused_recorded(&self, at: OffsetDateTime) -> Result<Rupiah, MoneyError> {
        self.left_of(self.paid.minus(self.unrecorded)?, at)
    }

    /// What is left of it at `at`, worth so much less. What is used up by then is dropped.
    pub(super) fn without(&self, amount: Rupiah, at: OffsetDateTime) -> Result<Self, MoneyError> {
        if amount.is_zero() {
            return Ok(self.clone());
        }
        let unused = self.unused(at)?;
        let unrecorded = unused.minus(self.unused_recorded(at)?)?;
        Ok(Self { from: at.max(self.from), until: self.until, paid: unused.minus(amount)?, unrecorded })
    }

    fn left_of(&self, money: Rupiah, at: OffsetDateTime) -> Result<Rupiah, MoneyError> {
        if at <= self.from {
            return Ok(money);
        }
        let (left, all) = (self.until - at, self.until - self.from);
        if !left.is_positive() {
            return Ok(Rupiah::ZERO);
        }
        share(money, left.whole_seconds(), all.whole_seconds().max(1)).map(Rupiah::new).ok_or(MoneyError::OutOfRange)
    }
}

/// When the money of a purchase is used up at the price of the package, and the day of the month on which further periods end.
///
/// Whole periods are calendar months on the anchor day; the rest is its share of the period that follows, in whole
/// seconds, rounded down. No value is lost by that: [`Stretch::paid`] keeps all of it. The price must not be zero.
pub fn bought(package: &Package, purchase: &Purchase, zone: Zone) -> Result<(OffsetDateTime, u8), FoldError> {
    let Purchase { from, anchor_day, paid } = *purchase;
    let (money, price) = (paid.get(), package.price.get());
    let whole = money.checked_div(price).ok_or(MoneyError::OutOfRange)?;
    let rest = money.checked_rem(price).ok_or(MoneyError::OutOfRange)?;
    let periods = i32::try_from(whole).map_err(|_| OutOfCalendar)?;
    let begun = zone.add_months(from, months(package, periods)?, anchor_day)?;
    if rest == 0 {
        return Ok((begun, anchor_day));
    }
    let ended = zone.add_months(from, months(package, periods.saturating_add(1))?, anchor_day)?;
    let seconds = share(Rupiah::new(rest), (ended - begun).whole_seconds(), price).ok_or(OutOfCalendar)?;
    let until = begun.checked_add(time::Duration::seconds(seconds)).ok_or(OutOfCalendar)?;
    Ok((until, zone.date(until).day()))
}

/// What service from `from` to `until` costs: the money that [`bought`] needs for it from then. Rounded down to whole
/// rupiah, so that by rounding a prorated change never moves the expiry to the next day.
pub fn cost(package: &Package, from: OffsetDateTime, until: OffsetDateTime, zone: Zone) -> Result<Rupiah, FoldError> {
    let anchor_day = zone.date(from).day();
    let after = |periods: i32| Ok::<_, FoldError>(zone.add_months(from, months(package, periods)?, anchor_day)?);
    let most = zone.months_between(from, until).checked_div(package.period_months.into()).unwrap_or_default();
    let mut periods = most.max(0);
    // The last of them may not be over: the days of the month decide.
    while periods > 0 && after(periods)? > until {
        periods = periods.saturating_sub(1);
    }
    let (begun, ended) = (after(periods)?, after(periods.saturating_add(1))?);
    let whole = i64::from(periods).checked_mul(package.price.get()).ok_or(MoneyError::OutOfRange)?;
    let (rest, period) = ((until - begun).whole_seconds().max(0), (ended - begun).whole_seconds());
    let part = share(package.price, rest, period).ok_or(MoneyError::OutOfRange)?;
    Ok(Rupiah::new(whole).plus(Rupiah::new(part))?)
}

/// Periods that imported service counts for at most.
fn most_periods(package: &Package) -> i32 {
    IMPORTED_MONTHS.checked_div(package.period_months.into()).unwrap_or_default().max(1)
}

/// `amount` × `part` ÷ `whole`, rounded down.
fn share(amount: Rupiah, part: i64, whole: i64) -> Option<i64> {
    let product = i128::from(amount.get()).checked_mul(i128::from(part))?;
    product.checked_div(i128::from(whole)).and_then(|share| i64::try_from(share).ok())
}

fn months(package: &Package, periods: i32) -> Result<i32, OutOfCalendar> {
    periods.checked_mul(package.period_months.into()).ok_or(OutOfCalendar)
}
