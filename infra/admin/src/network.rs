//! `lunas network tell`: has the network told of customers anew. The function that tells it does so within a minute.

use billing::telling::network::claim;
use cloud::store::StoreError;
use serde_json::json;

use crate::{ALL_DONE, Console, SOME_REFUSED, find, trouble};

/// Makes the network updates of these customers due.
pub(crate) async fn tell(console: &Console, customers: &[String]) -> anyhow::Result<u8> {
    let (mut wake_at, mut refused) = (Vec::new(), Vec::new());
    for text in customers {
        match wake_now(console, text).await {
            Ok(username) => wake_at.push(username),
            Err(error) => refused.push((text, trouble::explain(&error).1)),
        }
    }
    let would = if console.dry_run { "would be" } else { "is" };
    let mut lines: Vec<String> =
        wake_at.iter().map(|username| format!("the network {would} told of {username}, within a minute")).collect();
    lines.extend(refused.iter().map(|(_, why)| format!("refused: {why}")));
    let refusals: Vec<_> = refused.iter().map(|(text, why)| json!({"customer": text, "error": why})).collect();
    console.ui.result(&lines.join("\n"), &json!({"told": wake_at, "refused": refusals, "dryRun": console.dry_run}))?;
    Ok(if refused.is_empty() { ALL_DONE } else { SOME_REFUSED })
}

async fn wake_now(console: &Console, text: &str) -> anyhow::Result<String> {
    let profile = find::customer(console, text).await?;
    let now = console.clock.now();
    let network_update = console.store.network_update(&profile.id).await?;
    // What was never told is told from its beginning. What somebody is telling in this moment is told once more.
    let network_update = network_update.or_else(|| claim(None, &profile, None, now)).ok_or(StoreError::Stale)?;
    if !console.dry_run {
        console.store.put_network_update(network_update.again(now)).await?;
    }
    Ok(profile.username)
}
