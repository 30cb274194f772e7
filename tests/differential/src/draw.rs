//! Draws operations, on so few businesses, calls, runs and keys that they often collide.
//!
//! What is drawn depends on the seed of the step and on what was answered before, so a
//! sequence from which steps are left out is one too.

mod calls;
mod heard;
mod people;
mod states;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use fastrand::Rng;
use ringfence_core::ids::{BusinessId, RosterId, RunId};
use ringfence_core::phone::PhoneNumber;
use ringfence_core::state::{Counts, RunStatus, State};
use ringfence_core::time::Timestamp;
use ringfence_flows::ledger::{RequestKey, Start, Stored, What};
use ringfence_flows::records::{RunEnd, RunRecord};
use uuid::Uuid;

use crate::request::{Change, Kind, Request};

pub use self::calls::{call, calls};
pub use self::people::{Contact, lead};
pub use self::states::{first, phone};

/// The businesses that every sequence has. The one of the next number does not exist.
pub const BUSINESSES: u32 = 2;
/// When every sequence begins: in 2100, since a store whose clock is on its own deletes what has
/// expired by it.
pub const BEGIN: Timestamp = Timestamp::from_millis(4_102_444_800_678);

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const MINUTE: Duration = Duration::from_secs(60);
const RUNS: u32 = 3;
const KEYS: u32 = 3;
/// Around the ends of pages of 1,024 leads, and as small as most are.
const ROSTER_SIZES: [u32; 9] = [0, 1, 2, 3, 5, 1_023, 1_024, 1_025, 2_100];
/// What a client knows who has heard every answer.
#[derive(Debug)]
pub struct Scene {
    now: Timestamp,
    seen: BTreeMap<BusinessId, Vec<Stored>>,
    keys: BTreeMap<(BusinessId, String), Timestamp>,
    turns: BTreeMap<BusinessId, Timestamp>,
    /// The numbers that were barred and then forgotten.
    forgotten: BTreeSet<(BusinessId, PhoneNumber)>,
    rosters: Vec<u32>,
    /// How many leads each business begins with, from 1 on.
    pub leads: u32,
}

impl Scene {
    /// The beginning of a sequence.
    pub fn new(rng: &mut Rng) -> Self {
        let sizes = (0..3).map(|_| {
            let few = if rng.u32(0..4) > 0 {
                5
            } else {
                ROSTER_SIZES.len()
            };
            ROSTER_SIZES[rng.usize(0..few)]
        });
        Self {
            now: BEGIN,
            rosters: sizes.collect(),
            leads: rng.u32(1..=6),
            seen: BTreeMap::new(),
            keys: BTreeMap::new(),
            turns: BTreeMap::new(),
            forgotten: BTreeSet::new(),
        }
    }

    /// Draws the operation of a step.
    pub fn draw(&mut self, step: u64) -> Request {
        let rng = &mut Rng::with_seed(step);
        self.now = self.now.after(Duration::from_millis(rng.u64(0..20_000)));
        let b = business(rng.u32(0..BUSINESSES));
        match kind(rng) {
            Kind::Load if rng.u32(0..8) == 0 => Request::Load(business(BUSINESSES)),
            Kind::Load => Request::Load(b),
            Kind::Commit => self.commit(rng, b),
            Kind::CommitStart => self.commit_start(rng, b),
            Kind::Started => {
                let key = key(rng);
                let now = self.time_for(rng, &b, &key);
                Request::Started(b, key, now)
            }
            Kind::Note => Request::Note(b, Box::new(calls::note(rng, self.now))),
            Kind::Calls => Request::Calls(b, calls::some(rng)),
            Kind::SidsSince => Request::SidsSince(b, calls::since(rng)),
            Kind::Run => Request::Run(b, run(rng)),
            Kind::FileRun => Request::FileRun(b, run(rng), end(rng, self.now)),
            Kind::TakeCleanupTurn => Request::TakeCleanupTurn(b.clone(), self.turn(rng, &b)),
            Kind::PutRoster => self.put_roster(rng),
            Kind::RosterLeads => self.roster_leads(rng),
            Kind::Leads => Request::Leads(b, people::leads(rng)),
            Kind::MissingLeads => Request::MissingLeads(b, people::leads(rng)),
            Kind::DeleteLeads => Request::DeleteLeads(b, people::few_leads(rng)),
            Kind::Listed => Request::Listed(b, people::numbers(rng)),
            Kind::Bar => Request::Bar(b, people::numbers(rng)),
            Kind::Lift => Request::Lift(b, people::number(rng)),
            Kind::Forget => Request::Forget(b, people::number(rng)),
        }
    }

