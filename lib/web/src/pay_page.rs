//! What the public pay page `/p/<token>` opens.

use billing::access::pay_page::is_open;
use billing::money::ledger::EntryKind;
use billing::payment::gateway::GatewayName;
use billing::payment::invoice::Invoice;
use billing::service::customer::Profile;
use cloud::{pay_page_key::Token, store::Store};
use time::OffsetDateTime;

use crate::problem::{self, Problem};

/// The invoice that the page is about, and its customer, of whom nothing is for visitors. A token that is malformed,
/// unknown or of a page that is not open any more is answered alike.
pub async fn open(store: &Store, token: Option<&Token>, now: OffsetDateTime) -> Result<(Invoice, Profile), Problem> {
    let token = token.ok_or(problem::NOT_FOUND)?;
    let found = store.pay_page(&token.hash()).await?;
    found.filter(|(invoice, _)| is_open(invoice, now)).ok_or(problem::NOT_FOUND)
}

/// What the page tells of a bill that was paid, beside the bill itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// Where it was paid, by which channel if that is known; the latest first, each once.
    pub methods: Vec<(GatewayName, Option<String>)>,
    /// Until when the customer is served for it. `None` when something that came later decides that, or nothing was
    /// applied yet.
    pub served_until: Option<OffsetDateTime>,
}

/// The newest entries of the ledger in which the payment is looked for. It is younger than the page, so it is among
/// them, unless the customer paid a great deal since; then the receipt does without its method.
const NEWEST: i32 = 20;

/// The receipt of a paid invoice: ledger and grant are read at once.
pub async fn receipt(store: &Store, invoice: &Invoice, profile: &Profile) -> Result<Receipt, Problem> {
    let (ledger, grant) = tokio::join!(store.ledger(&invoice.customer_id, None, NEWEST), store.grant_of(invoice));
    let (ledger, grant) = (ledger?, grant?);
    let mut methods = Vec::new();
    for line in ledger
        .entries
        .iter()
        .filter(|line| line.entry.invoice_id.as_ref() == Some(&invoice.id) && line.entry.kind == EntryKind::Received)
    {
        let method = line.entry.payment.as_ref().map(|payment| (payment.gateway, payment.method.clone()));
        methods.extend(method.filter(|method| !methods.contains(method)));
    }
    let is_last = grant.is_some_and(|grant| !grant.revoked && grant.sequence == profile.last_grant);
    let served_until = is_last.then_some(profile.entitlement.expires_at);
    Ok(Receipt { methods, served_until })
}
