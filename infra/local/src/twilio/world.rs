//! Everything that the simulated Twilio remembers, within bounds.
//!
//! The caller holds the lock for one decision at a time, and never across an await.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;
use ringfence_core::ids::CallSid;
use ringfence_core::phone::PhoneNumber;
use tokio::time::Instant;

use super::call::{Call, Mark, Tag};
use super::plan::{self, Plan};
use super::request::{self, Form};
use super::script::{Fate, Queue, Script, Silence};
use super::settings::Settings;
use super::truth::{CreateTruth, Injected, Verdict};
use crate::clock::Clock;

/// Calls and requests kept; beyond it the oldest are forgotten, and the truth says so.
const KEPT_MAX: usize = 200_000;

/// Parameters kept of all requests together.
const FORM_BYTES_MAX: usize = 512 * 1024 * 1024;

pub(super) struct World {
    pub(super) settings: Arc<Settings>,
    /// For what does not belong to one number: reads, latencies, SIDs.
    pub(super) rng: Rng,
    pub(super) calls: BTreeMap<u64, Call>,
    pub(super) creates: VecDeque<CreateTruth>,
    pub(super) scripts: HashMap<PhoneNumber, Script>,
    pub(super) refused: HashMap<PhoneNumber, u32>,
    pub(super) failure: Option<u32>,
    pub(super) is_unplugged: bool,
    /// The account's own, where it was told them.
    pub(super) numbers: Option<BTreeSet<PhoneNumber>>,
    pub(super) injected: Injected,
    pub(super) forgotten: u64,
    clock: Clock,
    tick: u64,
    by_sid: HashMap<CallSid, u64>,
    next_serial: u64,
    /// How often each number was asked for.
    asked: HashMap<PhoneNumber, u32>,
    next_dial: Option<Instant>,
    first_create: u64,
    form_bytes: usize,
}

/// What becomes of a request for a call.
pub(super) enum Decision {
    Refuse(u32),
    TooMany {
        retry_after_seconds: Option<u32>,
    },
    NotMade(Silence),
    Made {
        sid: CallSid,
        accepted: Mark,
        plan: Plan,
    },
}

impl World {
    pub(super) fn new(settings: Arc<Settings>) -> Self {
        Self {
            rng: Rng::with_seed(settings.seed),
            clock: settings.clock,
            settings,
            calls: BTreeMap::new(),
            creates: VecDeque::new(),
            scripts: HashMap::new(),
            refused: HashMap::new(),
            failure: None,
            is_unplugged: false,
            numbers: None,
            injected: Injected::default(),
            forgotten: 0,
            tick: 0,
            by_sid: HashMap::new(),
            next_serial: 0,
            asked: HashMap::new(),
            next_dial: None,
            first_create: 0,
            form_bytes: 0,
        }
    }

    pub(super) fn mark(&mut self) -> Mark {
        self.tick += 1;
        let instant = Instant::now();
        Mark {
            tick: self.tick,
            instant,
            at: self.clock.at(instant),
        }
    }

    pub(super) fn serial(&self, sid: &str) -> Option<u64> {
        self.by_sid.get(&sid.parse::<CallSid>().ok()?).copied()
    }

    pub(super) fn call(&self, sid: &CallSid) -> Option<&Call> {
        self.calls.get(self.by_sid.get(sid)?)
    }

    pub(super) fn call_mut(&mut self, sid: &CallSid) -> Option<&mut Call> {
        self.calls.get_mut(self.by_sid.get(sid)?)
    }

    /// The moment that a read answers from: mostly now.
    pub(super) fn read_moment(&mut self) -> Instant {
        let settings = Arc::clone(&self.settings);
        let now = Instant::now();
        if self.rng.f64() >= settings.faults.stale {
            return now;
        }
        self.injected.stale += 1;
        let age = plan::within(&(Duration::ZERO..=settings.faults.staleness), &mut self.rng);
        now.checked_sub(age).unwrap_or(now)
    }

    /// Half of the time that one request takes, once for each way.
    pub(super) fn half_latency(&mut self) -> Duration {
        let settings = Arc::clone(&self.settings);
        plan::within(&settings.behaviour.api_latency, &mut self.rng) / 2
    }

