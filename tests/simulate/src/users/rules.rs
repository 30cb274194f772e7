//! Those who bound whom may be called, and how often: the do-not-call list, destinations
//! and caps, changed at any time.

use anyhow::Result;
use ringfence_core::caps::{Caps, CapsChange, Country, DailyCap, DailyChange, Destinations};
use ringfence_core::ids::BusinessId;
use ringfence_core::phone::PhoneNumber;
use ringfence_core::state::State;
use ringfence_flows::business::{Heeded, Settings, heed_do_not_call};
use ringfence_flows::start::Leads;

use super::{Deed, What, Wish, words};
use crate::ledger::Batch;
use crate::sim::{Season, Sim};
use crate::world::SimWorld;

/// Where a number is: the same for ever.
pub fn country_of(number: &PhoneNumber) -> Option<Country> {
    let country = |letters: &str| letters.parse().ok();
    match number.expose().bytes().last()? % 5 {
        0 | 1 => country("IL"),
        2 => country("DE"),
        3 => country("US"),
        _ => None,
    }
}

/// Sets the bounds that a business has from its beginning.
pub(super) fn begin(sim: &Sim, state: &mut State) {
    if !sim.has_rules {
        return;
    }
    if sim.apart.borrow_mut().bool() {
        state.caps = Caps::WIDEST.changed(caps(sim));
    }
    if sim.apart.borrow_mut().bool() {
        state.destinations = destinations(sim);
    }
}

/// Plans how the bounds of a business change.
pub(super) fn plan(sim: &Sim, b: usize, storm_ms: u64) {
    if !sim.has_rules {
        return;
    }
    let numbers: Vec<PhoneNumber> = {
        let store = sim.store.borrow();
        let leads = store.shelves[b].leads.values();
        leads.filter_map(|lead| lead.phone.clone()).collect()
    };
    let some = || {
        let mut apart = sim.apart.borrow_mut();
        let count = apart.usize(1..=3);
        let any = (0..count).filter_map(|_| apart.choice(&numbers).cloned());
        any.collect::<Vec<_>>()
    };
    let deeds = sim.apart.borrow_mut().u32(2..14);
    for _ in 0..deeds {
        let choice = sim.apart.borrow_mut().u8(0..10);
        let what = match choice {
            0..=4 => What::Bar(some()),
            5..=7 => What::Unbar(some()),
            8 => What::Set(Box::new(Settings {
                destinations: Some(destinations(sim)),
                ..Settings::default()
            })),
            _ => What::Set(Box::new(Settings {
                caps: Some(caps(sim)),
                ..Settings::default()
            })),
        };
        let (ms, repeats) = {
            let mut apart = sim.apart.borrow_mut();
            let is_list = matches!(what, What::Bar(_));
            let repeats = if is_list { apart.u32(0..2) } else { 0 };
            (apart.u64(0..storm_ms), repeats)
        };
        sim.plan_deed(ms, Deed { b, what, repeats });
    }
}

/// Somebody bars a number of a start that is just being made.
pub(super) fn regret(sim: &Sim, b: usize, wish: &Wish) {
    let Leads::Ids(ids) = &wish.leads else {
        return;
    };
    if !sim.has_rules || sim.season.get() != Season::Storm || sim.apart.borrow_mut().bool() {
        return;
    }
    let number = {
        let store = sim.store.borrow();
        let lead = sim.apart.borrow_mut().choice(ids).copied();
        let lead = lead.and_then(|lead| store.shelves[b].leads.get(&lead));
        lead.and_then(|lead| lead.phone.clone())
    };
    if let Some(number) = number {
        let ms = sim.apart.borrow_mut().u64(0..70);
        let (what, repeats) = (What::Bar(vec![number]), 0);
        sim.plan_deed(ms, Deed { b, what, repeats });
    }
}

