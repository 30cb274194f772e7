use super::*;

const BEGUN: Deed = deed(1, 2, Heard::Started { total: 5 });
const STOPPED: Heard = Heard::Stopped {
    canceled: 2,
    in_progress: 3,
};

const fn deed(asked: u64, answered: u64, heard: Heard) -> Deed {
    Deed {
        asked,
        answered,
        heard,
    }
}

/// A look at a run of five with so many completed, canceled and waiting, the rest live.
const fn look(status: RunStatus, completed: u32, canceled: u32, queued: u32) -> Heard {
    let counts = Counts {
        queued,
        in_progress: 5 - completed - canceled - queued,
        completed,
        failed: 0,
        canceled,
    };
    Heard::Stands { status, counts }
}

#[track_caller]
fn check(deeds: &[Deed], expected: Option<Heard>) {
    let found = first_unexplained(deeds).map(|deed| deed.heard);
    assert_eq!(found, expected);
}

#[test]
fn a_run_that_moves_on_is_explained() {
    let deeds = [
        BEGUN,
        deed(3, 4, look(RunStatus::Running, 0, 0, 5)),
        // A slot was given back.
        deed(5, 6, look(RunStatus::Running, 1, 0, 1)),
        deed(7, 8, look(RunStatus::Running, 1, 0, 2)),
        deed(9, 10, STOPPED),
        deed(11, 12, look(RunStatus::Stopping, 1, 2, 0)),
        deed(13, 14, look(RunStatus::Stopped, 3, 2, 0)),
    ];
    // One completed, two waited and three were live: six of five.
    check(&deeds, Some(STOPPED));
    let mut deeds = deeds;
    deeds[4].heard = Heard::Stopped {
        canceled: 2,
        in_progress: 2,
    };
    check(&deeds, None);
}

#[test]
fn answers_that_overlap_may_come_in_either_order() {
    let later = look(RunStatus::Running, 2, 0, 1);
    let earlier = look(RunStatus::Running, 1, 0, 2);
    check(&[BEGUN, deed(3, 5, later), deed(4, 6, earlier)], None);
    check(
        &[BEGUN, deed(3, 4, later), deed(5, 6, earlier)],
        Some(earlier),
    );
}

#[test]
fn of_two_stops_at_once_one_stopped_it() {
    let over = Heard::AlreadyOver {
        status: RunStatus::Stopping,
        in_progress: 3,
    };
    check(&[BEGUN, deed(3, 6, over), deed(4, 7, STOPPED)], None);
    check(
        &[BEGUN, deed(3, 6, STOPPED), deed(4, 7, STOPPED)],
        Some(STOPPED),
    );
}

#[test]
fn nobody_stops_a_run_but_a_stop() {
    let stopped = look(RunStatus::Stopped, 3, 2, 0);
    check(&[BEGUN, deed(3, 4, stopped)], Some(stopped));
    let lost = deed(3, u64::MAX, Heard::NothingOfStop);
    check(&[BEGUN, deed(4, 5, stopped), lost], None);
    let found = Heard::AlreadyOver {
        status: RunStatus::Stopped,
        in_progress: 0,
    };
    check(&[BEGUN, deed(4, 5, found)], Some(found));
    check(&[BEGUN, deed(4, 5, found), lost], None);
}

#[test]
fn a_run_that_was_told_is_not_missing_and_does_not_come_back() {
    check(&[BEGUN, deed(3, 4, Heard::Missing)], Some(Heard::Missing));
    check(
        &[
            deed(1, 2, Heard::Missing),
            deed(3, 4, Heard::Started { total: 5 }),
        ],
        None,
    );
    let ended = deed(3, 4, look(RunStatus::Completed, 5, 0, 0));
    let again = look(RunStatus::Running, 5, 0, 0);
    check(&[BEGUN, ended, deed(5, 6, again)], Some(again));
    let failed = look(RunStatus::Failed, 5, 0, 0);
    check(&[BEGUN, ended, deed(5, 6, failed)], Some(failed));
}

#[test]
fn no_call_of_a_stopped_run_begins() {
    let more = Heard::AlreadyOver {
        status: RunStatus::Stopping,
        in_progress: 4,
    };
    check(&[BEGUN, deed(3, 4, STOPPED), deed(5, 6, more)], Some(more));
}
