//! Gives the same random sequences of ledger operations to the simulated ledger and to the
//! real one on independent stores, and wants the same answers: refusals, what they return,
//! and all that is stored at the end.

pub mod sequence;

pub mod answer;
pub mod desk;
pub mod draw;
pub mod request;
pub mod scribe;

pub mod plant;
pub mod side;
pub mod sights;

#[cfg(test)]
mod tests;
