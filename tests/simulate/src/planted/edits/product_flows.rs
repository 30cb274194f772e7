//! Faults in what we commit and do: `shared/flows`.

use super::{Edit, edit};

const CLAIM: &str = "shared/flows/src/claim.rs";
const FILL: &str = "shared/flows/src/fill.rs";
const DECIDE: &str = "shared/flows/src/fill/decide.rs";
const PLACE: &str = "shared/flows/src/place.rs";
const SETTLE: &str = "shared/flows/src/settle.rs";
const QUEUE: &str = "shared/flows/src/start/queue.rs";
const DIRECT: &str = "shared/flows/src/start/direct.rs";
const STOP: &str = "shared/flows/src/stop.rs";

pub(super) const EDITS: &[Edit] = &[
    edit(
        DECIDE,
        "        if read == Read::Glanced && !filled.is_changed {",
        r#"        let is_believed = ringfence_core::planted::is("old-state-believed");
        if read == Read::Glanced && !filled.is_changed && !is_believed {"#,
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
        CLAIM,
        "        Commit::Stale(newer) => Ok(Committed::Stale(newer)),",
        r#"        Commit::Stale(_) if ringfence_core::planted::is("lost-race-won") => {
            Ok(Committed::Applied(claims(world, business, to, claimed, known)))
        }
        Commit::Stale(newer) => Ok(Committed::Stale(newer)),"#,
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
        SETTLE,
        "        .filter(|seen| !recorded.contains(&seen.sid)),",
        r#"        .filter(|seen| {
                            ringfence_core::planted::is("others-call")
                                || !recorded.contains(&seen.sid)
                        }),"#,
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
        "shared/flows/src/start/replay.rs",
        "    if started.request_digest != key.request_digest {",
        r#"    let is_other = started.request_digest != key.request_digest;
    if is_other && !ringfence_core::planted::is("any-body") {"#,
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
        r#"    let times = if ringfence_core::planted::is("no-look-back") {
        0
    } else if ringfence_core::planted::is("short-look-back") {
        1
    } else {
        2
    };
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
        DECIDE,
        "        let mut filled = fill(",
        r#"        if ringfence_core::planted::is("old-limit") {
            let now = now.as_millis();
            ringfence_core::planted::keep_limit(business.as_str(), state.limit, now);
        }
        let mut filled = fill("#,
    ),
    edit(
        DECIDE,
        "        let roster = filled.state.runs[&run].roster;",
        r#"        let mut roster = filled.state.runs[&run].roster;
        if ringfence_core::planted::is("others-roster") {
            roster = ringfence_core::planted::first_roster(run, roster);
        }"#,
    ),
    edit(
        FILL,
        "    let mut facts: Vec<Fact> = reports.iter().filter_map(end_of).collect();",
        r#"    let known = if ringfence_core::planted::is("early-end-dropped") {
        let calls: Vec<_> = reports.iter().map(|report| report.call).collect();
        Some(world.ledger().calls(business, &calls).await?)
    } else {
        None
    };
    let is_heard = |report: &&Report| {
        let has_sid = |known: &Vec<crate::records::CallRecord>| {
            let mut ours = known.iter().filter(|record| record.call == report.call);
            ours.any(|record| record.sid.is_some())
        };
        let is_repeat = ringfence_core::planted::is("sid-alone")
            && ringfence_core::planted::is_repeat(report.sid.as_str());
        known.as_ref().is_none_or(has_sid) && !is_repeat
    };
    let heard: Vec<Report> = reports.iter().filter(is_heard).cloned().collect();
    let reports = &heard[..];
    let flags = ringfence_core::planted::flags();
    let mut facts: Vec<Fact> = reports.iter().filter_map(end_of).collect();"#,
    ),
    edit(
        FILL,
        "    let pause_before = stored.state.pause;",
        r#"    ringfence_core::planted::heed(&flags, &mut stored.state);
    let pause_before = stored.state.pause;"#,
    ),
    edit(
        FILL,
        "        record(world, business, &notes),\n    )\n    .await;\n    recorded?;\n    notes.clear();",
        r#"        record(
            world,
            business,
            if ringfence_core::planted::is("end-later") { &[] } else { &notes },
        ),
    )
    .await;
    recorded?;
    if !ringfence_core::planted::is("end-later") {
        notes.clear();
    }"#,
    ),
    edit(
        STOP,
        "        let (state, answer) = match stop(stored.state.clone(), run, live_calls, world.now()) {",
        r#"        let known = stored.state.runs.get(&run);
        if known.is_some_and(|known| ringfence_core::planted::is_flagged(run, known))
            && let Some((_, counts, status)) = stored.state.run_view(run)
        {
            let in_progress = counts.in_progress;
            return Ok(StopAnswer::AlreadyOver { status, in_progress });
        }
        let (state, answer) = match stop(stored.state.clone(), run, live_calls, world.now()) {"#,
    ),
    edit(
        STOP,
        "        match commit(world, business, &stored, &state, &[], &Known::new()).await? {",
        r#"        if ringfence_core::planted::is("stop-elsewhere")
            && live_calls == LiveCalls::Finish
            && let Some(known) = stored.state.runs.get(&run)
        {
            ringfence_core::planted::flag(run, known);
            let newer = world.ledger().load(business).await?;
            let told = newer.map(|newer| stop(newer.state, run, live_calls, world.now()));
            wake_now(world, business).await;
            return Ok(match told {
                Some(StoppedRun::Stopped { canceled, in_progress, .. }) => {
                    StopAnswer::Stopped { canceled, in_progress }
                }
                _ => answer,
            });
        }
        match commit(world, business, &stored, &state, &[], &Known::new()).await? {"#,
    ),
    edit(
        QUEUE,
        "        let key = if is_stillborn {",
        r#"        let key = if is_stillborn || ringfence_core::planted::is("key-after") {"#,
    ),
    edit(
        QUEUE,
        "            StartCommitted::Applied(_) => {\n                info!",
        r#"            StartCommitted::Applied(_) => {
                if ringfence_core::planted::is("key-after") && request.key.is_some() {
                    let rev = stored.rev + 1;
                    let from = Stored { state: state.clone(), rev };
                    let key = request.key.clone();
                    let what = What::Run { run };
                    let later = Start { run: None, key, what, now };
                    let known = Known::new();
                    let _ = commit_start(world, business, &from, &state, &later, &[], &known).await;
                }
                info!"#,
    ),
    edit(
        CLAIM,
        "    let calls: Vec<CallId> = claimed.iter().map(|claimed| claimed.call).collect();",
        r#"    let calls: Vec<CallId> = claimed.iter().map(|claimed| claimed.call).collect();
    let last: BusinessId;
    let business = if ringfence_core::planted::is("others-shelf") {
        let name = ringfence_core::planted::last_one(business.as_str());
        last = name.parse().expect("it was one");
        &last
    } else {
        business
    };"#,
    ),
    edit(
        CLAIM,
        "    match world.ledger().commit(business, from, to, &calls).await? {",
        r#"    let committed = world.ledger().commit(business, from, to, &calls).await;
    let committed = committed.map_err(|error| match claimed.first() {
        Some(one) if ringfence_core::planted::is("number-in-error") => {
            error.context(format!("failed to call {}", one.lease.to.expose()))
        }
        _ => error,
    });
    match committed? {"#,
    ),
    edit(
        FILL,
        "    let mut notes: Vec<CallNote> = reports.iter().map(note_of).collect();",
        r#"    let mut notes: Vec<CallNote> = reports.iter().map(note_of).collect();
    if ringfence_core::planted::is("end-unnoted") {
        notes.clear();
    }"#,
    ),
    edit(
        PLACE,
        "        if let Err(error) = record(world, &order.business, &[note]).await {",
        r#"        if ringfence_core::planted::is("refused-unrecorded") {
            let noted = crate::ledger::Calls::note(world.ledger(), &order.business, &note).await;
            drop(noted);
        } else if let Err(error) = record(world, &order.business, &[note]).await {"#,
    ),
    edit(
        "shared/flows/src/business.rs",
        "                return Ok(SetAnswer::Set(state));\n            }\n            Commit::Stale(newer) => stored = newer,",
        r#"                return Ok(SetAnswer::Set(state));
            }
            Commit::Stale(_) if ringfence_core::planted::is("set-unstored") => {
                return Ok(SetAnswer::Set(state));
            }
            Commit::Stale(newer) => stored = newer,"#,
    ),
];
