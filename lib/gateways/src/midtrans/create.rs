//! Opens a Snap page. Sources: <https://docs.midtrans.com/reference/request-body-json-parameter>,
//! <https://docs.midtrans.com/reference/json-objects>.

use billing::payment::gateway::Mode;
use serde::Deserialize;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::macros::{format_description, offset};

use crate::partner::Reply;
use crate::rows::GatewayRows;
use crate::wire::{Validity, checked_link, page_text, payable, plain_id};
use crate::{CreatedOrder, GatewayError, NewOrder, SetupError};

/// Channels whose payments can be asked for by order id. Not among them: `dana`, `danamon_va`, `bsi_va`, `seabank_va`
/// and `saqu_va`, which only answer to a transaction id that arrives by notification and can be lost with it; and, as
/// they need a contract of their own, `other_va`, `akulaku` and `kredivo`.
const CHANNELS: [&str; 13] = [
    "credit_card",
    "bca_va",
    "bni_va",
    "bri_va",
    "permata_va",
    "cimb_va",
    "echannel",
    "gopay",
    "shopeepay",
    "ovo",
    "other_qris",
    "alfamart",
    "indomaret",
];

/// The usual channels and those of the row `extraChannels`, a comma list. Words of ours are not checked against a list
/// of theirs, which grows.
pub(super) fn channels(rows: &GatewayRows<'_>) -> Result<Vec<String>, SetupError> {
    let mut channels: Vec<String> = CHANNELS.map(str::to_owned).to_vec();
    let extra = rows.text("extraChannels").unwrap_or_default();
    for channel in extra.split(',').map(str::trim).filter(|channel| !channel.is_empty()) {
        let well_formed =
            channel.len() <= 40 && channel.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        if !well_formed {
            return Err(rows.unusable("extraChannels: type channel names such as dana, with commas between"));
        }
        if !channels.iter().any(|known| known == channel) {
            channels.push(channel.to_owned());
        }
    }
    Ok(channels)
}

/// The request, and how long its link will be valid.
pub(super) fn request(order: &NewOrder, channels: &[String]) -> Result<(Value, Validity), GatewayError> {
    let amount = payable(order)?;
    let validity = Validity::of(order)?;
    let mut customer = json!({ "first_name": page_text(&order.customer_name, 100, "Pelanggan") });
    if let Some(phone) = &order.customer_phone {
        // BNI wants a number that begins with +62 or 0.
        customer["phone"] = json!(format!("+{phone}"));
    }
    let mut body = json!({
        "transaction_details": { "order_id": order.order_id, "gross_amount": amount },
        "item_details": [{
            "id": "invoice",
            "name": page_text(&order.description, 50, "Internet"),
            "price": amount,
            "quantity": 1,
        }],
        "customer_details": customer,
        "enabled_payments": channels,
        "credit_card": { "secure": true },
        "expiry": { "start_time": local_time(validity.starts_at)?, "unit": "minute", "duration": validity.minutes },
        "page_expiry": { "unit": "minute", "duration": validity.minutes },
        // Comes back with the status, and ties a transaction that only answers to its own id to this order.
        "custom_field1": order.order_id,
    });
    if let Some(finish_url) = &order.finish_url {
        body["callbacks"] = json!({ "finish": finish_url });
    }
    Ok((body, validity))
}

/// `2026-11-20 09:00:00 +0700`.
fn local_time(instant: OffsetDateTime) -> Result<String, GatewayError> {
    let format = format_description!("[year]-[month]-[day] [hour]:[minute]:[second] +0700");
    instant
        .checked_to_offset(offset!(+7))
        .and_then(|local| local.format(format).ok())
        .ok_or_else(|| GatewayError::Rejected { status: 400, detail: "the start time cannot be written".to_owned() })
}

/// Only 201 with a token and a page of Midtrans' own is a success. Any other 2xx leaves open what happened; a 4xx, a
/// used order id among them, is a refusal.
pub(super) fn read(
    reply: &Reply,
    order: &NewOrder,
    validity: Validity,
    mode: Mode,
    stand_in: bool,
) -> Result<CreatedOrder, GatewayError> {
    #[derive(Deserialize)]
    struct Wire {
        token: String,
        redirect_url: String,
    }
    if !reply.is_success() {
        return Err(reply.rejected_without(&[
            &page_text(&order.customer_name, 100, "Pelanggan"),
            order.finish_url.as_deref().unwrap_or_default(),
        ]));
    }
    if reply.status != 201 {
        return Err(GatewayError::Ambiguous(format!("HTTP {} instead of 201", reply.status)));
    }
    let wire: Wire = reply.json()?;
    let token = plain_id(&wire.token).ok_or_else(|| GatewayError::Ambiguous("the token is not one".to_owned()))?;
    let link = checked_link(&wire.redirect_url, stand_in, |host| is_own_host(host, mode))?;
    Ok(CreatedOrder { link, reference: token.to_owned(), expires_at: validity.ends_at })
}

fn is_own_host(host: &str, mode: Mode) -> bool {
    let sandbox = host.ends_with(".sandbox.midtrans.com");
    match mode {
        Mode::Sandbox => sandbox,
        Mode::Production => host.ends_with(".midtrans.com") && !sandbox,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_of_the_other_world_is_not_our_page() {
        let worlds = |host: &str| [Mode::Sandbox, Mode::Production].map(|mode| is_own_host(host, mode));
        assert_eq!(worlds("app.sandbox.midtrans.com"), [true, false]);
        assert_eq!(worlds("app.midtrans.com"), [false, true]);
        assert_eq!(worlds("midtrans.com.example"), [false, false]);
        assert_eq!(worlds("evilmidtrans.com"), [false, false]);
    }
}
