//! The AWS of the local stack, inside the process: a DynamoDB, an SQS and an S3 for the real SDK clients.
//!
//! No request of these clients ever leaves the process, and each can be metered, refused, or made
//! the last thing that its sender does. [`ports`] lets other processes in.

pub mod dynamo;
pub mod meter;
pub mod objects;
pub mod ports;
pub mod queue;
pub mod trap;

mod connector;
