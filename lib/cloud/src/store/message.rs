//! What became of messages, and who wants none.
//!
//! A message item (`MESSAGE#<id>`) is written by who sends it. Here its status moves on, and only on. A provider that
//! does not give our id back is understood by a look-up item (`WAMID#<hash>`): it holds our id once the sending was
//! answered, and until then a status that came first. Both are written by one update each, so whichever is second sees
//! the first.

use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure};
use billing::access::phone::Phone;
use billing::id::MessageId;
use billing::telling::delivery::DeliveryStatus;
use billing::telling::notice::Notice;
use sha2::{Digest, Sha256};
use time::{Duration, OffsetDateTime, format_description::well_known::Rfc3339};

use super::error::{StoreError, failed_condition, unavailable};
use super::item::{Item, SCHEMA_VERSION, WakeKind, seconds};
use super::keys::{self, Key};
use super::table::Store;

/// Statuses come within minutes, "read" perhaps after weeks.
const LOOK_UP_KEPT: Duration = Duration::days(30);
/// A status that nobody asked for, such as of a message that a person typed on the linked phone.
const EARLY_KEPT: Duration = Duration::days(1);

/// What a provider reports of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StatusReport<'a> {
    pub status: DeliveryStatus,
    /// When it did; providers say so, else when we heard of it.
    pub at: OffsetDateTime,
    /// Of a failure: why, without phone, name or text.
    pub detail: Option<&'a str>,
}

/// What a report changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recorded {
    /// The message has moved on.
    Moved,
    /// It had come further already, or so far.
    Unchanged,
    /// There is no such message.
    NoMessage,
}

impl Store {
    /// Moves a message on, and its version up, so that nobody writes an older state over it. One update; a report of
    /// something that is behind it changes nothing.
    pub async fn record_status(&self, message: &MessageId, report: &StatusReport<'_>) -> Result<Recorded, StoreError> {
        // A message that failed stands where people find it; any other leaves the index, whatever it waited for.
        let lost = report.status == DeliveryStatus::Failed && !Notice::is_code(message);
        let expression = if lost {
            "SET #status = :status, #at = :at, #detail = :detail, wake_key = :key, wake_time = :due REMOVE wake_at ADD #version :one"
        } else {
            "SET #status = :status, #at = :at, #detail = :detail REMOVE wake_at, wake_key, wake_time ADD #version :one"
        };
        let mut update = self
            .update(&keys::message(message))
            .update_expression(expression)
            .expression_attribute_names("#status", "status")
            .expression_attribute_names("#at", "status_at")
            .expression_attribute_names("#detail", "status_detail")
            .expression_attribute_names("#version", "version")
            .expression_attribute_values(":one", AttributeValue::N("1".to_owned()))
            .expression_attribute_values(":status", text(report.status.as_str()))
            .expression_attribute_values(":at", instant(report.at)?)
            .expression_attribute_values(":detail", report.detail.map_or(AttributeValue::Null(true), text));
        if lost {
            update = update
                .expression_attribute_values(":key", text(&WakeKind::LostMessage.partition(message.as_str())))
                .expression_attribute_values(":due", seconds(report.at));
        }
        let (update, behind) = only_from_behind(update, report.status);
        // All of the old item: it tells "behind" from "no such message" without another read.
        let sent = update
            .condition_expression(format!("attribute_exists(PK) AND ({behind})"))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        match sent {
            Ok(_) => Ok(Recorded::Moved),
            Err(error) => match failed_condition(error)? {
                Some(_) => Ok(Recorded::Unchanged),
                None => Ok(Recorded::NoMessage),
            },
        }
    }

    /// Moves the message on that the provider calls `provider_id`. A status that comes before the id is known is kept
    /// for [`Store::remember_provider_id`].
    pub async fn record_status_of(
        &self,
        provider: &str,
        provider_id: &str,
        report: &StatusReport<'_>,
    ) -> Result<Recorded, StoreError> {
        let key = look_up(provider, provider_id);
        if let Some(message) = self.get_item(&key).await?.as_ref().and_then(message_in) {
            return self.record_status(&message, report).await;
        }
        let update = self
            .update(&key)
            .update_expression("SET #status = :status, #at = :at, #detail = :detail, #ttl = :ttl, #schema = :schema")
            .expression_attribute_names("#status", "status")
            .expression_attribute_names("#at", "status_at")
            .expression_attribute_names("#detail", "status_detail")
            .expression_attribute_names("#ttl", "ttl")
            .expression_attribute_names("#schema", "schema_version")
            .expression_attribute_values(":status", text(report.status.as_str()))
            .expression_attribute_values(":at", instant(report.at)?)
            .expression_attribute_values(":detail", report.detail.map_or(AttributeValue::Null(true), text))
            .expression_attribute_values(":ttl", seconds(report.at.saturating_add(EARLY_KEPT)))
            .expression_attribute_values(":schema", AttributeValue::N(SCHEMA_VERSION.to_owned()));
        let (update, behind) = only_from_behind(update, report.status);
        let condition = format!("attribute_not_exists(message_id) AND (attribute_not_exists(#status) OR {behind})");
        let sent = update
            .condition_expression(condition)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        match sent {
            Ok(_) => Ok(Recorded::NoMessage),
            Err(error) => match failed_condition(error)?.as_ref().and_then(message_in) {
                Some(message) => self.record_status(&message, report).await,
                None => Ok(Recorded::NoMessage),
            },
        }
    }

