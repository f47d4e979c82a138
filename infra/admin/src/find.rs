//! Which customer is meant by an id, a user name or a phone.

use billing::{access::phone::Phone, id::CustomerId, service::customer::Profile};

use crate::identifier::identifier;
use crate::{Console, refuse};

/// The one customer that `text` names. Several are never chosen from: a bill must not reach the wrong one.
pub(crate) async fn customer(console: &Console, text: &str) -> anyhow::Result<Profile> {
    let text = text.trim();
    let mut found = match text.split_once(':') {
        Some(("id", id)) => by_id(console, id).await?,
        Some(("username", username)) => by_username(console, username).await?,
        Some(("phone", phone)) => by_phone(console, phone).await?,
        _ => {
            let mut found = by_id(console, text).await?;
            found.extend(by_username(console, text).await?);
            found.extend(by_phone(console, text).await?);
            found
        }
    };
    found.sort_by(|a, b| a.id.cmp(&b.id));
    found.dedup_by(|a, b| a.id == b.id);
    match found.as_slice() {
        [_] => {}
        [] => {
            return refuse(format!(
                "no customer has the id, user name or phone {text:?}; `lunas customers import` adds customers"
            ));
        }
        several => {
            let lines: Vec<_> = several
                .iter()
                .map(|profile| format!("id:{} ({}, {})", profile.id, profile.username, profile.name))
                .collect();
            return refuse(format!("{text:?} fits several customers, name one of them: {}", lines.join("; ")));
        }
    }
    match found.pop() {
        Some(profile) => Ok(profile),
        None => refuse("no customer"),
    }
}

async fn by_id(console: &Console, text: &str) -> anyhow::Result<Vec<Profile>> {
    let Ok(id) = CustomerId::parse(text) else { return Ok(Vec::new()) };
    Ok(console.store.profile(&id).await?.into_iter().collect())
}

async fn by_username(console: &Console, text: &str) -> anyhow::Result<Vec<Profile>> {
    if text.is_empty() || text.len() > 1000 {
        return Ok(Vec::new());
    }
    let Ok(username) = identifier(text) else { return Ok(Vec::new()) };
    Ok(console.store.customer_by_username(&username).await?.into_iter().collect())
}

async fn by_phone(console: &Console, text: &str) -> anyhow::Result<Vec<Profile>> {
    let Ok(phone) = Phone::parse(text) else { return Ok(Vec::new()) };
    Ok(console.store.lines_of(&phone).await?)
}
