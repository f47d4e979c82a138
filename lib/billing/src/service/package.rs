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
