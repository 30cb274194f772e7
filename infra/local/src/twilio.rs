//! A Twilio to talk to when there is none.
//!
//! It fakes the outside: its REST API, its callbacks and its misbehaviour are those of
//! Twilio as far as a client can tell, and it keeps the [`Truth`] by which the client is
//! judged. Calls, faults and errors follow from the seed; time is tokio's.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ringfence_core::phone::PhoneNumber;

use self::world::World;

mod api;
mod call;
mod callback;
mod delivery;
mod error;
mod life;
mod list;
mod numbers;
mod overrides;
mod plan;
mod request;
mod resource;
mod script;
mod serve;
mod settings;
mod transport;
mod truth;
mod twiml;
mod world;

pub use call::{Mark, Tag};
pub use delivery::{Delivery, InProcess, Unanswered};
pub use script::{Ending, Fate, Lost, Queue, Script, Silence};
pub use settings::{ApiKey, Behaviour, Faults, Settings};
pub use transport::InProcessTransport;
pub use truth::{CallTruth, CreateTruth, Dialled, Duplicate, Injected, Truth, Verdict};
pub use twiml::Twiml;

/// One simulated account. Clones are the same account.
#[derive(Clone)]
pub struct SimTwilio {
    world: Arc<Mutex<World>>,
    delivery: Arc<Mutex<Delivery>>,
}

impl SimTwilio {
    /// Opens an account. Until [`SimTwilio::deliver_by`] its callbacks reach nobody.
    pub fn new(settings: Settings) -> Self {
        assert!(
            settings.speed > 0.0,
            "a call at speed {} never ends",
            settings.speed
        );
        Self {
            world: Arc::new(Mutex::new(World::new(Arc::new(settings)))),
            delivery: Arc::new(Mutex::new(Delivery::Nowhere)),
        }
    }

    /// Sets how callbacks and requests for TwiML reach the client from now on.
    pub fn deliver_by(&self, delivery: Delivery) {
        *self.delivery.lock().unwrap_or_else(PoisonError::into_inner) = delivery;
    }

    /// Prescribes what becomes of all further calls to a number.
    pub fn script(&self, number: PhoneNumber, script: Script) {
        self.world().scripts.insert(number, script);
    }

    /// Refuses all further calls to a number with this code.
    pub fn refuse(&self, number: PhoneNumber, code: u32) {
        self.world().refused.insert(number, code);
    }

    /// Refuses all further calls with this code, as a wrong configuration would, or none.
    pub fn fail_configuration(&self, code: Option<u32>) {
        self.world().failure = code;
    }

    /// Lets calls come from these numbers only, as Twilio lets them come from an account's own.
    pub fn owns(&self, numbers: impl IntoIterator<Item = PhoneNumber>) {
        self.world().numbers = Some(numbers.into_iter().collect());
    }

    /// Lets no connection be made from now on, until [`SimTwilio::plug_in`]. What is under way goes on.
    pub fn unplug(&self) {
        self.world().is_unplugged = true;
    }

    /// Lets connections be made again.
    pub fn plug_in(&self) {
        self.world().is_unplugged = false;
    }

    /// What really happened so far.
    pub fn truth(&self) -> Truth {
        let world = self.world();
        Truth {
            calls: world.calls.values().map(CallTruth::of).collect(),
            creates: world.creates.iter().cloned().collect(),
            injected: world.injected,
            forgotten: world.forgotten,
        }
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn settings(&self) -> Arc<Settings> {
        Arc::clone(&self.world().settings)
    }

    fn delivery(&self) -> Delivery {
        self.delivery
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

#[cfg(test)]
mod tests;
