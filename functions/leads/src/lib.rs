//! Imports leads from what people have, and lists and deletes them.

mod api;
pub mod import;
pub mod multipart;
pub mod phones;

mod columns;
mod delimited;
mod encoding;
mod headers;
mod json_row;
mod json_rows;
mod refusal;
mod row_error;
mod table;
mod text;
mod upload;

pub use api::handle;
