//! Opens an invoice. Source: <https://github.com/xendit/xendit-php/blob/master/docs/InvoiceApi.md>.

use serde_json::{Value, json};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::status::Invoice;
use crate::partner::Reply;
use crate::wire::{Scalar, Validity, checked_link, page_text, payable, plain_id};
use crate::{CreatedOrder, GatewayError, NewOrder};

/// The request, and how long its link will be valid. Xendit has no idempotency key for invoices, so nothing is posted
/// twice.
pub(super) fn request(order: &NewOrder) -> Result<(Value, Validity), GatewayError> {
    let amount = payable(order)?;
    let validity = Validity::of(order)?;
    let description = page_text(&order.description, 200, "Internet");
    let mut customer = json!({ "given_names": page_text(&order.customer_name, 100, "Pelanggan") });
    if let Some(phone) = &order.customer_phone {
        customer["mobile_number"] = json!(format!("+{phone}"));
    }
    let mut body = json!({
        "external_id": order.order_id,
        "amount": amount,
        "currency": "IDR",
        "description": description,
        "invoice_duration": validity.minutes.saturating_mul(60),
        "should_send_email": false,
        "locale": "id",
        "customer": customer,
        "items": [{ "name": description, "price": amount, "quantity": 1 }],
    });
    if let Some(finish_url) = &order.finish_url {
        body["success_redirect_url"] = json!(finish_url);
        body["failure_redirect_url"] = json!(finish_url);
    }
    Ok((body, validity))
}

/// An answer counts if it is the whole invoice, for our order and amount, payable now, on a page of Xendit's own. A 202
/// or any other 2xx without all that leaves open what happened.
pub(super) fn read(
    reply: &Reply,
    order: &NewOrder,
    validity: Validity,
    stand_in: bool,
) -> Result<CreatedOrder, GatewayError> {
    if !reply.is_success() {
        return Err(reply.rejected_without(&[
            &page_text(&order.customer_name, 100, "Pelanggan"),
            order.finish_url.as_deref().unwrap_or_default(),
        ]));
    }
    if !matches!(reply.status, 200 | 201) {
        return Err(GatewayError::Ambiguous(format!("HTTP {} instead of 200", reply.status)));
    }
    let invoice: Invoice = reply.json()?;
    let ours = invoice.external_id == order.order_id.as_str()
        && invoice.amount.as_ref().and_then(Scalar::rupiah) == Some(order.amount)
        && invoice.status.eq_ignore_ascii_case("PENDING");
    let id = if ours { plain_id(&invoice.id) } else { None };
    let id =
        id.ok_or_else(|| GatewayError::Ambiguous("the invoice in the answer is not the one asked for".to_owned()))?;
    let link =
        checked_link(invoice.page_url.as_deref().unwrap_or_default(), stand_in, |host| host.ends_with(".xendit.co"))?;
    let confirmed = invoice.expiry_date.as_deref().and_then(|text| OffsetDateTime::parse(text, &Rfc3339).ok());
    Ok(CreatedOrder { link, reference: id.to_owned(), expires_at: confirmed.unwrap_or(validity.ends_at) })
}
