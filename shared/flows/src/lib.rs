//! Reads, decides, commits, acts.
//!
//! Flows are short and sequential. They decide nothing: `ringfence_core` does. They
//! know no table, no carrier's field and no queue: the ports do.

pub mod business;
pub mod carrier;
pub mod claim;
pub mod cleanup;
pub mod fill;
pub mod ledger;
mod place;
pub mod records;
mod settle;
pub mod start;
pub mod stop;
pub mod sweep;
pub mod tally;
pub mod world;
