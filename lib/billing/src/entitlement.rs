//! Until when a customer is served, with which package: a fold over grants.
//!
//! A grant stores inputs, never results. So revoking one, whenever, is the same as refolding without it.

use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

use crate::{
    id::{CustomerId, InvoiceId},
    money::Rupiah,
    package::Package,
    zone::{OutOfCalendar, Zone},
};

/// What a customer is entitled to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entitlement {
    /// The active package.
    pub package: Package,
    /// Served until this instant.
    #[serde(with = "time::serde::rfc3339")]
    pub expires_at: OffsetDateTime,
    /// The day of the month on which periods end, 1 to 31, in the provider's zone.
    pub anchor_day: u8,
}

/// Where the period of a customer starts who pays after the expiry. Kept in each grant: changing the setting changes no past.
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
    /// Whose.
    pub customer_id: CustomerId,
    /// Position in the fold, from 1; unique per customer.
    pub sequence: u32,
    /// Its inputs.
    pub reason: Reason,
    /// The package as it stood.
    pub package: Package,
    /// No longer counts: its payment was taken back.
    #[serde(default)]
    pub revoked: bool,
    /// When it was written.
    #[serde(with = "time::serde::rfc3339")]
    pub granted_at: OffsetDateTime,
}

/// What a grant was given for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Reason {
    /// The provider's own records said so (import or manual change): package and expiry are set.
    Import {
        /// Served until.
        #[serde(with = "time::serde::rfc3339")]
        expires_at: OffsetDateTime,
    },
    /// A paid renewal.
    Renewal {
        /// The invoice.
        invoice_id: InvoiceId,
        /// Which settlement of it: an invoice that is reversed and paid again is granted again.
        settlement: u32,
        /// When the gateway says it was paid.
        #[serde(with = "time::serde::rfc3339")]
        paid_at: OffsetDateTime,
        /// What was paid.
        money: Rupiah,
        /// The rule in force for late payers.
        late: LateRenewal,
    },
}

/// Folds live grants, in order of sequence, into the entitlement. `None` while nothing was granted.
pub fn fold<'a>(grants: impl IntoIterator<Item = &'a Grant>, zone: Zone) -> Result<Option<Entitlement>, OutOfCalendar> {
    let mut live: Vec<&Grant> = grants.into_iter().filter(|grant| !grant.revoked).collect();
    live.sort_by_key(|grant| grant.sequence);
    live.into_iter().try_fold(None, |entitlement, grant| extend(entitlement, grant, zone).map(Some))
}

/// The entitlement after one more grant.
pub fn extend(before: Option<Entitlement>, grant: &Grant, zone: Zone) -> Result<Entitlement, OutOfCalendar> {
    match &grant.reason {
        Reason::Import { expires_at } => {
            Ok(Entitlement { package: grant.package.clone(), expires_at: *expires_at, anchor_day: zone.date(*expires_at).day() })
        }
        Reason::Renewal { paid_at, money, late, .. } => renew(before, &grant.package, *paid_at, *money, *late, zone),
    }
}

fn renew(
    before: Option<Entitlement>,
    paid_for: &Package,
    paid_at: OffsetDateTime,
    money: Rupiah,
    late: LateRenewal,
    zone: Zone,
) -> Result<Entitlement, OutOfCalendar> {
    let Some(Entitlement { package, expires_at, anchor_day }) = before else {
        let anchor_day = zone.date(paid_at).day();
        let expires_at = zone.add_months(paid_at, paid_for.period_months, anchor_day)?;
        return Ok(Entitlement { package: paid_for.clone(), expires_at, anchor_day });
    };
    let (start, anchor_day) = match late {
        LateRenewal::FromPayment if paid_at > expires_at => (paid_at, zone.date(paid_at).day()),
        LateRenewal::FromPayment | LateRenewal::FromExpiry => (expires_at, anchor_day),
    };
    if package.id == paid_for.id {
        // The package as it was sold: price, bandwidth or period may have changed since.
        let expires_at = zone.add_months(start, paid_for.period_months, anchor_day)?;
        return Ok(Entitlement { package: paid_for.clone(), expires_at, anchor_day });
    }
    let period_end = zone.add_months(start, package.period_months, anchor_day)?;
    // The package changed between invoice and payment: the money buys time at the price of the active one.
    let expires_at = start.checked_add(bought(period_end - start, money, package.price)?).ok_or(OutOfCalendar)?;
    let anchor_day = zone.date(expires_at).day();
    Ok(Entitlement { package, expires_at, anchor_day })
}

/// The part of a period that `money` buys at `price` per period, in whole seconds.
fn bought(period: Duration, money: Rupiah, price: Rupiah) -> Result<Duration, OutOfCalendar> {
    if !price.is_positive() {
        return Ok(period);
    }
    i128::from(period.whole_seconds())
        .checked_mul(i128::from(money.get()))
        .and_then(|product| product.checked_div(i128::from(price.get())))
        .and_then(|seconds| i64::try_from(seconds).ok())
        .map(Duration::seconds)
        .ok_or(OutOfCalendar)
}

#[cfg(test)]
mod tests;
