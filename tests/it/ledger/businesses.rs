//! Businesses and their API keys.

use ringfence_ledger::{ApiKey, Change, ConfigChange, ConfigChanged, KeyListing, Revocation};

use super::*;

#[tokio::test]
async fn a_business_is_created_once() {
    let dynamo = database().await;
    let ledger = ledger(&dynamo);
    assert_eq!(ledger.config(&acme()).await.unwrap(), None);
    create(&ledger, &acme()).await;
    let other = BusinessConfig {
        name: "Other".to_owned(),
        ..config()
    };
    let again = ledger
        .create_business(&acme(), &other, &State::new(9))
        .await
        .unwrap();
    assert_eq!(again, Creation::Exists);
    assert_eq!(ledger.config(&acme()).await.unwrap(), Some(config()));
    assert_eq!(load(&ledger, &acme()).await.state, State::new(3));
}

#[tokio::test]
async fn only_a_business_that_exists_is_changed() {
    let dynamo = database().await;
    let ledger = ledger(&dynamo);
    let change = ConfigChange {
        name: Some("Other".to_owned()),
        ..ConfigChange::default()
    };
    assert_eq!(
        ledger.change_config(&acme(), &change).await.unwrap(),
        ConfigChanged::NoSuchBusiness
    );
    assert_eq!(ledger.config(&acme()).await.unwrap(), None);
    create(&ledger, &acme()).await;
    let other = BusinessConfig {
        name: "Other".to_owned(),
        ..config()
    };
    assert_eq!(
        ledger.change_config(&acme(), &change).await.unwrap(),
        ConfigChanged::To(other.clone())
    );
    assert_eq!(ledger.config(&acme()).await.unwrap(), Some(other));
}

#[tokio::test]
async fn who_changes_one_setting_leaves_what_others_change_meanwhile() {
    let dynamo = database().await;
    let ledger = ledger(&dynamo);
    create(&ledger, &acme()).await;
    let said = |text: &str| Some(text.to_owned());
    for change in [
        ConfigChange {
            name: said("Other"),
            ..ConfigChange::default()
        },
        ConfigChange {
            region: said("FR"),
            ..ConfigChange::default()
        },
        ConfigChange {
            time_zone: said("Europe/Paris"),
            ..ConfigChange::default()
        },
        ConfigChange {
            call_flow: said("{}"),
            ..ConfigChange::default()
        },
    ] {
        let changed = ledger.change_config(&acme(), &change).await.unwrap();
        assert!(matches!(changed, ConfigChanged::To(_)));
    }
    let all = BusinessConfig {
        name: "Other".to_owned(),
        region: "FR".to_owned(),
        time_zone: "Europe/Paris".to_owned(),
        call_flow: "{}".to_owned(),
        ..config()
    };
    assert_eq!(ledger.config(&acme()).await.unwrap(), Some(all));
}

fn key(key_id: &str, business: Option<BusinessId>) -> ApiKey {
    let role = "admin".to_owned();
    ApiKey {
        key_id: key_id.to_owned(),
        secret_digest: [7; 32],
        business,
        role,
        created_at: NOW,
        last_used_at: None,
    }
}

#[tokio::test]
async fn a_key_is_found_and_listed_until_it_is_revoked() {
    let dynamo = database().await;
    let ledger = ledger(&dynamo);
    create(&ledger, &acme()).await;
    let stored = key("k1", Some(acme()));
    assert_eq!(ledger.put_key(&stored).await.unwrap(), Change::Changed);
    assert_eq!(
        ledger.put_key(&stored).await.unwrap(),
        Change::Changed,
        "it is safe to repeat"
    );
    assert_eq!(ledger.key("k1").await.unwrap(), Some(stored));
    let listing = KeyListing {
        key_id: "k1".to_owned(),
        role: "admin".to_owned(),
        created_at: NOW,
        last_used_at: None,
    };
    assert_eq!(ledger.keys(&acme()).await.unwrap(), [listing]);

    assert_eq!(
        ledger.delete_key(&id("other"), "k1").await.unwrap(),
        Revocation::NoSuchKey
    );
    assert!(ledger.key("k1").await.unwrap().is_some());
    assert_eq!(
        ledger.delete_key(&acme(), "k1").await.unwrap(),
        Revocation::Revoked
    );
    assert_eq!(ledger.key("k1").await.unwrap(), None);
    assert!(ledger.keys(&acme()).await.unwrap().is_empty());
    assert_eq!(
        ledger.delete_key(&acme(), "k1").await.unwrap(),
        Revocation::NoSuchKey
    );
}

#[tokio::test]
async fn a_key_of_no_business_is_stored_without_one() {
    let dynamo = database().await;
    let ledger = ledger(&dynamo);
    assert_eq!(
        ledger.put_key(&key("k1", None)).await.unwrap(),
        Change::Changed
    );
    assert_eq!(ledger.key("k1").await.unwrap(), Some(key("k1", None)));
    assert_eq!(
        ledger.delete_key(&acme(), "k1").await.unwrap(),
        Revocation::NoSuchKey
    );
}

#[tokio::test]
async fn a_key_needs_its_business() {
    let dynamo = database().await;
    let ledger = ledger(&dynamo);
    let stored = ledger.put_key(&key("k1", Some(acme()))).await.unwrap();
    assert_eq!(stored, Change::NoSuchBusiness);
    assert_eq!(ledger.key("k1").await.unwrap(), None);
}

#[tokio::test]
async fn a_key_does_not_replace_another() {
    let dynamo = database().await;
    let ledger = ledger(&dynamo);
    create(&ledger, &acme()).await;
    assert_eq!(
        ledger.put_key(&key("k1", Some(acme()))).await.unwrap(),
        Change::Changed
    );
    let other = ApiKey {
        secret_digest: [8; 32],
        ..key("k1", Some(acme()))
    };
    assert!(ledger.put_key(&other).await.is_err());
    assert_eq!(
        ledger.key("k1").await.unwrap(),
        Some(key("k1", Some(acme())))
    );
}

#[tokio::test]
async fn texts_that_are_no_key_ids_are_not_looked_up() {
    let dynamo = database().await;
    let ledger = ledger(&dynamo);
    let before = dynamo.meter().snapshot();
    for text in ["", "k#1", "k/1", &"k".repeat(65)] {
        assert_eq!(ledger.key(text).await.unwrap(), None);
    }
    assert_eq!(dynamo.meter().snapshot().since(&before).requests, 0);
}

#[tokio::test]
async fn a_table_that_is_there_stays_as_it_is() {
    let dynamo = database().await;
    let ledger = ledger(&dynamo);
    let stored = create(&ledger, &acme()).await;
    table::create_table(&dynamo.client(), TABLE).await.unwrap();
    assert_eq!(load(&ledger, &acme()).await, stored);
}
