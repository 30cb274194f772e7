//! Decides whether the promise held, from what the carrier knows: after every step.

mod books;
pub mod history;
mod items;
mod keys;
mod last;
pub mod liveness;
mod order;
mod outcomes;
mod rules;
mod settings;

use std::collections::{BTreeMap, BTreeSet};

use ringfence_core::call::Job;
use ringfence_core::ids::{CallId, LeadId, RunId};
use ringfence_core::state::State;
use ringfence_flows::business::Settings;

use self::history::{Request, RunFacts};
use self::keys::KeyFacts;
use self::liveness::Ending;
use self::order::Deed;
use self::outcomes::Fate;
use self::rules::Rules;
use self::settings::InForce;
use crate::carrier::Truth;
use crate::kernel::TaskId;
use crate::sim::Sim;

/// Everything that a verdict rests on.
#[derive(Default)]
pub struct Judge {
    /// The first thing that was wrong.
    pub violation: Option<Violation>,
    books: Vec<Books>,
    claims: BTreeMap<CallId, ClaimFacts>,
    /// What administrators have asked of workers.
    wishes: BTreeMap<TaskId, Settings>,
    /// The workers that died, stood still, or gave up.
    fallen: BTreeSet<TaskId>,
    /// How many writes there were.
    seq: u64,
    /// The calls that the carrier took.
    accepted: BTreeSet<CallId>,
    dialled: BTreeSet<(usize, RunId, u32)>,
    dialled_leads: BTreeSet<(usize, RunId, LeadId)>,
    requests: BTreeMap<u64, Request>,
    /// Who uses each key, before and after its day.
    keys: BTreeMap<(usize, String), [KeyFacts; 2]>,
    /// Which leads of runs ever had a slot.
    claimed: BTreeSet<(usize, RunId, u32)>,
    /// How each lead of a run ended, and each direct call.
    fates: BTreeMap<(usize, RunId, u32), Fate>,
    direct: BTreeMap<(usize, CallId), Fate>,
    /// The runs that ever were in a state.
    begun: BTreeSet<(usize, RunId)>,
    runs: BTreeMap<(usize, RunId), RunFacts>,
    told_of_runs: BTreeMap<(usize, RunId), Vec<Deed>>,
    /// How many questions and answers there were.
    instants: u64,
    pub ending: Ending,
    /// Until when the last two runs must be over.
    pub probe_until: Option<u64>,
    /// The longest that a free slot lay idle in the probe, while a lead waited.
    pub idle_ms: u64,
}

/// What was wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The name of the invariant.
    pub invariant: &'static str,
    pub words: String,
}

/// What is known of one business.
struct Books {
    /// The limit that its administrator has set last.
    limit: u32,
    /// All that was ever set, and since which write.
    in_force: Vec<(u64, InForce)>,
    rules: Rules,
    /// Since when a slot is free that a lead waits for.
    idle_since: Option<u64>,
    /// The runs that were there when the limit changed: what they were served before counts.
    unequal: BTreeSet<RunId>,
    /// Which probe had the last turn while which other waited with as many live calls.
    last_turn: Option<(RunId, RunId)>,
    /// Every state that there was, as far as refusals rest on it.
    states: Vec<Grounds>,
    /// The highest number of a run that somebody was told.
    highest_run: u32,
    /// How many writes workers of the next release have made.
    next_writes: u64,
    /// When a day passed for the request keys.
    aged_at: Option<u64>,
}

/// What a start is refused for.
struct Grounds {
    limit: u32,
    slots_in_use: u32,
    runs: usize,
    has_caller_id: bool,
}

impl Grounds {
    fn of(state: &State) -> Self {
        Self {
            limit: state.limit,
            slots_in_use: state.slots_in_use(),
            runs: state.runs.len(),
            has_caller_id: !state.caller_ids.is_empty(),
        }
    }
}

/// How a call got its slot.
struct ClaimFacts {
    seq: u64,
    limit: u32,
    /// How many calls the day might have.
    per_day: Option<u32>,
    is_after_stop: bool,
    worker: TaskId,
    at: u64,
    /// Its worker has begun to place the call, or has given it back in time.
    is_used: bool,
}

