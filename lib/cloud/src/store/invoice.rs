//! Invoices: issued, withdrawn, reminded of, and how they are found.

use aws_sdk_dynamodb::types::TransactWriteItem;
use billing::id::{CustomerId, InvoiceId};
use billing::payment::invoice::{Invoice, NextLook};
use billing::payment::renewal::Issued;
use billing::payment::withdrawal::Withdrawal;
use billing::service::customer::Profile;
use billing::service::upgrade::NewUpgrade;
use billing::telling::event::Event;
use billing::telling::reminder::Reminder;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::error::StoreError;
use super::item::{Versioned, WakeKind, from_item, put_new, put_version, set_wake, to_item};
use super::keys::{self, Key};
use super::pages::Page;
use super::table::Store;

/// Where an invoice is.
#[derive(Serialize, Deserialize)]
pub(super) struct InvoicePointer {
    pub customer_id: CustomerId,
    pub invoice_id: InvoiceId,
}

impl Store {
    /// An invoice, read consistently.
    pub async fn invoice(&self, customer: &CustomerId, invoice: &InvoiceId) -> Result<Option<Invoice>, StoreError> {
        self.get(&keys::invoice(customer, invoice)).await
    }

    /// Invoice and profile, read at once.
    pub async fn invoice_and_profile(
        &self,
        customer: &CustomerId,
        invoice: &InvoiceId,
    ) -> Result<Option<(Invoice, Profile)>, StoreError> {
        let (invoice_key, profile_key) = (keys::invoice(customer, invoice), keys::profile(customer));
        let mut found = self.get_all(&[invoice_key.clone(), profile_key.clone()]).await?;
        let invoice = found.remove(&invoice_key).map(from_item).transpose()?;
        let profile = found.remove(&profile_key).map(from_item).transpose()?;
        Ok(invoice.zip(profile))
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
            Some(InvoicePointer { customer_id, invoice_id }) => self.invoice(&customer_id, &invoice_id).await,
            None => Ok(None),
        }
    }

    /// Invoices, newest first. `after` is the `next` of the page before; anything else starts somewhere else in the
    /// same customer's invoices, never in another's.
    pub async fn invoices(
        &self,
        customer: &CustomerId,
        after: Option<&InvoiceId>,
        limit: i32,
    ) -> Result<Page<Invoice>, StoreError> {
        self.page(customer, keys::INVOICE, after.map(InvoiceId::as_str), limit).await
    }

    /// The next invoice number of a year. Numbers may be skipped (a command that failed after this), never given twice.
    pub async fn next_invoice_number(&self, year: i32) -> Result<String, StoreError> {
        let count = self.count_up(&keys::invoice_counter(year), None).await?;
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
    pub async fn open_upgrade(
        &self,
        upgrade: NewUpgrade,
        now: OffsetDateTime,
    ) -> Result<(Invoice, Profile), StoreError> {
        let mut items = self.issue_items(&upgrade.invoice, &upgrade.profile, &upgrade.event, now)?;
        if let Some(withdrawal) = &upgrade.withdrawal {
            items.extend(self.withdrawal_items(withdrawal, now)?);
        }
        self.transact(items).await?;
        Ok((upgrade.invoice.stored(), upgrade.profile.stored()))
    }

    fn issue_items(
        &self,
        invoice: &Invoice,
        profile: &Profile,
        event: &Event,
        now: OffsetDateTime,
    ) -> Result<Vec<TransactWriteItem>, StoreError> {
        let pointer = InvoicePointer { customer_id: invoice.customer_id.clone(), invoice_id: invoice.id.clone() };
        let number = put_new(&self.table, to_item(&keys::invoice_number(&invoice.number), &pointer)?)?;
        let owner = put_new(&self.table, to_item(&keys::invoice_owner(&invoice.id), &pointer)?)?;
        Ok(vec![self.invoice_item(invoice)?, self.profile_item(profile)?, number, owner, self.event_item(event, now)?])
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

    /// The invoice behind a row of the index, if it is still due.
    pub async fn woken_invoice(&self, key: &Key, now: OffsetDateTime) -> Result<Option<Invoice>, StoreError> {
        let invoice: Option<Invoice> = self.get(key).await?;
        Ok(invoice.filter(|invoice| invoice.wake_at.is_some_and(|wake_at| wake_at <= now)))
    }

    /// The application did not happen in time: tells it again and looks again later.
    pub async fn tell_again(&self, invoice: &Invoice, event: &Event, now: OffsetDateTime) -> Result<(), StoreError> {
        self.transact(vec![self.invoice_item(invoice)?, self.event_item(event, now)?]).await
    }

    /// The invoice behind a row of the index, if its customer is still to be reminded of it now.
    pub async fn woken_reminder(&self, key: &Key, now: OffsetDateTime) -> Result<Option<Invoice>, StoreError> {
        let invoice: Option<Invoice> = self.get(key).await?;
        Ok(invoice.filter(|invoice| matches!(invoice.next_look(), Some(NextLook::Remind(at)) if at <= now)))
    }

    /// A reminder: what is told, and when the next one follows.
    pub async fn remind(&self, reminder: &Reminder, now: OffsetDateTime) -> Result<(), StoreError> {
        let mut items = vec![self.invoice_item(&reminder.invoice)?];
        if let Some(event) = &reminder.event {
            items.push(self.event_item(event, now)?);
        }
        self.transact(items).await
    }

    pub(super) fn invoice_item(&self, invoice: &Invoice) -> Result<TransactWriteItem, StoreError> {
        let mut item = to_item(&keys::invoice(&invoice.customer_id, &invoice.id), invoice)?;
        match invoice.next_look() {
            Some(NextLook::Reconcile(wake_at)) => {
                set_wake(&mut item, WakeKind::Invoice, invoice.id.as_str(), Some(wake_at));
            }
            Some(NextLook::Remind(wake_at)) => {
                set_wake(&mut item, WakeKind::Reminder, invoice.id.as_str(), Some(wake_at));
            }
            None => {}
        }
        put_version(&self.table, item, invoice.version)
    }
}
