//! The list of whom nobody is to call.

use ringfence_core::time::Timestamp;
use ringfence_flows::ledger::DoNotCall;
use ringfence_ledger::{Additions, DoNotCallEntry, EntryId, NewEntry};

use super::*;

fn entry(number: u32) -> NewEntry {
    NewEntry {
        phone: phone(number),
        reason: Some(format!("reason {number}")),
        source: None,
    }
}

async fn add(
    ledger: &Ledger,
    business: &BusinessId,
    numbers: impl IntoIterator<Item = u32>,
) -> Additions {
    let entries: Vec<NewEntry> = numbers.into_iter().map(entry).collect();
    let added = ledger.add_do_not_call(business, &entries, "k1", NOW).await;
    added.expect("the database answers")
}

/// Which of these numbers are on a list.
async fn listed(ledger: &Ledger, business: &BusinessId, numbers: &[u32]) -> Vec<u32> {
    let phones: Vec<PhoneNumber> = numbers.iter().copied().map(phone).collect();
    let found = ledger.listed(business, &phones).await;
    let found = found.expect("the database answers");
    let is_listed = |number: &u32| found.contains(&phone(*number));
    numbers.iter().copied().filter(is_listed).collect()
}

async fn entry_of(ledger: &Ledger, number: u32) -> Option<DoNotCallEntry> {
    let found = ledger.do_not_call_entry(&acme(), &phone(number)).await;
    found.expect("the database answers")
}

#[tokio::test]
async fn numbers_are_added_once_and_keep_what_was_said_of_them_first() {
    let dynamo = database().await;
    let ledger = ledger(&dynamo);
    assert_eq!(listed(&ledger, &acme(), &[1, 2]).await, [0_u32; 0]);
    let added = add(&ledger, &acme(), [1, 2, 1, 3]).await;
    assert_eq!(added, Additions { added: 3, known: 1 });
    let later = Timestamp::from_millis(NOW.as_millis() + 1_000);
    let again = NewEntry {
        reason: None,
        ..entry(2)
    };
    let again = ledger
        .add_do_not_call(&acme(), &[again, entry(4)], "k2", later)
        .await;
    assert_eq!(again.unwrap(), Additions { added: 1, known: 1 });
    let first = entry_of(&ledger, 2).await.unwrap();
    assert_eq!(first.phone, Some(phone(2)));
    assert_eq!(first.reason.as_deref(), Some("reason 2"));
    assert_eq!((first.added_at, first.added_by.as_str()), (NOW, "k1"));
    let second = entry_of(&ledger, 4).await.unwrap();
    assert_eq!((second.added_at, second.added_by.as_str()), (later, "k2"));
    assert_eq!(entry_of(&ledger, 5).await, None);
    assert_eq!(listed(&ledger, &acme(), &[4, 5, 1]).await, [4, 1]);
}

#[tokio::test]
async fn another_process_finds_the_same_entries() {
    let dynamo = database().await;
    let (one, other) = (ledger(&dynamo), ledger(&dynamo));
    add(&one, &acme(), [1]).await;
    assert_eq!(listed(&other, &acme(), &[1, 2]).await, [1]);
    let added = add(&other, &acme(), [1, 2]).await;
    assert_eq!(added, Additions { added: 1, known: 1 });
}

#[tokio::test]
async fn each_business_has_a_list_of_its_own() {
    let dynamo = database().await;
    let ledger = ledger(&dynamo);
    add(&ledger, &acme(), [1, 2]).await;
    add(&ledger, &id("other"), [2, 3]).await;
    assert_eq!(listed(&ledger, &acme(), &[1, 2, 3]).await, [1, 2]);
    assert_eq!(listed(&ledger, &id("other"), &[1, 2, 3]).await, [2, 3]);
    // Not even the same number has the same name in both.
    let of = entry_of(&ledger, 2).await.unwrap().id;
    let removed = ledger.remove_do_not_call(&id("other"), &of).await;
    assert!(!removed.unwrap());
    assert_eq!(listed(&ledger, &id("other"), &[2]).await, [2]);
}

#[tokio::test]
async fn a_long_list_is_paged_without_loss() {
    let dynamo = database().await;
    let ledger = ledger(&dynamo);
    let added = add(&ledger, &acme(), 1..=250).await;
    assert_eq!(added.added, 250);
    let all: Vec<u32> = (1..=300).collect();
    assert_eq!(listed(&ledger, &acme(), &all).await.len(), 250);
    let (mut found, mut after, mut pages) = (Vec::new(), None::<EntryId>, 0);
    loop {
        let page = ledger.do_not_call(&acme(), 100, after.as_ref()).await;
        let (entries, next) = page.unwrap();
        assert!(entries.len() <= 100);
        found.extend(entries.into_iter().filter_map(|entry| entry.phone));
        (after, pages) = (next, pages + 1);
        if after.is_none() {
            break;
        }
    }
    assert_eq!(pages, 3);
    found.sort_unstable();
    let expected: Vec<PhoneNumber> = (1..=250).map(phone).collect();
    assert_eq!(found, expected);
    let (none, next) = ledger.do_not_call(&id("other"), 100, None).await.unwrap();
    assert_eq!((none, next), (Vec::new(), None));
}

#[tokio::test]
async fn an_entry_is_removed_once() {
    let dynamo = database().await;
    let ledger = ledger(&dynamo);
    add(&ledger, &acme(), [1, 2]).await;
    let of = entry_of(&ledger, 1).await.unwrap().id;
    assert!(ledger.remove_do_not_call(&acme(), &of).await.unwrap());
    assert!(!ledger.remove_do_not_call(&acme(), &of).await.unwrap());
    assert_eq!(listed(&ledger, &acme(), &[1, 2]).await, [2]);
    let added = add(&ledger, &acme(), [1]).await;
    assert_eq!(added, Additions { added: 1, known: 0 });
}

#[tokio::test]
async fn a_forgotten_number_is_barred_and_nowhere_to_be_read() {
    let dynamo = database().await;
    let ledger = ledger(&dynamo);
    add(&ledger, &acme(), [1, 2]).await;
    let of = entry_of(&ledger, 1).await.unwrap().id;
    // Whoever is not on the list is not put there.
    let nobody: EntryId = "AAAAAAAAAAAAAAAAAAAAAA".parse().unwrap();
    for id in [&of, &of, &nobody] {
        ledger.forget_do_not_call(&acme(), id).await.unwrap();
    }
    let (entries, _) = ledger.do_not_call(&acme(), 100, None).await.unwrap();
    assert_eq!(entries.len(), 2);
    assert_eq!(listed(&ledger, &acme(), &[1, 2, 3]).await, [1, 2]);
    let kept = entry_of(&ledger, 1).await.unwrap();
    assert_eq!(kept.phone, None);
    assert_eq!((kept.reason, kept.added_by.as_str()), (None, "k1"));
    let stored = dynamo.client().scan().table_name(TABLE).send().await;
    let stored = format!("{:?}", stored.unwrap().items());
    assert!(!stored.contains(phone(1).expose()));
    assert!(stored.contains(phone(2).expose()));
    // Adding it again does not write the number down again.
    let again = add(&ledger, &acme(), [1]).await;
    assert_eq!(again, Additions { added: 0, known: 1 });
    assert_eq!(entry_of(&ledger, 1).await.unwrap().phone, None);
}
