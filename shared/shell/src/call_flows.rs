//! The call flows of businesses, kept for a moment: they change seldom, and every call has one.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Result;
use ringfence_carrier::call_flow::CallFlow;
use ringfence_core::ids::BusinessId;
use ringfence_core::time::Timestamp;
use ringfence_ledger::Ledger;
use tokio::sync::OnceCell;

/// How long a call flow is kept. A changed one is in force after that: soon enough to be waited
/// for by whoever changed it, and most calls of a run find one.
const KEPT_FOR: Duration = Duration::from_secs(120);
/// How many are kept: each has at most some kilobytes.
const KEPT_MAX: usize = 1_000;

/// The call flows that were read lately.
#[derive(Default)]
pub struct CallFlows(Mutex<BTreeMap<BusinessId, Kept>>);

/// A call flow that was read, or is being read for all who want it.
struct Kept {
    since: Timestamp,
    flow: Arc<OnceCell<CallFlow>>,
}

/// Why there is no call flow. Neither is kept: who asks next reads again, and so do those who
/// have waited meanwhile, one after the other.
enum Missing {
    NoBusiness,
    Failed(anyhow::Error),
}

impl CallFlows {
    /// What happens in a business's calls. `None` if there is no such business.
    ///
    /// # Errors
    ///
    /// When the business could not be read, or what it has stored is no call flow.
    pub async fn of(
        &self,
        ledger: &Ledger,
        business: &BusinessId,
        now: Timestamp,
    ) -> Result<Option<CallFlow>> {
        let kept = self.kept(business, now);
        match kept.get_or_try_init(|| read(ledger, business)).await {
            Ok(flow) => Ok(Some(flow.clone())),
            Err(Missing::NoBusiness) => Ok(None),
            Err(Missing::Failed(error)) => Err(error),
        }
    }

    fn kept(&self, business: &BusinessId, now: Timestamp) -> Arc<OnceCell<CallFlow>> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(kept) = all.get(business)
            && now.since(kept.since) < KEPT_FOR
        {
            return Arc::clone(&kept.flow);
        }
        if all.len() >= KEPT_MAX {
            all.clear();
        }
        let flow = Arc::default();
        let fresh = Kept {
            since: now,
            flow: Arc::clone(&flow),
        };
        all.insert(business.clone(), fresh);
        flow
    }
}

async fn read(ledger: &Ledger, business: &BusinessId) -> Result<CallFlow, Missing> {
    let config = ledger.glance_at_config(business).await;
    let config = config.map_err(Missing::Failed)?;
    let config = config.ok_or(Missing::NoBusiness)?;
    CallFlow::parse(&config.call_flow).map_err(|bad| Missing::Failed(bad.into()))
}
