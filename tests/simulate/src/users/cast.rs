//! Who there is in a story, and what they will do.

use std::collections::BTreeMap;
use std::rc::Rc;

use ringfence_core::ids::{LeadId, ListId, RosterId};
use ringfence_core::phone::PhoneNumber;
use ringfence_core::state::State;
use ringfence_core::stop::LiveCalls;
use ringfence_flows::ledger::RequestKey;
use ringfence_flows::records::Lead;
use ringfence_flows::start::{Leads, PublicHost, Shape};
use uuid::Uuid;

use super::keys::reuse;
use super::{Deed, What, Wish, country_of, rules};
use crate::ledger::Shelf;
use crate::sim::{Act, Sim};

/// How long users and faults go on, at most, in milliseconds.
const STORM_MS_MAX: u64 = 900_000;

/// Makes the businesses, and plans the deeds of their users.
pub fn cast(sim: &Rc<Sim>, profile: &str) {
    let kernel = &sim.kernel;
    let storm_ms = kernel.between(120_000, STORM_MS_MAX);
    let businesses = kernel.between(1, 3);
    for b in 0..businesses {
        let b = usize::try_from(b).expect("few");
        let leads = leads(sim);
        let limit = u32::try_from(kernel.between(1, 4)).expect("few");
        let mut state = State::new(limit);
        state.caller_ids.push(number(9_000_000 + b));
        rules::begin(sim, &mut state);
        sim.judge.borrow_mut().open(&state);
        let all: Vec<LeadId> = leads.keys().copied().collect();
        let list = RosterId::new(Uuid::from_u128(b as u128 + 1));
        let id = format!("b{b}").parse().expect("a letter and a digit");
        {
            let mut store = sim.store.borrow_mut();
            store.put_roster(list, &all);
            store.shelves.push(Shelf::new(id, state, leads));
        }
        plan(sim, b, &all, list, storm_ms, profile);
        rules::plan(sim, b, storm_ms);
    }
    if profile == "all" || profile == "carrier" {
        let mut truth = sim.truth.borrow_mut();
        truth.skew = crate::world::skew(sim);
        for _ in 0..kernel.between(0, 2) {
            let from = kernel.now() + kernel.between(0, storm_ms);
            truth
                .storms
                .push((from, from + kernel.between(1_000, 60_000)));
        }
    }
    if sim.faults.is_at_edges {
        sim.truth.borrow_mut().skew = crate::world::skew(sim);
    }
    kernel.after(kernel.between(0, 60_000), Act::Sweep);
    kernel.after(storm_ms, Act::Calm);
    // By then whoever was at work has finished, or is dead.
    kernel.after(storm_ms + 120_000, Act::Bound);
}

/// A phone number of our own invention.
pub(super) fn number(number: usize) -> PhoneNumber {
    let number = format!("+97250{number:07}").parse();
    number.expect("it is in E.164 form")
}

/// Leads of which some have the same number, and some have none.
fn leads(sim: &Sim) -> BTreeMap<LeadId, Lead> {
    let kernel = &sim.kernel;
    let count = u32::try_from(kernel.between(6, 40)).expect("few");
    let numbers = match kernel.between(4, 60) {
        many if sim.faults.is_at_edges => many / 8 + 1,
        many => many,
    };
    let lead = |id: u32| {
        let id = LeadId::new(id).expect("it is not zero");
        let phone = usize::try_from(kernel.between(1, numbers)).expect("few");
        let number = self::number(phone);
        let country = country_of(&number);
        let lead = Lead {
            id,
            name: format!("lead {id}"),
            phone: (!kernel.in_10k(400)).then_some(number),
            country,
            variables: BTreeMap::new(),
        };
        (id, lead)
    };
    (1..=count).map(lead).collect()
}

fn plan(sim: &Sim, b: usize, all: &[LeadId], list: RosterId, storm_ms: u64, profile: &str) {
    let kernel = &sim.kernel;
    let busy = [
        "all", "edge", "fence", "frozen", "late", "rules", "silent", "users",
    ];
    let is_busy = busy.contains(&profile);
    let deeds = if is_busy {
        kernel.between(3, 16)
    } else {
        kernel.between(1, 4)
    };
    // At least one start, early.
    let ms = kernel.between(0, 20_000);
    let what = What::Start(Box::new(wish(sim, all, list)));
    sim.plan_deed(
        ms,
        Deed {
            b,
            what,
            repeats: 0,
        },
    );
    let mut sent = Vec::new();
    for _ in 0..deeds {
        let ms = kernel.between(0, storm_ms);
        let choice = if is_busy { kernel.between(0, 13) } else { 0 };
        let (what, repeats) = match choice {
            0..=3 => {
                let repeats = u32::try_from(kernel.between(0, 2)).expect("few");
                let wish = wish(sim, all, list);
                if wish.key.is_some() {
                    sent.push((ms, wish.clone()));
                }
                (What::Start(Box::new(wish)), repeats)
            }
            4 => (What::Stop(kernel.between(0, 9), LiveCalls::Finish), 1),
            5 => (What::Stop(kernel.between(0, 9), LiveCalls::HangUp), 1),
            6 | 7 => {
                let limit = u32::try_from(kernel.between(1, 5)).expect("few");
                (What::Limit(limit), 0)
            }
            8 => (What::CallerId(number(9_000_100 + b)), 0),
            9 | 10 => (What::Cleanup, 8),
            11 => {
                let place = kernel.between(0, all.len() as u64 - 1);
                let place = usize::try_from(place).expect("few");
                (What::Delete(all[place]), 0)
            }
            _ => (What::Status(kernel.between(0, 9)), 6),
        };
        sim.plan_deed(ms, Deed { b, what, repeats });
    }
    reuse(sim, b, &sent, storm_ms);
    if profile == "late" || sim.faults.is_at_edges {
        impatience(sim, b, all, list, storm_ms);
    }
}

