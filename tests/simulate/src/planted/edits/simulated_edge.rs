//! Faults in the simulated edge: what a handler would do if it had them. And the switch.

use super::{Edit, edit};

pub(super) const EDITS: &[Edit] = &[
    edit(
        "tests/simulate/src/plant.rs",
        "pub fn arm(_name: &'static str) -> bool {\n    false",
        "pub fn arm(name: &'static str) -> bool {\n    ringfence_core::planted::arm(name);\n    true",
    ),
    edit(
        "tests/simulate/src/sim.rs",
        "        if self.strikes(Fault::SweepMissed) {",
        r#"        if self.strikes(Fault::SweepMissed) || ringfence_core::planted::is("no-sweep") {"#,
    ),
    edit(
        "tests/simulate/src/carrier/life.rs",
        "        if !is_signed {",
        r#"        if !is_signed && !ringfence_core::planted::is("unsigned") {"#,
    ),
    edit(
        "tests/simulate/src/users/rules.rs",
        "    world.batch(Some(id), Batch::Write, numbers, add).await?;\n    heed_do_not_call(world, id).await",
        r#"    if ringfence_core::planted::is("list-after-rev") {
        let heeded = heed_do_not_call(world, id).await;
        world.batch(Some(id), Batch::Write, numbers, add).await?;
        return heeded;
    }
    world.batch(Some(id), Batch::Write, numbers, add).await?;
    heed_do_not_call(world, id).await"#,
    ),
    edit(
        "tests/simulate/src/carrier/port.rs",
        "        self.sim.kernel.after(arrives_in, Act::Arrive(number));",
        r#"        self.sim.kernel.after(arrives_in, Act::Arrive(number));
        let job = self.sim.truth.borrow().requests[number].order.job;
        if job.run().is_none() && ringfence_core::planted::is("direct-sent-twice") {
            self.sim.kernel.after(arrives_in + 50, Act::Arrive(number));
        }"#,
    ),
];
