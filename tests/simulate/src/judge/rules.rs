//! Whom a business may call, and how often: the do-not-call list, destinations and caps.

use std::collections::BTreeMap;

use ringfence_core::caps::{Caps, Day, Destinations};
use ringfence_core::fill::Barred;
use ringfence_core::ids::{CallId, LeadId};
use ringfence_core::phone::PhoneNumber;
use ringfence_core::state::{Lease, State};
use ringfence_flows::records::Lead;

use super::books::GIVEN_BACK_MS;
use super::{ClaimFacts, Judge};
use crate::ledger::{Shelf, Store};
use crate::sim::Sim;
use crate::users::country_of;
use crate::world::{DAY_MS, Role, Who};

/// Claims so close to midnight are of either day: clocks differ.
const MIDNIGHT_MS: u64 = 11_000;

/// What is known of the bounds of one business.
pub(super) struct Rules {
    destinations: Destinations,
    /// All that were ever in force.
    ever: Vec<Destinations>,
    caps: Caps,
    barred: BTreeMap<PhoneNumber, Bar>,
    /// Of the calls that exist, by the day of their claims: when, and how many the day might have.
    days: BTreeMap<u64, Vec<(u64, u32)>>,
}

/// What is known of a number that was ever on the do-not-call list.
#[derive(Default)]
struct Bar {
    /// Somebody was told that it holds, and nobody has asked to lift it since.
    is_firm: bool,
    /// How often somebody asked to lift it, and how many of them have no answer yet.
    lifts: u32,
    lifting: u32,
}

/// What was known when somebody asked to bar numbers: how often each was lifted, unless one was
/// just being lifted, which may come after the bar.
pub struct AskedBar(Vec<(PhoneNumber, Option<u32>)>);

impl Rules {
    pub(super) fn new(state: &State) -> Self {
        Self {
            destinations: state.destinations.clone(),
            ever: vec![state.destinations.clone()],
            caps: state.caps.clone(),
            barred: BTreeMap::new(),
            days: BTreeMap::new(),
        }
    }

    /// The cap of a day, if there is one.
    pub(super) fn calls_per_day(&self) -> Option<u32> {
        self.caps.per_day.as_ref().map(|cap| cap.calls)
    }

    /// Whether anything but its own number ever kept a lead from being called.
    pub(super) fn was_ever_in_the_way(&self, lead: &Lead) -> bool {
        let Some(number) = &lead.phone else {
            return true;
        };
        let forbids = |destinations: &Destinations| !destinations.allow(lead.country);
        self.barred.contains_key(number) || self.ever.iter().any(forbids)
    }
}

impl Judge {
    /// Somebody asks to bar numbers.
    pub fn ask_bar(&mut self, b: usize, numbers: &[PhoneNumber]) -> AskedBar {
        let barred = &mut self.books[b].rules.barred;
        let lifts = |number: &PhoneNumber| {
            let bar = barred.entry(number.clone()).or_default();
            (number.clone(), (bar.lifting == 0).then_some(bar.lifts))
        };
        AskedBar(numbers.iter().map(lifts).collect())
    }

    /// Somebody was told that numbers are barred.
    pub fn told_barred(&mut self, b: usize, asked: &AskedBar) {
        for (number, lifts) in &asked.0 {
            let bar = self.books[b].rules.barred.get_mut(number);
            if let Some(bar) = bar
                && bar.lifting == 0
                && Some(bar.lifts) == *lifts
            {
                bar.is_firm = true;
            }
        }
    }

    /// Somebody asks to lift the bars of numbers.
    pub fn ask_unbar(&mut self, b: usize, numbers: &[PhoneNumber]) {
        for number in numbers {
            let bar = self.books[b].rules.barred.entry(number.clone());
            let bar = bar.or_default();
            bar.is_firm = false;
            bar.lifts += 1;
            bar.lifting += 1;
        }
    }

    /// Nothing more will come of it.
    pub fn told_unbarred(&mut self, b: usize, numbers: &[PhoneNumber]) {
        for number in numbers {
            if let Some(bar) = self.books[b].rules.barred.get_mut(number) {
                bar.lifting -= 1;
            }
        }
    }

    /// A state was replaced: whoever got a slot may be called, and is counted.
    pub(super) fn check_rules(&mut self, sim: &Sim, b: usize, old: &State, new: &State, who: Who) {
        let role = who.role;
        if new.destinations != old.destinations || new.caps != old.caps {
            if new.day != old.day {
                let words = format!("b{b}: the settings changed the count of a day");
                self.fail("day", words);
            }
            self.set_rules(b, new);
        }
        for (call, lease) in added(old, new) {
            self.check_callee(b, call, lease);
        }
        if let Some(day) = &new.day
            && role != Role::Settings
        {
            self.check_day(sim, b, [old, new], day);
        }
    }

    fn set_rules(&mut self, b: usize, new: &State) {
        let rules = &mut self.books[b].rules;
        rules.destinations = new.destinations.clone();
        rules.ever.push(new.destinations.clone());
        rules.caps = new.caps.clone();
    }