/// Starts that somebody regrets while their requests may still be under way.
fn impatience(sim: &Sim, b: usize, all: &[LeadId], list: RosterId, storm_ms: u64) {
    let kernel = &sim.kernel;
    let plan = |ms, what, repeats| sim.plan_deed(ms, Deed { b, what, repeats });
    for _ in 0..8 {
        let ms = kernel.between(0, storm_ms);
        plan(ms, What::Start(Box::new(wish(sim, all, list))), 0);
        for _ in 0..3 {
            let what = What::Stop(kernel.between(0, 9), LiveCalls::HangUp);
            plan(ms + kernel.between(10_000, 80_000), what, 1);
        }
        plan(ms + kernel.between(10_000, 80_000), What::Cleanup, 3);
    }
}

/// Any start.
fn wish(sim: &Sim, all: &[LeadId], list: RosterId) -> Wish {
    let kernel = &sim.kernel;
    let mut chosen = all.to_vec();
    let most = if kernel.in_10k(3_000) {
        3
    } else {
        all.len() as u64
    };
    let count = usize::try_from(kernel.between(1, most)).expect("few");
    for place in 0..count {
        let other = kernel.between(place as u64, all.len() as u64 - 1);
        chosen.swap(place, usize::try_from(other).expect("few"));
    }
    chosen.truncate(count);
    let leads = if kernel.in_10k(1_000) {
        let total = u32::try_from(all.len()).expect("few");
        let number = ListId::new(1).expect("it is not zero");
        Leads::List {
            list: number,
            roster: list,
            total,
        }
    } else {
        Leads::Ids(chosen)
    };
    let shape = match kernel.between(0, 3) {
        0 => Shape::DirectOrRun,
        1 => Shape::DirectOrQueue,
        _ => Shape::Run,
    };
    let request = {
        let mut users = sim.users.borrow_mut();
        users.requests += 1;
        users.requests
    };
    let concurrency = u32::try_from(kernel.between(1, 3)).expect("few");
    let key = kernel.in_10k(7_000).then(|| RequestKey {
        key: format!("key-{request}"),
        request_digest: [u8::try_from(request % 256).expect("a byte"); 32],
    });
    let public_host = if kernel.in_10k(300) {
        PublicHost::Missing
    } else {
        PublicHost::Configured
    };
    Wish {
        leads,
        concurrency: kernel.in_10k(3_000).then_some(concurrency),
        shape,
        key,
        public_host,
        request,
    }
}

/// Two runs that need all slots, for each business: with numbers of their own, and limits
/// that are known.
pub fn probe(sim: &Rc<Sim>) {
    let kernel = &sim.kernel;
    let shelves = sim.store.borrow().shelves.len();
    for b in 0..shelves {
        let limit = u32::try_from(kernel.between(1, 3)).expect("few");
        let what = What::Limit(limit);
        sim.plan_deed(
            0,
            Deed {
                b,
                what,
                repeats: 0,
            },
        );
        if let Some(settings) = rules::calm(sim) {
            let what = What::Set(Box::new(settings));
            let repeats = 0;
            sim.plan_deed(1_000, Deed { b, what, repeats });
        }
        for run in 0..2 {
            let leads: Vec<LeadId> = (0..8)
                .map(|place| {
                    let id = 1_000 + 10 * run + place;
                    let lead = LeadId::new(id).expect("it is not zero");
                    let phone = Some(self::number(5_000_000 + id as usize));
                    let name = format!("lead {id}");
                    let mut store = sim.store.borrow_mut();
                    let leads = &mut store.shelves[b].leads;
                    leads.insert(
                        lead,
                        Lead {
                            id: lead,
                            name,
                            phone,
                            country: None,
                            variables: BTreeMap::new(),
                        },
                    );
                    lead
                })
                .collect();
            let request = 1_000_000 + 10 * b as u64 + u64::from(run);
            let wish = Wish {
                leads: Leads::Ids(leads),
                concurrency: None,
                shape: Shape::Run,
                key: None,
                public_host: PublicHost::Configured,
                request,
            };
            // The second comes while the first is under way: nobody else would wake it.
            let ms = 8_000 + u64::from(run) * kernel.between(0, 25_000);
            let what = What::Start(Box::new(wish));
            sim.plan_deed(
                ms,
                Deed {
                    b,
                    what,
                    repeats: 0,
                },
            );
        }
    }
}