/// What a business may spend once all is calm: any runs, and half of the time so many calls
/// a day that two days are enough for two small runs.
pub(super) fn calm(sim: &Sim) -> Option<Settings> {
    if !sim.has_rules {
        return None;
    }
    let is_capped = sim.apart.borrow_mut().bool();
    let caps = Some(if is_capped {
        CapsChange {
            per_day: Some(DailyChange::Bounded(daily(sim))),
            ..unbounded()
        }
    } else {
        unbounded()
    });
    let destinations = Some(Destinations::Any);
    Some(Settings {
        caps,
        destinations,
        ..Settings::default()
    })
}

fn destinations(sim: &Sim) -> Destinations {
    let mut apart = sim.apart.borrow_mut();
    if apart.u8(0..3) == 0 {
        return Destinations::Any;
    }
    let known = ["DE", "IL", "US"]
        .into_iter()
        .filter(|_| apart.u8(0..3) > 0);
    Destinations::Only(known.filter_map(|letters| letters.parse().ok()).collect())
}

fn caps(sim: &Sim) -> CapsChange {
    let mut caps = unbounded();
    if sim.apart.borrow_mut().bool() {
        caps.per_day = Some(DailyChange::Bounded(daily(sim)));
    }
    let mut apart = sim.apart.borrow_mut();
    if apart.u8(0..3) == 0 {
        caps.running_runs = Some(apart.u32(1..4));
    }
    if apart.u8(0..3) == 0 {
        caps.leads_per_run = Some(apart.u32(2..30));
    }
    caps
}

/// Takes every bound away that somebody has set.
fn unbounded() -> CapsChange {
    CapsChange {
        leads_per_run: Some(Caps::WIDEST.leads_per_run),
        running_runs: Some(Caps::WIDEST.running_runs),
        per_day: Some(DailyChange::Unbounded),
    }
}

fn daily(sim: &Sim) -> DailyCap {
    DailyCap {
        calls: sim.apart.borrow_mut().u32(8..40),
        time_zone: "UTC".to_owned(),
    }
}

/// Adds numbers to the do-not-call list, as the real endpoint does: first the entries, then
/// the word to heed them.
pub(super) async fn barred(world: SimWorld, id: BusinessId, b: usize, numbers: Vec<PhoneNumber>) {
    let asked = world.sim.judge.borrow_mut().ask_bar(b, &numbers);
    let answer = bar(&world, &id, b, &numbers).await;
    world.sim.tell("barred", b as u64, || {
        format!("b{b} {numbers:?}: {}", words(&answer))
    });
    let mut judge = world.sim.judge.borrow_mut();
    match answer {
        Ok(Heeded::Yes) => judge.told_barred(b, &asked),
        Ok(Heeded::NoSuchBusiness) => {}
        Err(error) => judge.read_error(&error),
    }
}

async fn bar(
    world: &SimWorld,
    id: &BusinessId,
    b: usize,
    numbers: &[PhoneNumber],
) -> Result<Heeded> {
    let add = |number: &PhoneNumber| {
        let mut store = world.sim.store.borrow_mut();
        store.shelves[b].do_not_call.insert(number.clone());
    };
    world.batch(Some(id), Batch::Write, numbers, add).await?;
    heed_do_not_call(world, id).await
}

/// Takes numbers off the do-not-call list.
pub(super) async fn unbarred(world: SimWorld, id: BusinessId, b: usize, numbers: Vec<PhoneNumber>) {
    world.sim.judge.borrow_mut().ask_unbar(b, &numbers);
    let remove = |number: &PhoneNumber| {
        let mut store = world.sim.store.borrow_mut();
        store.shelves[b].do_not_call.remove(number);
    };
    let answer = world.batch(Some(&id), Batch::Write, &numbers, remove).await;
    world.sim.tell("unbarred", b as u64, || {
        format!("b{b} {numbers:?}: {}", words(&answer))
    });
    let mut judge = world.sim.judge.borrow_mut();
    if let Err(error) = answer {
        judge.read_error(&error);
    }
    // Whatever the answer: nothing of it comes later.
    judge.told_unbarred(b, &numbers);
}
