//! What an operation of the API takes and answers, with schemas of the very types that its
//! handler reads and writes.
//!
//! Plain data: whoever assembles it makes an OpenAPI document of it.

use schemars::generate::SchemaSettings;
use schemars::transform::{Transform, transform_subschemas};
use schemars::{JsonSchema, Schema};
use serde_json::{Value, json};

use crate::caller::Role;

/// One method of one path.
#[derive(Debug, Clone)]
pub struct Operation {
    pub method: &'static str,
    /// With `{names}` where a part varies.
    pub path: &'static str,
    /// What generated clients call it.
    pub id: &'static str,
    pub summary: &'static str,
    pub access: Access,
    pub parameters: Vec<Parameter>,
    pub body: Option<Input>,
    pub answers: Vec<Answer>,
    /// Those of its own; the ones that its access and its body imply are added.
    pub refusals: Vec<Refusal>,
}

/// Who may call an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    Anybody,
    /// Whoever has a key of at least this role, for the business of the key. A
    /// `system_admin` names the business in a header.
    Business(Role),
    /// Whoever has a key of at least this role; the business, if any, is in the path.
    Key(Role),
    /// Twilio, by its signature.
    Twilio,
}

/// Something in the path, the query or the headers.
#[derive(Debug, Clone)]
pub struct Parameter {
    pub name: &'static str,
    pub place: Place,
    pub summary: &'static str,
    pub schema: Value,
}

/// Where a parameter stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    Path,
    /// Never required; blank is as good as absent.
    Query,
    /// Never required.
    Header,
}

/// A body that an operation takes.
#[derive(Debug, Clone)]
pub struct Input {
    pub is_required: bool,
    pub contents: Vec<Content>,
}

/// A body of one media type.
#[derive(Debug, Clone)]
pub struct Content {
    pub media_type: &'static str,
    pub schema: Value,
    pub example: Option<Value>,
}

/// An answer that is no refusal.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub summary: &'static str,
    pub contents: Vec<Content>,
    /// Names and meanings of the headers that matter.
    pub headers: Vec<(&'static str, &'static str)>,
}

/// An error that an operation can answer with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    pub status: u16,
    pub code: &'static str,
    /// The fields beside `success`, `error` and `code`; with `?` those that may be missing.
    pub details: &'static [&'static str],
}

impl Parameter {
    /// A part of the path.
    pub fn path(name: &'static str, summary: &'static str, schema: Value) -> Self {
        Self {
            name,
            place: Place::Path,
            summary,
            schema,
        }
    }

    /// A value of the query.
    pub fn query(name: &'static str, summary: &'static str, schema: Value) -> Self {
        Self {
            name,
            place: Place::Query,
            summary,
            schema,
        }
    }

    /// A header.
    pub fn header(name: &'static str, summary: &'static str, schema: Value) -> Self {
        Self {
            name,
            place: Place::Header,
            summary,
            schema,
        }
    }
}

impl Input {
    /// A JSON body that must be there.
    pub fn json<T: JsonSchema>(example: Value) -> Self {
        Self {
            is_required: true,
            contents: vec![Content {
                media_type: "application/json",
                schema: taken::<T>(),
                example: Some(example),
            }],
        }
    }
}

impl Answer {
    /// A JSON answer.
    pub fn json<T: JsonSchema>(status: u16, summary: &'static str) -> Self {
        Self::text(status, summary, "application/json", answered::<T>())
    }

    /// An answer of another kind.
    pub fn text(
        status: u16,
        summary: &'static str,
        media_type: &'static str,
        schema: Value,
    ) -> Self {
        let content = Content {
            media_type,
            schema,
            example: None,
        };
        Self {
            status,
            summary,
            contents: vec![content],
            headers: Vec::new(),
        }
    }

    /// An answer without a body.
    pub fn empty(status: u16, summary: &'static str) -> Self {
        Self {
            status,
            summary,
            contents: Vec::new(),
            headers: Vec::new(),
        }
    }

    /// Shows what an answer of the only media type looks like.
    #[must_use]
    pub fn like(mut self, example: Value) -> Self {
        if let Some(content) = self.contents.first_mut() {
            content.example = Some(example);
        }
        self
    }
}