    /// Remembers that a create arrived; the answer names it to [`World::judged`].
    pub(super) fn create_arrived(&mut self, form: Form) -> u64 {
        let arrived = self.mark();
        let create = CreateTruth {
            arrived,
            tag: Arc::new(Tag::of(&form)),
            parameters: Arc::new(form),
            verdict: Verdict::Unread,
        };
        self.form_bytes += create.bytes();
        self.creates.push_back(create);
        while self.creates.len() > KEPT_MAX || self.form_bytes > FORM_BYTES_MAX {
            let Some(oldest) = self.creates.pop_front() else {
                break;
            };
            self.form_bytes -= oldest.bytes();
            self.first_create += 1;
            self.forgotten += 1;
        }
        self.first_create + self.creates.len() as u64 - 1
    }

    /// Remembers what became of a create.
    pub(super) fn judged(&mut self, create: u64, verdict: Verdict) {
        let place = create.checked_sub(self.first_create).map(usize::try_from);
        if let Some(Ok(place)) = place
            && let Some(create) = self.creates.get_mut(place)
        {
            create.verdict = verdict;
        }
    }

    /// Decides what becomes of a request for a call, and makes the call if so decided.
    pub(super) fn decide(&mut self, form: &[(String, String)]) -> Decision {
        if let Some(code) = self.failure {
            return Decision::Refuse(code);
        }
        let order = match request::read(form) {
            Ok(order) => order,
            Err(code) => return Decision::Refuse(code),
        };
        if !self.has_number(&order.from) {
            return Decision::Refuse(21210);
        }
        if let Some(code) = self.refused.get(&order.to) {
            return Decision::Refuse(*code);
        }
        if self.asked.len() >= KEPT_MAX {
            self.asked.clear();
        }
        let nth = self.asked.entry(order.to.clone()).or_default();
        *nth += 1;
        let script = self.scripts.get(&order.to);
        let mut plan = plan::plan(&self.settings, script, &order, *nth);
        match plan.fate {
            Fate::Accepted => {}
            Fate::AcceptedAfterFinal => self.injected.early_finals += 1,
            Fate::MadeUnknown(_) => self.injected.ambiguous_made += 1,
            Fate::UnmadeUnknown(silence) => {
                self.injected.ambiguous_unmade += 1;
                return Decision::NotMade(silence);
            }
            Fate::TooMany {
                retry_after_seconds,
            } => {
                self.injected.too_many += 1;
                return Decision::TooMany {
                    retry_after_seconds,
                };
            }
            Fate::Refused(code) => {
                self.injected.refused += 1;
                return Decision::Refuse(code);
            }
        }
        if let Queue::Waits(wait) = plan.queue {
            plan.queue = Queue::Waits(wait + self.pace());
        }
        let accepted = self.mark();
        let sid = self.new_sid(accepted);
        let tag = Arc::new(Tag::of(form));
        let mut call = Call::accepted(sid.clone(), order, tag, plan.lifetime(), accepted);
        let is_faithful = plan.fate == Fate::AcceptedAfterFinal;
        call.hazard_seed = (!is_faithful).then_some(plan.seed);
        self.keep(call);
        Decision::Made {
            sid,
            accepted,
            plan,
        }
    }

    fn keep(&mut self, call: Call) {
        self.by_sid.insert(call.sid.clone(), self.next_serial);
        self.calls.insert(self.next_serial, call);
        self.next_serial += 1;
        if self.calls.len() > KEPT_MAX
            && let Some((_, oldest)) = self.calls.pop_first()
        {
            self.by_sid.remove(&oldest.sid);
            self.forgotten += 1;
        }
    }

    /// How long the account's calls per second keep a call waiting that is accepted now.
    fn pace(&mut self) -> Duration {
        let rate = self.settings.behaviour.calls_per_second;
        let gap = rate.and_then(|rate| Duration::try_from_secs_f64(1.0 / rate).ok());
        let Some(gap) = gap else {
            return Duration::ZERO;
        };
        let now = Instant::now();
        let dialled = self.next_dial.map_or(now, |next| next.max(now));
        self.next_dial = dialled.checked_add(gap);
        dialled.duration_since(now)
    }

    /// A new SID; its first digits tell the time, so that no restart repeats one.
    fn new_sid(&mut self, accepted: Mark) -> CallSid {
        let millis = accepted.at.as_millis() & 0xffff_ffff_ffff;
        let random = self.rng.u128(..) >> 48;
        let sid = format!("CA{millis:012x}{random:020x}");
        sid.parse().expect("CA and 32 hex digits are a SID")
    }
}
