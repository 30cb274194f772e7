//! A store that answers as a test says.

use aws_credential_types::Credentials;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{BehaviorVersion, Config, Region};
use aws_sdk_dynamodb::operation::get_item::GetItemOutput;
use aws_smithy_mocks::{MockResponseInterceptor, Rule, RuleMode, create_mock_http_client, mock};

use crate::Ledger;
use crate::item::Item;

/// A ledger whose requests are answered by the first of `rules` that knows them.
pub(crate) fn ledger(rules: &[&Rule]) -> Ledger {
    let mut answers = MockResponseInterceptor::new().rule_mode(RuleMode::MatchAny);
    for rule in rules {
        answers = answers.with_rule(rule);
    }
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("key", "secret", None, None, "test"))
        .retry_config(RetryConfig::standard().with_max_attempts(3))
        .timeout_config(TimeoutConfig::disabled())
        .http_client(create_mock_http_client())
        .interceptor(answers);
    Ledger::new(&Client::from_conf(config.build()), "ledger")
}

/// Every read finds this item.
pub(crate) fn reads(item: Option<Item>) -> Rule {
    mock!(Client::get_item)
        .then_output(move || GetItemOutput::builder().set_item(item.clone()).build())
}