/// A refusal with these fields beside the usual ones.
pub const fn refusal(status: u16, code: &'static str, details: &'static [&'static str]) -> Refusal {
    Refusal {
        status,
        code,
        details,
    }
}

/// The schema of what is read as a `T`.
pub fn taken<T: JsonSchema>() -> Value {
    schema::<T>(SchemaSettings::draft2020_12().for_deserialize())
}

/// The schema of what a `T` is written as.
pub fn answered<T: JsonSchema>() -> Value {
    schema::<T>(SchemaSettings::draft2020_12().for_serialize())
}

fn schema<T: JsonSchema>(settings: SchemaSettings) -> Value {
    let settings = settings.with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    let mut schema = settings.into_generator().into_root_schema_for::<T>();
    tidy(&mut schema);
    schema.to_value()
}

/// Says in numbers what Rust's integers can be, and that a name in `_at` is a time.
fn tidy(schema: &mut Schema) {
    schema.remove("title");
    let format = schema.get("format").and_then(Value::as_str);
    let most = match format {
        Some("uint32") => Some(u64::from(u32::MAX)),
        Some("uint" | "uint64") => Some(u64::MAX),
        Some(_) | None => None,
    };
    if let Some(most) = most {
        schema.remove("format");
        if schema.get("maximum").is_none() {
            schema.insert("maximum".to_owned(), json!(most));
        }
    }
    let properties = schema.get_mut("properties").and_then(Value::as_object_mut);
    for (name, property) in properties.into_iter().flatten() {
        if name.ends_with("_at") {
            property["format"] = json!("date-time");
        }
    }
    transform_subschemas(&mut tidy, schema);
}

/// Says that exactly one of two optional fields is to be there.
pub fn one_of_two(first: &'static str, second: &'static str) -> impl Transform {
    move |schema: &mut Schema| {
        let given = |name: &str, other: &str| {
            let mut given = schema
                .get("properties")
                .and_then(|all| all.get(name))
                .cloned();
            if let Some(kinds) = given.as_mut().and_then(|it| it.get_mut("type")) {
                let kind = kinds.get(0).cloned();
                *kinds = kind.unwrap_or_else(|| kinds.clone());
            }
            json!({
                "required": [name],
                "properties": { name: given, other: { "type": "null" } },
            })
        };
        let ways = json!([given(first, second), given(second, first)]);
        schema.insert("anyOf".to_owned(), ways);
    }
}

/// A whole number between two others.
pub fn whole(least: u32, most: u32) -> Value {
    json!({ "type": "integer", "minimum": least, "maximum": most })
}

/// An id of ours that counts from 1.
pub fn id() -> Value {
    whole(1, u32::MAX)
}

/// One of these words.
pub fn words<'a>(words: impl IntoIterator<Item = &'a str>) -> Value {
    json!({ "type": "string", "enum": words.into_iter().collect::<Vec<_>>() })
}

/// Any text, or none.
pub fn any_text() -> Value {
    json!({ "type": "string" })
}

/// A text of this form.
pub fn form(pattern: &str) -> Value {
    json!({ "type": "string", "pattern": pattern })
}

/// The role in the path `{business_id}` of some operations.
pub fn business_id() -> Parameter {
    let schema = form("^[a-z0-9-]{1,32}$");
    Parameter::path("business_id", "A business", schema)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(JsonSchema)]
    #[schemars(transform = one_of_two("ids", "list"))]
    #[expect(dead_code, reason = "only its schema is of interest")]
    struct Wanted {
        ids: Option<Vec<u32>>,
        #[schemars(range(min = 1, max = 9))]
        list: Option<u32>,
        made_at: String,
    }

    #[test]
    fn integers_have_bounds_and_times_their_format() {
        let schema = taken::<Wanted>();
        let properties = &schema["properties"];
        assert_eq!(properties["ids"]["items"]["maximum"], u32::MAX);
        assert_eq!(properties["list"]["maximum"], 9);
        assert_eq!(properties["made_at"]["format"], "date-time");
        assert_eq!(schema["required"], json!(["made_at"]));
    }

    #[test]
    fn one_of_two_is_never_null() {
        let ways = &taken::<Wanted>()["anyOf"];
        assert_eq!(ways[0]["required"], json!(["ids"]));
        assert_eq!(ways[0]["properties"]["ids"]["type"], "array");
        assert_eq!(ways[0]["properties"]["list"], json!({ "type": "null" }));
        assert_eq!(ways[1]["properties"]["list"]["type"], "integer");
    }
}
