//! What a person should look at, month by month: written with what it is about, kept until it was dealt with and after.

use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure, TransactWriteItem};
use billing::{telling::review::Review, zone::format};
use serde::Deserialize;
use time::{Date, OffsetDateTime};

use super::error::{StoreError, failed_condition, unavailable};
use super::item::{from_item, put_new, to_item};
use super::keys::{self, Key};
use super::table::Store;

/// A review as stored.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct StoredReview {
    /// UUIDv7; that of the event, if one told of it.
    pub id: String,
    /// What it is about.
    #[serde(flatten)]
    pub review: Review,
    /// When somebody had dealt with it.
    #[serde(default, with = "time::serde::rfc3339::option")]
    pub reviewed_at: Option<OffsetDateTime>,
    /// What they did.
    #[serde(default)]
    pub note: Option<String>,
}

/// A page of one month.
#[derive(Debug, Clone)]
pub struct ReviewPage {
    pub reviews: Vec<StoredReview>,
    /// Where the next page of the month begins; `None` at its end.
    pub next: Option<Key>,
}

/// What became of a mark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Marked {
    /// It is marked now.
    Now,
    /// It was before, with this note.
    Before(Box<StoredReview>),
    /// There is no such review.
    Unknown,
}

impl Store {
    /// The review as part of the transaction of what it is about.
    pub(super) fn review_item(&self, id: &str, review: &Review) -> Result<TransactWriteItem, StoreError> {
        let key = keys::review(id).ok_or_else(|| StoreError::Damaged(format!("no UUIDv7: {id}")))?;
        let mut item = to_item(&key, review)?;
        item.insert("id".to_owned(), AttributeValue::S(id.to_owned()));
        put_new(&self.table, item)
    }

    /// A page of what came up in the month (UTC) of `day`. `open`: without what was dealt with.
    pub async fn reviews(&self, day: Date, open: bool, after: Option<&Key>) -> Result<ReviewPage, StoreError> {
        let query = self.query(keys::review_month(day)).set_exclusive_start_key(after.map(Key::attributes));
        let query = if open { query.filter_expression("attribute_not_exists(reviewed_at)") } else { query };
        let answer = query.send().await.map_err(|error| unavailable(&error))?;
        let next = answer.last_evaluated_key().map(Key::of);
        let reviews = answer.items.unwrap_or_default().into_iter().map(from_item).collect::<Result<_, _>>()?;
        Ok(ReviewPage { reviews, next })
    }

    /// Somebody has dealt with it. The first note stands.
    pub async fn mark_reviewed(&self, id: &str, note: &str, now: OffsetDateTime) -> Result<Marked, StoreError> {
        let Some(key) = keys::review(id) else { return Ok(Marked::Unknown) };
        let sent = self
            .update(&key)
            .update_expression("SET reviewed_at = :now, note = :note")
            .condition_expression("attribute_exists(PK) AND attribute_not_exists(reviewed_at)")
            .expression_attribute_values(":now", AttributeValue::S(format::instant(now)))
            .expression_attribute_values(":note", AttributeValue::S(note.to_owned()))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        let Err(error) = sent else { return Ok(Marked::Now) };
        let before = failed_condition(error)?.map(from_item).transpose()?;
        Ok(before.map_or(Marked::Unknown, |before| Marked::Before(Box::new(before))))
    }
}
