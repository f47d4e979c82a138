//! What the `lunas` command does to the table.

use aws_sdk_dynamodb::types::{AttributeValue, Delete, ReturnValue, TransactWriteItem};
use billing::{
    access::phone::Phone,
    id::{CustomerId, InvoiceId, PackageId},
    payment::{invoice::Invoice, renewal::Issued, withdrawal::Withdrawal},
    service::{customer::Profile, import::Import, package::CataloguePackage, upgrade::NewUpgrade},
    telling::event::Event,
};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::{
    Store, StoreError,
    apply::grant_key,
    item::{from_item, put_new, put_over, to_item, write},
    keys::{self, Key},
    unavailable,
};

#[derive(Serialize, Deserialize)]
struct Pointer {
    customer_id: CustomerId,
    invoice_id: Option<InvoiceId>,
}

impl Store {
    /// A package of the catalogue.
    pub async fn package(&self, id: &PackageId) -> Result<Option<CataloguePackage>, StoreError> {
        self.get(&keys::package(id)).await
    }

    /// Writes a package into the catalogue. Invoices keep the copy they were made with.
    pub async fn put_package(&self, package: &CataloguePackage) -> Result<(), StoreError> {
        let item = to_item(&keys::package(&package.package.id), package)?;
        self.client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item))
            .send()
            .await
            .map_err(|error| unavailable(&error))?;
        Ok(())
    }

    /// A customer's profile.
    pub async fn profile(&self, customer: &CustomerId) -> Result<Option<Profile>, StoreError> {
        self.get(&keys::profile(customer)).await
    }

    /// The customer with that user name.
    pub async fn customer_by_username(&self, username: &str) -> Result<Option<Profile>, StoreError> {
        let pointer: Option<Pointer> = self.get(&keys::username(username)).await?;
        match pointer {
            Some(pointer) => self.profile(&pointer.customer_id).await,
            None => Ok(None),
        }
    }

    /// Carries one imported row out: profile, grant and look-ups, all or nothing.
    pub async fn import_customer(&self, import: &Import) -> Result<(), StoreError> {
        let profile = &import.profile;
        let mut items = vec![self.profile_item(profile)?];
        if let Some(grant) = &import.grant {
            items.push(put_new(&self.table, to_item(&grant_key(grant), grant)?)?);
        }
        let pointer = Pointer { customer_id: profile.id.clone(), invoice_id: None };
        if profile.version == 0 {
            items.push(put_new(&self.table, to_item(&keys::username(&profile.username), &pointer)?)?);
        }
        if let Some(phone) = &profile.phone {
            items.push(put_over(&self.table, to_item(&keys::phone(phone, &profile.id), &pointer)?)?);
        }
        if let Some(former) = &import.former_phone {
            items.push(self.forget_phone(former, &profile.id)?);
        }
        self.transact(items).await
    }

    fn forget_phone(&self, phone: &Phone, customer: &CustomerId) -> Result<TransactWriteItem, StoreError> {
        let key = keys::phone(phone, customer).attributes();
        write(
            Delete::builder()
                .table_name(&self.table)
                .set_key(Some(key))
                .build()
                .map(|delete| TransactWriteItem::builder().delete(delete)),
        )
    }

    /// The next invoice number of a year. Numbers may be skipped (a command that failed after this), never given twice.
    pub async fn next_invoice_number(&self, year: i32) -> Result<String, StoreError> {
        let answer = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(keys::invoice_counter(year).attributes()))
            .update_expression("ADD #count :one")
            .expression_attribute_names("#count", "count")
            .expression_attribute_values(":one", AttributeValue::N("1".to_owned()))
            .return_values(ReturnValue::UpdatedNew)
            .send()
            .await
            .map_err(|error| unavailable(&error))?;
        let count: Option<u64> =
            answer.attributes().and_then(|attributes| attributes.get("count")?.as_n().ok()?.parse().ok());
        let count = count.ok_or_else(|| StoreError::Damaged("invoice counter without a count".to_owned()))?;
        Ok(format!("INV-{year}-{count:06}"))
    }

    /// A new invoice, its number, the look-up of its owner, the profile that holds it as open, and the event.
    pub async fn issue_invoice(&self, issued: &Issued, now: OffsetDateTime) -> Result<(), StoreError> {
        let mut items = self.issue_items(&issued.invoice, &issued.profile, &issued.event, now)?;
        items.extend(self.ledger_items(&issued.entries, &[], now)?);
        self.transact(items).await
    }

    /// A new invoice for a change of package, as [`Store::issue_invoice`], and the withdrawal of the one that it
    /// replaces.
    pub async fn open_upgrade(&self, upgrade: &NewUpgrade, now: OffsetDateTime) -> Result<(), StoreError> {
        let mut items = self.issue_items(&upgrade.invoice, &upgrade.profile, &upgrade.event, now)?;
        if let Some(withdrawal) = &upgrade.withdrawal {
            items.extend(self.withdrawal_items(withdrawal, now)?);
        }
        self.transact(items).await
    }

    fn issue_items(
        &self,
        invoice: &Invoice,
        profile: &Profile,
        event: &Event,
        now: OffsetDateTime,
    ) -> Result<Vec<TransactWriteItem>, StoreError> {
        let pointer = Pointer { customer_id: invoice.customer_id.clone(), invoice_id: Some(invoice.id.clone()) };
        let number = put_new(&self.table, to_item(&keys::invoice_number(&invoice.number), &pointer)?)?;
        let owner = put_new(&self.table, to_item(&keys::invoice_owner(&invoice.id), &pointer)?)?;
        Ok(vec![self.invoice_item(invoice)?, self.profile_item(profile)?, number, owner, self.event_item(event, now)?])
    }

    /// The invoice with that number.
    pub async fn invoice_by_number(&self, number: &str) -> Result<Option<Invoice>, StoreError> {
        self.invoice_behind(&keys::invoice_number(number)).await
    }

    /// The invoice with that id, whoever owes it.
    pub async fn invoice_by_id(&self, invoice: &InvoiceId) -> Result<Option<Invoice>, StoreError> {
        self.invoice_behind(&keys::invoice_owner(invoice)).await
    }

    async fn invoice_behind(&self, key: &Key) -> Result<Option<Invoice>, StoreError> {
        match self.get(key).await? {
            Some(Pointer { customer_id, invoice_id: Some(invoice_id) }) => {
                self.invoice(&customer_id, &invoice_id).await
            }
            _ => Ok(None),
        }
    }

    /// Withdraws an invoice: the invoice, the profile, the order that is to be cancelled, and what becomes credit.
    pub async fn withdraw_invoice(&self, withdrawal: &Withdrawal, now: OffsetDateTime) -> Result<(), StoreError> {
        let mut items = vec![self.profile_item(&withdrawal.profile)?];
        items.extend(self.withdrawal_items(withdrawal, now)?);
        self.transact(items).await
    }

    /// A withdrawal without its profile: the profile of the decision that it is part of is written by that.
    pub(super) fn withdrawal_items(
        &self,
        withdrawal: &Withdrawal,
        now: OffsetDateTime,
    ) -> Result<Vec<TransactWriteItem>, StoreError> {
        let mut items = vec![self.invoice_item(&withdrawal.invoice)?];
        if let Some(order) = &withdrawal.order {
            items.push(self.order_item(order)?);
        }
        items.extend(self.ledger_items(&withdrawal.entries, &[], now)?);
        Ok(items)
    }

    /// Every package of the catalogue, by id; at most one page of a megabyte.
    pub async fn packages(&self) -> Result<Vec<CataloguePackage>, StoreError> {
        let answer = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("PK = :pk")
            .expression_attribute_values(":pk", AttributeValue::S(keys::PACKAGES.to_owned()))
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| unavailable(&error))?;
        answer.items.unwrap_or_default().into_iter().map(from_item).collect()
    }
}

/// A new id that sorts by time, for customers (`c…`) and invoices.
#[must_use]
pub fn new_id(prefix: &str, now: OffsetDateTime) -> String {
    format!("{prefix}{}", super::outbox::new_id(now))
}
