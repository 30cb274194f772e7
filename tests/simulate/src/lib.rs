//! Tries to break the promise: the real core and flows in a simulated world in which
//! everything goes wrong that can, told again from a seed and judged at every step.
//!
//! The truth is the simulated carrier's, never our own tables'.

pub mod carrier;
pub mod faults;
pub mod judge;
pub mod kernel;
pub mod ledger;
pub mod panics;
pub mod plant;
pub mod planted;
pub mod queue;
pub mod range;
mod secrecy;
pub mod seed;
pub mod sim;
pub mod story;
pub mod users;
pub mod world;
