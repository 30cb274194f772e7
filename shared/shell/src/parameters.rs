//! Twilio's secrets, from the Parameter Store of AWS Systems Manager, read once when an
//! environment starts.
//!
//! There are two, so that who verifies cannot place and who places cannot sign: each function
//! is told the name of one and may read that one only. What stands there is laid over the
//! environment; where no name is given, as on the local stack, the environment has it all.
//!
//! One operation of one service is asked for here, signed by the library that the SDK signs
//! with: the SDK's own crate for this service has a hundred and forty more.

use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, anyhow, bail};
use aws_config::SdkConfig;
use aws_credential_types::provider::ProvideCredentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;
use aws_smithy_runtime_api::client::http::HttpConnector;
use aws_smithy_runtime_api::http::Request as SmithyRequest;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use serde::Deserialize;
use serde_json::json;
use tracing::warn;

use crate::config::Lookup;
use crate::https;

/// Names the parameter that holds what places calls: an API key as `SK…:secret`, or the
/// account's auth token.
const PLACING: &str = "TWILIO_PLACING_PARAMETER";
/// Names the parameter that holds what callbacks are signed with: the auth token and, while it
/// is being rotated, a comma and the other one.
const SIGNING: &str = "TWILIO_SIGNING_PARAMETER";

/// The parameters that a function is told to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    pub placing: Option<String>,
    pub signing: Option<String>,
}

impl Named {
    /// Reads which they are; a blank name is none.
    pub fn from_env(lookup: Lookup<'_>) -> Self {
        let named = |variable| lookup(variable).filter(|name| !name.trim().is_empty());
        Self {
            placing: named(PLACING),
            signing: named(SIGNING),
        }
    }

    /// Reads them.
    ///
    /// # Errors
    ///
    /// A parameter could not be read, or is empty. Its value is not repeated.
    pub async fn read(&self, lookup: Lookup<'_>, aws: &SdkConfig) -> Result<Secrets> {
        let account = lookup("TWILIO_ACCOUNT_SID").unwrap_or_default();
        let placing = match &self.placing {
            Some(name) => Some(value_of(aws, name).await?),
            None => None,
        };
        let signing = match &self.signing {
            Some(name) => Some(value_of(aws, name).await?),
            None => None,
        };
        Ok(Secrets::of(account, placing.as_deref(), signing.as_deref()))
    }
}

/// What was read, under the names of the variables that it stands for.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secrets(Vec<(&'static str, String)>);

impl Secrets {
    /// Takes apart what stands in the parameters.
    pub fn of(account: String, placing_text: Option<&str>, signing_text: Option<&str>) -> Self {
        let placing = placing_text.map(|text| placing(text, account));
        let signing = signing_text.map(signing);
        Self(placing.into_iter().chain(signing).flatten().collect())
    }

    /// A variable: what was read, or what the environment has.
    pub fn get(&self, lookup: Lookup<'_>, name: &str) -> Option<String> {
        let read = self.0.iter().find(|(of, _)| *of == name);
        read.map_or_else(|| lookup(name), |(_, value)| Some(value.clone()))
    }
}

