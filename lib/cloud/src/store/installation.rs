//! What holds for the whole installation.

use aws_sdk_dynamodb::operation::put_item::PutItemError;
use billing::zone::Zone;
use serde::{Deserialize, Serialize};

use super::error::{StoreError, unavailable};
use super::item::to_item;
use super::keys;
use super::table::Store;

#[derive(Serialize, Deserialize)]
struct StoredZone {
    /// IANA name.
    zone: String,
}

impl Store {
    /// The zone in which the days of this table end; `None` before anything was imported or told.
    pub async fn zone(&self) -> Result<Option<Zone>, StoreError> {
        let stored: Option<StoredZone> = self.get(&keys::zone()).await?;
        stored.map(|stored| parse(&stored.zone)).transpose()
    }

    /// Stores the zone, unless one is stored, and answers the one that is. Expiries were counted in it, so it never
    /// changes.
    pub async fn keep_zone(&self, zone: Zone) -> Result<Zone, StoreError> {
        if let Some(stored) = self.zone().await? {
            return Ok(stored);
        }
        let item = to_item(&keys::zone(), &StoredZone { zone: zone.to_string() })?;
        let put = self.client.put_item().table_name(&self.table).set_item(Some(item));
        let put = put.condition_expression("attribute_not_exists(PK)").send().await;
        match put {
            Ok(_) => Ok(zone),
            Err(error) if error.as_service_error().is_some_and(PutItemError::is_conditional_check_failed_exception) => {
                self.zone().await?.ok_or(StoreError::Stale)
            }
            Err(error) => Err(unavailable(&error)),
        }
    }
}

fn parse(name: &str) -> Result<Zone, StoreError> {
    Zone::parse(name).ok_or_else(|| StoreError::Damaged(format!("{} names no zone: {name:?}", keys::zone())))
}