    /// Remembers under which id a provider took a message, and catches up on a status that came before this.
    pub async fn remember_provider_id(
        &self,
        provider: &str,
        provider_id: &str,
        message: &MessageId,
        now: OffsetDateTime,
    ) -> Result<(), StoreError> {
        let answer = self
            .update(&look_up(provider, provider_id))
            .update_expression("SET message_id = :message, #ttl = :ttl, #schema = :schema")
            .expression_attribute_names("#ttl", "ttl")
            .expression_attribute_names("#schema", "schema_version")
            .expression_attribute_values(":message", text(message.as_str()))
            .expression_attribute_values(":ttl", seconds(now.saturating_add(LOOK_UP_KEPT)))
            .expression_attribute_values(":schema", AttributeValue::N(SCHEMA_VERSION.to_owned()))
            .return_values(ReturnValue::AllOld)
            .send()
            .await
            .map_err(|error| unavailable(&error))?;
        let Some((status, at, detail)) = answer.attributes.as_ref().and_then(early_status) else { return Ok(()) };
        self.record_status(message, &StatusReport { status, at, detail: detail.as_deref() }).await.map(|_| ())
    }

    /// Which message a provider calls `provider_id`.
    pub async fn message_of(&self, provider: &str, provider_id: &str) -> Result<Option<MessageId>, StoreError> {
        Ok(self.get_item(&look_up(provider, provider_id)).await?.as_ref().and_then(message_in))
    }

    /// Writes down what somebody wants who wrote `STOP` or `MULAI` at `at`. What they wrote last counts, in whatever
    /// order it comes.
    pub async fn set_opt_out(
        &self,
        phone: &Phone,
        opted_out: bool,
        at: OffsetDateTime,
        source: &str,
    ) -> Result<(), StoreError> {
        let sent = self
            .update(&keys::opt_out(phone))
            .update_expression("SET opted_out = :out, #at = :at, #source = :source, #schema = :schema")
            .condition_expression("attribute_not_exists(#at) OR #at <= :at")
            .expression_attribute_names("#at", "at")
            .expression_attribute_names("#source", "source")
            .expression_attribute_names("#schema", "schema_version")
            .expression_attribute_values(":out", AttributeValue::Bool(opted_out))
            .expression_attribute_values(":at", seconds(at))
            .expression_attribute_values(":source", text(source))
            .expression_attribute_values(":schema", AttributeValue::N(SCHEMA_VERSION.to_owned()))
            .send()
            .await;
        match sent {
            Ok(_) => Ok(()),
            Err(error) => failed_condition(error).map(|_| ()),
        }
    }
}

fn look_up(provider: &str, provider_id: &str) -> Key {
    let digest = Sha256::digest(format!("{provider}:{provider_id}").as_bytes());
    keys::provider_message(&hex::encode(digest))
}

fn text(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

fn instant(at: OffsetDateTime) -> Result<AttributeValue, StoreError> {
    at.format(&Rfc3339).map(AttributeValue::S).map_err(|error| StoreError::Damaged(error.to_string()))
}

/// The condition that `#status` is one of those that `status` replaces, with its values.
fn only_from_behind(mut update: UpdateItemFluentBuilder, status: DeliveryStatus) -> (UpdateItemFluentBuilder, String) {
    let mut names = Vec::new();
    for before in status.replaces() {
        let name = format!(":before_{}", before.as_str());
        update = update.expression_attribute_values(&name, text(before.as_str()));
        names.push(name);
    }
    // Nothing is before the first status: a condition that never holds.
    let condition = if names.is_empty() {
        "attribute_not_exists(PK)".to_owned()
    } else {
        format!("#status IN ({})", names.join(", "))
    };
    (update, condition)
}

fn message_in(item: &Item) -> Option<MessageId> {
    MessageId::parse(item.get("message_id")?.as_s().ok()?).ok()
}

fn early_status(item: &Item) -> Option<(DeliveryStatus, OffsetDateTime, Option<String>)> {
    let status = item.get("status")?.as_s().ok()?;
    let status = DeliveryStatus::ALL.into_iter().find(|known| known.as_str() == status)?;
    let at = OffsetDateTime::parse(item.get("status_at")?.as_s().ok()?, &Rfc3339).ok()?;
    Some((status, at, item.get("status_detail").and_then(|detail| detail.as_s().ok()).cloned()))
}
