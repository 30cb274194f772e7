//! The ledger on the embedded DynamoDB: that its expressions mean what it thinks.

mod businesses;
mod calls;
mod do_not_call;
mod erasing;
mod imports;
mod leads;
mod starts;
mod states;

use std::collections::BTreeMap;

use ringfence_core::call::Job;
use ringfence_core::ids::{BusinessId, CallId, LeadId, RosterId, RunId};
use ringfence_core::phone::PhoneNumber;
use ringfence_core::state::{Lease, State};
use ringfence_core::time::Timestamp;
use ringfence_flows::ledger::{States, Stored};
use ringfence_ledger::{
    BusinessConfig, Creation, Import, Imported, Ledger, ListRecord, NewLead, table,
};
use ringfence_local::aws::dynamo::Dynamo;
use uuid::Uuid;

const TABLE: &str = "ledger";
const NOW: Timestamp = Timestamp::from_millis(1_731_412_345_678);

/// An empty table.
async fn database() -> Dynamo {
    let dynamo = Dynamo::memory().expect("memory is there");
    let made = table::create_table(&dynamo.client(), TABLE).await;
    made.expect("the table can be made");
    dynamo
}

fn ledger(dynamo: &Dynamo) -> Ledger {
    Ledger::new(&dynamo.client(), TABLE)
}

fn id(business: &str) -> BusinessId {
    business.parse().expect("the tests name businesses well")
}

fn acme() -> BusinessId {
    id("acme")
}

fn config() -> BusinessConfig {
    BusinessConfig {
        name: "Acme".to_owned(),
        region: "IL".to_owned(),
        time_zone: "Asia/Jerusalem".to_owned(),
        call_flow: "{}".to_owned(),
        created_at: NOW,
    }
}

/// Makes a business with a limit of 3 and loads it.
async fn create(ledger: &Ledger, business: &BusinessId) -> Stored {
    let created = ledger
        .create_business(business, &config(), &State::new(3))
        .await;
    assert_eq!(created.expect("the database answers"), Creation::Created);
    load(ledger, business).await
}

async fn load(ledger: &Ledger, business: &BusinessId) -> Stored {
    let stored = ledger.load(business).await.expect("the database answers");
    stored.expect("the business is there")
}

/// The call with this number, minted so many milliseconds after [`NOW`].
fn call(number: u64) -> CallId {
    let minted = u128::from(NOW.as_millis() + number) << 80;
    CallId::new(Uuid::from_u128(minted | 7 << 76 | u128::from(number)))
}

fn lead(number: u32) -> LeadId {
    LeadId::new(number).expect("the tests count from 1")
}

fn run(number: u32) -> RunId {
    RunId::new(number).expect("the tests count from 1")
}

fn roster(number: u128) -> RosterId {
    RosterId::new(Uuid::from_u128(number))
}

fn phone(number: u32) -> PhoneNumber {
    let text = format!("+97250{number:07}");
    text.parse().expect("the tests' numbers are well-formed")
}

fn lease(number: u32) -> Lease {
    Lease {
        job: Job::Direct { lead: lead(number) },
        to: phone(number),
        dial_by: NOW,
        ask_at: NOW,
        missing: 0,
    }
}

/// An import of leads with these numbers.
fn import(numbers: impl IntoIterator<Item = u32>) -> Import {
    let leads = numbers.into_iter().map(|number| NewLead {
        name: format!("Lead {number}"),
        phone: phone(number),
        country: None,
        city: None,
        notes: None,
        variables: BTreeMap::new(),
    });
    Import {
        name: "spring".to_owned(),
        leads: leads.collect(),
        leads_max: 5_000,
        now: NOW,
        ending: None,
    }
}

/// Imports leads with the numbers 1 to `count` into a business that has none.
async fn imported(ledger: &Ledger, count: u32) -> ListRecord {
    let imported = ledger.import(&acme(), import(1..=count)).await;
    let Imported::Stored { list, .. } = imported.expect("the database answers") else {
        panic!("the leads are new");
    };
    let list = ledger
        .list(&acme(), list)
        .await
        .expect("the database answers");
    list.expect("the list is there")
}
