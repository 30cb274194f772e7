//! A second, simpler bookkeeping that follows a history beside the real one.
//!
//! It knows the fate of every single lead and nothing of cursors, turns and look-ups.
//! What it cannot foresee, such as who is claimed next, it takes over from the real one
//! after checking that it was allowed.

use std::collections::{BTreeMap, BTreeSet};

use proptest::sample::Index;

use super::fates::{Fate, Known};
use crate::call::{Job, Outcome};
use crate::fill::claims::ASIDE_MAX;
use crate::fill::{Barred, Candidate, Candidates, Claimed, Fact, Filled, fill};
use crate::ids::{CallId, RunId};
use crate::start::{Direct, DirectLead, StartedCalls, start_calls};
use crate::state::Phase;
use crate::state::tests::desk::{Desk, START, call_minted, lead, number};
use crate::stop::{LiveCalls, StoppedRun, stop};
use crate::time::Timestamp;
use crate::timing::Timing;

pub(super) struct Books {
    pub(super) desk: Desk,
    numbers: Vec<Option<u32>>,
    /// Every call that was ever claimed.
    calls: Vec<CallId>,
    live: BTreeMap<CallId, Live>,
    runs: BTreeMap<RunId, Known>,
    limit_max: u32,
}

struct Live {
    job: Job,
    claimed_at: Timestamp,
    /// When the carrier missed it, if it did in its last answer.
    missed_at: Option<Timestamp>,
    /// Answers about it before this instant do not count.
    deaf_until: Timestamp,
}

impl Books {
    pub(super) fn new(limit: u32, numbers: Vec<Option<u32>>) -> Self {
        Self {
            desk: Desk::new(limit),
            numbers,
            calls: Vec::new(),
            live: BTreeMap::new(),
            runs: BTreeMap::new(),
            limit_max: limit,
        }
    }

    pub(super) fn start(&mut self, total: u32, concurrency: Option<u32>) {
        let limit = self.desk.state.limit;
        let id = self
            .desk
            .run(total, concurrency.map(|wish| wish.min(limit)));
        let mut numbers = self.numbers.iter().cycle();
        numbers.nth(7 * usize::try_from(id.get()).unwrap());
        for (index, n) in (0..total).zip(numbers) {
            match n {
                Some(n) => self.desk.share(id.get(), index, *n),
                None => self.desk.bar(id.get(), index),
            }
        }
        let known = Known {
            leads: vec![Fate::Waiting; usize::try_from(total).unwrap()],
            phase: Phase::Running,
            is_over: false,
        };
        assert!(self.runs.insert(id, known).is_none(), "run {id} is new");
    }

    pub(super) fn direct(&mut self, numbers: &[Option<u32>]) {
        let leads = Vec::from_iter(numbers.iter().map(|n| DirectLead {
            lead: lead(n.unwrap_or(99) + 1),
            to: n.map(number).ok_or(Barred::NoPhone),
            country: None,
        }));
        let mut callable = BTreeSet::from_iter(numbers.iter().flatten().map(|&n| number(n)));
        callable.retain(|to| !self.desk.state.is_in_call(to));
        let (state, now) = (self.desk.state.clone(), self.desk.now);
        let free = state.slots_free();
        let started = start_calls(state, &leads, &mut self.desk.mint(), now, &Timing::CLOUD);
        let StartedCalls::Decided { state, answers } = started else {
            assert!(callable.len() > usize::try_from(free).unwrap());
            return;
        };
        assert_eq!(answers.len(), numbers.len());
        self.desk.state = state;
        for answer in answers {
            if let Direct::Claimed(claim) = answer {
                assert!(callable.remove(&claim.lease.to), "once each");
                self.claim(&claim);
            }
        }
        assert!(callable.is_empty(), "all or none");
    }

    pub(super) fn stop(&mut self, id: RunId, live_calls: LiveCalls) {
        let phase = match live_calls {
            LiveCalls::Finish => Phase::Stopped,
            LiveCalls::HangUp => Phase::HangingUp,
        };
        match stop(self.desk.state.clone(), id, live_calls, self.desk.now) {
            StoppedRun::NotHere => assert!(!self.runs.contains_key(&id)),
            StoppedRun::Stopped {
                state, canceled, ..
            } => {
                let known = self.runs.get_mut(&id).unwrap();
                assert!(known.phase == Phase::Running && !known.is_over);
                assert_eq!(known.cancel(phase), canceled);
                self.desk.state = state;
            }
            StoppedRun::AlreadyOver {
                state, is_changed, ..
            } => {
                let known = self.runs.get_mut(&id).unwrap();
                assert!(known.phase != Phase::Running || known.is_over);
                assert_eq!(is_changed, state != self.desk.state);
                if is_changed {
                    assert_eq!((known.phase, phase), (Phase::Stopped, Phase::HangingUp));
                    known.phase = phase;
                    self.desk.state = state;
                }
            }
        }
    }

