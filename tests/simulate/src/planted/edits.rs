//! Where the faults go, as text: each place must be there exactly once.

/// One place, and what stands there in the copies.
pub(super) struct Edit {
    pub(super) file: &'static str,
    pub(super) find: &'static str,
    pub(super) put: &'static str,
}

const fn edit(file: &'static str, find: &'static str, put: &'static str) -> Edit {
    Edit { file, find, put }
}

/// What the copy of the core gets besides: the switch that all places ask.
pub(super) const SWITCH: &str = r#"
/// Which planted fault is armed.
pub mod planted {
    use std::cell::{Cell, RefCell};
    use std::collections::BTreeMap;
    thread_local! {
        static ARMED: Cell<&'static str> = const { Cell::new("") };
        static CACHE: RefCell<BTreeMap<String, u32>> = const { RefCell::new(BTreeMap::new()) };
        static SEEN: RefCell<BTreeMap<usize, ()>> = const { RefCell::new(BTreeMap::new()) };
    }
    pub fn arm(name: &'static str) {
        ARMED.set(name);
        CACHE.with_borrow_mut(BTreeMap::clear);
        SEEN.with_borrow_mut(BTreeMap::clear);
    }
    pub fn is(name: &str) -> bool {
        ARMED.get() == name
    }
    pub fn is_unguarded() -> bool {
        ["le-for-lt", "ne-for-lt", "only-calling", "direct-free", "old-limit"].contains(&ARMED.get())
    }
    pub fn cached(key: &str, value: u32) -> u32 {
        CACHE.with_borrow_mut(|cache| *cache.entry(key.to_owned()).or_insert(value))
    }
    pub fn is_repeat(key: usize) -> bool {
        SEEN.with_borrow_mut(|seen| seen.insert(key, ()).is_some())
    }
}
"#;

const CLAIMS: &str = "shared/core/src/fill/claims.rs";
const APPLY: &str = "shared/core/src/fill/apply.rs";
const STATE: &str = "shared/core/src/state.rs";
const STOP: &str = "shared/core/src/stop.rs";
const FILL: &str = "shared/flows/src/fill.rs";
const PLACE: &str = "shared/flows/src/place.rs";
const QUEUE: &str = "shared/flows/src/start/queue.rs";
const SETTLE: &str = "shared/flows/src/settle.rs";
const WRITE: &str = "tests/simulate/src/ledger/write.rs";
const PORTS: &str = "tests/simulate/src/ledger/ports.rs";
const BATCH: &str = "tests/simulate/src/ledger/batch.rs";
const CAPS: &str = "shared/core/src/caps.rs";
const START: &str = "shared/core/src/start.rs";
const DECIDE: &str = "shared/flows/src/fill/decide.rs";
const DIRECT: &str = "shared/flows/src/start/direct.rs";
const RULES: &str = "tests/simulate/src/users/rules.rs";
const LIFE: &str = "tests/simulate/src/carrier/life.rs";

