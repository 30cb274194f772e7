//! Where the stack is that a command is about.

use anyhow::{Context, Result, ensure};
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use clap::Args;
use ringfence_shell::cloud::aws_config;
use ringfence_shell::config::environment;
use ringfence_shell::https;

use crate::deployed::Deployed;

/// A deployed stack, the tables and queues of somebody's own, or a local stack.
#[derive(Debug, Clone, Default, Args)]
pub struct Target {
    /// A deployed stack, whose outputs name the table and the queues.
    #[arg(long, global = true)]
    pub stack: Option<String>,
    /// The AWS region; or `AWS_REGION`, or the profile's.
    #[arg(long, global = true)]
    pub region: Option<String>,
    /// Where every AWS service answers, in place of AWS.
    #[arg(long, global = true)]
    pub endpoint_url: Option<String>,
    /// The DynamoDB port of `ringfence aws`, with --sqs-port.
    #[arg(long, global = true)]
    pub ddb_port: Option<u16>,
    /// The SQS port of `ringfence aws`, with --ddb-port.
    #[arg(long, global = true)]
    pub sqs_port: Option<u16>,
    /// The table; or `TABLE_NAME`.
    #[arg(long, global = true)]
    pub table: Option<String>,
    /// The queue of wake-ups; or `QUEUE_URL`.
    #[arg(long, global = true)]
    pub queue_url: Option<String>,
    /// Where wake-ups are that nobody could work on; or `DEAD_LETTER_QUEUE_URL`.
    #[arg(long, global = true)]
    pub dead_letter_queue_url: Option<String>,
}

/// A stack that was found.
pub(crate) struct Place {
    pub(crate) aws: SdkConfig,
    pub(crate) dynamo: aws_sdk_dynamodb::Client,
    pub(crate) sqs: aws_sdk_sqs::Client,
    pub(crate) table: String,
    pub(crate) queue_url: String,
    pub(crate) dead_letter_queue_url: Option<String>,
    /// What CloudFormation knows of it, where it was named.
    pub(crate) deployed: Option<Deployed>,
    /// Whether this is a local stack, which has a table and queues, and no more of AWS.
    pub(crate) is_embedded: bool,
}

/// The region of the embedded services.
const EMBEDDED_REGION: &str = "us-east-1";

impl Target {
    /// Finds the stack.
    pub(crate) async fn find(&self) -> Result<Place> {
        match (self.ddb_port, self.sqs_port) {
            (Some(ddb), Some(sqs)) => self.embedded(ddb, sqs).await,
            (None, None) => self.on_aws().await,
            (_, _) => anyhow::bail!("--ddb-port and --sqs-port go together"),
        }
    }

    async fn embedded(&self, ddb_port: u16, sqs_port: u16) -> Result<Place> {
        ensure!(
            self.stack.is_none() && self.endpoint_url.is_none(),
            "a local stack's ports leave no place for --stack or --endpoint-url"
        );
        let aws = aws_config::defaults(BehaviorVersion::latest())
            .http_client(https::client(https::connector()?))
            .region(Region::new(EMBEDDED_REGION))
            // They open nothing: the embedded services ask for none.
            .credentials_provider(Credentials::new("none", "none", None, None, "embedded"))
            .load()
            .await;
        let sqs_origin = format!("http://127.0.0.1:{sqs_port}");
        let dynamo = aws_sdk_dynamodb::config::Builder::from(&aws)
            .endpoint_url(format!("http://127.0.0.1:{ddb_port}"));
        let sqs = aws_sdk_sqs::config::Builder::from(&aws).endpoint_url(&sqs_origin);
        let given = |flag: &Option<String>, name: &str, default: String| {
            flag.clone()
                .or_else(|| environment(name))
                .unwrap_or(default)
        };
        let queue_url = format!("{sqs_origin}/000000000000/wake-ups");
        let dead = format!("{queue_url}-dead-letters");
        Ok(Place {
            dynamo: aws_sdk_dynamodb::Client::from_conf(dynamo.build()),
            sqs: aws_sdk_sqs::Client::from_conf(sqs.build()),
            table: given(&self.table, "TABLE_NAME", "ringfence".to_owned()),
            queue_url: self.queue_url.clone().unwrap_or(queue_url),
            dead_letter_queue_url: Some(self.dead_letter_queue_url.clone().unwrap_or(dead)),
            aws,
            deployed: None,
            is_embedded: true,
        })
    }

    async fn on_aws(&self) -> Result<Place> {
        let mut aws = aws_config().await?.into_builder();
        if let Some(region) = &self.region {
            aws.set_region(Some(Region::new(region.clone())));
        }
        if let Some(endpoint) = &self.endpoint_url {
            aws.set_endpoint_url(Some(endpoint.clone()));
        }
        let aws = aws.build();
        ensure!(
            aws.region().is_some(),
            "no AWS region: give --region, or set AWS_REGION"
        );
        let deployed = match &self.stack {
            Some(name) => Some(Deployed::find(&aws, name).await?),
            None => None,
        };
        // What was said stands before what was found, and that before the environment.
        let named = |flag: &Option<String>, output: &str, variable: &str| {
            let of_stack = || deployed.as_ref()?.output(output).map(str::to_owned);
            flag.clone()
                .or_else(of_stack)
                .or_else(|| environment(variable))
        };
        let table = named(&self.table, "LedgerName", "TABLE_NAME");
        let queue = named(&self.queue_url, "WakeUpQueueUrl", "QUEUE_URL");
        let dead = named(
            &self.dead_letter_queue_url,
            "WakeUpDeadLetterQueueUrl",
            "DEAD_LETTER_QUEUE_URL",
        );
        Ok(Place {
            dynamo: aws_sdk_dynamodb::Client::new(&aws),
            sqs: aws_sdk_sqs::Client::new(&aws),
            table: table.context("no table: give --stack or --table, or set TABLE_NAME")?,
            queue_url: queue.context("no queue: give --stack or --queue-url, or set QUEUE_URL")?,
            dead_letter_queue_url: dead,
            aws,
            deployed,
            is_embedded: false,
        })
    }
}
