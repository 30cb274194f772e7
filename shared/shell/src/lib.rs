//! What every function needs around its flow: configuration, logs, HTTP, the queue, the
//! caller, the texts.

pub mod body;
pub mod call_flows;
pub mod caller;
pub mod cloud;
pub mod config;
pub mod describe;
pub mod https;
pub mod logging;
pub mod message;
pub mod metrics;
pub mod parameters;
pub mod reply;
pub mod secrets;
pub mod spreadsheet;
pub mod texts;
pub mod times;
mod warm;
