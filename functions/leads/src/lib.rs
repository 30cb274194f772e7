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
pub mod large;
mod person;
pub mod refusal;
pub mod row_error;
pub mod store;
pub mod table;
mod text;
mod upload;
mod workbook;

pub use api::handle;
