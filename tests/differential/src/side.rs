//! The ledgers that are compared, each from an empty store on.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use aws_credential_types::Credentials;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{BehaviorVersion, Config, Region};
use aws_sdk_dynamodb::types::AttributeValue;
use ringfence_core::ids::{BusinessId, LeadId};
use ringfence_ledger::{BusinessConfig, Creation, Import, Imported, Ledger, NewLead, table};
use ringfence_local::aws::dynamo::Dynamo;
use ringfence_shell::https;
use simulate::ledger::Shelf;
use simulate::sim::{Season, Sim};
use simulate::story::Telling;
use simulate::world::{Role, SimWorld};

use crate::answer::Answer;
use crate::draw::{BEGIN, BUSINESSES, Contact, Scene, business, first, lead};
use crate::plant::{Fault, Plant};
use crate::request::{Request, ask};

/// The limit that every business begins with.
const LIMIT: u32 = 3;

/// The simulated ledger, in a world of its own where nothing fails.
pub struct Simulated {
    world: SimWorld,
    plant: Option<Plant>,
}

impl Simulated {
    /// A world with the businesses of a sequence.
    pub fn new(seed: u64, scene: &Scene, fault: Option<Fault>) -> Self {
        let sim = Sim::new(seed, "calm", Telling::Digest);
        sim.season.set(Season::Calm);
        for number in 0..BUSINESSES {
            let leads = (1..=scene.leads).map(|of| {
                let id = lead(of);
                (id, Contact::of(number, of).lead(id))
            });
            let leads: BTreeMap<_, _> = leads.collect();
            let shelf = Shelf::new(business(number), first(LIMIT), leads);
            sim.store.borrow_mut().shelves.push(shelf);
            sim.judge.borrow_mut().open(&first(LIMIT));
        }
        let hired = Rc::new(RefCell::new(None));
        let desk = Rc::clone(&hired);
        SimWorld::employ(&sim, Role::Settings, None, move |world| {
            *desk.borrow_mut() = Some(world);
            std::future::ready(())
        });
        let world = hired.borrow_mut().take();
        Self {
            world: world.expect("whoever is employed is there at once"),
            plant: fault.map(Plant::new),
        }
    }

    /// Answers a request, as one worker who never dies.
    pub fn ask(&mut self, request: &Request) -> Answer {
        let Some(plant) = &mut self.plant else {
            return self.wait_for(request);
        };
        let mut request = request.clone();
        plant.before(&self.world.sim, &mut request);
        let mut answer = self.wait_for(&request);
        let plant = self.plant.as_mut().expect("it was there");
        plant.after(&self.world.sim, &request, &mut answer);
        answer
    }

    fn wait_for(&self, request: &Request) -> Answer {
        let mut life = std::pin::pin!(ask(&self.world, request));
        let mut context = Context::from_waker(Waker::noop());
        loop {
            if let Poll::Ready(answer) = life.as_mut().poll(&mut context) {
                return answer;
            }
            // Only the clock matters: nothing else lives here.
            drop(self.world.sim.kernel.step());
        }
    }
}

/// The real ledger, on a store of its own.
pub struct Real {
    /// Whose store it is.
    pub name: &'static str,
    ledger: Ledger,
    /// What is to be deleted at the end, where the store outlives the sequence.
    left: Option<(Client, String)>,
}

impl Real {
    /// On the embedded DynamoDB.
    pub async fn embedded(scene: &Scene) -> Result<Self> {
        let client = Dynamo::memory()?.client();
        let ledger = ledger_on(&client, "ledger", scene).await?;
        Ok(Self {
            name: "dynoxide",
            ledger,
            left: None,
        })
    }

    /// On a DynamoDB that somebody else serves, in a new table.
    pub async fn remote(client: &Client, table: String, scene: &Scene) -> Result<Self> {
        let ledger = ledger_on(client, &table, scene).await?;
        Ok(Self {
            name: "remote",
            ledger,
            left: Some((client.clone(), table)),
        })
    }

    /// Answers a request.
    pub async fn ask(&self, request: &Request) -> Answer {
        ask(&self.ledger, request).await
    }

    /// Deletes what would be left: a server's memory would grow with every sequence.
    pub async fn end(self) -> Result<()> {
        let Some((client, table)) = self.left else {
            return Ok(());
        };
        let deleted = client.delete_table().table_name(table).send().await;
        deleted.context("failed to delete a table")?;
        Ok(())
    }
}

/// A ledger in a new table, with the businesses and leads of the scene.
async fn ledger_on(client: &Client, table: &str, scene: &Scene) -> Result<Ledger> {
    table::create_table(client, table).await?;
    let ledger = Ledger::new(client, table);
    for number in 0..BUSINESSES {
        let id = business(number);
        let config = BusinessConfig {
            name: "Acme".to_owned(),
            region: "IL".to_owned(),
            time_zone: "Asia/Jerusalem".to_owned(),
            call_flow: "{}".to_owned(),
            created_at: BEGIN,
        };
        let created = ledger.create_business(&id, &config, &first(LIMIT)).await?;
        ensure!(created == Creation::Created, "the store is not empty");
        let imported = ledger.import(&id, import(number, scene.leads)).await?;
        let is_stored = matches!(imported, Imported::Stored { count, .. } if count == scene.leads);
        ensure!(is_stored, "not all leads were imported");
        let leads = (1..=scene.leads).filter(|&of| Contact::of(number, of).is_erased);
        for of in leads {
            erase_number(client, table, &id, lead(of)).await?;
        }
    }
    Ok(ledger)
}

/// Takes a lead's number away. No method of the ledger does, and its readers bear it.
async fn erase_number(client: &Client, table: &str, b: &BusinessId, lead: LeadId) -> Result<()> {
    let key = [
        ("pk", format!("LEADS#{b}")),
        ("sk", format!("LEAD#{:010}", lead.get())),
    ];
    let key = key.map(|(name, value)| (name.to_owned(), AttributeValue::S(value)));
    let erased = client
        .update_item()
        .table_name(table)
        .set_key(Some(key.into()))
        .update_expression("REMOVE phone")
        .condition_expression("attribute_exists(phone)")
        .send()
        .await;
    erased.context("failed to erase a number")?;
    Ok(())
}

/// A client of a DynamoDB at this address.
pub fn client_of(endpoint: &str) -> Client {
    let timeouts = TimeoutConfig::builder()
        .operation_attempt_timeout(Duration::from_secs(10))
        .build();
    let connector = https::connector().expect("an HTTP client can be made");
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .http_client(https::client(connector))
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("test", "test", None, None, "differential"))
        .endpoint_url(endpoint)
        // An attempt that is sent again could hide an answer.
        .retry_config(RetryConfig::disabled())
        .timeout_config(timeouts)
        .build();
    Client::from_conf(config)
}

fn import(business: u32, count: u32) -> Import {
    let leads = (1..=count).map(|of| {
        let Contact {
            name,
            phone,
            country,
            is_erased: _,
        } = Contact::of(business, of);
        NewLead {
            name,
            phone,
            country,
            city: None,
            notes: None,
            variables: BTreeMap::new(),
        }
    });
    Import {
        name: "spring".to_owned(),
        leads: leads.collect(),
        leads_max: 5_000,
        now: BEGIN,
        ending: None,
    }
}
