//! The queue of wake-ups: messages are lost, doubled, late and reordered, and come again
//! until somebody has dealt with them.

use std::rc::Rc;

use futures::future::join_all;
use ringfence_core::call::Report;
use ringfence_core::timing::Timing;
use ringfence_flows::fill::fill;
use ringfence_flows::tally::Tally;

use crate::faults::Fault;
use crate::sim::{Act, Sim};
use crate::world::{Role, SimWorld, millis};

/// How often a message is delivered before it is put aside for somebody to look at.
const RECEIVES_MAX: u32 = 5;

/// What is on its way.
#[derive(Default)]
pub struct Queue {
    messages: Vec<Message>,
    /// Held back for the next batch.
    held: Vec<usize>,
}

struct Message {
    business: usize,
    report: Option<Report>,
    receives: u32,
    is_done: bool,
}

impl Sim {
    /// Takes a message that arrives no earlier than in `delay_ms`.
    pub fn enqueue(&self, business: usize, report: Option<Report>, delay_ms: u64) {
        let mut queue = self.queue.borrow_mut();
        let message = queue.messages.len();
        queue.messages.push(Message {
            business,
            report,
            receives: 0,
            is_done: false,
        });
        let way = |most| delay_ms + self.kernel.between(5, most);
        let most = if self.strikes(Fault::Delay) {
            60_000
        } else {
            150
        };
        self.kernel.after(way(most), Act::Deliver(message));
        if self.strikes(Fault::Duplicate) {
            self.kernel.after(way(20_000), Act::Deliver(message));
        }
    }

    /// Hands a message to a worker, alone or with those that were held back.
    pub fn deliver(self: &Rc<Self>, number: usize) {
        {
            let mut queue = self.queue.borrow_mut();
            let message = &mut queue.messages[number];
            if message.is_done || message.receives == RECEIVES_MAX {
                return;
            }
            message.receives += 1;
            queue.held.push(number);
        }
        let again = millis(Timing::CLOUD.visibility_timeout);
        self.kernel.after(again, Act::Deliver(number));
        if self.kernel.in_10k(1_500) {
            self.kernel.after(300, Act::Flush);
        } else {
            self.flush();
        }
    }

    /// Gives all that was held back to one worker, as `functions/fill` takes a batch:
    /// several messages about one business become one look.
    pub fn flush(self: &Rc<Self>) {
        let held = std::mem::take(&mut self.queue.borrow_mut().held);
        if held.is_empty() {
            return;
        }
        let mut looks: Vec<Look> = Vec::new();
        for number in held {
            let queue = self.queue.borrow();
            let message = &queue.messages[number];
            let place = looks.iter().position(|look| look.b == message.business);
            let place = place.unwrap_or_else(|| {
                looks.push(Look {
                    b: message.business,
                    reports: Vec::new(),
                    messages: Vec::new(),
                });
                looks.len() - 1
            });
            looks[place].reports.extend(message.report.clone());
            looks[place].messages.push(number);
        }
        looks.sort_by_key(|look| look.b);
        SimWorld::employ(self, Role::Fill, None, |world| async move {
            let fills = looks
                .into_iter()
                .map(|look| look_at(world.for_business(look.b), look));
            join_all(fills).await;
        });
    }
}

/// What the messages of one batch say about one business.
struct Look {
    b: usize,
    reports: Vec<Report>,
    messages: Vec<usize>,
}

async fn look_at(world: SimWorld, look: Look) {
    let Look {
        b,
        reports,
        messages,
    } = look;
    let worker = world.worker;
    world.sim.tell("fill", worker as u64, || {
        format!("worker {worker} looks at b{b}, reports: {}", reports.len())
    });
    let business = world.sim.store.borrow().shelves[b].id.clone();
    let filled = Box::pin(fill(&world, &business, &reports, &mut Tally::default())).await;
    match filled {
        Ok(()) => {
            let mut queue = world.sim.queue.borrow_mut();
            for message in messages {
                queue.messages[message].is_done = true;
            }
        }
        Err(error) => {
            let mut judge = world.sim.judge.borrow_mut();
            judge.read_error(&error);
            judge.has_fallen(worker);
            drop(judge);
            world.sim.tell("failed", worker as u64, || {
                format!("worker {worker} failed: {error:#}")
            });
        }
    }
}
