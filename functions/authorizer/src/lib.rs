//! Tells API Gateway who is calling: by a key of ours, or by a token of an issuer that
//! the deployment trusts.
//!
//! It never says no: API Gateway would turn that into 403 with a body of its own. A
//! caller without a valid key or token gets a context without a role, and every function
//! answers 401 to that.

mod jwks;
mod keys;
pub mod tokens;

use std::time::Duration;

use anyhow::Result;
use aws_lambda_events::event::apigw::{
    ApiGatewayV2CustomAuthorizerSimpleResponse, ApiGatewayV2CustomAuthorizerV2Request,
};
use ringfence_carrier::transport::Transport;
use ringfence_core::ids::BusinessId;
use ringfence_ledger::Ledger;
use ringfence_shell::caller::{BUSINESS, KEY_ID, ROLE, Role};
use ringfence_shell::cloud::Clock;
use serde_json::{Map, Value, json};

use crate::tokens::Tokens;

/// How long API Gateway remembers an answer, and so how long a revoked key may still open
/// the door: 60 seconds at most, if it was used just before. The template says the same.
pub const REMEMBERED_FOR: Duration = Duration::from_secs(60);

/// The answer that API Gateway takes.
pub type Answer = ApiGatewayV2CustomAuthorizerSimpleResponse<Map<String, Value>>;

/// What it takes to know a caller.
pub struct Authorizer<T> {
    pub ledger: Ledger,
    pub clock: Clock,
    /// Absent where no issuer is trusted.
    pub tokens: Option<Tokens<T>>,
}

/// Somebody who is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Known {
    /// Names the key or the token's subject, for the records.
    pub(crate) id: String,
    pub(crate) role: Role,
    /// Absent for a `system_admin`.
    pub(crate) business: Option<BusinessId>,
}

/// Longer headers do not pass API Gateway.
const BEARER_BYTES_MAX: usize = 10 * 1024;

/// Finds out who has sent a request.
///
/// # Errors
///
/// It could not be found out. API Gateway answers 500 and nothing happens.
pub async fn handle<T: Transport>(
    authorizer: &Authorizer<T>,
    request: ApiGatewayV2CustomAuthorizerV2Request,
) -> Result<Answer> {
    let header = request
        .headers
        .get("authorization")
        .and_then(|value| value.to_str().ok());
    let now = (authorizer.clock)();
    let known = match (header.and_then(bearer), &authorizer.tokens) {
        (Some(bearer), _) if bearer.starts_with("rf_") => {
            keys::known(&authorizer.ledger, bearer, now).await?
        }
        (Some(bearer), Some(tokens)) => tokens.known(bearer, now).await?,
        (Some(_), None) | (None, _) => None,
    };
    let mut answer = Answer::default();
    answer.is_authorized = true;
    answer.context = known.map(context).unwrap_or_default();
    Ok(answer)
}

fn bearer(header: &str) -> Option<&str> {
    let (scheme, bearer) = header.split_once(' ')?;
    let is_bearer = scheme.eq_ignore_ascii_case("bearer") && bearer.len() <= BEARER_BYTES_MAX;
    is_bearer.then(|| bearer.trim())
}

fn context(known: Known) -> Map<String, Value> {
    let mut context = Map::new();
    context.insert(ROLE.to_owned(), json!(known.role.as_str()));
    context.insert(KEY_ID.to_owned(), json!(known.id));
    if let Some(business) = known.business {
        context.insert(BUSINESS.to_owned(), json!(business.as_str()));
    }
    context
}