    /// Reads all that the methods of the ports can reach of what was drawn.
    pub fn read_all(&self) -> Vec<Request> {
        let mut reads = Vec::new();
        for number in 0..BUSINESSES {
            let b = business(number);
            reads.push(Request::Load(b.clone()));
            reads.push(Request::Calls(b.clone(), calls().collect()));
            reads.push(Request::SidsSince(b.clone(), BEGIN));
            reads.push(Request::Leads(b.clone(), people::all_leads()));
            reads.push(Request::MissingLeads(b.clone(), people::all_leads()));
            reads.push(Request::Listed(b.clone(), people::all_numbers()));
            // It says when the last turn was taken.
            reads.push(Request::TakeCleanupTurn(b.clone(), BEGIN));
            reads.extend((1..=RUNS).map(|run| Request::Run(b.clone(), run_id(run))));
            let keys = self.keys.keys().filter(|(of, _)| *of == b);
            reads.extend(keys.map(|(_, key)| {
                let key = RequestKey {
                    key: key.clone(),
                    request_digest: [0; 32],
                };
                Request::Started(b.clone(), key, BEGIN)
            }));
        }
        for (number, &size) in (0..).zip(&self.rosters) {
            let ends = [0, 1_023, 1_024, size.saturating_sub(1)];
            let ends = ends.into_iter().filter(|&at| at < size).collect();
            reads.push(Request::RosterLeads(roster(number), ends));
        }
        reads
    }

    fn commit(&self, rng: &mut Rng, b: BusinessId) -> Request {
        let from = self.from(rng, &b);
        let (to, mut claimed) = states::change(rng, self.now, &from.state);
        if rng.u32(0..12) == 0 {
            claimed.push(calls::any(rng));
        }
        Request::Commit(b, Box::new(Change { from, to, claimed }))
    }

    fn commit_start(&self, rng: &mut Rng, b: BusinessId) -> Request {
        let from = self.from(rng, &b);
        let key = (rng.u32(0..5) > 0).then(|| key(rng));
        let mut to = from.state.clone();
        let (run, what, claimed) = if rng.bool() {
            let number = if rng.u32(0..8) == 0 {
                run(rng)
            } else {
                run_id(to.next_run.clamp(1, RUNS))
            };
            to.runs.insert(number, states::run(rng, self.now));
            to.next_run = number.get() + 1;
            let record = self.record(rng, number);
            (Some(record), What::Run { run: number }, Vec::new())
        } else {
            let claimed = states::claim(rng, self.now, &mut to);
            let calls = (1..).map(lead).zip(claimed.iter().copied());
            (None, What::Calls(calls.collect()), claimed)
        };
        let now = match &key {
            Some(key) => self.time_for(rng, &b, key),
            None => self.now,
        };
        let start = Start {
            run,
            key,
            what,
            now,
        };
        let change = Change { from, to, claimed };
        Request::CommitStart(b, Box::new(change), Box::new(start))
    }

    /// What a decision is made on: mostly the latest state, at times an older one, and now
    /// and then one that never was, as if the decision had a bug.
    fn from(&self, rng: &mut Rng, b: &BusinessId) -> Stored {
        let seen = self.seen.get(b).map_or(&[][..], Vec::as_slice);
        let Some(latest) = seen.iter().max_by_key(|stored| stored.rev) else {
            return Stored {
                state: State::new(1),
                rev: 1,
            };
        };
        match rng.u32(0..20) {
            0..=13 => latest.clone(),
            14..=17 => seen[rng.usize(0..seen.len())].clone(),
            18 => Stored {
                rev: latest.rev,
                ..seen[rng.usize(0..seen.len())].clone()
            },
            _ => {
                let mut wrong = latest.clone();
                wrong.state.active.clear();
                wrong
            }
        }
    }

    fn record(&self, rng: &mut Rng, run: RunId) -> RunRecord {
        RunRecord {
            run,
            total: rng.u32(1..=2_100),
            concurrency: rng.u32(1..=5),
            roster: roster(rng.u32(0..3)),
            list: ringfence_core::ids::ListId::new(rng.u32(0..3)),
            created_at: self.now,
            created_by: format!("key-{}", rng.u32(0..9)),
            end: None,
        }
    }

