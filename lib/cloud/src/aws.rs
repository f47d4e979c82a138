//! AWS clients, set up without `aws-config`: in Lambda region and credentials are environment variables, and reading
//! profiles and metadata services would cost milliseconds of every cold start.

use std::{env, time::Duration};

use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use aws_sdk_dynamodb::config::{BehaviorVersion, Region, retry::RetryConfig, timeout::TimeoutConfig};
use aws_types::SdkConfig;

/// Where AWS is and who asks.
#[derive(Debug, Clone)]
pub struct AwsAccount {
    pub region: String,
    pub credentials: Credentials,
    /// Another address for every service (local stack); `None` = AWS.
    pub endpoint: Option<String>,
    pub dynamodb_endpoint: Option<String>,
}

impl AwsAccount {
    /// What Lambda puts into the environment of a function.
    #[must_use]
    pub fn from_env() -> Self {
        let text = |name: &str| env::var(name).unwrap_or_default();
        let present = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
        let (key, secret, token) =
            (text("AWS_ACCESS_KEY_ID"), text("AWS_SECRET_ACCESS_KEY"), present("AWS_SESSION_TOKEN"));
        Self {
            region: text("AWS_REGION"),
            credentials: Credentials::new(key, secret, token, None, "Environment"),
            endpoint: present("AWS_ENDPOINT_URL"),
            dynamodb_endpoint: present("AWS_ENDPOINT_URL_DYNAMODB"),
        }
    }

    #[must_use]
    pub fn dynamodb(&self) -> aws_sdk_dynamodb::Client {
        aws_sdk_dynamodb::Client::new(&self.config(self.dynamodb_endpoint.as_ref().or(self.endpoint.as_ref())))
    }

    #[must_use]
    pub fn secretsmanager(&self) -> aws_sdk_secretsmanager::Client {
        aws_sdk_secretsmanager::Client::new(&self.config(self.endpoint.as_ref()))
    }

    #[must_use]
    pub fn eventbridge(&self) -> aws_sdk_eventbridge::Client {
        aws_sdk_eventbridge::Client::new(&self.config(self.endpoint.as_ref()))
    }

    fn config(&self, endpoint: Option<&String>) -> SdkConfig {
        let mut config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(self.region.clone()))
            .credentials_provider(SharedCredentialsProvider::new(self.credentials.clone()))
            .retry_config(retries())
            .timeout_config(timeouts());
        config.set_endpoint_url(endpoint.cloned());
        config.build()
    }
}

fn retries() -> RetryConfig {
    RetryConfig::standard()
        .with_max_attempts(3)
        .with_initial_backoff(Duration::from_millis(50))
        .with_max_backoff(Duration::from_secs(1))
}

/// Shorter than the 5 s of a partner call and far inside the 15 s of a function.
fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(1))
        .operation_attempt_timeout(Duration::from_secs(2))
        .operation_timeout(Duration::from_secs(5))
        .build()
}
