//! `lunas credit adjust`: credit that the provider gives or takes, booked once however often Enter is pressed.

use std::ops::ControlFlow::{Break, Continue};

use billing::money::Rupiah;
use billing::money::adjustment::{Adjustment, NotAdjusted, adjust as decide, is_repeated};
use billing::service::customer::Profile;
use cloud::store::{StoreError, retry_stale};
use serde_json::json;

use crate::{ALL_DONE, Console, cli::AdjustOptions, find, refuse};

/// Entries among which the same adjustment is looked for: more are not booked of one customer within ten minutes.
const NEWEST: i32 = 50;

/// Adjusts a customer's credit.
pub(crate) async fn adjust(
    console: &Console,
    customer: &str,
    amount: i64,
    reason: &str,
    options: AdjustOptions,
) -> anyhow::Result<u8> {
    let amount = Rupiah::new(amount);
    let found = find::customer(console, customer).await?;
    let planned = decision(console, &found, amount, reason, options)?;
    if console.dry_run {
        return show(console, &found, &planned);
    }
    console.confirm(&plan(&found, &planned))?;
    let found = &found;
    retry_stale((), |()| async move {
        let Some(profile) = console.store.profile(&found.id).await? else { return refuse("the customer is gone") };
        let now = console.clock.now();
        if !options.again {
            let newest = console.store.ledger(&profile.id, None, NEWEST).await?.entries;
            let same = newest.iter().find(|line| is_repeated(&line.entry, line.reason.as_deref(), amount, reason, now));
            if let Some(same) = same {
                return refuse(format!(
                    "{amount} with this reason was booked at {} already, and the credit of {} is {}; to book it once more: --again",
                    console.ui.time(same.entry.at),
                    profile.username,
                    profile.credit
                ));
            }
        }
        let adjustment = decision(console, &profile, amount, reason, options)?;
        match console.store.adjust_credit(&adjustment, now).await {
            Ok(()) => show(console, &profile, &adjustment).map(Break),
            // Somebody else changed the profile: read and decide again, so it is neither lost nor booked twice.
            Err(StoreError::Stale) => Ok(Continue(())),
            // Whether it happened is not known. The same command again finds it if it did; with --again it would not
            // look.
            Err(StoreError::Unavailable(why)) if options.again => refuse(format!(
                "the table gave no answer ({why}): it may be booked. Look at `lunas customers show` before you repeat it"
            )),
            Err(error) => Err(error.into()),
        }
    })
    .await
}

fn decision(
    console: &Console,
    profile: &Profile,
    amount: Rupiah,
    reason: &str,
    options: AdjustOptions,
) -> anyhow::Result<Adjustment> {
    match decide(profile, amount, reason, options.allow_negative, console.clock.now()) {
        Ok(adjustment) => Ok(adjustment),
        Err(NotAdjusted::Negative(left)) => refuse(format!(
            "the credit of {} is {} and would be {left}; if that is meant: --allow-negative",
            profile.username, profile.credit
        )),
        Err(error) => refuse(error.to_string()),
    }
}

fn plan(profile: &Profile, planned: &Adjustment) -> String {
    let Profile { username, name, credit, .. } = profile;
    let (amount, left) = (planned.entry.amount.get(), planned.profile.credit);
    format!("{username} ({name}): credit {credit} {amount:+}, then {left}. Reason: {}.", planned.reason)
}

fn show(console: &Console, before: &Profile, adjustment: &Adjustment) -> anyhow::Result<u8> {
    let dry = if console.dry_run { "dry run, not booked: " } else { "" };
    let (amount, left) = (adjustment.entry.amount, adjustment.profile.credit);
    let human = format!(
        "{dry}credit of {}: {} {:+}, now {left} ({})",
        before.username,
        before.credit,
        amount.get(),
        adjustment.reason
    );
    let machine = json!({
        "success": true, "dryRun": console.dry_run, "customerId": before.id, "amount": amount, "before": before.credit, "credit": left,
        "reason": adjustment.reason,
    });
    console.ui.result(&human, &machine)?;
    Ok(ALL_DONE)
}
