//! The call flows of businesses, kept for a moment: they change seldom, and every call has one.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::Result;
use ringfence_carrier::call_flow::CallFlow;
use ringfence_core::ids::BusinessId;
use ringfence_core::time::Timestamp;
use ringfence_ledger::Ledger;

/// How long a call flow is kept. A changed one is in force after that.
const KEPT_FOR: Duration = Duration::from_secs(60);
/// How many are kept.
const KEPT_MAX: usize = 1_000;

/// The call flows that were read lately.
#[derive(Default)]
pub struct CallFlows(Mutex<BTreeMap<BusinessId, (Timestamp, CallFlow)>>);

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
        if let Some(flow) = self.kept(business, now) {
            return Ok(Some(flow));
        }
        let Some(config) = ledger.glance_at_config(business).await? else {
            return Ok(None);
        };
        let flow = CallFlow::parse(&config.call_flow)?;
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= KEPT_MAX {
            kept.clear();
        }
        kept.insert(business.clone(), (now, flow.clone()));
        Ok(Some(flow))
    }

    fn kept(&self, business: &BusinessId, now: Timestamp) -> Option<CallFlow> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, flow) = kept.get(business)?;
        (now.since(*since) < KEPT_FOR).then(|| flow.clone())
    }
}
