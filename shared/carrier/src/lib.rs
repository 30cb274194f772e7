//! Speaks with Twilio, and is alone in knowing how.
//!
//! No Twilio field name, status code or error code means anything outside of
//! this crate. A request for a call is sent at most once, whatever happens to it.

pub mod twilio;

pub mod inspect;

pub mod settings;

pub mod host;

pub mod transport;

pub mod tls;

mod wire;

pub mod errors;

pub mod callback;

pub mod form;

pub mod signature;

pub mod call_flow;

pub mod twiml;
