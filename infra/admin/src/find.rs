//! Which customer is meant by an id, a user name or a phone.

use billing::{access::phone::Phone, id::CustomerId, service::customer::Profile};

use crate::{Session, refuse};

/// The one customer that `text` names. Several are never chosen from: a bill must not reach the wrong one.
pub(crate) async fn customer(session: &Session, text: &str) -> anyhow::Result<Profile> {
    let text = text.trim();
    let mut found = match text.split_once(':') {
        Some(("id", id)) => by_id(session, id).await?,
        Some(("username", username)) => by_username(session, username).await?,
        Some(("phone", phone)) => by_phone(session, phone).await?,
        _ => {
            let mut found = by_id(session, text).await?;
            found.extend(by_username(session, text).await?);
            found.extend(by_phone(session, text).await?);
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

async fn by_id(session: &Session, text: &str) -> anyhow::Result<Vec<Profile>> {
    let Ok(id) = CustomerId::parse(text) else { return Ok(Vec::new()) };
    Ok(session.store.profile(&id).await?.into_iter().collect())
}

async fn by_username(session: &Session, text: &str) -> anyhow::Result<Vec<Profile>> {
    if text.is_empty() || text.len() > 1000 {
        return Ok(Vec::new());
    }
    Ok(session.store.customer_by_username(text).await?.into_iter().collect())
}

async fn by_phone(session: &Session, text: &str) -> anyhow::Result<Vec<Profile>> {
    let Ok(phone) = Phone::parse(text) else { return Ok(Vec::new()) };
    Ok(session.store.lines_of(&phone).await?)
}
