use proptest::option;
use proptest::prelude::*;
use proptest::sample::subsequence;
use ringfence_core::ids::{BusinessId, CallSid};
use ringfence_core::time::Timestamp;
use ringfence_flows::records::Callee;

use super::*;
use crate::arbitrary::{
    business, call_id, calls, jobs, lead_ids, live_statuses, outcomes, phones, sids, statuses,
    times,
};
use crate::key::Key;

/// Does to an item what the store does with a note, as [`crate::calls`] sends it.
fn apply(item: &mut Item, business: &BusinessId, note: &CallNote) {
    let rank_before: Option<u32> = Fields::inside(item).number_if_any("call_rank").unwrap();
    let is_news = rank_before.is_none_or(|before| before < rank(&note.news).unwrap());
    let mut assignments = Assignments::identity(note);
    if is_news {
        assignments.add_news(&note.news).unwrap();
    } else if !lacks_identity(item, note) {
        return;
    }
    item.extend(Key::Call(business, note.call).attributes());
    let (update, mut values) = assignments.into_expression();
    let (set, remove) = update.split_once(" REMOVE ").unwrap_or((&update, ""));
    for assignment in set.strip_prefix("SET ").unwrap().split(", ") {
        let (name, value) = assignment.split_once(" = ").unwrap();
        item.insert(name.to_owned(), values.remove(value).unwrap());
    }
    for name in remove.split(", ") {
        item.remove(name);
    }
    assert!(values.is_empty(), "every value must be used");
}

fn record_of(notes: &[CallNote]) -> CallRecord {
    let mut item = Item::new();
    for note in notes {
        apply(&mut item, &business(), note);
    }
    from_item(&item).unwrap()
}

fn ends() -> impl Strategy<Value = News> {
    let parts = (
        outcomes(),
        option::of(statuses()),
        times(),
        option::of(any::<u32>()),
        option::of(".*"),
    );
    parts.prop_map(
        |(outcome, status, at, duration_seconds, error)| News::Over {
            outcome,
            status,
            at,
            duration_seconds,
            error,
        },
    )
}

/// What a decision says of a call that the carrier does not know.
fn unconfirmed() -> News {
    News::Over {
        outcome: Outcome::Failed,
        status: None,
        at: Timestamp::from_millis(1_731_412_300_000),
        duration_seconds: None,
        error: Some("unconfirmed".to_owned()),
    }
}

fn callees() -> impl Strategy<Value = Callee> {
    (".*", phones()).prop_map(|(name, to)| Callee { name, to })
}

/// What may be said of one call: by whoever placed it, by reports, and by settlement.
fn notes_of_one_call() -> impl Strategy<Value = Vec<CallNote>> {
    let identity = (calls(), jobs(), lead_ids(), callees(), sids(), times());
    let news = (proptest::collection::vec(live_statuses(), 0..4), ends());
    (identity, news, any::<bool>()).prop_map(
        |((call, job, lead, who, sid, checked_at), (live, end), is_doubted)| {
            // A lead that is called directly is named by its job.
            let lead = if let Job::Direct { lead } = job {
                lead
            } else {
                lead
            };
            let note = |who: Option<&Callee>, sid: Option<&CallSid>, news| CallNote {
                call,
                job,
                lead,
                who: who.cloned(),
                checked_at: who.map(|_| checked_at),
                sid: sid.cloned(),
                news,
            };
            let placed = note(Some(&who), None, News::Unknown);
            let mut notes = vec![placed];
            notes.extend(
                live.into_iter()
                    .map(|status| note(None, Some(&sid), News::Live(status))),
            );
            if is_doubted {
                notes.push(note(None, None, unconfirmed()));
            }
            notes.push(note(None, None, end));
            notes
        },
    )
}

proptest! {
    #[test]
    fn notes_make_the_same_record_in_any_order(
        (notes, shuffled) in notes_of_one_call()
            .prop_flat_map(|notes| (Just(notes.clone()), Just(notes).prop_shuffle()))
    ) {
        prop_assert_eq!(record_of(&shuffled), record_of(&notes));
    }

    #[test]
    fn a_note_that_comes_again_changes_nothing(
        (notes, again) in notes_of_one_call().prop_flat_map(|notes| {
            let all = 0..=notes.len();
            (Just(notes.clone()), subsequence(notes, all))
        })
    ) {
        let twice = [notes.clone(), again].concat();
        prop_assert_eq!(record_of(&twice), record_of(&notes));
    }

    #[test]
    fn a_call_is_read_as_it_was_noted(notes in notes_of_one_call()) {
        let record = record_of(&notes);
        let placed = &notes[0];
        prop_assert_eq!((record.call, record.job, record.lead), (placed.call, Some(placed.job), Some(placed.lead)));
        let callee = placed.who.clone().unwrap();
        prop_assert_eq!((record.lead_name, record.to), (Some(callee.name), Some(callee.to)));
        prop_assert_eq!(record.checked_at, placed.checked_at);
        prop_assert_eq!(record.sid, notes[1].sid.clone());
        let News::Over { outcome, status, at, duration_seconds, error } = notes.last().unwrap().news.clone() else {
            unreachable!()
        };
        prop_assert_eq!(record.progress, Progress::Over(outcome, status));
        prop_assert_eq!((record.ended_at, record.duration_seconds, record.error), (Some(at), duration_seconds, error));
    }
}

