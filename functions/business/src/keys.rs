//! API keys of a business. A key is shown once, when it is made.

use http::StatusCode;
use lambda_http::{Body, Request, Response};
use ringfence_core::ids::BusinessId;
use ringfence_core::time::Timestamp;
use ringfence_flows::world::Office;
use ringfence_ledger::{self as ledger, Change, Ledger, Revocation};
use ringfence_shell::body;
use ringfence_shell::caller::{Caller, Role, request_id};
use ringfence_shell::reply::{Failure, json};
use ringfence_shell::secrets::ApiKey;
use ringfence_shell::times::rfc3339;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Deserialize, JsonSchema)]
pub(crate) struct Wish {
    role: WishedRole,
}

/// The roles that a key of a business can have.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum WishedRole {
    Agent,
    Admin,
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Created {
    success: bool,
    key_id: String,
    api_key: String,
    role: &'static str,
}

/// Makes and stores a key. `None` if there is no such business.
///
/// # Errors
///
/// It could not be found out whether it was stored, or the system has no randomness.
pub async fn mint(
    ledger: &Ledger,
    business: Option<&BusinessId>,
    role: Role,
    now: Timestamp,
) -> anyhow::Result<Option<ApiKey>> {
    let key = ApiKey::generate()?;
    let stored = ledger::ApiKey {
        key_id: key.key_id.clone(),
        secret_digest: key.digest(),
        business: business.cloned(),
        role: role.as_str().to_owned(),
        created_at: now,
        last_used_at: None,
    };
    Ok(match ledger.put_key(&stored).await? {
        Change::Changed => Some(key),
        Change::NoSuchBusiness => None,
    })
}

/// Makes a key of a business.
pub(crate) async fn create(
    office: &impl Office<Ledger = Ledger>,
    request: &Request,
    id: &str,
) -> Result<Response<Body>, Failure> {
    let business = Caller::of(request, Role::Admin)?.business_of(id)?;
    let wish: Wish = body::json(request)?;
    let role = match wish.role {
        WishedRole::Agent => Role::Agent,
        WishedRole::Admin => Role::Admin,
    };
    let key = mint(office.ledger(), Some(&business), role, office.now()).await;
    let key = key.map_err(|error| Failure::internal(&error, &request_id(request)))?;
    let key = key.ok_or_else(Failure::not_found)?;
    let (key_id, api_key, role) = (key.key_id.clone(), key.expose(), role.as_str());
    Ok(json(
        StatusCode::CREATED,
        &Created {
            success: true,
            key_id,
            api_key,
            role,
        },
    ))
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Keys {
    items: Vec<Key>,
}

#[derive(Serialize, JsonSchema)]
struct Key {
    key_id: String,
    role: String,
    created_at: String,
    /// To the hour.
    last_used_at: Option<String>,
}

/// Lists the keys of a business, without secrets.
pub(crate) async fn list(
    office: &impl Office<Ledger = Ledger>,
    request: &Request,
    id: &str,
) -> Result<Response<Body>, Failure> {
    let business = Caller::of(request, Role::Admin)?.business_of(id)?;
    let internal = |error: anyhow::Error| Failure::internal(&error, &request_id(request));
    if office
        .ledger()
        .config(&business)
        .await
        .map_err(internal)?
        .is_none()
    {
        return Err(Failure::not_found());
    }
    let keys = office.ledger().keys(&business).await.map_err(internal)?;
    let key = |key: ledger::KeyListing| Key {
        key_id: key.key_id,
        role: key.role,
        created_at: rfc3339(key.created_at),
        last_used_at: key.last_used_at.map(rfc3339),
    };
    Ok(json(
        StatusCode::OK,
        &Keys {
            items: keys.into_iter().map(key).collect(),
        },
    ))
}

#[derive(Serialize, JsonSchema)]
pub(crate) struct Revoked {
    success: bool,
}

/// Longer texts are no key ids of ours, and might be longer than a key of the table may be.
const KEY_ID_BYTES_MAX: usize = 64;

/// Revokes a key of a business. It opens nothing after 60 seconds at most: API Gateway
/// asks the authorizer again about a key that was used just before.
pub(crate) async fn revoke(
    office: &impl Office<Ledger = Ledger>,
    request: &Request,
    id: &str,
    key: &str,
) -> Result<Response<Body>, Failure> {
    let business = Caller::of(request, Role::Admin)?.business_of(id)?;
    if key.len() > KEY_ID_BYTES_MAX {
        return Err(Failure::not_found());
    }
    let revoked = office.ledger().delete_key(&business, key).await;
    match revoked.map_err(|error| Failure::internal(&error, &request_id(request)))? {
        Revocation::Revoked => Ok(json(StatusCode::OK, &Revoked { success: true })),
        Revocation::NoSuchKey => Err(Failure::not_found()),
    }
}
