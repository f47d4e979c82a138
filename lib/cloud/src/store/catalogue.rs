//! The catalogue of packages.

use billing::{id::PackageId, service::package::CataloguePackage};

use super::error::{StoreError, unavailable};
use super::item::{from_item, to_item};
use super::keys;
use super::table::Store;

impl Store {
    /// A package of the catalogue.
    pub async fn package(&self, id: &PackageId) -> Result<Option<CataloguePackage>, StoreError> {
        self.get(&keys::package(id)).await
    }

    /// Writes a package into the catalogue. Invoices keep the copy they were made with.
    pub async fn put_package(&self, package: &CataloguePackage) -> Result<(), StoreError> {
        self.put(to_item(&keys::package(&package.package.id), package)?).await
    }

    /// Every package of the catalogue, by id; at most one page of a megabyte.
    pub async fn packages(&self) -> Result<Vec<CataloguePackage>, StoreError> {
        let answer = self.query(keys::PACKAGES).send().await.map_err(|error| unavailable(&error))?;
        answer.items.unwrap_or_default().into_iter().map(from_item).collect()
    }
}
