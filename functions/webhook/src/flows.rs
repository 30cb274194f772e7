//! What is said in a call.

use anyhow::Result;
use ringfence_carrier::call_flow::CallFlow;
use ringfence_carrier::callback::CallTag;
use ringfence_carrier::twiml::Variables;
use ringfence_core::time::Timestamp;
use ringfence_flows::ledger::Rosters;
use ringfence_ledger::Ledger;
use ringfence_shell::call_flows::CallFlows;

/// What is said in a call, and of whom. `None` if there is no such business.
pub(crate) async fn script(
    flows: &CallFlows,
    ledger: &Ledger,
    tag: &CallTag,
    now: Timestamp,
) -> Result<Option<(CallFlow, Variables)>> {
    let Some(flow) = flows.of(ledger, &tag.business, now).await? else {
        return Ok(None);
    };
    if !flow.has_variables() {
        return Ok(Some((flow, Variables::default())));
    }
    let lead = ledger.leads(&tag.business, &[tag.lead]).await?;
    let variables = lead.first().map(Variables::from).unwrap_or_default();
    Ok(Some((flow, variables)))
}
