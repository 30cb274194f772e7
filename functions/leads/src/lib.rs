//! Imports leads from what people have, lists and deletes them, and keeps the list of whom
//! nobody is to call.

mod api;
pub mod import;
pub mod multipart;
pub mod phones;

mod columns;
mod delimited;
mod describe;
mod do_not_call;
mod encoding;
mod erasure;
mod headers;
mod json_row;
mod json_rows;
pub mod large;
mod person;
pub mod refusal;
pub mod row_error;
mod rows;
pub mod store;
pub mod table;
mod text;
mod told;
mod upload;
mod wanted;
mod workbook;

pub use api::{handle, handle_within};
pub use describe::describe;
