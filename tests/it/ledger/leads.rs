//! Leads and lists after their import.

use futures::future::join;
use ringfence_flows::ledger::Rosters;

use super::*;

#[tokio::test]
async fn an_imported_list_is_ready_to_be_a_run() {
    let dynamo = database().await;
    let ledger = ledger(&dynamo);
    let list = imported(&ledger, 1_500).await;
    assert_eq!((list.name.as_str(), list.count), ("spring", 1_500));
    assert_eq!(
        ledger.lists(&acme()).await.unwrap(),
        std::slice::from_ref(&list)
    );
    let found = ledger.roster_leads(list.roster, &[0, 1_499]).await.unwrap();
    assert_eq!(found, [lead(1), lead(1_500)]);
    assert!(ledger.lists(&id("other")).await.unwrap().is_empty());
}

#[tokio::test]
async fn leads_are_found_by_their_numbers() {
    let dynamo = database().await;
    let ledger = ledger(&dynamo);
    imported(&ledger, 150).await;
    let ids: Vec<_> = (100..=250).chain([100]).map(lead).collect();
    let mut found = ledger.leads(&acme(), &ids).await.unwrap();
    found.sort_by_key(|found| found.id);
    assert_eq!(found.len(), 51);
    assert_eq!(
        (found[0].name.as_str(), found[0].phone.clone()),
        ("Lead 100", Some(phone(100)))
    );
    assert!(ledger.leads(&id("other"), &ids).await.unwrap().is_empty());
    let one = ledger.lead(&acme(), lead(7)).await.unwrap().unwrap();
    assert_eq!((one.phone, one.created_at), (Some(phone(7)), NOW));
    assert_eq!(ledger.lead(&acme(), lead(151)).await.unwrap(), None);
}

/// Looks for leads of a business that has those with the numbers 1 to 700.
async fn check_missing(ids: Vec<u32>, expected: Vec<u32>) {
    let dynamo = database().await;
    let ledger = ledger(&dynamo);
    imported(&ledger, 700).await;
    let ids: Vec<_> = ids.into_iter().map(lead).collect();
    let missing = ledger
        .missing_leads(&acme(), &ids)
        .await
        .expect("the database answers");
    assert_eq!(missing, expected.into_iter().map(lead).collect::<Vec<_>>());
}

#[tokio::test]
async fn missing_leads_are_named_however_many_are_asked_for() {
    check_missing(vec![], vec![]).await;
    check_missing(vec![1, 700], vec![]).await;
    check_missing(vec![701, 5, 701, 4_000_000_000], vec![701, 4_000_000_000]).await;
    check_missing((1..=700).collect(), vec![]).await;
    check_missing((2..=702).rev().collect(), vec![701, 702]).await;
    check_missing(
        (1..=700).chain([4_000_000_000]).collect(),
        vec![4_000_000_000],
    )
    .await;
}

#[tokio::test]
async fn leads_are_paged_in_the_order_of_their_numbers() {
    let dynamo = database().await;
    let ledger = ledger(&dynamo);
    imported(&ledger, 5).await;
    let first = ledger.leads_page(&acme(), None, 3).await.unwrap();
    let ids: Vec<_> = first.items.iter().map(|lead| lead.id.get()).collect();
    assert_eq!((ids, first.next), (vec![1, 2, 3], Some(lead(3))));
    let second = ledger.leads_page(&acme(), first.next, 3).await.unwrap();
    let ids: Vec<_> = second.items.iter().map(|lead| lead.id.get()).collect();
    assert_eq!((ids, second.next), (vec![4, 5], None));
}

#[tokio::test]
async fn only_leads_that_exist_are_counted_off() {
    let dynamo = database().await;
    let ledger = ledger(&dynamo);
    imported(&ledger, 250).await;
    let ids: Vec<_> = [1, 1, 2, 251]
        .into_iter()
        .chain(10..=209)
        .map(lead)
        .collect();
    assert_eq!(ledger.delete_leads(&acme(), &ids).await.unwrap(), 202);
    assert_eq!(ledger.delete_leads(&acme(), &ids).await.unwrap(), 0);
    assert_eq!(ledger.lead_count(&acme()).await.unwrap(), 48);
    assert_eq!(
        ledger
            .missing_leads(&acme(), &[lead(1), lead(3)])
            .await
            .unwrap(),
        [lead(1)]
    );
    assert_eq!(
        ledger.delete_leads(&id("other"), &[lead(3)]).await.unwrap(),
        0
    );
}

#[tokio::test]
async fn two_deletions_of_the_same_leads_count_them_once() {
    let dynamo = database().await;
    let (one, other) = (ledger(&dynamo), ledger(&dynamo));
    imported(&one, 120).await;
    let some: Vec<_> = (1..=80).map(lead).collect();
    let (some, all) = join(
        one.delete_leads(&acme(), &some),
        other.delete_all_leads(&acme()),
    )
    .await;
    assert_eq!(some.unwrap() + all.unwrap(), 120);
    assert_eq!(one.lead_count(&acme()).await.unwrap(), 0);
    assert!(
        one.leads_page(&acme(), None, 10)
            .await
            .unwrap()
            .items
            .is_empty()
    );
}

#[tokio::test]
async fn a_deleted_number_may_be_imported_again() {
    let dynamo = database().await;
    let ledger = ledger(&dynamo);
    imported(&ledger, 3).await;
    assert_eq!(ledger.delete_all_leads(&acme()).await.unwrap(), 3);
    let again = ledger.import(&acme(), import(1..=3)).await.unwrap();
    let Imported::Stored {
        list,
        count: 3,
        duplicates: 0,
    } = again
    else {
        panic!("the leads are gone: {again:?}");
    };
    let list = ledger.list(&acme(), list).await.unwrap().unwrap();
    assert_eq!(
        ledger.roster_leads(list.roster, &[0]).await.unwrap(),
        [lead(4)]
    );
}
