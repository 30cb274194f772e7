//! What the copy of the core gets besides: the switch that all places ask, and what a planted
//! fault remembers between two requests. All of it is forgotten when a fault is armed.

pub(super) const SWITCH: &str = r#"
/// Which planted fault is armed.
pub mod planted {
    use std::cell::{Cell, RefCell};
    use std::collections::{BTreeMap, BTreeSet};

    use crate::ids::{RosterId, RunId};
    use crate::state::{Phase, Run, State};

    #[derive(Default)]
    struct Memory {
        limits: BTreeMap<String, (u32, u64)>,
        limit: Option<u32>,
        seen: BTreeSet<String>,
        flags: BTreeSet<String>,
        last: Option<String>,
        rosters: BTreeMap<RunId, RosterId>,
    }

    thread_local! {
        static ARMED: Cell<&'static str> = const { Cell::new("") };
        static IS_UNGUARDED: Cell<bool> = const { Cell::new(false) };
        static MEMORY: RefCell<Memory> = RefCell::default();
    }

    const UNGUARDED: &str = "-unguarded";
    const LIMIT_KEPT_MS: u64 = 60_000;

    pub fn arm(name: &'static str) {
        ARMED.set(name.strip_suffix(UNGUARDED).unwrap_or(name));
        IS_UNGUARDED.set(name.ends_with(UNGUARDED));
        MEMORY.take();
    }
    pub fn is(name: &str) -> bool {
        ARMED.get() == name
    }
    pub fn is_unguarded() -> bool {
        IS_UNGUARDED.get()
    }

    pub fn keep_limit(business: &str, limit: u32, now: u64) {
        MEMORY.with_borrow_mut(|memory| {
            let kept = memory.limits.entry(business.to_owned()).or_insert((limit, now));
            if now > kept.1 + LIMIT_KEPT_MS {
                *kept = (limit, now);
            }
            memory.limit = Some(kept.0);
        });
    }
    pub fn limit_kept(limit: u32) -> u32 {
        MEMORY.with_borrow(|memory| memory.limit.unwrap_or(limit))
    }

    pub fn is_repeat(sid: &str) -> bool {
        MEMORY.with_borrow_mut(|memory| !memory.seen.insert(sid.to_owned()))
    }
    pub fn last_one(business: &str) -> String {
        let last = MEMORY.with_borrow_mut(|memory| memory.last.replace(business.to_owned()));
        last.unwrap_or_else(|| business.to_owned())
    }
    pub fn first_roster(run: RunId, roster: RosterId) -> RosterId {
        MEMORY.with_borrow_mut(|memory| *memory.rosters.entry(run).or_insert(roster))
    }

    fn item_of(id: RunId, run: &Run) -> String {
        format!("{id} {:?} {:?}", run.roster, run.created_at)
    }
    pub fn flag(id: RunId, run: &Run) {
        MEMORY.with_borrow_mut(|memory| memory.flags.insert(item_of(id, run)));
    }
    pub fn flags() -> BTreeSet<String> {
        MEMORY.with_borrow(|memory| memory.flags.clone())
    }
    pub fn is_flagged(id: RunId, run: &Run) -> bool {
        MEMORY.with_borrow(|memory| {
            !memory.flags.is_empty() && memory.flags.contains(&item_of(id, run))
        })
    }
    pub fn heed(flags: &BTreeSet<String>, state: &mut State) {
        for (&id, run) in &mut state.runs {
            if run.phase == Phase::Running && flags.contains(&item_of(id, run)) {
                run.cancel_queued(Phase::Stopped);
            }
        }
    }
}
"#;
