//! Random values of every kind that is stored, for the round trips.

use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use ringfence_core::call::{CallStatus, Job, Outcome};
use ringfence_core::caps::{Caps, Country, DailyCap, Day, Destinations};
use ringfence_core::ids::{BusinessId, CallId, CallSid, LeadId, ListId, RosterId, RunId};
use ringfence_core::phone::PhoneNumber;
use ringfence_core::state::{Counts, Lease, Pause, Phase, Run, RunStatus, State};
use ringfence_core::time::Timestamp;
use uuid::Uuid;

pub(crate) fn business() -> BusinessId {
    "acme".parse().unwrap()
}

/// The call with this random part, minted at a fixed time.
pub(crate) fn call_id(random: u16) -> CallId {
    let uuid = 0x0193_2c07_a5d4_7000_8000_0000_0000_0000 | u128::from(random);
    CallId::new(Uuid::from_u128(uuid))
}

pub(crate) fn calls() -> impl Strategy<Value = CallId> {
    any::<u128>().prop_map(|bits| {
        let version_7 = bits & !(0xf << 76) | (7 << 76);
        CallId::new(Uuid::from_u128(version_7))
    })
}

pub(crate) fn rosters() -> impl Strategy<Value = RosterId> {
    any::<u128>().prop_map(|bits| RosterId::new(Uuid::from_u128(bits)))
}

pub(crate) fn runs() -> impl Strategy<Value = RunId> {
    (1..=u32::MAX).prop_map(|number| RunId::new(number).unwrap())
}

pub(crate) fn lead_ids() -> impl Strategy<Value = LeadId> {
    (1..=u32::MAX).prop_map(|number| LeadId::new(number).unwrap())
}

pub(crate) fn list_ids() -> impl Strategy<Value = ListId> {
    (1..=u32::MAX).prop_map(|number| ListId::new(number).unwrap())
}

pub(crate) fn phones() -> impl Strategy<Value = PhoneNumber> {
    "\\+[1-9][0-9]{6,14}".prop_map(|text| text.parse().unwrap())
}

pub(crate) fn sids() -> impl Strategy<Value = CallSid> {
    "CA[0-9a-f]{32}".prop_map(|text| text.parse().unwrap())
}

pub(crate) fn times() -> impl Strategy<Value = Timestamp> {
    any::<u64>().prop_map(Timestamp::from_millis)
}

pub(crate) fn jobs() -> impl Strategy<Value = Job> {
    let direct = lead_ids().prop_map(|lead| Job::Direct { lead });
    let of_run = (runs(), any::<u32>()).prop_map(|(run, index)| Job::OfRun { run, index });
    prop_oneof![direct, of_run]
}

pub(crate) fn statuses() -> impl Strategy<Value = CallStatus> {
    proptest::sample::select(CallStatus::ALL.to_vec())
}

pub(crate) fn live_statuses() -> impl Strategy<Value = CallStatus> {
    statuses().prop_filter("live", |status| status.outcome().is_none())
}

pub(crate) fn outcomes() -> impl Strategy<Value = Outcome> {
    proptest::sample::select(vec![Outcome::Completed, Outcome::Failed, Outcome::Canceled])
}

pub(crate) fn run_statuses() -> impl Strategy<Value = RunStatus> {
    proptest::sample::select(RunStatus::ALL.to_vec())
}

pub(crate) fn counts() -> impl Strategy<Value = Counts> {
    any::<[u32; 5]>().prop_map(
        |[queued, in_progress, completed, failed, canceled]| Counts {
            queued,
            in_progress,
            completed,
            failed,
            canceled,
        },
    )
}

fn leases() -> impl Strategy<Value = Lease> {
    let parts = (jobs(), phones(), times(), times(), any::<u32>());
    parts.prop_map(|(job, to, dial_by, ask_at, missing)| Lease {
        job,
        to,
        dial_by,
        ask_at,
        missing,
    })
}

fn states_of_run() -> impl Strategy<Value = Run> {
    let phases = vec![
        Phase::Running,
        Phase::Stopped,
        Phase::HangingUp,
        Phase::Failed,
    ];
    let size = (
        rosters(),
        any::<u32>(),
        option::of(any::<u32>()),
        any::<u32>(),
    );
    let counts = (
        vec(any::<u32>(), 0..9),
        any::<[u32; 4]>(),
        proptest::sample::select(phases),
    );
    let end = (times(), option::of(times()), option::of(".*"));
    (size, counts, end).prop_map(|(size, counts, end)| {
        let (roster, total, concurrency, next) = size;
        let (returned, [completed, failed, canceled, served], phase) = counts;
        let (created_at, over_at, last_error) = end;
        Run {
            roster,
            total,
            concurrency,
            next,
            returned,
            completed,
            failed,
            canceled,
            served,
            phase,
            created_at,
            over_at,
            last_error,
        }
    })
}

pub(crate) fn states() -> impl Strategy<Value = State> {
    let pause = (times(), any::<u32>()).prop_map(|(until, step)| Pause { until, step });
    let parts = (
        any::<u32>(),
        btree_map(calls(), leases(), 0..6),
        btree_map(runs(), states_of_run(), 0..4),
        any::<u32>(),
        option::of(pause),
        vec(phones(), 0..3),
        (destinations(), any::<u32>(), caps(), option::of(days())),
    );
    parts.prop_map(
        |(limit, active, runs, next_run, pause, caller_ids, spending)| {
            let (destinations, do_not_call_rev, caps, day) = spending;
            State {
                limit,
                active,
                runs,
                next_run,
                pause,
                caller_ids,
                destinations,
                do_not_call_rev,
                caps,
                day: day.map(Box::new),
            }
        },
    )
}

fn destinations() -> impl Strategy<Value = Destinations> {
    prop_oneof![
        Just(Destinations::Any),
        countries().prop_map(Destinations::Region),
        vec(countries(), 0..4).prop_map(Destinations::Only)
    ]
}

pub(crate) fn countries() -> impl Strategy<Value = Country> {
    "[A-Z]{2}".prop_map(|letters| letters.parse().unwrap())
}

fn caps() -> impl Strategy<Value = Caps> {
    let per_day = (any::<u32>(), ".*").prop_map(|(calls, time_zone)| DailyCap { calls, time_zone });
    let parts = (any::<u32>(), any::<u32>(), option::of(per_day));
    parts.prop_map(|(leads_per_run, running_runs, per_day)| Caps {
        leads_per_run,
        running_runs,
        per_day: per_day.map(Box::new),
    })
}

fn days() -> impl Strategy<Value = Day> {
    (times(), times(), any::<u32>()).prop_map(|(began_at, ends_at, calls)| Day {
        began_at,
        ends_at,
        calls,
    })
}
