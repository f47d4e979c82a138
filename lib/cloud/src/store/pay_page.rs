//! Which invoice a pay page is about. The page's token is nowhere; its hash is the key.

use billing::id::{CustomerId, InvoiceId};
use billing::payment::invoice::Invoice;
use billing::service::customer::Profile;
use time::{Duration, OffsetDateTime};

use super::error::StoreError;
use super::invoice::InvoicePointer;
use super::item::{set_ttl, to_item};
use super::keys;
use super::table::Store;

/// A page that nobody was sent for so long is tidied up. Whether it is open is never read out of this:
/// `billing::access::pay_page` decides.
const KEPT: Duration = Duration::days(2 * 365);

impl Store {
    /// Lets the token with this hash (SHA-256, hex) open the page of an invoice. To be called before the link is given
    /// to anybody, as often as one likes: a token belongs to one invoice for ever, so it always writes the same. Not
    /// when an invoice is issued: `lunas` does that without a right to `masterKey`. One write.
    pub async fn remember_pay_page(
        &self,
        token_hash: &str,
        customer: &CustomerId,
        invoice: &InvoiceId,
        now: OffsetDateTime,
    ) -> Result<(), StoreError> {
        let entry = InvoicePointer { customer_id: customer.clone(), invoice_id: invoice.clone() };
        let mut item = to_item(&keys::pay_page(token_hash), &entry)?;
        set_ttl(&mut item, now.saturating_add(KEPT));
        self.put(item).await
    }

    /// The invoice that the token with this hash stands for, and its customer. `None` when it stands for nothing: one
    /// read then, else two.
    pub async fn pay_page(&self, token_hash: &str) -> Result<Option<(Invoice, Profile)>, StoreError> {
        let entry: Option<InvoicePointer> = self.get(&keys::pay_page(token_hash)).await?;
        match entry {
            Some(InvoicePointer { customer_id, invoice_id }) => {
                self.invoice_and_profile(&customer_id, &invoice_id).await
            }
            None => Ok(None),
        }
    }
}
