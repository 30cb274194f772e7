//! Imports: all of a file or none, each number once, and never more than there is room for.

use std::pin::pin;
use std::time::Duration;

use futures::future::{Either, join, select};
use ringfence_flows::ledger::Rosters;
use ringfence_local::aws::dynamo::{FaultKind, StoreFault, When};
use ringfence_local::aws::trap::{CrashPoint, Side, Trap};

use super::*;

/// The numbers of the leads that a business has, which must agree with all that is said of them.
async fn check_books(ledger: &Ledger) -> Vec<u32> {
    let page = ledger
        .leads_page(&acme(), None, 10_000)
        .await
        .expect("the database answers");
    let ids: Vec<_> = page.items.iter().map(|lead| lead.id).collect();
    let counted = ledger
        .lead_count(&acme())
        .await
        .expect("the database answers");
    assert_eq!(
        counted as usize,
        ids.len(),
        "the count must be that of the leads"
    );
    let lists = ledger.lists(&acme()).await.expect("the database answers");
    let mut listed = Vec::new();
    for list in lists.iter().rev() {
        let positions: Vec<_> = (0..list.count).collect();
        let leads = ledger.roster_leads(list.roster, &positions).await;
        listed.extend(leads.expect("a list has its roster"));
    }
    assert_eq!(listed, ids, "each lead must be in one list");
    let found = ledger
        .leads(&acme(), &ids)
        .await
        .expect("the database answers");
    assert_eq!(found.len(), ids.len(), "each lead must be found");
    let mut phones: Vec<_> = page.items.iter().map(|lead| lead.phone.clone()).collect();
    phones.sort();
    phones.dedup();
    assert_eq!(phones.len(), ids.len(), "each number must be there once");
    ids.into_iter().map(LeadId::get).collect()
}

#[tokio::test]
async fn a_number_is_imported_once() {
    let dynamo = database().await;
    let ledger = ledger(&dynamo);
    let first = ledger.import(&acme(), import([5, 6, 5])).await.unwrap();
    assert!(
        matches!(
            first,
            Imported::Stored {
                count: 2,
                duplicates: 1,
                ..
            }
        ),
        "{first:?}"
    );
    let second = ledger.import(&acme(), import([6, 7])).await.unwrap();
    assert!(
        matches!(
            second,
            Imported::Stored {
                count: 1,
                duplicates: 1,
                ..
            }
        ),
        "{second:?}"
    );
    let third = ledger.import(&acme(), import([5, 6, 7])).await.unwrap();
    assert_eq!(third, Imported::NothingNew { duplicates: 3 });
    assert_eq!(check_books(&ledger).await, [1, 2, 3]);
    let other = ledger.import(&id("other"), import([5])).await.unwrap();
    assert!(
        matches!(other, Imported::Stored { count: 1, .. }),
        "{other:?}"
    );
}

#[tokio::test]
async fn an_import_that_does_not_fit_stores_nothing() {
    let dynamo = database().await;
    let ledger = ledger(&dynamo);
    let small = |numbers| Import {
        leads_max: 5,
        ..import(numbers)
    };
    let first = ledger.import(&acme(), small(1..=3)).await.unwrap();
    assert!(
        matches!(first, Imported::Stored { count: 3, .. }),
        "{first:?}"
    );
    let second = ledger.import(&acme(), small(4..=6)).await.unwrap();
    assert_eq!(second, Imported::NoRoom { room: 2 });
    let third = ledger.import(&acme(), small(3..=5)).await.unwrap();
    assert!(
        matches!(
            third,
            Imported::Stored {
                count: 2,
                duplicates: 1,
                ..
            }
        ),
        "{third:?}"
    );
    assert_eq!(check_books(&ledger).await.len(), 5);
}

#[tokio::test]
async fn an_import_that_dies_anywhere_has_happened_or_not() {
    const LEADS: u32 = 30;
    let requests = requests_of_import(LEADS).await;
    // The last one is the test's own.
    let requests = u32::try_from(requests.len()).unwrap() - 1;
    assert!((6..20).contains(&requests), "{requests}");

    let mut happened = 0;
    for nth in 1..=requests {
        for side in [Side::Before, Side::After] {
            let dynamo = database().await;
            let trap = Trap::default();
            trap.arm(CrashPoint { nth, side });
            import_and_die(&dynamo, &trap, LEADS).await;
            let ledger = ledger(&dynamo);
            let there = check_books(&ledger).await;
            let ids: Vec<_> = (1..=LEADS).map(lead).collect();
            let missing = ledger.missing_leads(&acme(), &ids).await.unwrap();
            assert_eq!(there.len() + missing.len(), ids.len(), "{nth} {side:?}");
            assert!(
                [0, ids.len()].contains(&there.len()),
                "half a file: {nth} {side:?}"
            );
            happened += usize::from(missing.is_empty());

            let again = ledger.import(&acme(), import(1..=LEADS)).await.unwrap();
            let is_new = matches!(again, Imported::Stored { count: LEADS, .. });
            assert_eq!(is_new, there.is_empty(), "{nth} {side:?}");
            assert_eq!(
                check_books(&ledger).await.len(),
                ids.len(),
                "{nth} {side:?}"
            );
        }
    }
    assert_eq!(happened, 1, "only the last write makes the leads exist");
}

