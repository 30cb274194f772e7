//! One seed, from its beginning to its verdict.

use std::cell::RefCell;
use std::panic::AssertUnwindSafe;
use std::rc::Rc;

use crate::judge::Violation;
use crate::judge::liveness::Ending;
use crate::kernel::{EPOCH, Step};
use crate::panics;
use crate::secrecy;
use crate::sim::{Act, Season, Sim};
use crate::story::{Story, Telling};
use crate::users::{cast, probe};
use crate::world::DAY_MS;

/// What a seed has shown.
pub struct Verdict {
    pub seed: u64,
    pub violation: Option<Violation>,
    /// The same for every run of the seed.
    pub digest: u64,
    /// How many calls the carrier took.
    pub calls: u64,
    /// How many events there were.
    pub steps: u64,
    /// How long it lasted, in milliseconds of its own time.
    pub span_ms: u64,
    /// How long everything took after faults had ceased, and how long it might take.
    pub ending: Ending,
    /// The longest that a free slot lay idle while nothing failed and a lead waited.
    pub idle_ms: u64,
    pub faults: String,
    /// The words that were kept.
    pub lines: Vec<String>,
}

/// No story has more events; one that does is stuck in a loop.
const STEPS_MAX: u64 = 2_000_000;
/// Sixteen short calls, one after the other at worst, and a minute for what is around them.
const PROBE_MS_MAX: u64 = 17 * 60_000;
/// The logs of one seed in so many are read for phone numbers.
const READ_EVERY: u64 = 64;

/// Tells the story of a seed, and judges it.
pub fn run(seed: u64, profile: &str, telling: Telling) -> Verdict {
    let sim = Sim::new(seed, profile, telling);
    let mut steps = 0;
    let told = {
        let sim = &sim;
        let steps = &mut steps;
        panics::catch(AssertUnwindSafe(move || {
            if seed.is_multiple_of(READ_EVERY) {
                secrecy::reading_logs(sim, || go(sim, profile, steps));
            } else {
                go(sim, profile, steps);
            }
        }))
    };
    if let Err(panic) = told {
        let violation = Violation {
            invariant: panic.invariant(),
            words: panic.words(),
        };
        return verdict(seed, &sim, steps, Some(violation));
    }
    sim.kernel.clear();
    let violation = sim.judge.borrow().violation.clone();
    verdict(seed, &sim, steps, violation)
}

fn go(sim: &Rc<Sim>, profile: &str, steps: &mut u64) {
    cast(sim, profile);
    loop {
        *steps += 1;
        match sim.kernel.step() {
            Step::Woke => {}
            Step::Act(act) => {
                let may_be_over = matches!(act, Act::Watch);
                sim.act(act);
                if may_be_over && sim.is_still() && end_season(sim) {
                    return;
                }
            }
            Step::Over => return,
        }
        if sim.judge.borrow().violation.is_some() {
            return;
        }
        if *steps > STEPS_MAX {
            let words = format!("more than {STEPS_MAX} steps");
            return sim.judge.borrow_mut().fail("liveness", words);
        }
    }
}

/// Goes on to the next season, or says that there is none.
fn end_season(sim: &Rc<Sim>) -> bool {
    let now = sim.kernel.now();
    match sim.season.get() {
        Season::Storm => false,
        Season::Calm => {
            sim.season.set(Season::Probe);
            sim.tell("probe", 0, String::new);
            let days = if sim.has_rules { 3 * DAY_MS } else { 0 };
            let probe_until = now + PROBE_MS_MAX + days;
            sim.judge.borrow_mut().probe_until = Some(probe_until);
            probe(sim);
            false
        }
        Season::Probe => {
            let mut judge = sim.judge.borrow_mut();
            judge.look_for_orders();
            judge.look_back(sim);
            true
        }
    }
}

fn verdict(seed: u64, sim: &Sim, steps: u64, violation: Option<Violation>) -> Verdict {
    let story = match sim.story.try_borrow_mut() {
        Ok(mut story) => std::mem::replace(&mut *story, Story::new(Telling::Digest)),
        Err(_) => Story::new(Telling::Digest),
    };
    let calls = sim.truth.try_borrow().map_or(0, |truth| truth.calls.len());
    let judge = RefCell::try_borrow(&sim.judge);
    let (ending, idle_ms) = judge.map_or_else(
        |_| Default::default(),
        |judge| (judge.ending, judge.idle_ms),
    );
    Verdict {
        seed,
        violation,
        digest: story.digest(),
        calls: calls as u64,
        steps,
        span_ms: sim.kernel.now() - EPOCH,
        ending,
        idle_ms,
        faults: sim.faults.list(),
        lines: story.into_lines(),
    }
}
