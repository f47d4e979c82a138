//! Grants, the entitlement that follows from them, credit, and whose everything is.

use super::books::{Audit, Place, sum, when};
use super::finding::Rule;
use crate::id::InvoiceId;
use crate::money::ledger::EntryKind;
use crate::money::{MoneyError, Rupiah};
use crate::payment::invoice::{Invoice, InvoiceKind};
use crate::service::entitlement::{Entitlement, Grant, Reason, fold, taken_by_imports};

impl Audit<'_> {
    /// Everything in a customer's books is the customer's.
    pub(super) fn of_one_customer(&mut self) {
        let profile = &self.books.profile;
        let invoices =
            self.books.invoices.iter().map(|filed| (&filed.state.customer_id, format!("invoice {}", filed.state.id)));
        let ledger =
            self.books.ledger.iter().map(|line| (&line.entry.customer_id, format!("ledger entry {}", line.id)));
        let grants = self.books.grants.iter().map(|grant| (&grant.customer_id, format!("grant {}", grant.sequence)));
        let orders =
            self.books.orders.iter().map(|filed| (&filed.state.customer_id, format!("order {}", filed.state.id)));
        let foreign: Vec<String> = invoices
            .chain(ledger)
            .chain(grants)
            .chain(orders)
            .filter(|(of, _)| **of != profile.id)
            .map(|(of, what)| format!("{what} is of {of}"))
            .collect();
        for what in foreign {
            self.find(Rule::Orphan, Place::default(), what);
        }
    }

    pub(super) fn grants(&mut self) {
        for grant in &self.books.grants {
            let (Some(invoice_id), Some(settlement_no)) = (grant.invoice_id(), grant.settlement_no()) else { continue };
            let place = Place::invoice(invoice_id);
            match self.invoice(invoice_id) {
                None => self.find(
                    Rule::Orphan,
                    place,
                    format!("grant {} is for an invoice that does not exist", grant.sequence),
                ),
                Some(invoice) => {
                    if let Some(what) = misgranted(grant, settlement_no, invoice) {
                        self.find(Rule::Grant, place, format!("grant {} {what}", grant.sequence));
                    }
                }
            }
        }
        let returns = self.books.grants.iter().flat_map(|grant| &grant.returns).map(|back| back.sequence);
        let mut sequences: Vec<u32> = self.books.grants.iter().map(|grant| grant.sequence).chain(returns).collect();
        sequences.sort_unstable();
        let last = self.books.profile.last_grant;
        if !sequences.iter().copied().eq(1..=last) {
            let what = format!("grants {sequences:?} exist, the profile counts {last}");
            self.find(Rule::Grant, Place::default(), what);
        }
    }

    pub(super) fn entitlement(&mut self) {
        let noted = &self.books.profile.entitlement;
        let folded = match fold(&self.books.grants, self.zone) {
            Ok(Some(folded)) => folded,
            Ok(None) => return self.find(Rule::Entitlement, Place::default(), "there is no live grant".to_owned()),
            Err(error) => {
                return self.find(Rule::Entitlement, Place::default(), format!("the live grants do not fold: {error}"));
            }
        };
        let differs = difference(noted, &folded);
        if !differs.is_empty() {
            self.find(
                Rule::Entitlement,
                Place::default(),
                format!("other than the live grants say: {}", differs.join("; ")),
            );
        }
        if (&noted.stretches, &noted.purchase) != (&folded.stretches, &folded.purchase) {
            let (noted, folded) = (paid(noted), paid(&folded));
            let what = format!(
                "{} is noted as paid for the time that is left, the live grants say {}",
                said(&noted),
                said(&folded)
            );
            self.find(Rule::UnusedValue, Place::default(), what);
        }
    }

    pub(super) fn paid_service(&mut self) {
        let noted = &self.books.profile.entitlement;
        if let Ok(Some(bought)) = taken_by_imports(&self.books.grants, noted, self.zone, self.now) {
            let what = format!(
                "served with {} until {}; the live payments bought {} until {}, an import said otherwise",
                noted.package.id,
                when(Some(noted.expires_at)),
                bought.package.id,
                when(Some(bought.expires_at)),
            );
            self.find(Rule::PaidService, Place::default(), what);
        }
    }

    pub(super) fn credit(&mut self) {
        let profile = &self.books.profile;
        let follows = sum(self.books.entries(), EntryKind::moves_credit);
        self.demand(Rule::Credit, Place::default(), "credit", profile.credit, follows);
        let follows = sum(self.books.entries(), |kind| kind == EntryKind::Unused);
        self.demand(
            Rule::Credit,
            Place::default(),
            "left over by changes of package",
            profile.entitlement.to_credit,
            follows,
        );
    }

    /// Every entry is about an invoice, unless it adjusts credit, and about an order if a payment is behind it.
    pub(super) fn ledger(&mut self) {
        for line in &self.books.ledger {
            let entry = &line.entry;
            let order = entry.payment.as_ref().map(|payment| &payment.order_id);
            let place = Place { invoice: entry.invoice_id.as_ref(), order };
            let is_known = match &entry.invoice_id {
                Some(invoice) => self.invoice(invoice).is_some(),
                None => entry.kind == EntryKind::Adjusted,
            };
            if !is_known {
                self.find(
                    Rule::Orphan,
                    place,
                    format!("ledger entry {} of {} is for an invoice that does not exist", line.id, entry.amount),
                );
            }
            if order.is_some_and(|order| self.order(order).is_none()) {
                self.find(
                    Rule::Orphan,
                    place,
                    format!("ledger entry {} of {} is of an order that does not exist", line.id, entry.amount),
                );
            }
        }
    }
}