fn note(news: News) -> CallNote {
    CallNote {
        call: call_id(1),
        job: Job::OfRun {
            run: RunId::new(123).unwrap(),
            index: 50,
        },
        lead: LeadId::new(45).unwrap(),
        who: None,
        checked_at: None,
        sid: Some("CA0123456789abcdef0123456789abcdef".parse().unwrap()),
        news,
    }
}

#[test]
fn the_stored_form_is_this() {
    let who = Some(Callee {
        name: "Dana".to_owned(),
        to: "+972501234567".parse().unwrap(),
    });
    let placed = CallNote {
        who,
        checked_at: Some(Timestamp::from_millis(1_731_412_340_000)),
        ..note(News::Live(CallStatus::Queued))
    };
    let over = note(News::Over {
        outcome: Outcome::Failed,
        status: Some(CallStatus::NoAnswer),
        at: Timestamp::from_millis(1_731_412_345_678),
        duration_seconds: Some(0),
        error: Some("no_answer".to_owned()),
    });
    let mut item = Item::new();
    apply(&mut item, &business(), &placed);
    apply(&mut item, &business(), &over);

    let expected = [
        ("pk", text("BIZ#acme")),
        ("sk", text("CALL#01932c07-a5d4-7000-8000-000000000001")),
        ("v", number(1)),
        ("lead_id", number(45)),
        ("run_id", number(123)),
        ("roster_index", number(50)),
        ("lead_name", text("Dana")),
        ("to_number", text("+972501234567")),
        ("checked_at", number(1_731_412_340_000_u64)),
        ("sid", text("CA0123456789abcdef0123456789abcdef")),
        ("call_rank", number(9)),
        ("call_status", text("no-answer")),
        ("outcome", text("failed")),
        ("ended_at", number(1_731_412_345_678_u64)),
        ("seconds", number(0)),
        ("call_error", text("no_answer")),
    ];
    assert_eq!(
        item,
        Item::from(expected.map(|(name, value)| (name.to_owned(), value)))
    );
}

#[test]
fn the_first_end_stands() {
    let over = |outcome, error: Option<&str>| {
        note(News::Over {
            outcome,
            status: None,
            at: Timestamp::from_millis(1),
            duration_seconds: None,
            error: error.map(str::to_owned),
        })
    };
    let record = record_of(&[
        over(Outcome::Failed, Some("no_phone")),
        over(Outcome::Completed, None),
    ]);
    assert_eq!(record.progress, Progress::Over(Outcome::Failed, None));
    assert_eq!(record.error.as_deref(), Some("no_phone"));
}

#[test]
fn an_earlier_status_does_not_undo_a_later_one() {
    let record = record_of(&[
        note(News::Live(CallStatus::InProgress)),
        note(News::Live(CallStatus::Ringing)),
        note(News::Unknown),
    ]);
    assert_eq!(record.progress, Progress::Live(CallStatus::InProgress));
}

#[test]
fn a_final_status_is_no_news_of_a_live_call() {
    assert!(rank(&News::Live(CallStatus::Busy)).is_err());
}

#[test]
fn an_end_that_nobody_could_confirm_gives_way_to_one_that_somebody_can() {
    let end = note(News::Over {
        outcome: Outcome::Completed,
        status: Some(CallStatus::Completed),
        at: Timestamp::from_millis(1_731_412_345_678),
        duration_seconds: Some(7),
        error: None,
    });
    let live = note(News::Live(CallStatus::InProgress));
    let doubted = note(unconfirmed());
    assert!(record_of(&[doubted.clone(), live]).is_unconfirmed());
    for notes in [[doubted.clone(), end.clone()], [end, doubted]] {
        let record = record_of(&notes);
        assert!(!record.is_unconfirmed());
        let completed = (Outcome::Completed, Some(CallStatus::Completed));
        assert_eq!(record.progress, Progress::Over(completed.0, completed.1));
    }
}
