//! What the buttons of a payment page post.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::gateway::{Gateway, play};
use super::simulation::{Outcome, Simulate, SimulateError};
use super::{page, rupiah};

#[derive(Debug, Deserialize)]
pub(crate) struct Buttons {
    outcome: Outcome,
    #[serde(default)]
    channel: String,
    #[serde(default)]
    amount: String,
    /// Present if the notification is to be lost.
    lost: Option<String>,
}

/// Does what the button says, and shows `page` again.
pub(crate) async fn press(gateway: &dyn Gateway, link: String, buttons: Buttons, page: &str) -> Response {
    let amount = match buttons.amount.trim() {
        "" => None,
        text => match text.parse::<i64>() {
            Ok(amount) if (1..=rupiah::MAX).contains(&amount) => Some(amount),
            _ => return failed(&SimulateError::Invalid("The amount must be a positive whole number.".to_owned())),
        },
    };
    let simulate = Simulate {
        link,
        outcome: buttons.outcome,
        amount,
        fee: None,
        channel: Some(buttons.channel).filter(|channel| !channel.is_empty()),
        webhook: buttons.lost.is_none(),
    };
    match play(gateway, &simulate).await {
        Ok(_) => Redirect::to(page).into_response(),
        Err(error) => failed(&error),
    }
}

fn failed(error: &SimulateError) -> Response {
    let body = format!(
        "<div class=\"card\"><h1>That did not work</h1><p>{}</p><a class=\"button\" href=\"\">Back to the payment page</a></div>",
        page::escape(&error.to_string())
    );
    (StatusCode::CONFLICT, page::shell("That did not work", None, &body)).into_response()
}

/// A page for links that lead nowhere.
pub(crate) fn not_found() -> Response {
    let body = "<div class=\"card\"><h1>No such payment page</h1>\
                <p>The link is wrong, or the sandbox was restarted since: it forgets everything then.</p></div>";
    (StatusCode::NOT_FOUND, page::shell("No such payment page", None, body)).into_response()
}