/// All places.
pub(super) const EDITS: &[Edit] = &[
    edit(
        "tests/simulate/src/plant.rs",
        "pub fn arm(_name: &'static str) -> bool {\n    false",
        "pub fn arm(name: &'static str) -> bool {\n    ringfence_core::planted::arm(name);\n    true",
    ),
    edit(
        CLAIMS,
        "while state.room() > 0 {",
        r#"while {
            let dialing = |lease: &&Lease| !lease.dial_by.has_passed(now);
            let dialing = u32::try_from(state.active.values().filter(dialing).count()).unwrap_or(0);
            state.room() > 0
                || crate::planted::is("cap-not-looked-at") && state.slots_free() > 0
                || crate::planted::is("le-for-lt") && state.slots_in_use() <= state.limit
                || crate::planted::is("ne-for-lt") && state.slots_in_use() != state.limit
                || crate::planted::is("only-calling")
                    && state.slots_in_use() - dialing < state.limit
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
        PLACE,
        "        Placed::Accepted(_) | Placed::Unknown => None,",
        r#"        Placed::Unknown if ringfence_core::planted::is("freed-on-5xx") => {
            Some(Fact::LeadRefused { call })
        }
        Placed::Unknown if ringfence_core::planted::is("unknown-retried") => {
            Some(Fact::NotProcessed { call, retry_after: None })
        }
        Placed::Accepted(_) | Placed::Unknown => None,"#,
    ),
    edit(
        PLACE,
        "    log(&order, &placed);\n",
        r#"    log(&order, &placed);
    if ringfence_core::planted::is("number-logged") {
        info!("called {}", order.to.expose());
    }
"#,
    ),
    edit(
        STOP,
        "    let canceled = run.cancel_queued(phase);",
        r#"    let canceled = if crate::planted::is("stop-elsewhere") {
        run.queued()
    } else {
        run.cancel_queued(phase)
    };"#,
    ),
    edit(
        APPLY,
        "            Phase::Running => run.returned.push(index),",
        r#"            Phase::Running if crate::planted::is("given-up") => run.count(Outcome::Canceled),
            Phase::Running => run.returned.push(index),
            _ if crate::planted::is("stopped-runs-on") => run.returned.push(index),"#,
    ),
    edit(
        QUEUE,
        "        let decided = decide(stored.state.clone(), new, request.public_host, now);",
        r#"        if ringfence_core::planted::is("wake-before-write") {
            wake_now(world, business).await;
        }
        let decided = decide(stored.state.clone(), new, request.public_host, now);"#,
    ),
    edit(
        QUEUE,
        "                wake_now(world, business).await;",
        r#"                if !ringfence_core::planted::is("wake-before-write") {
                    wake_now(world, business).await;
                }"#,
    ),
    edit(
        "tests/simulate/src/sim.rs",
        "        if self.strikes(Fault::SweepMissed) {",
        r#"        if self.strikes(Fault::SweepMissed) || ringfence_core::planted::is("no-sweep") {"#,
    ),
    edit(
        WRITE,
        "        if by == self.stamp || self.claimed.iter().any(has_ours) {",
        r#"        let is_ours = by == self.stamp || self.claimed.iter().any(has_ours);
        if is_ours && !ringfence_core::planted::is("own-write-lost") {"#,
    ),
    edit(
        WRITE,
        "        if run.is_some() && refusal.run == Some(self.stamp) {",
        r#"        let is_any = ringfence_core::planted::is("others-run") && refusal.run.is_some();
        if run.is_some() && (is_any || refusal.run == Some(self.stamp)) {"#,
    ),
    edit(
        APPLY,
        "            if lease.missing >= MISSING_MAX {",
        r#"            if lease.missing >= MISSING_MAX || crate::planted::is("one-look") {"#,
    ),
    edit(
        WRITE,
        "        let room = if added == 0 {",
        "        let room = if added == 0 || ringfence_core::planted::is_unguarded() {",
    ),
    edit(
        WRITE,
        "let is_state_refused = shelf.stored.rev != self.from_rev ||",
        r#"let is_other = shelf.stored.rev != self.from_rev && !ringfence_core::planted::is("any-rev");
        let is_state_refused = is_other ||"#,
    ),
    edit(
        WRITE,
        "            (used.at >= oldest_good(start.now)).then(|| used.clone())",
        r#"            let is_known = used.at >= oldest_good(start.now)
                || ringfence_core::planted::is("key-expired-kept");
            (is_known && !ringfence_core::planted::is("key-after")).then(|| used.clone())"#,
    ),
    edit(
        "shared/flows/src/claim.rs",
        "        Commit::Stale(newer) => Ok(Committed::Stale(newer)),",
        r#"        Commit::Stale(_) if ringfence_core::planted::is("lost-race-won") => {
            Ok(Committed::Applied(claims(world, business, to, claimed, names)))
        }
        Commit::Stale(newer) => Ok(Committed::Stale(newer)),"#,
    ),
    edit(
        LIFE,
        "        if !is_signed {",
        r#"        let is_recorded = || {
            let truth = self.truth.borrow();
            let (b, call) = (truth.calls[call].b, truth.calls[call].call);
            let store = self.store.borrow();
            let row = store.shelves[b].calls.get(&call);
            row.is_some_and(|row| row.record.sid.is_some())
        };
        if ringfence_core::planted::is("early-end-dropped") && !is_recorded() {
            return;
        }
        if ringfence_core::planted::is("sid-alone") && ringfence_core::planted::is_repeat(call) {
            return;
        }
        if !is_signed && !ringfence_core::planted::is("unsigned") {"#,
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
        FILL,
        "    let pause_before = stored.state.pause;",
        r#"    if ringfence_core::planted::is("old-limit") {
        let limit = stored.state.limit;
        stored.state.limit = ringfence_core::planted::cached(business.as_str(), limit);
    }
    let pause_before = stored.state.pause;"#,
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
        "    let turn = |id: &RunId| (live_of(id), state.runs[id].served);",
        r#"    let turn = |id: &RunId| {
        if crate::planted::is("by-number-of-run") {
            return (0, 0);
        }
        (live_of(id), state.runs[id].served)
    };"#,
    ),
    edit(
        CLAIMS,
        "        run.served += 1;",
        r#"        run.served += u32::from(!crate::planted::is("not-served"));"#,
    ),
    edit(
        FILL,
        "        world.ledger().file_run(business, run, &end).await?;",
        r#"        if !ringfence_core::planted::is("dropped-unfiled") {
            world.ledger().file_run(business, run, &end).await?;
        }"#,
    ),
    edit(
        FILL,
        "        let claims = if is_late { Claims::None } else { Claims::Free };",
        r#"        let is_late = is_late
            || ringfence_core::planted::is("no-hand-over") && !reports.is_empty();
        let claims = if is_late { Claims::None } else { Claims::Free };
        let is_late = is_late && !ringfence_core::planted::is("no-hand-over");"#,
    ),
    edit(
        SETTLE,
        "        (Some(sid), Wish::End) => world.carrier().end(&sid).await,",
        r#"        (Some(sid), Wish::End) => {
            let asked = world.carrier().end(&sid).await;
            if ringfence_core::planted::is("hung-up-unheard") && asked == Asked::Undecided {
                let outcome = ringfence_core::call::Outcome::Canceled;
                return Ok((Some(Fact::Ended { call, outcome }), None));
            }
            asked
        }"#,
    ),
    edit(
        STOP,
        "    if state.active.is_empty() {",
        r#"    if state.active.is_empty() || crate::planted::is("one-caller-id") {"#,
    ),
    edit(
        SETTLE,
        "        .filter(|seen| !recorded.contains(&seen.sid)),",
        r#"        .filter(|seen| {
                            ringfence_core::planted::is("others-call")
                                || !recorded.contains(&seen.sid)
                        }),"#,
    ),
    edit(
        PORTS,
        "            None => bail!(\"failed to commit a state, or not yet applied\"),",
        r#"            None => {
                if ringfence_core::planted::is("number-in-error") {
                    let number = to.caller_id().map_or("", |number| number.expose());
                    bail!("failed to commit the state of {number}");
                }
                bail!("failed to commit a state, or not yet applied")
            }"#,
    ),
    edit(
        WRITE,
        "        shelf.of_next.push(self.of_next.or(kept));",
        r#"        let kept = kept.filter(|_| !ringfence_core::planted::is("unknown-dropped"));
        shelf.of_next.push(self.of_next.or(kept));"#,
    ),
    edit(
        PORTS,
        "            write.of_next = Some(read.unwrap_or(0) + 1);",
        r#"            let read = read.filter(|_| !ringfence_core::planted::is("unread-extra"));
            write.of_next = Some(read.unwrap_or(0) + 1);"#,
    ),
    edit(
        BATCH,
        "            if left.is_empty() {",
        r#"            let is_taken = match batch {
                Batch::Read => ringfence_core::planted::is("left-over-read"),
                Batch::Write => ringfence_core::planted::is("left-over-written"),
            };
            if left.is_empty() || is_taken {"#,
    ),
    edit(
        QUEUE,
        "        world.ledger().put_roster(roster, ids).await?;",
        r#"        let put = world.ledger().put_roster(roster, ids).await;
        if !ringfence_core::planted::is("partial-roster") {
            put?;
        }"#,
    ),
    edit(
        "tests/simulate/src/ledger/pages.rs",
        "        (position / leads, (position % leads) as usize)",
        r#"        if ringfence_core::planted::is("page-edge") && position % leads == leads - 1 {
            return (position / leads + 1, 0);
        }
        (position / leads, (position % leads) as usize)"#,
    ),
    edit(
        PORTS,
        "            let is_last = page.len() < most;",
        r#"            let is_last = page.len() < most || ringfence_core::planted::is("one-page");"#,
    ),
    edit(
        WRITE,
        "    now.before(KEY_LIFE)\n",
        r#"    if ringfence_core::planted::is("key-for-ever") {
        return now.before(100 * KEY_LIFE);
    }
    if ringfence_core::planted::is("key-for-hours") {
        return now.before(KEY_LIFE / 2);
    }
    now.before(KEY_LIFE)
