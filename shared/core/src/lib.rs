//! Decides which calls a business may place, and nothing else.
//!
//! Pure: no async, no AWS, no JSON, no clock, no randomness. Everything that
//! happens is an argument, and everything to be done is in the answer.

#![deny(clippy::wildcard_enum_match_arm)]

pub mod call;
pub mod caps;
pub mod fill;
pub mod ids;
pub mod phone;
pub mod start;
pub mod state;
pub mod stop;
pub mod time;
pub mod timing;
