//! What customers are entitled to: the grants, and a payment that takes effect.

use billing::id::CustomerId;
use billing::payment::invoice::Invoice;
use billing::service::apply::Application;
use billing::service::entitlement::{Grant, Reason};
use time::OffsetDateTime;

use super::error::StoreError;
use super::item::{from_item, put_new, put_over, to_item};
use super::keys::{self, Key};
use super::table::Store;

/// Pages of grants that are read; three years of monthly grants are one page.
const GRANT_PAGES: usize = 20;

impl Store {
    /// Every grant of a customer.
    pub async fn grants(&self, customer: &CustomerId) -> Result<Vec<Grant>, StoreError> {
        let items = self.read_all(customer, self.query_customer(customer, keys::GRANT), GRANT_PAGES).await?;
        items.into_iter().map(from_item).collect()
    }

    /// The grant of a paid invoice. `None` while there is none.
    pub async fn grant_of(&self, invoice: &Invoice) -> Result<Option<Grant>, StoreError> {
        let Some(settlement_no) = invoice.granted else { return Ok(None) };
        self.get(&keys::grant(&invoice.customer_id, &invoice.id, settlement_no)).await
    }

    /// Carries an application out: grant, profile and invoice, each over the version it was decided from, what becomes
    /// credit, the renewal that is withdrawn, and the events.
    pub async fn apply(&self, application: &Application, now: OffsetDateTime) -> Result<(), StoreError> {
        let Application { invoice, profile, grant, grant_is_new, events, entries, withdrawal } = application;
        let grant_item = to_item(&grant_key(grant), grant)?;
        // A new grant must not exist; one that changes is guarded by the profile's version, which every grant changes.
        let grant_write =
            if *grant_is_new { put_new(&self.table, grant_item)? } else { put_over(&self.table, grant_item)? };
        let mut items = vec![grant_write, self.profile_item(profile)?, self.invoice_item(invoice)?];
        for event in events {
            items.push(self.event_item(event, now)?);
        }
        items.extend(self.ledger_items(entries, &[], now)?);
        if let Some(withdrawal) = withdrawal {
            items.extend(self.withdrawal_items(withdrawal, now)?);
        }
        self.transact(items).await
    }
}

pub(super) fn grant_key(grant: &Grant) -> Key {
    match &grant.reason {
        Reason::Import { .. } => keys::import_grant(&grant.customer_id, grant.sequence),
        Reason::Renewal { invoice_id, settlement_no, .. } | Reason::Upgrade { invoice_id, settlement_no, .. } => {
            keys::grant(&grant.customer_id, invoice_id, *settlement_no)
        }
    }
}
