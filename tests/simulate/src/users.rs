//! Those who press the buttons: at any instant, several at once, and again when no
//! answer came.

mod cast;
mod doubt;
mod keys;
mod rules;

use std::fmt::Debug;
use std::rc::Rc;
use std::time::Duration;

use anyhow::Result;
use ringfence_core::ids::{BusinessId, LeadId, RunId};
use ringfence_core::phone::PhoneNumber;
use ringfence_core::stop::LiveCalls;
use ringfence_flows::business::{Settings, set};
use ringfence_flows::cleanup::cleanup;
use ringfence_flows::ledger::{RequestKey, Runs, States};
use ringfence_flows::start::{Leads, PublicHost, Shape, StartRequest, start};
use ringfence_flows::stop::stop_run;
use ringfence_flows::tally::Tally;

pub use self::cast::{cast, probe};
pub use self::rules::country_of;
use crate::judge::history::{Asked, Told};
use crate::kernel::TaskId;
use crate::sim::{Act, Sim};
use crate::world::{Role, SimWorld};

/// Who is doing something, for whoever waits for them to finish.
#[derive(Default)]
pub struct Users {
    /// How many deeds are still to come.
    pub to_come: usize,
    /// Names of requests that have no key.
    pub requests: u64,
}

/// One press of a button.
#[derive(Debug, Clone)]
pub struct Deed {
    pub b: usize,
    pub what: What,
    /// How often the client asks again.
    pub repeats: u32,
}

/// Which button.
#[derive(Debug, Clone)]
pub enum What {
    Start(Box<Wish>),
    /// Of the runs that there are by then, one.
    Stop(u64, LiveCalls),
    Limit(u32),
    Set(Box<Settings>),
    /// Adds to the do-not-call list, or takes off it.
    Bar(Vec<PhoneNumber>),
    Unbar(Vec<PhoneNumber>),
    CallerId(PhoneNumber),
    Cleanup,
    Status(u64),
    Delete(LeadId),
    /// So many milliseconds pass for the request keys.
    Age(u64),
}

/// What is to be started.
#[derive(Debug, Clone)]
pub struct Wish {
    pub leads: Leads,
    pub concurrency: Option<u32>,
    pub shape: Shape,
    pub key: Option<RequestKey>,
    pub public_host: PublicHost,
    /// The same for all repeats of one request.
    pub request: u64,
}

impl Sim {
    /// Has somebody do something `ms` from now.
    pub fn plan_deed(&self, ms: u64, deed: Deed) {
        self.users.borrow_mut().to_come += 1;
        self.kernel.after(ms, Act::Do(Box::new(deed)));
    }

    /// Somebody does something.
    pub fn start_deed(self: &Rc<Self>, deed: Deed) {
        self.users.borrow_mut().to_come -= 1;
        let Deed { b, what, repeats } = deed;
        if repeats > 0 {
            let again = Deed {
                b,
                what: what.clone(),
                repeats: repeats - 1,
            };
            self.plan_deed(self.kernel.between(1, 90_000), again);
        }
        let runs = u64::from(self.store.borrow().shelves[b].stored.state.next_run);
        let run_of = |number: u64| {
            let run = u32::try_from(number % runs + 1).expect("runs are few");
            RunId::new(run).expect("it is not zero")
        };
        match what {
            What::Start(wish) => {
                rules::regret(self, b, &wish);
                self.employ(Role::Start, b, |world, id| started(world, id, b, *wish))
            }
            What::Stop(number, live) => {
                let run = run_of(number);
                self.employ(Role::Stop, b, |world, id| stopped(world, id, b, run, live));
            }
            What::Status(number) => {
                let run = run_of(number);
                self.employ(Role::Status, b, |world, id| looked_at(world, id, b, run));
            }
            What::Cleanup => self.employ(Role::Cleanup, b, |world, id| async move {
                let cleaned = Box::pin(cleanup(&world, &id, &mut Tally::default())).await;
                world
                    .sim
                    .tell("cleanup", b as u64, || format!("b{b}: {}", words(&cleaned)));
                world.sim.read_failure(cleaned);
            }),
            What::Limit(limit) => {
                let settings = Settings {
                    limit: Some(limit),
                    ..Settings::default()
                };
                self.apply(b, settings);
            }
            What::Set(settings) => {
                self.apply(b, *settings);
            }
            What::Bar(numbers) => {
                self.employ(Role::Settings, b, move |world, id| {
                    rules::barred(world, id, b, numbers)
                });
            }
            What::Unbar(numbers) => {
                self.employ(Role::Settings, b, move |world, id| {
                    rules::unbarred(world, id, b, numbers)
                });
            }
            What::CallerId(number) => {
                let settings = Settings {
                    caller_id: Some(number),
                    ..Settings::default()
                };
                self.apply(b, settings);
            }
            What::Delete(lead) => {
                self.store.borrow_mut().shelves[b].leads.remove(&lead);
            }
            What::Age(ms) => self.age_keys(b, ms),
        }
    }

