//! Packages: what a customer subscribes to.

use serde::{Deserialize, Serialize};

use crate::{id::PackageId, money::Rupiah};

/// A package as it stood when something was agreed: invoices and grants keep their own copy, so a later price change
/// rewrites nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Package {
    pub id: PackageId,
    pub name: String,
    pub price: Rupiah,
    /// Length of one period in calendar months, 1 to 24.
    pub period_months: u8,
    /// Bandwidth down, Mbit/s.
    pub down_mbps: u32,
    /// Bandwidth up, Mbit/s.
    pub up_mbps: u32,
}

impl Package {
    /// Per month.
    #[must_use]
    pub fn is_cheaper_than(&self, other: &Self) -> bool {
        let price = |package: &Self, months: u8| i128::from(package.price.get()).saturating_mul(i128::from(months));
        price(self, other.period_months) < price(other, self.period_months)
    }
}

/// A package in the catalogue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CataloguePackage {
    /// As invoices copy it.
    #[serde(flatten)]
    pub package: Package,
    /// May be chosen. A retired package serves those who have it.
    pub active: bool,
    /// The packages that customers of this one may change to by themselves, if active; `None` = every active one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changeable_to: Option<Vec<PackageId>>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::examples::package;

    #[test]
    fn a_package_is_cheaper_than_another_per_month() {
        let month = package("home20", 150_000);
        let year = Package { period_months: 12, ..package("year", 1_200_000) };
        assert_eq!((year.is_cheaper_than(&month), month.is_cheaper_than(&year)), (true, false));
        assert!(!month.is_cheaper_than(&month));
    }
}