#[tokio::test]
async fn two_imports_at_once_import_each_number_once() {
    let dynamo = database().await;
    let (one, other) = (ledger(&dynamo), ledger(&dynamo));
    let acme = acme();
    let first = one.import(&acme, import(1..=60));
    let second = other.import(&acme, import(31..=90));
    let (first, second) = join(first, second).await;
    let counts = [first, second].map(|imported| match imported.unwrap() {
        Imported::Stored {
            count, duplicates, ..
        } => (count, duplicates),
        nothing => panic!("both have numbers of their own: {nothing:?}"),
    });
    assert!(
        counts == [(60, 0), (30, 30)] || counts == [(30, 30), (60, 0)],
        "{counts:?}"
    );
    assert_eq!(check_books(&one).await.len(), 90);
}

#[tokio::test]
async fn two_imports_of_the_same_file_at_once_are_one() {
    let dynamo = database().await;
    let (one, other) = (ledger(&dynamo), ledger(&dynamo));
    let (first, second) = join(
        one.import(&acme(), import(1..=60)),
        other.import(&acme(), import(1..=60)),
    )
    .await;
    let outcomes = [first.unwrap(), second.unwrap()];
    assert!(
        outcomes.contains(&Imported::NothingNew { duplicates: 60 }),
        "{outcomes:?}"
    );
    assert_eq!(check_books(&one).await.len(), 60);
    assert_eq!(
        items_of_leads(&dynamo).await,
        60,
        "the other's items must be deleted"
    );
}

#[tokio::test]
async fn two_imports_at_once_share_the_room() {
    let dynamo = database().await;
    let (one, other) = (ledger(&dynamo), ledger(&dynamo));
    let small = |numbers| Import {
        leads_max: 10,
        ..import(numbers)
    };
    let (first, second) = join(
        one.import(&acme(), small(1..=7)),
        other.import(&acme(), small(11..=17)),
    )
    .await;
    let outcomes = [first.unwrap(), second.unwrap()];
    assert!(
        outcomes.contains(&Imported::NoRoom { room: 3 }),
        "{outcomes:?}"
    );
    assert_eq!(check_books(&one).await.len(), 7);
}

#[tokio::test]
async fn an_import_whose_last_answers_are_lost_has_happened() {
    let dynamo = database().await;
    let ledger = ledger(&dynamo);
    // The first one of a business makes its counters, too.
    let first = ledger.import(&acme(), import([31])).await.unwrap();
    assert!(matches!(first, Imported::Stored { .. }), "{first:?}");
    let kind = FaultKind::Unavailable(Side::After);
    let operation = Some("TransactWriteItems");
    dynamo.faults().plan(StoreFault {
        operation,
        kind,
        when: When::Next(3),
    });
    let imported = ledger.import(&acme(), import(1..=30)).await.unwrap();
    assert!(
        matches!(imported, Imported::Stored { count: 30, .. }),
        "{imported:?}"
    );
    assert_eq!(check_books(&ledger).await.len(), 31);
}

#[tokio::test]
async fn what_a_dead_import_left_over_is_deleted_a_day_later() {
    let requests = requests_of_import(3).await;
    let finish = requests
        .iter()
        .rposition(|request| request == "TransactWriteItems")
        .unwrap();
    let nth = u32::try_from(finish).unwrap() + 1;
    let dynamo = database().await;
    let trap = Trap::default();
    trap.arm(CrashPoint {
        nth,
        side: Side::Before,
    });
    import_and_die(&dynamo, &trap, 3).await;
    assert_eq!(items_of_leads(&dynamo).await, 3);

    let ledger = ledger(&dynamo);
    let soon = ledger.import(&acme(), import([11])).await.unwrap();
    assert!(matches!(soon, Imported::Stored { .. }));
    assert_eq!(
        items_of_leads(&dynamo).await,
        4,
        "the import may still be at work"
    );

    let now = NOW.after(Duration::from_secs(24 * 60 * 60));
    let later = ledger
        .import(
            &acme(),
            Import {
                now,
                ..import([12])
            },
        )
        .await
        .unwrap();
    assert!(matches!(later, Imported::Stored { .. }));
    assert_eq!(items_of_leads(&dynamo).await, 2);
    assert_eq!(check_books(&ledger).await, [4, 5]);
}

/// Imports leads with the numbers 1 to `count`, up to where the process dies.
async fn import_and_die(dynamo: &Dynamo, trap: &Trap, count: u32) {
    let acme = acme();
    let dying = Ledger::new(&dynamo.client_with(trap), TABLE);
    let attempt = pin!(dying.import(&acme, import(1..=count)));
    match select(attempt, pin!(trap.sprung())).await {
        Either::Left(_) => panic!("the import outlived its crash"),
        Either::Right(_) => {}
    }
}

/// The requests of an import that nothing disturbs.
async fn requests_of_import(count: u32) -> Vec<String> {
    let dynamo = database().await;
    let trap = Trap::default();
    let undisturbed = Ledger::new(&dynamo.client_with(&trap), TABLE);
    imported(&undisturbed, count).await;
    trap.requests()
}

/// How many items of leads there are, existing or not.
async fn items_of_leads(dynamo: &Dynamo) -> usize {
    let scan = dynamo.client().scan().table_name(TABLE).send().await;
    let items = scan
        .expect("the database answers")
        .items
        .unwrap_or_default();
    let keys = items.iter().filter_map(|item| item["sk"].as_s().ok());
    keys.filter(|sk| sk.starts_with("LEAD#")).count()
}