    pub(super) fn fill(&mut self, facts: &[Fact]) {
        for fact in facts {
            self.assert_twice_is_once(fact);
        }
        let filled = self.desk.fill(facts);
        let mut lost = Vec::new();
        let mut ignored = Vec::new();
        for fact in facts {
            if !self.apply(fact, &mut lost) {
                ignored.push(fact);
            }
        }
        let named = Vec::from_iter(filled.ignored.iter().map(|(fact, _)| fact));
        assert_eq!(named, ignored);
        assert_eq!(
            Vec::from_iter(filled.lost.iter().map(|(call, _)| *call)),
            lost
        );
        self.take_over(&filled);
    }

    /// Takes over what the real books gave to whom, if they were allowed to.
    fn take_over(&mut self, filled: &Filled) {
        let (state, now) = (&self.desk.state, self.desk.now);
        let is_paused = state.pause.is_some_and(|pause| now < pause.until);
        assert!(!is_paused || filled.claims.is_empty() && filled.skipped.is_empty());
        for claim in &filled.claims {
            self.claim(claim);
        }
        for skipped in &filled.skipped {
            let barred = Candidate::Barred {
                lead: skipped.lead,
                reason: skipped.reason,
            };
            let Job::OfRun { run, index } = skipped.job else {
                panic!("only leads of runs are skipped")
            };
            assert_eq!(self.desk.lead_at(run, index), barred);
            self.pass(skipped.job, Fate::Waiting, Fate::Done(Outcome::Failed));
        }
        for claim in &filled.claims {
            let run = claim.lease.job.run().unwrap();
            let concurrency = self.desk.state.runs[&run].concurrency;
            let live = self.desk.state.in_progress(run);
            assert!(concurrency.is_none_or(|most| live <= most));
        }
    }

    fn claim(&mut self, claim: &Claimed) {
        let slots = self.desk.state.slots_in_use();
        assert!(slots <= self.desk.state.limit, "no claim over the limit");
        if let Job::OfRun { run, index } = claim.lease.job {
            let callable = Candidate::Callable {
                lead: claim.lead,
                to: claim.lease.to.clone(),
                country: None,
            };
            assert_eq!(self.desk.lead_at(run, index), callable);
            assert_eq!(self.runs[&run].phase, Phase::Running);
            self.pass(claim.lease.job, Fate::Waiting, Fate::Live);
        }
        let live = Live {
            job: claim.lease.job,
            claimed_at: self.desk.now,
            missed_at: None,
            deaf_until: self.desk.now,
        };
        self.calls.push(claim.call);
        assert!(self.live.insert(claim.call, live).is_none(), "a new call");
    }

    /// Applies a fact and tells whether it was news.
    fn apply(&mut self, fact: &Fact, lost: &mut Vec<CallId>) -> bool {
        match fact {
            Fact::Ended { call, outcome } => self.free(*call, Fate::Done(*outcome)),
            Fact::LeadRefused { call } => self.free(*call, Fate::Done(Outcome::Failed)),
            Fact::ConfigurationRefused { call, .. } => {
                let run = self.live.get(call).and_then(|live| live.job.run());
                let is_news = self.free(*call, Fate::Done(Outcome::Failed));
                let known = run.and_then(|run| self.runs.get_mut(&run));
                if let Some(known) = known
                    && known.phase == Phase::Running
                {
                    known.cancel(Phase::Failed);
                }
                is_news
            }
            Fact::NotProcessed { call, .. } => {
                let run = self.live.get(call).and_then(|live| live.job.run());
                let is_running = run.is_some_and(|run| self.runs[&run].phase == Phase::Running);
                let canceled = Fate::Done(Outcome::Canceled);
                self.free(*call, if is_running { Fate::Waiting } else { canceled })
            }
            Fact::StillLive { call } => {
                let live = self.live.get_mut(call);
                live.map(|live| live.missed_at = None).is_some()
            }
            Fact::NotFound { call, .. } => self.miss(*call, lost),
            Fact::Undecided { call } => {
                let half = self.desk.now.after(Timing::CLOUD.sweep_every / 2);
                let live = self.live.get_mut(call);
                live.map(|live| live.deaf_until = live.deaf_until.max(half))
                    .is_some()
            }
            Fact::Filed { run } => match self.runs.get(run) {
                Some(known) if known.is_over => self.runs.remove(run).is_some(),
                Some(_) | None => false,
            },
        }
    }

