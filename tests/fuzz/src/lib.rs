//! What the targets share: bounds on every input, a world in which nothing answers, and second
//! opinions on what is parsed.

pub mod bounds;
pub mod import;
pub mod memory;
pub mod opinion;
pub mod service;
pub mod table;
