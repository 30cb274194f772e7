//! Erasing a person whose calls are still being noted, or who is being imported.

use std::pin::pin;
use std::time::Duration;

use futures::future::{Either, select};
use ringfence_core::call::CallStatus;
use ringfence_flows::ledger::Calls;
use ringfence_flows::records::{CallNote, News};
use ringfence_ledger::{Erased, Erasure, Sought};
use ringfence_local::aws::trap::{CrashPoint, Side, Trap};

use super::calls::{note, over, placed, record, sid};
use super::*;

async fn erasure_of(ledger: &Ledger, number: u32) -> Erasure {
    let state = State::new(3);
    let sought = ledger.erasure_of_lead(&acme(), &state, lead(number)).await;
    match sought.expect("the database answers") {
        Sought::Found(erasure) => erasure,
        other => panic!("somebody is known: {other:?}"),
    }
}

#[tokio::test]
async fn a_note_that_comes_after_the_erasure_names_nobody() {
    // What is noted before the erasure, and what after it.
    for (before, after) in [
        (vec![placed(1, None)], vec![over(1, None)]),
        (vec![over(1, None)], vec![placed(1, None)]),
        (vec![placed(1, None), over(1, None)], vec![placed(1, None)]),
        (vec![over(1, None)], vec![placed(1, None), over(1, None)]),
        (
            vec![CallNote {
                sid: Some(sid(1)),
                ..note(1, None, News::Live(CallStatus::Initiated))
            }],
            vec![over(1, None), placed(1, None)],
        ),
    ] {
        let dynamo = database().await;
        let ledger = ledger(&dynamo);
        imported(&ledger, 1).await;
        for note in before {
            ledger.note(&acme(), &note).await.unwrap();
        }
        let erasure = erasure_of(&ledger, 1).await;
        let leads = ledger.erase_leads(&acme(), &erasure, NOW).await.unwrap();
        assert!(leads.is_complete && leads.count == 1);
        let erased = ledger.erase_calls(&acme(), &erasure, NOW).await.unwrap();
        assert!(erased.is_complete);
        for note in after {
            ledger.note(&acme(), &note).await.unwrap();
        }
        let kept = record(&ledger, 1).await;
        assert_eq!((kept.lead_name, kept.to), (None, None));
        // All else is as if nobody had been erased.
        assert_eq!((kept.sid, kept.checked_at), (Some(sid(1)), Some(NOW)));
        assert_eq!(
            (kept.lead, kept.duration_seconds),
            (Some(lead(1)), Some(42))
        );
    }
}

#[tokio::test]
async fn a_call_to_somebody_unknown_is_waited_for_while_its_placer_may_live() {
    let dynamo = database().await;
    let ledger = ledger(&dynamo);
    imported(&ledger, 2).await;
    // Lead 3 is gone; who was called is not noted yet.
    ledger.note(&acme(), &over(3, None)).await.unwrap();
    let erasure = erasure_of(&ledger, 1).await;
    let waits = async |after: u64| {
        let now = NOW.after(Duration::from_secs(after));
        ledger.may_be_noted(&acme(), &erasure, now).await.unwrap()
    };
    assert!(waits(60).await);
    assert!(!waits(601).await, "nobody notes it any more");
    ledger.note(&acme(), &placed(3, None)).await.unwrap();
    assert!(!waits(60).await, "now it is known who");
    // So it is where the lead is there, or is the one who is erased.
    ledger.note(&acme(), &over(2, None)).await.unwrap();
    ledger.note(&acme(), &over(1, None)).await.unwrap();
    assert!(!waits(60).await);
}

#[tokio::test]
async fn a_lead_that_is_being_imported_is_left_until_its_import_is_over() {
    let dynamo = database().await;
    let ledger = ledger(&dynamo);
    imported(&ledger, 1).await;
    let erasure = erasure_of(&ledger, 1).await;
    let deleted = ledger.delete_leads(&acme(), &[lead(1)]).await.unwrap();
    assert_eq!(deleted, 1);
    // It stores the leads, and then dies before the list.
    let trap = Trap::default();
    let dying = Ledger::new(&dynamo.client_with(&trap), TABLE);
    let requests = [
        "GetItem",
        "Query",
        "UpdateItem",
        "BatchWriteItem",
        "BatchWriteItem",
    ];
    let nth = u32::try_from(requests.len()).unwrap();
    trap.arm(CrashPoint {
        nth,
        side: Side::After,
    });
    let acme = acme();
    let attempt = pin!(dying.import(&acme, import([1])));
    match select(attempt, pin!(trap.sprung())).await {
        Either::Left(_) => panic!("the import outlived its crash"),
        Either::Right(_) => {}
    }
    let erase = async |after: u64| {
        let now = NOW.after(Duration::from_secs(after));
        ledger.erase_leads(&acme, &erasure, now).await.unwrap()
    };
    let waits = Erased {
        count: 0,
        is_complete: false,
    };
    assert_eq!(erase(60).await, waits);
    let done = Erased {
        is_complete: true,
        ..waits
    };
    assert_eq!(erase(601).await, done, "it is nobody's any more");
    let stored = dynamo.client().scan().table_name(TABLE).send().await;
    let stored = format!("{:?}", stored.unwrap().items());
    assert!(!stored.contains(phone(1).expose()));
}
