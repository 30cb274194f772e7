//! A quick range of seeds, the stories that once failed, and that a seed is a story.

use std::process::Command;

use simulate::faults::PROFILES;
use simulate::range::run_all;
use simulate::seed::run;
use simulate::story::Telling;

#[track_caller]
fn check_holds(seed: u64, profile: &str) {
    let verdict = run(seed, profile, Telling::Digest);
    assert_eq!(verdict.violation, None, "seed {seed}, profile {profile}");
}

#[test]
fn the_promise_holds_in_every_profile() {
    for profile in PROFILES {
        let sum = run_all(0..60, profile, |_| true);
        let failed: Vec<u64> = sum.failures.iter().map(|verdict| verdict.seed).collect();
        assert!(failed.is_empty(), "profile {profile}: {failed:?}");
        assert!(sum.calls > 2_000, "{profile}: only {} calls", sum.calls);
    }
}

/// The report of a call was applied, its worker died before the call's record had the SID,
/// and the next call to its number was never placed: the first was taken for the second.
#[test]
fn a_call_that_is_over_is_not_taken_for_the_next_one_to_its_number() {
    for (seed, profile) in [
        (632, "fence"),
        (1_878, "fence"),
        (230, "workers"),
        (3_087, "all"),
    ] {
        check_holds(seed, profile);
    }
}

/// A call's id was minted before the time from which recorded calls were left out, and the
/// carrier had dated it after that time.
#[test]
fn a_recorded_call_is_not_taken_for_a_later_one() {
    for (seed, profile) in [
        (88, "fence"),
        (5_292, "fence"),
        (810, "all"),
        (1_550, "all"),
    ] {
        check_holds(seed, profile);
    }
}

/// Two starts of one imported list met in the store, and both were told the same run.
#[test]
fn two_starts_of_one_list_are_two_runs() {
    check_holds(43, "users");
}

/// Two requests with one key at once: the second was refused because of what the first
/// had started, or because a lead was deleted in between.
#[test]
fn a_refusal_is_no_answer_to_a_key_that_has_started_something() {
    check_holds(100_021_458, "all");
}

/// A request left at the end of its worker's life, and the carrier dated its call over a
/// minute after its claim: too late for the records that a later look-up left out.
#[test]
fn a_call_that_was_dated_late_is_not_taken_for_the_next_one_to_its_number() {
    check_holds(178, "late");
}

/// A decision to give a call up was recorded and then lost to a newer one, which had heard
/// that the call was live: the record was believed.
#[test]
fn a_record_of_a_decision_that_lost_is_not_believed() {
    check_holds(4_743, "late");
    check_holds(8_498, "late");
}

#[test]
fn a_seed_tells_the_same_story_twice() {
    for seed in 0..40 {
        let first = run(seed, "all", Telling::All);
        let second = run(seed, "all", Telling::All);
        assert_eq!(first.lines, second.lines, "seed {seed}");
        assert_eq!(first.digest, second.digest, "seed {seed}");
    }
}

#[test]
fn another_process_tells_the_same_story() {
    for seed in [3, 64, 1_018] {
        let told = Command::new(env!("CARGO_BIN_EXE_simulate"))
            .args(["replay", "--seed", &seed.to_string()])
            .output()
            .unwrap();
        let told = String::from_utf8(told.stdout).unwrap();
        let here = run(seed, "all", Telling::All);
        let digest = format!("digest {:016x}", here.digest);
        assert!(told.contains(&digest), "seed {seed}");
        for line in here.lines {
            assert!(told.contains(&line), "seed {seed}: {line}");
        }
    }
}
