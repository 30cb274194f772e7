//! Whether what runs is what was deployed last.

use anyhow::{Context, Result};
use aws_sdk_lambda::Client;
use aws_sdk_lambda::operation::get_function_configuration::GetFunctionConfigurationOutput;

use super::report::Finding;
use crate::deployed::{ALIAS, configuration};
use crate::target::Place;

const VERSIONS: &str = "versions";

pub(super) async fn check(place: &Place) -> Vec<Finding> {
    let Some(deployed) = &place.deployed else {
        let why = if place.is_embedded {
            "the embedded AWS has none"
        } else {
            "give --stack"
        };
        return vec![Finding::skipped(VERSIONS, why)];
    };
    let client = Client::new(&place.aws);
    let (mut findings, mut functions) = (Vec::new(), 0);
    for (name, function) in deployed.functions() {
        functions += 1;
        match of(&client, name, function).await {
            Ok(found) => findings.extend(found),
            Err(error) => findings.push(Finding::unknown(VERSIONS, &error)),
        }
    }
    if findings.is_empty() {
        let seen = format!("what was deployed last runs, in {functions} functions");
        findings.push(Finding::ok(VERSIONS, seen));
    }
    findings
}

/// What is wrong with a function's version, if anything is.
async fn of(client: &Client, name: &str, function: &str) -> Result<Option<Finding>> {
    let alias = client.get_alias().function_name(function).name(ALIAS);
    let alias = alias.send().await;
    let alias = alias.with_context(|| format!("GetAlias of {name}"))?;
    let weights = alias
        .routing_config()
        .and_then(|it| it.additional_version_weights());
    if weights.is_some_and(|weights| !weights.is_empty()) {
        let seen = format!("{name} is on its way to another version");
        let todo = "wait; if it lasts, see what CodeDeploy says of the deployment";
        return Ok(Some(Finding::warn(VERSIONS, seen, todo)));
    }
    let live = configuration(client, function, Some(ALIAS)).await?;
    let latest = configuration(client, function, None).await?;
    Ok((!is_same(&live, &latest)).then(|| {
        let version = alias.function_version().unwrap_or("unknown");
        let seen = format!("{name} runs version {version}, which is not what it was set to last");
        let todo = "deploy again: what is changed by hand does not reach what runs";
        Finding::warn(VERSIONS, seen, todo)
    }))
}

fn is_same(one: &GetFunctionConfigurationOutput, other: &GetFunctionConfigurationOutput) -> bool {
    let variables = |of: &GetFunctionConfigurationOutput| {
        let of = of.environment().and_then(|it| it.variables());
        of.cloned().unwrap_or_default()
    };
    one.code_sha256() == other.code_sha256()
        && one.timeout() == other.timeout()
        && one.memory_size() == other.memory_size()
        && one.architectures() == other.architectures()
        && variables(one) == variables(other)
}
