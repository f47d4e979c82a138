//! What went wrong, in words that say what to do next.

use cloud::store::StoreError;

use crate::{NOTHING_DONE, SOME_REFUSED};

/// A rule forbids it, and trying again will not help.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Refusal(pub(crate) String);

/// Exit code and message.
pub(crate) fn explain(error: &anyhow::Error) -> (u8, String) {
    if let Some(refusal) = error.downcast_ref::<Refusal>() {
        return (SOME_REFUSED, refusal.to_string());
    }
    let text = match error.downcast_ref::<StoreError>() {
        Some(store) => of_store(store),
        None => format!("{error:#}"),
    };
    (NOTHING_DONE, text)
}

/// What to do about the store's error. Everything that writes can be repeated.
pub(crate) fn of_store(error: &StoreError) -> String {
    match error {
        StoreError::Stale => {
            "the customer's data changed again and again while this was done; run the same command again".to_owned()
        }
        StoreError::Unavailable(cause) if is_throttled(cause) => {
            format!(
                "DynamoDB is too busy; wait a minute and run the same command again, repeating it is safe ({})",
                short(cause)
            )
        }
        StoreError::Unavailable(cause) => {
            format!(
                "the table gave no answer; check the connection and run the same command again, repeating it is safe ({})",
                short(cause)
            )
        }
        StoreError::Damaged(cause) => {
            format!("an item in the table cannot be read, nothing was changed; report this: {cause}")
        }
    }
}

fn is_throttled(cause: &str) -> bool {
    ["Throttl", "ProvisionedThroughputExceeded", "RequestLimitExceeded"].iter().any(|word| cause.contains(word))
}

fn short(cause: &str) -> String {
    cause.chars().take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_says_what_to_do_next() {
        let cases = [
            (anyhow::Error::from(Refusal("no".to_owned())), SOME_REFUSED, "no"),
            (StoreError::Stale.into(), NOTHING_DONE, "run the same command again"),
            (
                StoreError::Unavailable("ThrottlingException: slow down".to_owned()).into(),
                NOTHING_DONE,
                "wait a minute",
            ),
            (StoreError::Unavailable("dispatch failure".to_owned()).into(), NOTHING_DONE, "check the connection"),
            (StoreError::Damaged("CUSTOMER#c1 / PROFILE".to_owned()).into(), NOTHING_DONE, "report this"),
        ];
        for (error, code, words) in cases {
            let (actual, text) = explain(&error);
            assert!(actual == code && text.contains(words), "{text}");
        }
    }
}
