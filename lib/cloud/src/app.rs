//! What a function needs to work for one deployment of Lunas.

use std::sync::Arc;

use crate::aws::AwsAccount;
use crate::clock::Clock;
use crate::secrets::Secrets;
use crate::settings::{SettingError, Settings};
use crate::store::Store;

/// Table, keys, settings and time, as most functions share them. Clones share everything.
#[derive(Debug, Clone)]
pub struct App {
    pub store: Store,
    pub secrets: Secrets,
    pub settings: Arc<Settings>,
    pub clock: Clock,
}

impl App {
    /// What Lambda puts into the environment of a function.
    pub fn from_env() -> Result<Self, SettingError> {
        let settings = Settings::from_env()?;
        let account = AwsAccount::from_env();
        let clock = Clock::default();
        Ok(Self {
            store: Store::new(account.dynamodb(), settings.table.clone()),
            secrets: Secrets::new(account.secretsmanager(), &settings.stage, clock.clone()),
            settings: Arc::new(settings),
            clock,
        })
    }
}
