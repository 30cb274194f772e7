//! Knows a caller by an API key, and notes that the key is in use.

use std::time::Duration;

use anyhow::Result;
use ringfence_core::time::Timestamp;
use ringfence_ledger::{self as ledger, Ledger};
use ringfence_shell::caller::Role;
use ringfence_shell::secrets::ApiKey;
use tracing::{info, warn};

use crate::Known;

/// How exactly a key's last use is known. It costs one write for each key and hour.
const USE_NOTED_TO_MS: u64 = 60 * 60 * 1000;
/// The request waits no longer for the note, once an hour; what is not noted now is noted
/// with the next request.
const NOTED_WITHIN: Duration = Duration::from_millis(250);

/// Who holds this key.
///
/// # Errors
///
/// The key could not be looked up.
pub(crate) async fn known(ledger: &Ledger, bearer: &str, now: Timestamp) -> Result<Option<Known>> {
    let Some(key) = ApiKey::parse(bearer) else {
        return Ok(None);
    };
    let Some(record) = ledger.key(&key.key_id).await? else {
        info!(key.id = key.key_id, "turned away an unknown key");
        return Ok(None);
    };
    if !key.matches(&record.secret_digest) {
        warn!(key.id = key.key_id, "turned away a wrong secret");
        return Ok(None);
    }
    let Some(role) = Role::parse(&record.role) else {
        warn!(
            key.id = key.key_id,
            "key {} has a role that is not known here", key.key_id
        );
        return Ok(None);
    };
    note_use(ledger, &record, now).await;
    Ok(Some(Known {
        id: key.key_id,
        role,
        business: record.business,
    }))
}

/// Notes the hour, if it is not noted yet. Failing to is no reason to turn anybody away.
async fn note_use(ledger: &Ledger, key: &ledger::ApiKey, now: Timestamp) {
    let hour = Timestamp::from_millis(now.as_millis() / USE_NOTED_TO_MS * USE_NOTED_TO_MS);
    if key.last_used_at.is_some_and(|noted| noted >= hour) {
        return;
    }
    let noting = ledger.note_key_use(&key.key_id, hour);
    match tokio::time::timeout(NOTED_WITHIN, noting).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => warn!(key.id = key.key_id, "failed to note a key's use: {error:#}"),
        Err(_) => warn!(key.id = key.key_id, "noting a key's use took too long"),
    }
}
