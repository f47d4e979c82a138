//! What an admin does about a finding. docs/operate/looking-after.md says more.

use billing::audit::Rule;

/// The next step, in a sentence.
pub(super) const fn next(rule: Rule) -> &'static str {
    match rule {
        Rule::InvoiceHeld | Rule::InvoiceStatus => {
            "compare with the gateway's dashboard: lunas payments show INVOICE lists what the ledger holds; correct nothing by hand, report it"
        }
        Rule::InvoiceGrant | Rule::Grant => {
            "the customer is served for what was not paid, or not for what was: lunas payments show INVOICE, and report it"
        }
        Rule::Entitlement => {
            "the customer has another package or expiry than was paid for; an import sets both anew, and report it"
        }
        Rule::PaidService => {
            "an import took away what was paid for. If it was meant, nothing to do: this ends when the paid time is over; else import the customer with the right package and expiry"
        }
        Rule::UnusedValue => {
            "package and expiry are right; only a later change of package would be priced from other money: report it"
        }
        Rule::Credit => "the ledger is right, the profile's credit is not: note the difference and report it",
        Rule::OrderBooked | Rule::OrderStatus => {
            "look the order up in the gateway's dashboard and compare with lunas payments show ORDER; report it"
        }
        Rule::Orphan => "something was deleted: look in a backup of before (point-in-time recovery), and report it",
        Rule::OpenInvoice => {
            "lunas customers show CUSTOMER: cancel the invoice that is too many (lunas invoices cancel), or bill anew (lunas invoices create)"
        }
        Rule::NotDue | Rule::NotInIndex => {
            "nobody comes back to it: the customer's own check (Periksa pembayaran) asks the gateway now; report it"
        }
        Rule::EventLost => {
            "who listens was not told: lunas payments show INVOICE says whether it was applied all the same; report it"
        }
        Rule::Damaged => {
            "the item cannot be read, so nothing is done with it: which version wrote it? Report it with this line"
        }
    }
}
