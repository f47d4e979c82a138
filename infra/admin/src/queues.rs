//! `lunas queues` and `lunas redrive`: what waits, what is dead, and sending that again.
//!
//! Messages are sent back one by one, each sent before it is deleted. AWS's own `StartMessageMoveTask` would do it in
//! the background, where nobody sees what became of it, without a limit on how many, and not in the demo.

use std::collections::BTreeMap;

use anyhow::{Context, anyhow};
use aws_sdk_sqs::Client;
use aws_sdk_sqs::error::{DisplayErrorContext, SdkError};
use aws_sdk_sqs::types::{Message, MessageSystemAttributeName, QueueAttributeName};
use indicatif::ProgressBar;
use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::{ALL_DONE, Console, SOME_REFUSED, refuse};

/// Queues of a stack; there are five.
const MOST_QUEUES: i32 = 100;
/// Messages that one request brings (SQS allows ten).
const AT_ONCE: i32 = 10;
/// Messages that are looked at to tell the oldest.
const LOOKED_AT: u32 = 10;
/// While a message is moved nobody else sees it, seconds. It comes back if the command dies.
const HIDDEN: i32 = 60;
/// Empty answers in a row after which a queue counts as empty: one alone says little, messages lie on many machines.
const EMPTY_ANSWERS: u32 = 3;

/// The queues of one stack.
pub(crate) struct Queues {
    client: Client,
    prefix: String,
}

/// A queue as it stands.
struct Queue {
    name: String,
    url: String,
    arn: String,
    waiting: u64,
    in_flight: u64,
    delayed: u64,
    /// Where messages of this one go after too many failures.
    dead_letters: Option<String>,
}

impl Queues {
    pub(crate) const fn new(client: Client, prefix: String) -> Self {
        Self { client, prefix }
    }

    async fn read(&self) -> anyhow::Result<Vec<Queue>> {
        let answer = self.client.list_queues().queue_name_prefix(&self.prefix).max_results(MOST_QUEUES).send().await;
        let urls = answer.map_err(|error| explain(&error, "list queues"))?.queue_urls.unwrap_or_default();
        let mut queues = Vec::with_capacity(urls.len());
        for url in urls {
            let attributes = self
                .client
                .get_queue_attributes()
                .queue_url(&url)
                .attribute_names(QueueAttributeName::All)
                .send()
                .await;
            let attributes = attributes.map_err(|error| explain(&error, &url))?.attributes.unwrap_or_default();
            let count = |name| attributes.get(&name).and_then(|count| count.parse().ok()).unwrap_or_default();
            let policy = attributes
                .get(&QueueAttributeName::RedrivePolicy)
                .and_then(|text| serde_json::from_str::<Value>(text).ok());
            let arn = attributes.get(&QueueAttributeName::QueueArn).cloned().unwrap_or_default();
            queues.push(Queue {
                name: arn.rsplit(':').next().unwrap_or_default().to_owned(),
                url,
                waiting: count(QueueAttributeName::ApproximateNumberOfMessages),
                in_flight: count(QueueAttributeName::ApproximateNumberOfMessagesNotVisible),
                delayed: count(QueueAttributeName::ApproximateNumberOfMessagesDelayed),
                dead_letters: policy.and_then(|policy| policy["deadLetterTargetArn"].as_str().map(str::to_owned)),
                arn,
            });
        }
        if queues.is_empty() {
            return refuse(format!(
                "no queue {}… here; is the stack deployed in this region, and is --stage right?",
                self.prefix
            ));
        }
        queues.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(queues)
    }

    async fn receive(&self, queue: &Queue, most: u32) -> anyhow::Result<Vec<Message>> {
        let answer = self
            .client
            .receive_message()
            .queue_url(&queue.url)
            .max_number_of_messages(i32::try_from(most).map_or(AT_ONCE, |most| most.min(AT_ONCE)))
            .visibility_timeout(HIDDEN)
            .message_system_attribute_names(MessageSystemAttributeName::SentTimestamp)
            .message_attribute_names("All")
            .send()
            .await;
        Ok(answer.map_err(|error| explain(&error, &queue.name))?.messages.unwrap_or_default())
    }

    /// When the oldest of the first messages was sent. For dead-letter queues only: looking counts as a delivery, and a
    /// delivery too many makes a message of any other queue dead.
    async fn oldest(&self, queue: &Queue) -> anyhow::Result<Option<OffsetDateTime>> {
        let seen = self.receive(queue, LOOKED_AT).await?;
        for message in &seen {
            let back = self
                .client
                .change_message_visibility()
                .queue_url(&queue.url)
                .set_receipt_handle(message.receipt_handle.clone());
            back.visibility_timeout(0).send().await.map_err(|error| explain(&error, &queue.name))?;
        }
        Ok(seen.iter().filter_map(sent_at).min())
    }

    /// Sends it to `to`, then takes it out of `from`: interrupted in between it is there twice, never gone.
    async fn send_back(&self, message: Message, from: &Queue, to: &Queue) -> anyhow::Result<()> {
        let body = message.body.context("a message without a text")?;
        let sent = self
            .client
            .send_message()
            .queue_url(&to.url)
            .message_body(body)
            .set_message_attributes(message.message_attributes);
        sent.send().await.map_err(|error| explain(&error, &to.name))?;
        let handle = message.receipt_handle.context("a message without a handle")?;
        let deleted = self.client.delete_message().queue_url(&from.url).receipt_handle(handle).send().await;
        deleted.map(|_| ()).map_err(|error| explain(&error, &from.name))
    }
}

