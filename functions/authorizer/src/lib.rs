//! Tells API Gateway who is calling.
//!
//! It never says no: API Gateway would turn that into 403 with a body of its own. A
//! caller without a valid key gets a context without a role, and every function answers
//! 401 to that.

use anyhow::Result;
use aws_lambda_events::event::apigw::{
    ApiGatewayV2CustomAuthorizerSimpleResponse, ApiGatewayV2CustomAuthorizerV2Request,
};
use ringfence_ledger::Ledger;
use ringfence_shell::caller::{BUSINESS, KEY_ID, ROLE, Role};
use ringfence_shell::secrets::ApiKey;
use serde_json::{Map, Value, json};
use tracing::{info, warn};

/// The answer that API Gateway takes.
pub type Answer = ApiGatewayV2CustomAuthorizerSimpleResponse<Map<String, Value>>;

/// Finds out whose key a request carries.
///
/// # Errors
///
/// The key could not be looked up. API Gateway answers 500 and nothing happens.
pub async fn handle(
    ledger: &Ledger,
    request: ApiGatewayV2CustomAuthorizerV2Request,
) -> Result<Answer> {
    let header = request
        .headers
        .get("authorization")
        .and_then(|value| value.to_str().ok());
    let context = match header.and_then(bearer) {
        Some(key) => context(ledger, &key).await?,
        None => Map::new(),
    };
    let mut answer = Answer::default();
    answer.is_authorized = true;
    answer.context = context;
    Ok(answer)
}

fn bearer(header: &str) -> Option<ApiKey> {
    let (scheme, token) = header.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then(|| ApiKey::parse(token.trim()))
        .flatten()
}

async fn context(ledger: &Ledger, key: &ApiKey) -> Result<Map<String, Value>> {
    let mut context = Map::new();
    let Some(record) = ledger.key(&key.key_id).await? else {
        info!(key.id = key.key_id, "turned away an unknown key");
        return Ok(context);
    };
    if !key.matches(&record.secret_digest) {
        warn!(key.id = key.key_id, "turned away a wrong secret");
        return Ok(context);
    }
    let Some(role) = Role::parse(&record.role) else {
        warn!(
            key.id = key.key_id,
            "key {} has a role that is not known here", key.key_id
        );
        return Ok(context);
    };
    context.insert(ROLE.to_owned(), json!(role.as_str()));
    context.insert(KEY_ID.to_owned(), json!(key.key_id));
    if let Some(business) = &record.business {
        context.insert(BUSINESS.to_owned(), json!(business.as_str()));
    }
    Ok(context)
}