    /// Two answers running, half a sweep apart and behind the fence, free the slot.
    fn miss(&mut self, call: CallId, lost: &mut Vec<CallId>) -> bool {
        let now = self.desk.now;
        let Some(live) = self.live.get_mut(&call) else {
            return false;
        };
        if now < live.claimed_at.after(Timing::CLOUD.fence()) {
            return false;
        }
        if live.missed_at.is_some() {
            if now < live.deaf_until {
                return false;
            }
            lost.push(call);
            return self.free(call, Fate::Done(Outcome::Failed));
        }
        live.missed_at = Some(now);
        live.deaf_until = now.after(Timing::CLOUD.sweep_every / 2);
        true
    }

    fn free(&mut self, call: CallId, fate: Fate) -> bool {
        let Some(live) = self.live.remove(&call) else {
            return false;
        };
        self.pass(live.job, Fate::Live, fate);
        true
    }

    /// Moves a lead of a run from one fate to the next.
    fn pass(&mut self, job: Job, from: Fate, to: Fate) {
        if let Job::OfRun { run, index } = job {
            let known = self.runs.get_mut(&run).expect("its run is not filed");
            let fate = &mut known.leads[usize::try_from(index).unwrap()];
            assert_eq!(*fate, from, "{job:?}");
            *fate = to;
        }
    }

    fn assert_twice_is_once(&self, fact: &Fact) {
        let decide = |state, facts: &[Fact]| {
            let mut mint = || -> CallId { panic!("nobody is known") };
            let (none, now) = (Candidates::new(), self.desk.now);
            fill(state, facts, &none, &mut mint, now, &Timing::CLOUD)
        };
        let fact = std::slice::from_ref(fact);
        let once = decide(self.desk.state.clone(), fact);
        let twice = decide(once.state.clone(), fact);
        assert_eq!(once.state, twice.state, "{fact:?}");
        let is_same = once.state == self.desk.state;
        assert!(once.is_changed || is_same, "what is not stored is lost");
    }

    /// Checks the real books against these, and the promise.
    pub(super) fn compare(&mut self) {
        let state = &self.desk.state;
        state.assert_balanced();
        self.limit_max = self.limit_max.max(state.limit);
        let active = state.active.iter().map(|(call, lease)| (*call, lease.job));
        let live = self.live.iter().map(|(call, live)| (*call, live.job));
        assert_eq!(Vec::from_iter(active), Vec::from_iter(live));
        let numbers = BTreeSet::from_iter(state.active.values().map(|lease| &lease.to));
        assert_eq!(numbers.len(), state.active.len(), "no number twice");

        assert!(state.runs.keys().eq(self.runs.keys()));
        for (id, known) in &mut self.runs {
            let (run, counts, status) = state.run_view(*id).unwrap();
            known.is_over = known.count(Fate::Waiting) + known.count(Fate::Live) == 0;
            assert_eq!(
                (run.phase, run.over_at.is_some()),
                (known.phase, known.is_over)
            );
            assert_eq!((counts, status), (known.counts(), known.status()));
            let waiting = run.returned.iter().copied().chain(run.next..run.total);
            assert_eq!(BTreeSet::from_iter(waiting), known.waiting());
            let room = ASIDE_MAX + usize::try_from(self.limit_max).unwrap();
            assert!(run.returned.len() <= room, "the item stays small");
        }
    }

    /// Ends every call and files every run, until there is nothing to do.
    pub(super) fn drive_to_the_end(&mut self) {
        let leads = self.runs.values().map(|known| known.leads.len());
        for _ in 0..=leads.sum::<usize>() + 2 {
            if let Some(pause) = self.desk.state.pause {
                self.desk.now = self.desk.now.max(pause.until);
            }
            let ended = self.live.keys().map(|&call| Fact::Ended {
                call,
                outcome: Outcome::Completed,
            });
            let over = self.runs.iter().filter(|(_, known)| known.is_over);
            let filed = over.map(|(&run, _)| Fact::Filed { run });
            let facts = Vec::from_iter(ended.chain(filed));
            self.fill(&facts);
            self.compare();
        }
        assert!(!self.desk.state.has_work(), "every run ends");
    }

    /// A call that was made, or one that never was.
    pub(super) fn any_call(&self, index: Index) -> CallId {
        let place = index.index(self.calls.len() + 1);
        let forged = call_minted(START, u64::from(u32::MAX));
        self.calls.get(place).copied().unwrap_or(forged)
    }
}
