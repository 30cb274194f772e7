//! Calls, and what notes say of them.

use fastrand::Rng;
use ringfence_core::call::{CallStatus, Job, Outcome};
use ringfence_core::ids::{CallId, CallSid};
use ringfence_core::time::Timestamp;
use ringfence_flows::records::{CallNote, Callee, News};
use uuid::Uuid;

use super::{BEGIN, lead, phone, run_id};

/// How many calls a business may have.
const CALLS: u64 = 6;

/// The calls that operations are about.
pub fn calls() -> impl Iterator<Item = CallId> {
    (0..CALLS).map(call)
}

/// A call by its number. Two each are claimed in the same millisecond.
pub fn call(number: u64) -> CallId {
    let at = u128::from(BEGIN.as_millis() + number / 2) << 80;
    CallId::new(Uuid::from_u128(at | 7 << 76 | 2 << 62 | u128::from(number)))
}

/// Any of them.
pub(super) fn any(rng: &mut Rng) -> CallId {
    call(rng.u64(0..CALLS))
}

/// Whose call it is: always the same.
pub(super) fn job(number: u64) -> Job {
    let index = u32::try_from(number).expect("they are few");
    if number.is_multiple_of(2) {
        Job::Direct {
            lead: lead(index + 1),
        }
    } else {
        let run = run_id(1 + index % 2);
        Job::OfRun { run, index }
    }
}

/// A few calls, some of which are recorded; at times more than go into one request.
pub(super) fn some(rng: &mut Rng) -> Vec<CallId> {
    if rng.u32(0..8) == 0 {
        return (0..130).chain(0..9).map(call).collect();
    }
    (0..rng.u32(0..7)).map(|_| any(rng)).collect()
}

/// A time between the claims of the calls.
pub(super) fn since(rng: &mut Rng) -> Timestamp {
    Timestamp::from_millis(BEGIN.as_millis() - 1 + rng.u64(0..=CALLS / 2 + 1))
}

/// A note of any rank, with and without what it may leave out. What it says of whose call
/// it is never changes.
pub(super) fn note(rng: &mut Rng, now: Timestamp) -> CallNote {
    let number = rng.u64(0..CALLS);
    let of_lead = u32::try_from(number).expect("they are few") + 1;
    let who = || Callee {
        name: format!("Dana נועה {number}"),
        to: phone(of_lead),
    };
    CallNote {
        call: call(number),
        job: job(number),
        lead: lead(of_lead),
        who: rng.bool().then(who),
        checked_at: rng.bool().then(|| call(number).minted_at()),
        sid: rng.bool().then(|| sid(number)),
        news: news(rng, now),
    }
}

fn news(rng: &mut Rng, at: Timestamp) -> News {
    let all = CallStatus::ALL;
    match rng.u32(0..20) {
        0..=2 => News::Unknown,
        3 => News::Live(all[rng.usize(4..all.len())]),
        4..=11 => News::Live(all[rng.usize(0..4)]),
        _ => {
            let outcomes = [Outcome::Completed, Outcome::Failed, Outcome::Canceled];
            News::Over {
                outcome: outcomes[rng.usize(0..3)],
                status: rng.bool().then(|| all[rng.usize(4..all.len())]),
                at,
                duration_seconds: rng.bool().then(|| rng.u32(0..600)),
                error: (rng.u32(0..3) == 0).then(|| "unconfirmed".to_owned()),
            }
        }
    }
}

fn sid(number: u64) -> CallSid {
    let sid = format!("CA{number:032x}").parse();
    sid.expect("32 digits follow")
}
