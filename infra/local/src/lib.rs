//! The local stack: the real handlers and SDK clients on an embedded AWS, with a
//! simulated Twilio that keeps the truth by which they are judged.

pub mod aws;
pub mod clock;
pub mod demo;
pub mod doors;
pub mod environment;
pub mod event;
pub mod events;
pub mod front;
pub mod gateway;
pub mod outside;
pub mod ports;
pub mod serve;
pub mod settings;
pub mod stack;
pub mod transport;
pub mod twilio;