/// With an auth token the account itself is the user.
fn placing(text: &str, account: String) -> [(&'static str, String); 2] {
    let (user, secret) = match text.trim().split_once(':') {
        Some((user, secret)) => (user.to_owned(), secret),
        None => (account, text.trim()),
    };
    [
        ("TWILIO_API_KEY_SID", user),
        ("TWILIO_API_KEY_SECRET", secret.to_owned()),
    ]
}

fn signing(text: &str) -> [(&'static str, String); 2] {
    let (token, other) = text.split_once(',').unwrap_or((text, ""));
    [
        ("TWILIO_AUTH_TOKEN", token.trim().to_owned()),
        ("TWILIO_AUTH_TOKEN_PREVIOUS", other.trim().to_owned()),
    ]
}

/// How long one request may take.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long a parameter is asked for: a start may last ten seconds before Lambda gives up on
/// it. The store takes forty requests a second of an account, and a deploy may start hundreds
/// of environments at once; reading changes nothing.
/// <https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html>
/// <https://docs.aws.amazon.com/general/latest/gr/ssm.html>
const PERSISTENCE: Duration = Duration::from_secs(8);
/// The longest pause after the first failure; each is twice the one before.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const PAUSE_MAX: Duration = Duration::from_millis(1_600);

async fn value_of(aws: &SdkConfig, name: &str) -> Result<String> {
    persist(name, || ask(aws, name)).await
}

async fn persist<F>(name: &str, ask: impl Fn() -> F) -> Result<String>
where
    F: Future<Output = Result<Answer>>,
{
    let end = tokio::time::Instant::now() + PERSISTENCE;
    let mut pause = FIRST_PAUSE;
    loop {
        let trouble = match tokio::time::timeout(PATIENCE, ask()).await {
            Ok(Ok(Answer::Value(value))) => return Ok(value),
            Ok(Ok(Answer::Refused(why))) => bail!("failed to read parameter {name}: {why}"),
            Ok(Err(error)) => error,
            Err(_) => anyhow!("it took too long"),
        };
        // Environments that started together must not ask together again.
        let wait = pause.mul_f64(chance()?);
        if tokio::time::Instant::now() + wait + PATIENCE > end {
            return Err(trouble.context(format!("failed to ask for parameter {name}")));
        }
        warn!("failed to ask for parameter {name}: {trouble:#}");
        tokio::time::sleep(wait).await;
        pause = PAUSE_MAX.min(pause * 2);
    }
}

/// A number from nothing to one.
fn chance() -> Result<f64> {
    let drawn = getrandom::u32().context("failed to read the system's randomness")?;
    Ok(f64::from(drawn) / f64::from(u32::MAX))
}

/// What the Parameter Store answers.
enum Answer {
    Value(String),
    /// Asking again would bring the same; here is its word for why.
    Refused(String),
}

/// Asks for a parameter, by its name or as `name:version`.
///
/// <https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameter.html>
async fn ask(aws: &SdkConfig, name: &str) -> Result<Answer> {
    let region = aws.region().context("no region is configured")?;
    let suffix = if region.as_ref().starts_with("cn-") {
        "amazonaws.com.cn"
    } else {
        "amazonaws.com"
    };
    let origin = match aws.endpoint_url() {
        Some(origin) => origin.trim_end_matches('/').to_owned(),
        None => format!("https://ssm.{region}.{suffix}"),
    };
    let body = json!({ "Name": name, "WithDecryption": true }).to_string();
    let mut request = http::Request::post(format!("{origin}/"))
        .header("content-type", "application/x-amz-json-1.1")
        .header("x-amz-target", "AmazonSSM.GetParameter")
        .body(SdkBody::from(body.as_str()))?;
    let provider = aws.credentials_provider().context("no credentials")?;
    let identity = provider.provide_credentials().await?.into();
    let params = SigningParams::builder()
        .identity(&identity)
        .region(region.as_ref())
        .name("ssm")
        .time(SystemTime::now())
        .settings(SigningSettings::default())
        .build()?
        .into();
    let uri = request.uri().to_string();
    let headers = request
        .headers()
        .iter()
        .filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
    let signable =
        SignableRequest::new("POST", uri, headers, SignableBody::Bytes(body.as_bytes()))?;
    let (instructions, _) = sign(signable, &params)?.into_parts();
    instructions.apply_to_request_http1x(&mut request);
    let answer = https::connector()?
        .call(SmithyRequest::try_from(request)?)
        .await?;
    let status = answer.status();
    let body = ByteStream::new(answer.into_body()).collect().await?;
    let body = body.into_bytes();
    if status.is_server_error() || status.as_u16() == 429 {
        bail!("status {}", status.as_u16());
    }
    let said: Said = serde_json::from_slice(&body).context("the answer cannot be read")?;
    match said {
        Said {
            parameter: Some(Parameter { value }),
            ..
        } if !value.trim().is_empty() => Ok(Answer::Value(value)),
        Said { kind, .. } if kind.contains("Throttling") => bail!("{kind}"),
        Said { kind, .. } if kind.is_empty() => Ok(Answer::Refused("it is empty".to_owned())),
        Said { kind, .. } => Ok(Answer::Refused(kind)),
    }
}

#[derive(Deserialize)]
struct Said {
    #[serde(rename = "Parameter")]
    parameter: Option<Parameter>,
    /// The name of an error; its message may repeat what it likes.
    #[serde(rename = "__type", default)]
    kind: String,
}

#[derive(Deserialize)]
struct Parameter {
    #[serde(rename = "Value")]
    value: String,
}

#[cfg(test)]
mod tests;