    fn check_callee(&mut self, b: usize, call: CallId, lease: &Lease) {
        let rules = &self.books[b].rules;
        let is_barred = rules.barred.get(&lease.to).is_some_and(|bar| bar.is_firm);
        let is_abroad = !rules.destinations.allow(country_of(&lease.to));
        let to = &lease.to;
        if is_barred {
            let words = format!("b{b} call {call} was claimed to {to:?}, which is barred");
            self.fail("do_not_call", words);
        } else if is_abroad {
            let words = format!("b{b} call {call} was claimed to {to:?}, which is not allowed");
            self.fail("destination", words);
        }
    }

    /// Every claim is counted in its day, and only what the carrier did not take is taken back.
    fn check_day(&mut self, sim: &Sim, b: usize, [old, new]: [&State; 2], day: &Day) {
        let mut claimed = 0;
        for (call, _) in added(old, new) {
            claimed += 1;
            if call.minted_at() >= day.ends_at {
                let words = format!("b{b} call {call} was claimed after its day");
                self.fail("day", words);
            }
        }
        let is_same = |before: &&Day| before.began_at == day.began_at;
        let before = old.day.as_deref().filter(is_same);
        let before = before.map_or(0, |day| day.calls);
        let (mut sure, mut possible) = (0, 0);
        let truth = sim.truth.borrow();
        for (call, _) in added(new, old) {
            let exists = truth.calls.iter().any(|known| known.call == call);
            if exists || call.minted_at() < day.began_at {
                continue;
            }
            possible += 1;
            let claim = self.claims.get(&call);
            let is_soon = |claim: &ClaimFacts| sim.kernel.now() < claim.at + GIVEN_BACK_MS;
            sure += u32::from(claim.is_some_and(is_soon));
        }
        let most = (before + claimed).saturating_sub(sure);
        let least = (before + claimed).saturating_sub(possible);
        if !(least..=most).contains(&day.calls) {
            let calls = day.calls;
            let words = format!("b{b} counts {calls} calls of its day, not {least} to {most}");
            self.fail("day", words);
        }
    }

    /// A call exists: its day must have had room for it.
    pub(super) fn count_in_day(&mut self, b: usize, call: CallId) {
        let Some(&ClaimFacts {
            seq,
            per_day: Some(per_day),
            ..
        }) = self.claims.get(&call)
        else {
            return;
        };
        let at = call.minted_at().as_millis();
        let is_clear = (MIDNIGHT_MS..DAY_MS - MIDNIGHT_MS).contains(&(at % DAY_MS));
        let rules = &mut self.books[b].rules;
        if !is_clear {
            return;
        }
        let day = rules.days.entry(at / DAY_MS).or_default();
        day.push((seq, per_day));
        let until = |seq: u64| day.iter().filter(|other| other.0 <= seq).count();
        let mut since = day.iter().filter(|one| one.0 >= seq);
        if since.any(|&(seq, per_day)| until(seq) > per_day as usize) {
            let words = format!("b{b} has more calls than its day may have: {}", day.len());
            self.fail("day", words);
        }
    }

    /// A state was replaced: no run may begin beyond the caps.
    pub(super) fn check_caps(&mut self, b: usize, new: &State, total: u32) {
        let caps = &self.books[b].rules.caps;
        if new.runs.len() > caps.running_runs as usize || total > caps.leads_per_run {
            let runs = new.runs.len();
            let words = format!("b{b} began a run of {total} leads beside {runs} of {caps:?}");
            self.fail("caps", words);
        }
    }

    /// When all is over: who was not called for a bound was once within it.
    pub(super) fn look_for_barred(&mut self, b: usize, shelf: &Shelf) {
        for row in shelf.calls.values() {
            let Some(error) = row.record.error.as_deref() else {
                continue;
            };
            let lead = row.record.lead.and_then(|lead| shelf.leads.get(&lead));
            let Some(lead) = lead else {
                continue;
            };
            let is_bound = [Barred::DoNotCall.as_str(), Barred::Destination.as_str()];
            if is_bound.contains(&error) && !self.books[b].rules.was_ever_in_the_way(lead) {
                let words = format!("b{b} lead {} was not called: {error}", lead.id);
                self.fail("outcome", words);
            }
        }
    }

    /// A start was refused: whoever asked has no run.
    pub(super) fn check_nothing_began(&mut self, b: usize, store: &Store, asked_by: &str) {
        let mut runs = store.shelves[b].runs.values();
        if let Some(run) = runs.find(|run| run.created_by == asked_by) {
            let words = format!("b{b} run {} began although it was refused", run.run);
            self.fail("history", words);
        }
    }

    /// Whether a lead that waits may be called, as far as its lead's bounds tell.
    pub(super) fn is_free(&self, b: usize, shelf: &Shelf, lead: LeadId) -> bool {
        let lead = shelf.leads.get(&lead);
        lead.is_some_and(|lead| !self.books[b].rules.was_ever_in_the_way(lead))
    }
}

/// The leases that `new` has, and `old` has not.
fn added<'a>(old: &'a State, new: &'a State) -> impl Iterator<Item = (CallId, &'a Lease)> {
    let is_new = |(call, _): &(&CallId, &Lease)| !old.active.contains_key(*call);
    let leases = new.active.iter().filter(is_new);
    leases.map(|(&call, lease)| (call, lease))
}
