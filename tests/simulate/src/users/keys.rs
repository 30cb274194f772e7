//! What users do with request keys: they use one twice for different requests, within its
//! day, and after it.

use super::{Deed, What, Wish};
use crate::sim::Sim;

const HOUR_MS: u64 = 3_600_000;
/// So much younger than a day that no story outlasts the rest.
const WITHIN_A_DAY: u64 = 23 * HOUR_MS;
/// So much older than a day that no clock says otherwise.
pub(super) const OVER_A_DAY: u64 = 24 * HOUR_MS + 300_000;

/// Plans what becomes of the keys of these requests, of which each is first sent at its time.
pub(super) fn reuse(sim: &Sim, b: usize, sent: &[(u64, Wish)], storm_ms: u64) {
    let (steals, ages_some, ages_all) = {
        let mut apart = sim.apart.borrow_mut();
        (
            apart.u8(0..3) == 0,
            apart.u8(0..3) == 0,
            apart.u8(0..3) == 0,
        )
    };
    let soon = |ms: u64| ms + sim.apart.borrow_mut().u64(0..40_000);
    let any = || sim.apart.borrow_mut().u64(0..storm_ms);
    let start = |ms, wish: &Wish| {
        let what = What::Start(Box::new(wish.clone()));
        let repeats = 1;
        sim.plan_deed(ms, Deed { b, what, repeats });
    };
    if steals {
        for (ms, wish) in sent.iter().take(2) {
            start(soon(*ms), &with_another_body(sim, wish));
        }
    }
    for (is_meant, age) in [(ages_some, WITHIN_A_DAY), (ages_all, OVER_A_DAY)] {
        if !is_meant {
            continue;
        }
        let at = any();
        let (what, repeats) = (What::Age(age), 0);
        sim.plan_deed(at, Deed { b, what, repeats });
        for (ms, wish) in sent.iter().take(3) {
            start(soon(at.max(*ms)), wish);
        }
    }
}

/// Another request that comes with the same key.
fn with_another_body(sim: &Sim, wish: &Wish) -> Wish {
    let mut other = wish.clone();
    if let Some(key) = &mut other.key {
        key.request_digest[0] ^= 0xff;
    }
    let mut users = sim.users.borrow_mut();
    users.requests += 1;
    other.request = users.requests;
    other
}
