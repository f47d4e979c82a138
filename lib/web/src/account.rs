//! What customers see of their account, for the API and the portal: bills and payments, newest first, page by page.

mod payments;

use billing::id::InvoiceId;
use billing::money::Rupiah;
use billing::payment::invoice::{Invoice, InvoiceStatus};
use billing::payment::link::reusable;
use billing::telling::network::NetworkProgress;
use billing::zone::Zone;
use cloud::store::{Caller, Page, Store};
use lambda_http::{Request, RequestExt as _};
use time::OffsetDateTime;

pub use self::payments::{CREDIT, Kind, Moment, Payment, payments};
use crate::answer;
use crate::caller::{Claim, identify};
use crate::link::amount_due;
use crate::problem::{self, Problem};

const DEFAULT_LIMIT: i32 = 20;
const LARGEST_LIMIT: i32 = 50;

/// Which part of a list is asked for.
#[derive(Debug, Clone)]
pub struct Paging {
    /// The `next` of the page before.
    pub after: Option<InvoiceId>,
    /// Most entries of a page.
    pub limit: i32,
}

impl Paging {
    /// Reads `cursor` and `limit` of the query string.
    pub fn read(request: &Request) -> Result<Self, Problem> {
        let parameters = request.query_string_parameters();
        let after =
            answer::query(&parameters, "cursor").map(InvoiceId::parse).transpose().map_err(|_| problem::BAD_REQUEST)?;
        let limit =
            answer::query(&parameters, "limit").map(str::parse::<i32>).transpose().map_err(|_| problem::BAD_REQUEST)?;
        Ok(Self { after, limit: limit.unwrap_or(DEFAULT_LIMIT).clamp(1, LARGEST_LIMIT) })
    }
}

/// An invoice as its customer sees it at one moment.
#[derive(Debug, Clone)]
pub struct Bill {
    /// Where it stands: an offer that lapsed counts as cancelled.
    pub status: InvoiceStatus,
    /// What is still to pay.
    pub amount_due: Rupiah,
    pub overdue: bool,
    /// A payment of it is held for review, so it can be paid nowhere now.
    pub in_review: bool,
    /// Where it can be paid at once, if a link is stored that can be given out.
    pub link: Option<String>,
    /// Where the network stands with what was paid here, if that is not known to it yet.
    pub network: Option<NetworkProgress>,
    pub invoice: Invoice,
}

impl Bill {
    /// Looks at an invoice.
    pub fn of(invoice: Invoice, zone: Zone, now: OffsetDateTime) -> Result<Self, Problem> {
        let amount_due = amount_due(&invoice)?;
        let (status, amount_due) = if invoice.is_lapsed(now) {
            (InvoiceStatus::Cancelled, Rupiah::ZERO)
        } else {
            (invoice.status, amount_due)
        };
        let link = reusable(&invoice, amount_due, now).map(|link| link.url.clone());
        let in_review = status == InvoiceStatus::Unpaid && invoice.in_review.is_some();
        Ok(Self { status, amount_due, overdue: invoice.is_overdue(zone, now), in_review, link, network: None, invoice })
    }

    /// The same, with what the network knows of the caller's line.
    #[must_use]
    pub fn in_network(self, caller: &Caller, now: OffsetDateTime) -> Self {
        let is_owed = self.invoice.status == InvoiceStatus::Paid
            && self
                .invoice
                .applied_at
                .zip(caller.network_update.as_ref())
                .is_some_and(|(applied_at, network_update)| network_update.is_owed(applied_at));
        Self { network: if is_owed { network_progress(caller, now) } else { None }, ..self }
    }

    /// Paid, and the service is not extended yet, or the network does not know of it yet.
    #[must_use]
    pub fn is_activating(&self) -> bool {
        self.invoice.status == InvoiceStatus::Paid
            && (self.invoice.awaits_apply() || self.network == Some(NetworkProgress::Activating))
    }
}

/// Where the network stands with the caller's line; `None` when there is no network to tell, and when nobody is served
/// anyway.
#[must_use]
pub fn network_progress(caller: &Caller, now: OffsetDateTime) -> Option<NetworkProgress> {
    if !caller.profile.is_active(now) {
        return None;
    }
    caller.network_update.as_ref()?.progress(&caller.profile, now)
}

/// Who is calling, with a page of their bills. Session and page are read at once; the page is of the customer whom the
/// token names, and is dropped if the session is not valid.
pub async fn bills(
    store: &Store,
    zone: Zone,
    claim: &Claim,
    paging: Result<Paging, Problem>,
    now: OffsetDateTime,
) -> Result<(Caller, Page<Bill>), Problem> {
    let (after, limit) = paging.as_ref().map_or((None, 1), |paging| (paging.after.as_ref(), paging.limit));
    let (caller, page) =
        tokio::join!(identify(store, claim, None, now), store.invoices(&claim.customer_id, after, limit));
    let caller = caller?;
    paging?;
    let page = page?;
    let look = |invoice| Bill::of(invoice, zone, now).map(|bill| bill.in_network(&caller, now));
    let entries = page.entries.into_iter().map(look).collect::<Result<_, _>>()?;
    Ok((caller, Page { entries, next: page.next }))
}
