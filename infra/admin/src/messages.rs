//! `lunas messages`: what customers were not told yet, what they were not told at all, and what to do about it.

use std::ops::ControlFlow::{Break, Continue};

use billing::id::MessageId;
use billing::telling::delivery::DeliveryStatus;
use billing::telling::notice::Notice;
use cloud::public_url::PublicUrl;
use cloud::store::{retry_stale, unless_stale};
use messaging::texts;
use serde_json::{Value, json};
use time::{Date, Duration};

use crate::{ALL_DONE, Console, refuse, ui::Ui, views};

/// Messages per index partition that are listed; there are sixteen.
const PER_PARTITION: i32 = 100;
/// How far back is looked for lost messages, unless told otherwise.
const LOST_SINCE: Duration = Duration::days(7);

/// Lists messages that wait, the next one first.
pub(crate) async fn pending(console: &Console, since: Option<Date>) -> anyhow::Result<u8> {
    let now = console.clock.now();
    // Nothing waits longer than a message is of any use.
    let mut notices = console.store.waiting_notices(now.saturating_add(Duration::days(30)), PER_PARTITION).await?;
    if let Some(since) = since {
        notices.retain(|notice| notice.event.at >= console.zone.start_of(since));
    }
    let sender = console.store.sender().await?;
    let stopped = sender.stopped.map(|stopped| stopped.since);
    list(
        console,
        &notices,
        "no message waits",
        json!({"stoppedSince": views::instant(stopped)}),
        stopped.map(|since| {
            format!(
                "the provider has taken nothing since {}; it is tried every 5 minutes, or now after `lunas messages resume`",
                console.ui.time(since)
            )
        }),
    )
}

/// Lists messages that failed, or of which nobody knows whether they arrived, oldest first.
pub(crate) async fn failed(console: &Console, since: Option<Date>) -> anyhow::Result<u8> {
    let now = console.clock.now();
    let since = since.map_or_else(|| now.saturating_sub(LOST_SINCE), |since| console.zone.start_of(since));
    let notices = console.store.lost_notices(since, now, PER_PARTITION).await?;
    let advice =
        "unknown: it may have arrived; ask the customer, or look at the phone, before `lunas messages resend ID`";
    let advice = if notices.is_empty() { None } else { Some(advice.to_owned()) };
    list(console, &notices, "no message was lost", json!({"since": views::instant(Some(since))}), advice)
}

fn list(
    console: &Console,
    notices: &[Notice],
    none: &str,
    mut machine: Value,
    advice: Option<String>,
) -> anyhow::Result<u8> {
    let mut lines: Vec<String> = notices.iter().map(|notice| line(notice, console.ui)).collect();
    if lines.is_empty() {
        lines.push(none.to_owned());
    }
    lines.extend(advice);
    if let Some(object) = machine.as_object_mut() {
        object.insert("messages".to_owned(), notices.iter().map(view).collect());
    }
    console.ui.result(&lines.join("\n"), &machine)?;
    Ok(ALL_DONE)
}

/// Has a message sent again that failed, that was skipped, or of which nobody knows.
pub(crate) async fn resend(console: &Console, id: &MessageId) -> anyhow::Result<u8> {
    retry_stale((), |()| async move {
        let Some(notice) = console.store.notice(id).await? else {
            return refuse(format!("there is no message {id}; see `lunas messages failed`")).map(Break);
        };
        let status = notice.status;
        let Some(again) = notice.again(console.clock.now()) else {
            return refuse(match status {
                DeliveryStatus::Pending => format!("message {id} is still to be sent; see `lunas messages pending`"),
                status => format!("message {id} is {}, or a login code: it is not sent again", status.as_str()),
            })
            .map(Break);
        };
        if !console.dry_run && unless_stale(console.store.put_notice(&again).await)?.is_continue() {
            return Ok(Continue(()));
        }
        let human = format!("{}\nit is sent within a minute, if it is still true then", line(&again, console.ui));
        console.ui.result(&human, &json!({"success": true, "dryRun": console.dry_run, "message": view(&again)}))?;
        Ok(Break(ALL_DONE))
    })
    .await
}

/// Has the provider tried at once.
pub(crate) async fn resume(console: &Console) -> anyhow::Result<u8> {
    retry_stale((), |()| async move {
        let sender = console.store.sender().await?;
        let (stopped, version) = (sender.stopped.clone(), sender.version);
        let is_changed = !console.dry_run && version > 0;
        if is_changed && unless_stale(console.store.put_sender(&sender.resumed()).await)?.is_continue() {
            return Ok(Continue(()));
        }
        let human = match &stopped {
            Some(stopped) => {
                format!(
                    "the provider had taken nothing since {}; messages are tried again now",
                    console.ui.time(stopped.since)
                )
            }
            None => "the provider was not stopped; messages that wait for it are tried again now".to_owned(),
        };
        let since = views::instant(stopped.map(|stopped| stopped.since));
        console.ui.result(&human, &json!({"success": true, "dryRun": console.dry_run, "stoppedSince": since}))?;
        Ok(Break(ALL_DONE))
    })
    .await
}

/// Prints the templates as Meta's API takes them.
pub(crate) fn templates(ui: Ui, site: &PublicUrl) -> anyhow::Result<u8> {
    let templates = json!(texts::templates(&site.page("/p/")));
    ui.result(&format!("{templates:#}"), &templates)?;
    Ok(ALL_DONE)
}

fn line(notice: &Notice, ui: Ui) -> String {
    let when = match notice.wake_at {
        Some(wake_at) => format!("looked at {}", ui.time(wake_at)),
        None => ui.time(notice.status_at),
    };
    let customer = notice.customer_id.as_ref().map_or("-", |customer| customer.as_str());
    let why = notice.status_detail.as_deref().unwrap_or_default();
    format!("{}  {:<9} {:<16} {customer}  {when}  {why}", notice.id, notice.status.as_str(), word(notice))
        .trim_end()
        .to_owned()
}

fn view(notice: &Notice) -> Value {
    json!({
        "id": notice.id, "kind": notice.kind, "status": notice.status, "statusAt": views::instant(Some(notice.status_at)),
        "detail": notice.status_detail, "customerId": notice.customer_id, "invoiceId": notice.invoice_id,
        "happenedAt": views::instant(Some(notice.event.at)), "tries": notice.tries, "provider": notice.provider,
        "dueAt": views::instant(notice.wake_at),
    })
}

fn word(notice: &Notice) -> String {
    serde_json::to_value(notice.kind).ok().and_then(|word| word.as_str().map(str::to_owned)).unwrap_or_default()
}