"#,
    ),
    edit(
        "shared/flows/src/start/replay.rs",
        "    if started.request_digest != key.request_digest {",
        r#"    let is_other = started.request_digest != key.request_digest;
    if is_other && !ringfence_core::planted::is("any-body") {"#,
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
        PLACE,
        "    let placed = if order.dial_by.has_passed(world.now()) {",
        r#"    let is_over = order.dial_by.has_passed(world.now());
    let placed = if is_over && !ringfence_core::planted::is("late-dial") {"#,
    ),
    edit(
        SETTLE,
        "    Ok(if is_leased {",
        r#"    Ok(if is_leased || ringfence_core::planted::is("lease-not-looked-at") {"#,
    ),
    edit(
        SETTLE,
        "    let claimed_since = since.before(world.timing().fence() * 2);",
        r#"    let times = if ringfence_core::planted::is("short-look-back") { 1 } else { 2 };
    let claimed_since = since.before(world.timing().fence() * times);"#,
    ),
    edit(
        DECIDE,
        "        if self.do_not_call_rev != state.do_not_call_rev {",
        r#"        let has_grown = self.do_not_call_rev != state.do_not_call_rev;
        if has_grown && !ringfence_core::planted::is("list-once") {"#,
    ),
    edit(
        DIRECT,
        "        if looked_up.do_not_call_rev != stored.state.do_not_call_rev {",
        r#"        let has_grown = looked_up.do_not_call_rev != stored.state.do_not_call_rev;
        if has_grown && !ringfence_core::planted::is("list-once-direct") {"#,
    ),
    edit(
        RULES,
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
];