fn sent_at(message: &Message) -> Option<OffsetDateTime> {
    let milliseconds: i64 = message.attributes()?.get(&MessageSystemAttributeName::SentTimestamp)?.parse().ok()?;
    OffsetDateTime::from_unix_timestamp(milliseconds.checked_div(1_000)?).ok()
}

/// The queue whose dead letters these are.
fn source_of<'a>(queues: &'a [Queue], dead: &Queue) -> Option<&'a Queue> {
    queues.iter().find(|queue| queue.dead_letters.as_ref() == Some(&dead.arn))
}

/// Shows the queues.
pub(crate) async fn list(console: &Console, sqs: &Queues) -> anyhow::Result<u8> {
    let queues = sqs.read().await?;
    let mut lines = vec![format!("{:<52} {:>8} {:>9}  {}", "queue", "waiting", "in flight", "oldest")];
    let mut views = Vec::with_capacity(queues.len());
    for queue in &queues {
        let source = source_of(&queues, queue);
        let is_dead = source.is_some() || (queue.dead_letters.is_none() && queue.waiting > 0);
        let oldest = if is_dead && queue.waiting > 0 { sqs.oldest(queue).await? } else { None };
        let told = oldest.map_or_else(|| "-".to_owned(), |at| console.ui.time(at));
        let of = source.map_or_else(String::new, |source| format!("  dead letters of {}", source.name));
        lines.push(format!("{:<52} {:>8} {:>9}  {told}{of}", queue.name, queue.waiting, queue.in_flight));
        views.push(json!({
            "name": queue.name, "waiting": queue.waiting, "inFlight": queue.in_flight, "delayed": queue.delayed,
            "deadLettersOf": source.map(|source| &source.name), "oldestAt": crate::views::instant(oldest),
        }));
    }
    let dead: u64 = queues.iter().filter(|queue| source_of(&queues, queue).is_some()).map(|queue| queue.waiting).sum();
    lines.push(if dead == 0 {
        "no dead letters".to_owned()
    } else {
        format!("{dead} dead letters: mend the cause, then lunas redrive")
    });
    console.ui.result(&lines.join("\n"), &json!({"queues": views, "dead": dead}))?;
    Ok(ALL_DONE)
}

/// Sends dead letters back, at most `limit`.
pub(crate) async fn redrive(console: &Console, sqs: &Queues, wanted: Option<&str>, limit: u32) -> anyhow::Result<u8> {
    let queues = sqs.read().await?;
    let pairs = queues.iter().filter_map(|dead| Some((dead, source_of(&queues, dead)?)));
    let pairs: Vec<_> = pairs.filter(|(dead, _)| wanted.is_none_or(|wanted| dead.name.contains(wanted))).collect();
    if pairs.is_empty() {
        return refuse(
            "no dead-letter queue has that name; see `lunas queues`. Undelivered events are not sent from here: they are told again by themselves",
        );
    }
    let mut moved = BTreeMap::new();
    let mut left = limit;
    for (dead, source) in pairs {
        let count = if console.dry_run { dead.waiting } else { move_all(sqs, dead, source, &mut left).await? };
        moved.insert(dead.name.as_str(), (source.name.as_str(), count));
    }
    let dry = if console.dry_run { "dry run, not sent: " } else { "" };
    let lines: Vec<_> =
        moved.iter().map(|(dead, (source, count))| format!("{dry}{count} of {dead} to {source}")).collect();
    let views: Vec<_> =
        moved.iter().map(|(dead, (source, count))| json!({"from": dead, "to": source, "messages": count})).collect();
    console.ui.result(&lines.join("\n"), &json!({"success": true, "dryRun": console.dry_run, "moved": views}))?;
    if left == 0 && !console.dry_run {
        console.ui.message(&format!(
            "stopped at {limit} messages; more may be left: run the same command again, or set --limit"
        ));
        return Ok(SOME_REFUSED);
    }
    Ok(ALL_DONE)
}

async fn move_all(sqs: &Queues, dead: &Queue, source: &Queue, left: &mut u32) -> anyhow::Result<u64> {
    // Hidden by itself when stderr is no terminal.
    let bar = ProgressBar::new(dead.waiting);
    let (mut moved, mut empty) = (0_u64, 0_u32);
    while *left > 0 && empty < EMPTY_ANSWERS {
        let messages = sqs.receive(dead, *left).await?;
        empty = if messages.is_empty() { empty.saturating_add(1) } else { 0 };
        for message in messages {
            sqs.send_back(message, dead, source).await?;
            (*left, moved) = (left.saturating_sub(1), moved.saturating_add(1));
            bar.inc(1);
        }
    }
    bar.finish_and_clear();
    Ok(moved)
}

fn explain<E>(error: &SdkError<E>, what: &str) -> anyhow::Error
where
    E: std::error::Error + 'static,
{
    let cause: String = DisplayErrorContext(error).to_string().chars().take(300).collect();
    anyhow!("SQS refused ({what}): {cause}; repeating the command is safe")
}