impl Judge {
    /// Opens the books of the next business.
    pub fn open(&mut self, state: &State) {
        self.books.push(Books {
            limit: state.limit,
            in_force: vec![(0, InForce::of(state))],
            rules: Rules::new(state),
            idle_since: None,
            unequal: BTreeSet::new(),
            last_turn: None,
            states: vec![Grounds::of(state)],
            highest_run: 0,
            next_writes: 0,
            aged_at: None,
        });
    }

    /// Says what is wrong; only the first counts.
    pub fn fail(&mut self, invariant: &'static str, words: String) {
        self.violation.get_or_insert(Violation { invariant, words });
    }

    /// A worker died, stood still or gave up: its claims may come to nothing.
    pub fn has_fallen(&mut self, worker: TaskId) {
        self.fallen.insert(worker);
    }

    /// A worker begins to place the call of its claim.
    pub fn is_placing(&mut self, call: CallId) {
        if let Some(claim) = self.claims.get_mut(&call) {
            claim.is_used = true;
        }
    }

    /// Looks for a phone number in an error.
    pub fn read_error(&mut self, error: &anyhow::Error) {
        self.read_text(&format!("{error:#}"));
    }

    /// Looks for a phone number in a text that others may read.
    pub fn read_text(&mut self, text: &str) {
        let has_number = text.match_indices("97250").any(|(at, prefix)| {
            let rest = text.as_bytes()[at + prefix.len()..].iter().take(7);
            rest.clone().count() == 7 && rest.clone().all(u8::is_ascii_digit)
        });
        if has_number {
            self.fail("secrecy", "a full phone number was written".to_owned());
        }
    }

    /// A call exists.
    pub fn accepted(&mut self, sim: &Sim, truth: &Truth, place: usize) {
        let call = &truth.calls[place];
        let (b, id, job) = (call.b, call.call, call.job);
        let Some(claim) = self.claims.get(&id) else {
            return self.fail("slots", format!("b{b} call {id} never had a slot"));
        };
        let (is_after_stop, seq) = (claim.is_after_stop, claim.seq);
        if is_after_stop {
            self.fail("stop", format!("b{b} {job:?} was claimed after its stop"));
        }
        self.count_in_day(b, id);
        if !self.accepted.insert(id) {
            self.fail("once", format!("b{b} {job:?} call {id} was placed twice"));
        }
        if let Job::OfRun { run, index } = job {
            let is_new = self.dialled.insert((b, run, index));
            let is_new_lead = self.dialled_leads.insert((b, run, call.lead));
            if !is_new || !is_new_lead {
                let words = format!("b{b} run {run} dialled lead {} twice", call.lead);
                self.fail("once", words);
            }
        }
        let mut others = truth.live.iter().filter(|&&live| live != place);
        let is_to_same = |&live: &usize| {
            let other = &truth.calls[live];
            other.b == b && other.to == call.to
        };
        if others.any(is_to_same) {
            self.fail(
                "number",
                format!("b{b} has two live calls to {:?}", call.to),
            );
        }
        // Whoever got a slot no earlier than this call is counted with it.
        let live = truth.live.iter().map(|&live| &truth.calls[live]);
        let live: Vec<&ClaimFacts> = live
            .filter(|live| live.b == b)
            .filter_map(|live| self.claims.get(&live.call))
            .collect();
        let is_over_limit = live.iter().filter(|one| one.seq >= seq).any(|one| {
            let before = live.iter().filter(|other| other.seq <= one.seq);
            before.count() > one.limit as usize
        });
        if is_over_limit {
            let words = format!("b{b} has {} live calls", live.len());
            self.fail("limit", words);
        }
        let store = sim.store.borrow();
        if let Job::OfRun { run, index } = job
            && let Some(record) = store.shelves[b].runs.get(&run)
            && store.roster(record.roster).nth(index as usize) != Some(call.lead)
        {
            let words = format!("b{b} run {run} called lead {} out of turn", call.lead);
            self.fail("roster", words);
        }
        let has_slot = store.shelves[b].stored.state.active.contains_key(&id);
        if !has_slot {
            self.fail("slots", format!("b{b} call {id} began without a slot"));
        }
    }
}
