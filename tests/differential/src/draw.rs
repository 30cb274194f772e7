//! Draws operations, on so few businesses, calls, runs and keys that they often collide.
//!
//! What is drawn depends on the seed of the step and on what was answered before, so a
//! sequence from which steps are left out is one too.

mod calls;
mod states;

use std::collections::BTreeMap;
use std::time::Duration;

use fastrand::Rng;
use ringfence_core::ids::{BusinessId, LeadId, RosterId, RunId};
use ringfence_core::state::{Counts, RunStatus, State};
use ringfence_core::time::Timestamp;
use ringfence_flows::ledger::{Commit, RequestKey, Start, StartCommit, Stored, Turn, What};
use ringfence_flows::records::{RunEnd, RunRecord};
use uuid::Uuid;

use crate::answer::Answer;
use crate::request::{Change, Request};

pub use self::calls::{call, calls};
pub use self::states::{first, phone};

/// The businesses of every sequence, of which the last does not exist.
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
/// How many states are remembered of each business.
const SEEN_MAX: usize = 6;

/// What a client knows who has heard every answer.
#[derive(Debug)]
pub struct Scene {
    now: Timestamp,
    seen: BTreeMap<BusinessId, Vec<Stored>>,
    keys: BTreeMap<(BusinessId, String), Timestamp>,
    turns: BTreeMap<BusinessId, Timestamp>,
    rosters: Vec<u32>,
    /// How many leads each business has, from 1 on.
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
        }
    }

    /// The latest revision known of a business.
    pub fn rev(&self, b: &BusinessId) -> u64 {
        let revs = self.seen.get(b).into_iter().flatten();
        revs.map(|stored| stored.rev).max().unwrap_or_default()
    }

    /// Whether a key has started something, however long ago.
    pub fn has_key(&self, b: &BusinessId, key: &RequestKey) -> bool {
        self.keys.contains_key(&(b.clone(), key.key.clone()))
    }

    /// Learns from an answer.
    pub fn hear(&mut self, request: &Request, answer: &Answer) {
        match (request, answer) {
            (Request::Load(b), Answer::Stored(Some(stored)))
            | (Request::Commit(b, _), Answer::Commit(Commit::Stale(stored)))
            | (Request::CommitStart(b, ..), Answer::StartCommit(StartCommit::Stale(stored))) => {
                self.remember(b, stored.clone());
            }
            (Request::Commit(b, change), Answer::Commit(Commit::Applied)) => {
                self.remember(b, change.result());
            }
            (Request::CommitStart(b, change, start), Answer::StartCommit(StartCommit::Applied)) => {
                self.remember(b, change.result());
                if let Some(key) = &start.key {
                    self.keys.insert((b.clone(), key.key.clone()), start.now);
                }
            }
            (Request::TakeCleanupTurn(b, now), Answer::Turn(Turn::Taken)) => {
                self.turns.insert(b.clone(), *now);
            }
            _ => {}
        }
    }

    fn remember(&mut self, b: &BusinessId, stored: Stored) {
        let seen = self.seen.entry(b.clone()).or_default();
        if !seen.contains(&stored) {
            seen.push(stored);
        }
        if seen.len() > SEEN_MAX {
            seen.remove(0);
        }
    }

    /// Draws the operation of a step.
    pub fn draw(&mut self, step: u64) -> Request {
        let rng = &mut Rng::with_seed(step);
        self.now = self.now.after(Duration::from_millis(rng.u64(0..20_000)));
        let b = business(rng.u32(0..BUSINESSES));
        match rng.u32(0..100) {
            0..=7 if rng.u32(0..8) == 0 => Request::Load(business(BUSINESSES)),
            0..=7 => Request::Load(b),
            8..=33 => self.commit(rng, b),
            34..=51 => self.commit_start(rng, b),
            52..=57 => {
                let key = key(rng);
                let now = self.time_for(rng, &b, &key);
                Request::Started(b, key, now)
            }
            58..=74 => Request::Note(b, Box::new(calls::note(rng, self.now))),
            75..=78 => Request::Calls(b, calls::some(rng)),
            79..=81 => Request::SidsSince(b, calls::since(rng)),
            82..=84 => Request::Run(b, run(rng)),
            85..=88 => Request::FileRun(b, run(rng), end(rng, self.now)),
            89..=91 => Request::TakeCleanupTurn(b.clone(), self.turn(rng, &b)),
            92..=93 => self.put_roster(rng),
            94..=96 => self.roster_leads(rng),
            97 => Request::Leads(b, leads(rng)),
            _ => Request::MissingLeads(b, leads(rng)),
        }
    }

    /// Reads everything that the typed methods can reach.
    pub fn read_all(&self) -> Vec<Request> {
        let mut reads = Vec::new();
        for number in 0..BUSINESSES {
            let b = business(number);
            reads.push(Request::Load(b.clone()));
            reads.push(Request::Calls(b.clone(), calls().collect()));
            reads.push(Request::SidsSince(b.clone(), BEGIN));
            reads.push(Request::Leads(b.clone(), (1..=8).map(lead).collect()));
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

/// A lead by its number.
pub fn lead(number: u32) -> LeadId {
    LeadId::new(number).expect("they count from 1")
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

/// A few leads, some of which exist; at times more than go into one request, twice over,
/// or so many that a range is read.
fn leads(rng: &mut Rng) -> Vec<LeadId> {
    match rng.u32(0..10) {
        0 => (1..=130).chain(1..=9).map(lead).collect(),
        1 => (1..=520).map(lead).collect(),
        _ => (0..rng.u32(0..7)).map(|_| lead(rng.u32(1..=8))).collect(),
    }
}
