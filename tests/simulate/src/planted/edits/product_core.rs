//! Faults in our decisions: `shared/core`.

use super::{Edit, edit};

const FILL: &str = "shared/core/src/fill.rs";
const CLAIMS: &str = "shared/core/src/fill/claims.rs";
const APPLY: &str = "shared/core/src/fill/apply.rs";
const STATE: &str = "shared/core/src/state.rs";
const STOP: &str = "shared/core/src/stop.rs";
const CAPS: &str = "shared/core/src/caps.rs";
const START: &str = "shared/core/src/start.rs";

pub(super) const EDITS: &[Edit] = &[
    edit(
        FILL,
        "    if state.overdue(now).next().is_some()\n",
        r#"    if state.overdue(now).next().is_some()
        && !crate::planted::is("sweep-passes-over-silence")
"#,
    ),
    edit(
        FILL,
        "    filled.is_changed || filled.has_more || !filled.wanted.is_empty()\n",
        r#"    filled.is_changed
        || filled.has_more
        || !filled.wanted.is_empty() && !crate::planted::is("sweep-passes-over-slots")
"#,
    ),
    edit(
        CLAIMS,
        "while state.room() > 0 {",
        r#"while {
            let dialing = |lease: &&Lease| !lease.dial_by.has_passed(now);
            let dialing = u32::try_from(state.active.values().filter(dialing).count()).unwrap_or(0);
            state.room() > 0
                || crate::planted::is("cap-not-looked-at") && state.slots_free() > 0
                || state.calls_left() > 0
                    && (crate::planted::is("le-for-lt") && state.slots_in_use() <= state.limit
                        || crate::planted::is("ne-for-lt") && state.slots_in_use() != state.limit
                        || crate::planted::is("only-calling")
                            && state.slots_in_use() - dialing < state.limit)
        } {"#,
    ),
    edit(
        APPLY,
        "    let lease = state.active.remove(&call).ok_or(Nothing::NotLeased)?;\n    if let Some(run) = lease",
        r#"    let mut lease = state.active.remove(&call);
    if crate::planted::is("counted-down") && lease.is_none() {
        lease = state.active.pop_first().map(|(_, lease)| lease);
    }
    let lease = lease.ok_or(Nothing::NotLeased)?;
    if let Some(run) = lease"#,
    ),
    edit(
        APPLY,
        "        run.count(outcome);\n    }\n    Ok(())",
        r#"        run.count(outcome);
        if crate::planted::is("twice-counted") {
            run.count(outcome);
        }
    }
    Ok(())"#,
    ),
    edit(
        "shared/core/src/fill.rs",
        "    let mut lost = Vec::new();\n",
        r#"    let mut lost = Vec::new();
    if crate::planted::is("freed-by-clock") {
        let over: Vec<CallId> = state.overdue(now).map(|(call, _)| call).collect();
        for call in over {
            let outcome = Outcome::Failed;
            is_changed |= apply(&mut state, &Fact::Ended { call, outcome }, &mut lost, now, timing).is_ok();
        }
    }
"#,
    ),
    edit(
        STATE,
        "        self.dial_by\n            .after(timing.function_timeout)\n",
        r#"        if crate::planted::is("no-fence") {
            return true;
        }
        let life = if crate::planted::is("short-fence") {
            std::time::Duration::ZERO
        } else {
            timing.function_timeout
        };
        self.dial_by
            .after(life)
