//! What CloudFormation and Lambda know of a deployed stack.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use aws_config::SdkConfig;
use aws_sdk_lambda::operation::get_function_configuration::GetFunctionConfigurationOutput;

/// A stack by its outputs and by what its resources are really called.
#[derive(Debug, Clone, Default)]
pub(crate) struct Deployed {
    outputs: BTreeMap<String, String>,
    resources: BTreeMap<String, String>,
    /// How the function that places calls was configured.
    pub(crate) fill: Option<Configured>,
    /// The same of those that hear reports, make businesses and import leads.
    others: Vec<Configured>,
}

/// How a function was configured.
#[derive(Clone, Default)]
pub(crate) struct Configured {
    pub(crate) timeout_seconds: u64,
    variables: BTreeMap<String, String>,
}

/// Some variables are secrets.
impl std::fmt::Debug for Configured {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Configured")
            .field("timeout_seconds", &self.timeout_seconds)
            .finish_non_exhaustive()
    }
}

/// The functions' names in the template.
const FILL: &str = "FillFunction";
const OTHERS: [&str; 3] = ["WebhookFunction", "BusinessFunction", "LeadsFunction"];

/// What of a function runs.
pub(crate) const ALIAS: &str = "live";

impl Deployed {
    /// Reads a stack.
    pub(crate) async fn find(aws: &SdkConfig, name: &str) -> Result<Self> {
        let client = aws_sdk_cloudformation::Client::new(aws);
        let mut deployed = Self::read(&client, name).await?;
        let client = aws_sdk_lambda::Client::new(aws);
        deployed.fill = deployed.configured(&client, FILL).await;
        for other in OTHERS {
            let configured = deployed.configured(&client, other).await;
            deployed.others.extend(configured);
        }
        Ok(deployed)
    }

    async fn configured(
        &self,
        client: &aws_sdk_lambda::Client,
        function: &str,
    ) -> Option<Configured> {
        let read = Configured::read(client, self.resource(function)?).await;
        // Not everybody may read a function's configuration; the doctor says what it lacks.
        read.inspect_err(|error| tracing::warn!("{error:#}")).ok()
    }

    async fn read(client: &aws_sdk_cloudformation::Client, name: &str) -> Result<Self> {
        let stacks = client.describe_stacks().stack_name(name).send().await;
        let stacks = stacks.with_context(|| format!("failed to find the stack {name}"))?;
        let stack = stacks.stacks().first();
        let stack = stack.with_context(|| format!("there is no stack {name}"))?;
        let outputs = stack.outputs().iter().filter_map(|output| {
            let (key, value) = (output.output_key()?, output.output_value()?);
            Some((key.to_owned(), value.to_owned()))
        });
        let mut deployed = Self {
            outputs: outputs.collect(),
            ..Self::default()
        };
        // Bounded by CloudFormation, which has at most 500 resources in a stack.
        let mut pages = client
            .list_stack_resources()
            .stack_name(name)
            .into_paginator()
            .send();
        while let Some(page) = pages.next().await {
            let page = page.context("failed to list the resources of the stack")?;
            for resource in page.stack_resource_summaries() {
                if let (Some(logical), Some(physical)) = (
                    resource.logical_resource_id(),
                    resource.physical_resource_id(),
                ) {
                    let names = (logical.to_owned(), physical.to_owned());
                    deployed.resources.extend([names]);
                }
            }
        }
        Ok(deployed)
    }

    /// An output of the stack, by its name in the template.
    pub(crate) fn output(&self, name: &str) -> Option<&str> {
        self.outputs.get(name).map(String::as_str)
    }

    /// What a resource is really called, by its name in the template.
    pub(crate) fn resource(&self, name: &str) -> Option<&str> {
        self.resources.get(name).map(String::as_str)
    }

    /// The functions, by their names in the template and what they are really called.
    pub(crate) fn functions(&self) -> impl Iterator<Item = (&str, &str)> {
        let all = self.resources.iter();
        let is_function = |(logical, _): &(&String, &String)| logical.ends_with("Function");
        all.filter(is_function)
            .map(|(logical, physical)| (logical.as_str(), physical.as_str()))
    }

    /// A variable of the function that places calls, or else of the first other that has it.
    pub(crate) fn variable(&self, name: &str) -> Option<String> {
        let mut functions = self.fill.iter().chain(&self.others);
        functions.find_map(|it| it.variables.get(name).cloned())
    }
}

impl Configured {
    async fn read(client: &aws_sdk_lambda::Client, function: &str) -> Result<Self> {
        let read = configuration(client, function, Some(ALIAS)).await?;
        let timeout = read
            .timeout()
            .and_then(|seconds| u64::try_from(seconds).ok());
        let variables = read.environment().and_then(|it| it.variables()).cloned();
        Ok(Self {
            timeout_seconds: timeout.unwrap_or_default(),
            variables: variables.unwrap_or_default().into_iter().collect(),
        })
    }
}

/// How a function is configured: where an alias points, or as it was set last.
pub(crate) async fn configuration(
    client: &aws_sdk_lambda::Client,
    function: &str,
    alias: Option<&str>,
) -> Result<GetFunctionConfigurationOutput> {
    let asked = client.get_function_configuration().function_name(function);
    let asked = asked.set_qualifier(alias.map(str::to_owned)).send().await;
    asked.with_context(|| format!("failed to read the configuration of {function}"))
}
