//! AWS as the AWS CLI sees it: profiles, SSO, environment, `AWS_ENDPOINT_URL`. Other than a function, an admin may wait
//! for it.

use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use aws_config::{BehaviorVersion, SdkConfig, retry::RetryConfig, timeout::TimeoutConfig};
use aws_credential_types::provider::ProvideCredentials;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::types::AttributeValue;
use cloud::{clock::Clock, secrets::Secrets, store::Store};

use crate::{cli::Global, queues::Queues};

/// Pages of table names that are read to find a stage's table.
const TABLE_PAGES: usize = 20;
const HOW_TO_LOG_IN: &str =
    "log in with `aws sso login`, or store a key with `aws configure`, and choose it with AWS_PROFILE";

/// The store, once it is known to answer, and AWS as it was reached.
pub(crate) async fn connect(global: &Global) -> anyhow::Result<(Store, SdkConfig)> {
    let config = aws_config::defaults(BehaviorVersion::latest())
        .retry_config(RetryConfig::standard().with_max_attempts(4))
        .timeout_config(
            TimeoutConfig::builder()
                .connect_timeout(Duration::from_secs(5))
                .operation_attempt_timeout(Duration::from_secs(10))
                .build(),
        )
        .load()
        .await;
    let region = region(&config)?;
    check_credentials(&config).await?;
    let client = Client::new(&config);
    let table = match (&global.table, &global.stage) {
        (Some(table), _) => table.clone(),
        (None, Some(stage)) => table_of(&client, stage, &region).await?,
        (None, None) => bail!(
            "no table given: set --stage (such as dev or prod) or --table; \
             `aws cloudformation describe-stacks --stack-name lunas-dev` shows the table as the output TableName"
        ),
    };
    check_table(&client, &table, &region).await?;
    Ok((Store::new(client, table), config))
}

/// The secrets of the stage that was given, else of the stage that CloudFormation's name of the table tells.
pub(crate) fn secrets(global: &Global, store: &Store, config: &SdkConfig, clock: &Clock) -> anyhow::Result<Secrets> {
    let stage = stage(global, store).context("no stage given: set --stage, which names the secrets lunas/STAGE/…")?;
    Ok(Secrets::new(aws_sdk_secretsmanager::Client::new(config), stage, clock.clone()))
}

/// The queues of the stack, whose names begin with its name.
pub(crate) fn queues(global: &Global, store: &Store, config: &SdkConfig) -> anyhow::Result<Queues> {
    let stage = stage(global, store)
        .context("no stage given: set --stage, which names the stack lunas-STAGE and so its queues")?;
    Ok(Queues::new(aws_sdk_sqs::Client::new(config), format!("lunas-{stage}-")))
}

fn stage<'a>(global: &'a Global, store: &'a Store) -> Option<&'a str> {
    let of_table =
        store.table().strip_prefix("lunas-").and_then(|rest| rest.split_once("-Table-")).map(|(stage, _)| stage);
    global.stage.as_deref().or(of_table)
}

fn region(config: &SdkConfig) -> anyhow::Result<String> {
    let region = config.region().map(ToString::to_string).filter(|region| !region.is_empty());
    region.context(
        "no AWS region: `export AWS_REGION=ap-southeast-3` (Jakarta), or `aws configure set region ap-southeast-3`",
    )
}

async fn check_credentials(config: &SdkConfig) -> anyhow::Result<()> {
    let provider = config.credentials_provider().with_context(|| format!("no AWS credentials: {HOW_TO_LOG_IN}"))?;
    match provider.provide_credentials().await {
        Ok(_) => Ok(()),
        Err(error) => {
            Err(anyhow!("no AWS credentials: {HOW_TO_LOG_IN} ({})", short(&DisplayErrorContext(&error).to_string())))
        }
    }
}

/// CloudFormation names the table of stack `lunas-dev` `lunas-dev-Table-…`. One that was left from an earlier stack
/// makes the choice the admin's.
async fn table_of(client: &Client, stage: &str, region: &str) -> anyhow::Result<String> {
    let prefix = format!("lunas-{stage}-Table-");
    let mut found = Vec::new();
    let mut start = None;
    for _ in 0..TABLE_PAGES {
        let answer = client
            .list_tables()
            .set_exclusive_start_table_name(start)
            .send()
            .await
            .map_err(|error| explain(&error, "(all)", region))?;
        found.extend(answer.table_names().iter().filter(|name| name.starts_with(&prefix)).cloned());
        start = answer.last_evaluated_table_name;
        if start.is_none() {
            break;
        }
    }
    match found.as_slice() {
        [table] => Ok(table.clone()),
        [] => {
            bail!(
                "no table {prefix}… in region {region}; is the stack lunas-{stage} deployed there? README, \"From an empty AWS account\""
            )
        }
        _ => bail!("several tables of stage {stage} in region {region}, choose one with --table: {}", found.join(", ")),
    }
}

/// One read of an item that does not exist: proves credentials, rights, region and table before anything is begun.
async fn check_table(client: &Client, table: &str, region: &str) -> anyhow::Result<()> {
    let key = |text: &str| AttributeValue::S(text.to_owned());
    let answer = client.get_item().table_name(table).key("PK", key("PACKAGES")).key("SK", key("-")).send().await;
    answer.map(|_| ()).map_err(|error| explain(&error, table, region))
}

fn explain<E>(error: &SdkError<E>, table: &str, region: &str) -> anyhow::Error
where
    E: std::error::Error + ProvideErrorMetadata + 'static,
{
    let cause = short(&DisplayErrorContext(error).to_string());
    match error.code() {
        Some("ResourceNotFoundException") => {
            anyhow!(
                "table {table} not found in region {region}; is the stack deployed there, and is the name its output TableName?"
            )
        }
        Some("ValidationException") => anyhow!("table {table} is not a table of Lunas ({cause})"),
        Some("AccessDeniedException") => {
            anyhow!(
                "not allowed to use table {table} in region {region}: ask for dynamodb rights on it, or choose another AWS_PROFILE ({cause})"
            )
        }
        Some(
            "UnrecognizedClientException"
            | "InvalidSignatureException"
            | "IncompleteSignatureException"
            | "ExpiredTokenException",
        ) => {
            anyhow!("AWS does not accept the credentials: {HOW_TO_LOG_IN} ({cause})")
        }
        Some("ThrottlingException" | "ProvisionedThroughputExceededException" | "RequestLimitExceeded") => {
            anyhow!("DynamoDB is too busy; wait a minute and run the same command again ({cause})")
        }
        Some(_) => anyhow!("DynamoDB in region {region} refused: {cause}"),
        None => anyhow!(
            "cannot reach DynamoDB in region {region}: check the network, AWS_REGION and AWS_ENDPOINT_URL ({cause})"
        ),
    }
}

fn short(cause: &str) -> String {
    cause.chars().take(300).collect()
}