    /// Now, or about a day after the key was last used.
    fn time_for(&self, rng: &mut Rng, b: &BusinessId, key: &RequestKey) -> Timestamp {
        match self.keys.get(&(b.clone(), key.key.clone())) {
            Some(&at) if rng.u32(0..3) == 0 => about(rng, at, DAY),
            Some(_) | None => self.now,
        }
    }

    /// Now, or about a minute after the last turn.
    fn turn(&self, rng: &mut Rng, b: &BusinessId) -> Timestamp {
        match self.turns.get(b) {
            Some(&at) if rng.bool() => about(rng, at, MINUTE),
            Some(_) | None => self.now,
        }
    }

    fn put_roster(&self, rng: &mut Rng) -> Request {
        let number = rng.u32(0..3);
        let size = self.rosters[number as usize];
        let leads = (0..size).map(|at| lead(1 + (at * 7 + number) % 90_000));
        Request::PutRoster(roster(number), leads.collect())
    }

    fn roster_leads(&self, rng: &mut Rng) -> Request {
        let number = rng.u32(0..3);
        let size = self.rosters[number as usize];
        // At times one too far.
        let last = size + u32::from(rng.u32(0..4) == 0);
        let positions = (0..rng.u32(0..6)).map(|_| match rng.u32(0..3) {
            0 => rng.u32(0..last.max(1)),
            1 => [1_022, 1_023, 1_024, 1_025][rng.usize(0..4)].min(last.saturating_sub(1)),
            _ => last.saturating_sub(1),
        });
        Request::RosterLeads(roster(number), positions.collect())
    }
}

impl Change {
    /// What is stored where the change is applied.
    fn result(&self) -> Stored {
        Stored {
            state: self.to.clone(),
            rev: self.from.rev + 1,
        }
    }
}

/// A business by its number, as the simulated world calls it.
pub fn business(number: u32) -> BusinessId {
    let id = format!("b{number}").parse();
    id.expect("a letter and digits are an id")
}

fn roster(number: u32) -> RosterId {
    RosterId::new(Uuid::from_u128(u128::from(number) + 1))
}

fn run(rng: &mut Rng) -> RunId {
    run_id(rng.u32(1..=RUNS))
}

fn run_id(number: u32) -> RunId {
    RunId::new(number).expect("they count from 1")
}

fn key(rng: &mut Rng) -> RequestKey {
    let key = format!("key {}", rng.u32(0..KEYS));
    let request_digest = [rng.u8(0..2); 32];
    RequestKey {
        key,
        request_digest,
    }
}

/// What is done next: mostly what can be refused.
fn kind(rng: &mut Rng) -> Kind {
    let of = |kind: Kind| match kind {
        Kind::Commit => 26,
        Kind::CommitStart | Kind::Note => 17,
        Kind::Load => 8,
        Kind::Started | Kind::Listed => 6,
        Kind::Calls | Kind::FileRun | Kind::Bar => 4,
        Kind::SidsSince
        | Kind::Run
        | Kind::TakeCleanupTurn
        | Kind::RosterLeads
        | Kind::Leads
        | Kind::MissingLeads
        | Kind::Lift
        | Kind::Forget => 3,
        Kind::PutRoster => 2,
        Kind::DeleteLeads => 1,
    };
    let mut left = rng.u32(0..Kind::ALL.into_iter().map(of).sum());
    let mut kinds = Kind::ALL.into_iter();
    let chosen = kinds.find(|&kind| match left.checked_sub(of(kind)) {
        Some(rest) => {
            left = rest;
            false
        }
        None => true,
    });
    chosen.expect("it is less than the sum")
}

/// A moment before, at, or a moment after the end of a span.
fn about(rng: &mut Rng, begin: Timestamp, span: Duration) -> Timestamp {
    let millisecond = Duration::from_millis(1);
    match rng.u32(0..3) {
        0 => begin.after(span).before(millisecond),
        1 => begin.after(span),
        _ => begin.after(span).after(millisecond),
    }
}

fn end(rng: &mut Rng, at: Timestamp) -> RunEnd {
    let mut count = || rng.u32(0..2_000);
    let counts = Counts {
        queued: count(),
        in_progress: count(),
        completed: count(),
        failed: count(),
        canceled: count(),
    };
    RunEnd {
        status: RunStatus::ALL[rng.usize(0..RunStatus::ALL.len())],
        counts,
        at,
        last_error: rng.bool().then(|| "the carrier refused us".to_owned()),
    }
}