impl Grant {
    /// The invoice that was paid for it; `None` for an import.
    pub(super) const fn invoice_id(&self) -> Option<&InvoiceId> {
        match &self.reason {
            Reason::Import { .. } => None,
            Reason::Renewal { invoice_id, .. } | Reason::Upgrade { invoice_id, .. } => Some(invoice_id),
        }
    }

    /// Which settlement of it.
    pub(super) const fn settlement_no(&self) -> Option<u32> {
        match &self.reason {
            Reason::Import { .. } => None,
            Reason::Renewal { settlement_no, .. } | Reason::Upgrade { settlement_no, .. } => Some(*settlement_no),
        }
    }

    const fn money(&self) -> Rupiah {
        match &self.reason {
            Reason::Import { .. } => Rupiah::ZERO,
            Reason::Renewal { money, .. } | Reason::Upgrade { money, .. } => *money,
        }
    }
}

/// What a grant says other than its invoice.
fn misgranted(grant: &Grant, settlement_no: u32, invoice: &Invoice) -> Option<String> {
    let of_a_change = matches!(grant.reason, Reason::Upgrade { .. });
    if of_a_change != (invoice.kind == InvoiceKind::Upgrade) {
        return Some(format!("is not of the invoice's kind, {:?}", invoice.kind));
    }
    if grant.package != invoice.package {
        return Some(format!("is for {}, the invoice for {}", grant.package.id, invoice.package.id));
    }
    if settlement_no == 0 || settlement_no > invoice.settlement_no {
        return Some(format!("is of settlement {settlement_no}, the invoice's last is {}", invoice.settlement_no));
    }
    let live = !grant.revoked && invoice.granted == Some(settlement_no);
    let given_back = grant.returns.iter().try_fold(Rupiah::ZERO, |sum, back| sum.plus(back.amount));
    if live && given_back != Ok(invoice.granted_return) {
        return Some(format!("knows other returns than the {} that the invoice notes", invoice.granted_return));
    }
    let money = grant.money();
    (money != invoice.amount).then(|| format!("counts {money}, the invoice is over {}", invoice.amount))
}

/// What differs, in words.
fn difference(noted: &Entitlement, folded: &Entitlement) -> Vec<String> {
    let pairs = [
        ("package", noted.package.id.to_string(), folded.package.id.to_string(), noted.package == folded.package),
        (
            "served until",
            when(Some(noted.expires_at)),
            when(Some(folded.expires_at)),
            noted.expires_at == folded.expires_at,
        ),
        (
            "anchor day",
            noted.anchor_day.to_string(),
            folded.anchor_day.to_string(),
            noted.anchor_day == folded.anchor_day,
        ),
        (
            "left over as credit",
            noted.to_credit.to_string(),
            folded.to_credit.to_string(),
            noted.to_credit == folded.to_credit,
        ),
    ];
    pairs
        .into_iter()
        .filter(|(.., same)| !same)
        .map(|(name, noted, folded, _)| format!("{name} {noted}, not {folded}"))
        .collect()
}

fn paid(entitlement: &Entitlement) -> Result<Rupiah, MoneyError> {
    entitlement.stretches.iter().try_fold(Rupiah::ZERO, |sum, stretch| sum.plus(stretch.paid))
}

fn said(amount: &Result<Rupiah, MoneyError>) -> String {
    amount.as_ref().map_or_else(ToString::to_string, ToString::to_string)
}
