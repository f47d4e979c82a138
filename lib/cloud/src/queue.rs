//! Messages of a queue: events of the bus, each to be answered for on its own.

use billing::telling::event::Envelope;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// A batch as SQS hands it to a function. Fields that nobody needs are left out.
#[derive(Debug, Clone, Deserialize)]
pub struct Batch {
    /// At most ten.
    #[serde(rename = "Records")]
    pub messages: Vec<Message>,
}

/// One message.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Message {
    pub message_id: String,
    body: String,
}

#[derive(Deserialize)]
struct BusEvent<T> {
    detail: T,
}

/// A message that is not one of our events: it goes to the dead-letter queue, where a person looks at it.
#[derive(Debug, thiserror::Error)]
#[error("not an event: {0}")]
pub struct NotAnEvent(#[from] serde_json::Error);

impl Message {
    /// The event in it.
    pub fn event(&self) -> Result<Envelope, NotAnEvent> {
        self.detail()
    }

    /// Some fields of the event in it, of whatever kind.
    pub fn detail<T: DeserializeOwned>(&self) -> Result<T, NotAnEvent> {
        Ok(serde_json::from_str::<BusEvent<T>>(&self.body)?.detail)
    }
}

/// Which messages have to come again. The others are done.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchReport {
    pub batch_item_failures: Vec<Failure>,
}

/// One that failed.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Failure {
    pub item_identifier: String,
}

impl BatchReport {
    /// This message has to come again.
    pub fn failed(&mut self, message: &Message) {
        self.batch_item_failures.push(Failure { item_identifier: message.message_id.clone() });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_an_event_of_the_bus_or_refused() {
        let batch: Batch = serde_json::from_str(
            r#"{"Records":[{"messageId":"m1","receiptHandle":"r","body":"{\"detail-type\":\"payment.settled\",\"detail\":{\"id\":\"e1\",\"at\":\"2026-11-23T03:00:00Z\",\"kind\":\"payment.settled\",\"customerId\":\"c1\",\"invoiceId\":\"i1\",\"settlementNo\":1,\"amount\":300000}}"},{"messageId":"m2","body":"{}"}]}"#,
        )
        .unwrap();
        assert_eq!(batch.messages[0].event().unwrap().id, "e1");
        assert!(batch.messages[1].event().is_err());
        let mut report = BatchReport::default();
        report.failed(&batch.messages[1]);
        assert_eq!(serde_json::to_string(&report).unwrap(), r#"{"batchItemFailures":[{"itemIdentifier":"m2"}]}"#);
    }
}