    /// Lets time pass for the request keys alone.
    fn age_keys(&self, b: usize, ms: u64) {
        for key in self.store.borrow_mut().shelves[b].keys.values_mut() {
            key.at = key.at.before(Duration::from_millis(ms));
        }
        if ms >= keys::OVER_A_DAY {
            let mut judge = self.judge.borrow_mut();
            judge.day_passed(b, self.kernel.now());
        }
        self.tell("aged", ms, || format!("the keys of b{b} by {ms} ms"));
    }

    /// What was found out; otherwise why not is read for phone numbers.
    fn read_failure<T>(&self, answer: Result<T>) -> Option<T> {
        match answer {
            Ok(answer) => Some(answer),
            Err(error) => {
                self.judge.borrow_mut().read_error(&error);
                None
            }
        }
    }

    fn apply(self: &Rc<Self>, b: usize, settings: Settings) {
        self.employ(Role::Settings, b, move |world, id| async move {
            apply(&world, &id, b, settings).await;
        });
    }

    fn employ<F: Future<Output = ()> + 'static>(
        self: &Rc<Self>,
        role: Role,
        b: usize,
        work: impl FnOnce(SimWorld, BusinessId) -> F,
    ) {
        let id = self.store.borrow().shelves[b].id.clone();
        let _: TaskId = SimWorld::employ(self, role, Some(b), |world| work(world, id));
    }
}

async fn apply(world: &SimWorld, id: &BusinessId, b: usize, settings: Settings) {
    let asked = {
        let mut judge = world.sim.judge.borrow_mut();
        judge.ask_settings(b, world.worker, &settings)
    };
    let answer = set(world, id, &settings).await;
    world.sim.tell("settings", 0, || {
        format!("{id} {settings:?}: {}", answer.is_ok())
    });
    if let Some(answer) = world.sim.read_failure(answer) {
        let mut judge = world.sim.judge.borrow_mut();
        judge.told_settings(&asked, &answer);
    }
}

async fn started(world: SimWorld, id: BusinessId, b: usize, wish: Wish) {
    let request = StartRequest {
        leads: wish.leads,
        concurrency: wish.concurrency,
        shape: wish.shape,
        key: wish.key,
        asked_by: format!("worker {}", world.worker),
        public_host: wish.public_host,
    };
    let key = request.key.as_ref().map(|key| key.key.as_str());
    let asked = world
        .sim
        .judge
        .borrow_mut()
        .ask_start(b, wish.request, key, &world);
    let answer = Box::pin(start(&world, &id, &request, &mut Tally::default())).await;
    world.sim.tell("start", wish.request, || {
        format!("b{b} request {}: {}", wish.request, words(&answer))
    });
    world.sim.has_started();
    let mut judge = world.sim.judge.borrow_mut();
    match answer {
        Ok(answer) => {
            let truth = world.sim.truth.borrow();
            let store = world.sim.store.borrow();
            judge.told_start(&store, &truth, &asked, &request, &answer);
        }
        Err(error) => {
            judge.read_error(&error);
            judge.has_fallen(world.worker);
        }
    }
}

async fn stopped(world: SimWorld, id: BusinessId, b: usize, run: RunId, live: LiveCalls) {
    let asked = world.sim.judge.borrow_mut().ask_stop(b, run);
    let answer = Box::pin(stop_run(&world, &id, run, live, &mut Tally::default())).await;
    world.sim.tell("stop", u64::from(run.get()), || {
        format!("b{b} run {run} {live:?}: {}", words(&answer))
    });
    let mut judge = world.sim.judge.borrow_mut();
    match answer {
        Ok(answer) => judge.told_stop(b, run, &asked, &answer),
        Err(error) => judge.read_error(&error),
    }
}

/// As `functions/status` looks: at the state while the run is there, else at its record.
async fn looked_at(world: SimWorld, id: BusinessId, b: usize, run: RunId) {
    let asked: Asked = world.sim.judge.borrow_mut().ask_run();
    let loaded = world.load(&id).await;
    let Some(Some(stored)) = world.sim.read_failure(loaded) else {
        return;
    };
    let view = stored.state.run_view(run);
    let told = match view {
        Some((view, counts, status)) => Some(Told {
            status,
            counts,
            total: view.total,
        }),
        None => {
            let read = world.run(&id, run).await;
            let Some(record) = world.sim.read_failure(read) else {
                return;
            };
            record.and_then(|record| {
                let end = record.end?;
                Some(Told {
                    status: end.status,
                    counts: end.counts,
                    total: record.total,
                })
            })
        }
    };
    world.sim.tell("status", u64::from(run.get()), || {
        format!("b{b} run {run}: {told:?}")
    });
    let mut judge = world.sim.judge.borrow_mut();
    judge.told_status(b, run, &asked, told);
}

/// An answer, or why there is none, without where in the code that was.
fn words<T: Debug>(answer: &Result<T>) -> String {
    match answer {
        Ok(answer) => format!("{answer:?}"),
        Err(error) => format!("{error:#}"),
    }
}