"#,
    ),
    edit(
        APPLY,
        "            Phase::Running => run.returned.push(index),",
        r#"            Phase::Running if crate::planted::is("given-up") => run.count(Outcome::Canceled),
            Phase::Running => run.returned.push(index),
            _ if crate::planted::is("stopped-runs-on") => run.returned.push(index),"#,
    ),
    edit(
        APPLY,
        "            if lease.missing >= MISSING_MAX {",
        r#"            if lease.missing >= MISSING_MAX || crate::planted::is("one-look") {"#,
    ),
    edit(
        CLAIMS,
        "        state.active.insert(claimed.call, claimed.lease.clone());\n        self.claims.push(claimed);",
        r#"        if !crate::planted::is("no-lease") {
            state.active.insert(claimed.call, claimed.lease.clone());
        }
        self.claims.push(claimed);"#,
    ),
    edit(
        STATE,
        "        self.limit.saturating_sub(self.slots_in_use())",
        r#"        if crate::planted::is("direct-free") {
            let of_runs = self.active.values().filter(|lease| lease.job.run().is_some());
            return self.limit.saturating_sub(u32::try_from(of_runs.count()).unwrap_or(0));
        }
        self.limit.saturating_sub(self.slots_in_use())"#,
    ),
    edit(
        STATE,
        "        self.active.values().any(|lease| lease.to == *number)",
        r#"        !crate::planted::is("same-number")
            && self.active.values().any(|lease| lease.to == *number)"#,
    ),
    edit(
        CLAIMS,
        "if in_calls.contains(to) => None,",
        r#"
            if in_calls.contains(to) && !crate::planted::is("same-number") =>
        {
            None
        }"#,
    ),
    edit(
        CLAIMS,
        "= turns.pop_first() else {",
        r#"= turns
                .iter()
                .copied()
                .filter(|_| crate::planted::is("by-number-of-run"))
                .min_by_key(|turn| turn.2)
                .and_then(|turn| turns.take(&turn))
                .or_else(|| turns.pop_first())
            else {"#,
    ),
    edit(
        CLAIMS,
        "        run.served += 1;",
        r#"        run.served += u32::from(!crate::planted::is("not-served"));"#,
    ),
    edit(
        STOP,
        "    if state.active.is_empty() {",
        r#"    if state.active.is_empty() || crate::planted::is("one-caller-id") {"#,
    ),
    edit(
        STATE,
        "            .after(timing.margin)\n            .has_passed(now)",
        r#"            .after(if crate::planted::is("no-margin") {
                std::time::Duration::ZERO
            } else {
                timing.margin
            })
            .has_passed(now)"#,
    ),
    edit(
        STOP,
        "    state.do_not_call_rev = state.do_not_call_rev.saturating_add(1);",
        r#"    if crate::planted::is("rev-once") && state.do_not_call_rev > 0 {
        return state;
    }
    state.do_not_call_rev = state.do_not_call_rev.saturating_add(1);"#,
    ),
    edit(
        CLAIMS,
        "country, .. }) if !state.destinations.allow(*country) => {",
        r#"country, .. })
            if !state.destinations.allow(*country)
                && !crate::planted::is("any-country") =>
        {"#,
    ),
    edit(
        START,
        "            Ok(_) if !state.destinations.allow(*country) => {",
        r#"            Ok(_)
                if !state.destinations.allow(*country)
                    && !crate::planted::is("any-country-direct") =>
            {"#,
    ),
    edit(
        START,
        "                state.count_call();",
        r#"                if !crate::planted::is("direct-uncounted") {
                    state.count_call();
                }"#,
    ),
    edit(
        START,
        "            Ok(_) if state.calls_left() == 0 => {",
        r#"            Ok(_) if state.calls_left() == 0 && !crate::planted::is("direct-uncapped") => {"#,
    ),
    edit(
        START,
        "    if under_way >= most {",
        r#"    if under_way >= most && !crate::planted::is("runs-uncapped") {"#,
    ),
    edit(
        CAPS,
        "            .is_none_or(|day| day.ends_at.has_passed(now));",
        r#"            .is_none_or(|day| {
                day.ends_at.has_passed(now) && !crate::planted::is("same-day")
            });"#,
    ),
    edit(
        CAPS,
        "            && day.began_at <= call.minted_at()",
        r#"            && day.began_at <= call.minted_at()
            && !crate::planted::is("refused-counted")"#,
    ),
    edit(
        STATE,
        "        let in_progress = self.in_progress(id);\n        Some((run,",
        r#"        let in_progress = self.in_progress(id);
        if crate::planted::is_flagged(id, run) && run.phase == Phase::Running {
            let counts = run.counts(in_progress);
            let counts = Counts {
                queued: 0,
                canceled: counts.canceled + counts.queued,
                ..counts
            };
            let status = if in_progress > 0 {
                RunStatus::Stopping
            } else {
                RunStatus::Stopped
            };
            return Some((run, counts, status));
        }
        Some((run,"#,
    ),
    edit(
        CAPS,
        "        self.slots_free().min(self.calls_left())",
        r#"        if crate::planted::is("old-limit") {
            let limit = crate::planted::limit_kept(self.limit);
            return limit.saturating_sub(self.slots_in_use()).min(self.calls_left());
        }
        self.slots_free().min(self.calls_left())"#,
    ),
];
