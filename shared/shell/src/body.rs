//! Request bodies and queries, read strictly: what is wrong is named by its field.

use lambda_http::{Body, Request};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::Value;

use crate::reply::Failure;
use crate::texts::Text;

/// A hundred thousand ids of ten digits fit.
pub const JSON_BYTES_MAX: usize = 2 * 1024 * 1024;

/// The body as bytes, if there are no more than `most`.
///
/// # Errors
///
/// 413.
pub fn bytes(request: &Request, most: usize) -> Result<&[u8], Failure> {
    let bytes: &[u8] = match request.body() {
        Body::Empty => &[],
        Body::Text(text) => text.as_bytes(),
        Body::Binary(bytes) => bytes,
        _ => return Err(bad_body()),
    };
    if bytes.len() > most {
        Err(Failure::too_large())
    } else {
        Ok(bytes)
    }
}

/// The body as a JSON object.
///
/// # Errors
///
/// 413; 400 `bad_json`, or `bad_field` with the path of the offending field.
pub fn json<T: DeserializeOwned>(request: &Request) -> Result<T, Failure> {
    let bytes = bytes(request, JSON_BYTES_MAX)?;
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let parsed = serde_path_to_error::deserialize(&mut json);
    if let (Err(_), Some(body)) = (&parsed, with_whole_numbers(bytes))
        && let Ok(parsed) = T::deserialize(body)
    {
        return Ok(parsed);
    }
    let parsed = parsed.map_err(|error| {
        let path = error.path().to_string();
        // A number where a word is wanted is bad syntax to `serde_json`.
        let is_json = || {
            std::str::from_utf8(bytes).is_ok()
                && serde_json::from_slice::<IgnoredAny>(bytes).is_ok()
        };
        if error.inner().is_data() || is_json() {
            Failure::bad_field(&field(&path, error.inner()))
        } else {
            bad_body()
        }
    })?;
    json.end().map_err(|_| bad_body())?;
    // Serde takes the values of an object without their names, too.
    if bytes.trim_ascii_start().first() == Some(&b'[') {
        return Err(Failure::bad_field("body"));
    }
    Ok(parsed)
}

/// An object in which whole numbers are written as such, where some were not: to JSON
/// Schema `7.0` is an integer, and to some clients too.
fn with_whole_numbers(bytes: &[u8]) -> Option<Value> {
    let mut body: Value = serde_json::from_slice(bytes)
        .ok()
        .filter(Value::is_object)?;
    let mut rest = vec![&mut body];
    let mut has_changed = false;
    // Bounded by the values in the body.
    while let Some(value) = rest.pop() {
        match value {
            Value::Array(items) => rest.extend(items),
            Value::Object(fields) => rest.extend(fields.values_mut()),
            Value::Number(number) if number.is_f64() => {
                let text = number.to_string();
                let whole = text
                    .strip_suffix(".0")
                    .and_then(|whole| whole.parse::<u64>().ok());
                if let Some(whole) = whole {
                    *value = whole.into();
                    has_changed = true;
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    has_changed.then_some(body)
}

/// The field that an error is about. A missing one is named by the message alone.
fn field(path: &str, error: &serde_json::Error) -> String {
    let text = error.to_string();
    let missing = text
        .strip_prefix("missing field `")
        .and_then(|rest| rest.split('`').next());
    match (path, missing) {
        (".", Some(name)) => name.to_owned(),
        (path, Some(name)) => format!("{path}.{name}"),
        // A name that is no text has no place in a path.
        ("." | "?", None) => "body".to_owned(),
        (path, None) => path.to_owned(),
    }
}

/// A value of the query, parsed. `None` where it is absent or blank.
///
/// # Errors
///
/// 400 with the field.
pub fn query<T: std::str::FromStr>(request: &Request, name: &str) -> Result<Option<T>, Failure> {
    let query = request.uri().query().unwrap_or_default();
    let mut pairs = url::form_urlencoded::parse(query.as_bytes());
    let value = pairs.find_map(|(key, value)| (key == name).then(|| value.into_owned()));
    match value {
        None => Ok(None),
        Some(value) if value.is_empty() => Ok(None),
        Some(value) => value
            .parse()
            .map(Some)
            .map_err(|_| Failure::bad_field(name)),
    }
}

const PAGE_SIZE_DEFAULT: u32 = 50;
/// The most rows of a page.
pub const PAGE_SIZE_MAX: u32 = 100;

/// How many rows a page is to have, from the query's `page_size`.
///
/// # Errors
///
/// 400 with the field, unless it is from 1 to [`PAGE_SIZE_MAX`].
pub fn page_size(request: &Request) -> Result<u32, Failure> {
    let size = query(request, "page_size")?.unwrap_or(PAGE_SIZE_DEFAULT);
    if (1..=PAGE_SIZE_MAX).contains(&size) {
        Ok(size)
    } else {
        Err(Failure::bad_field("page_size"))
    }
}

/// The parts of the path between slashes.
pub fn segments(request: &Request) -> Vec<&str> {
    request
        .uri()
        .path()
        .split('/')
        .filter(|part| !part.is_empty())
        .collect()
}

fn bad_body() -> Failure {
    Failure::new(http::StatusCode::BAD_REQUEST, "bad_json", Text::BadBody)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    struct Wanted {
        #[serde(rename = "lead_ids")]
        _leads: Vec<u32>,
        #[serde(rename = "when_full")]
        _when_full: Option<Word>,
    }

    #[derive(Debug, serde::Deserialize)]
    enum Word {
        Queue,
    }

    #[track_caller]
    fn check(body: &str, code: &str, field: Option<&str>) {
        let request = Request::new(Body::Text(body.to_owned()));
        let failure = json::<Wanted>(&request).unwrap_err();
        assert_eq!(failure.code, code);
        assert_eq!(
            failure
                .details
                .get("field")
                .and_then(|field| field.as_str()),
            field
        );
    }

    #[test]
    fn what_is_wrong_is_named_by_its_field() {
        check("", "bad_json", None);
        check("{", "bad_json", None);
        check("{\"lead_ids\":[1]} x", "bad_json", None);
        check("{}", "bad_field", Some("lead_ids"));
        check("[]", "bad_field", Some("body"));
        check("[[1], null]", "bad_field", Some("body"));
        check("7", "bad_field", Some("body"));
        check("{\"lead_ids\":[1,\"x\"]}", "bad_field", Some("lead_ids[1]"));
        check("{\"lead_ids\":[-1]}", "bad_field", Some("lead_ids[0]"));
        let word = |word: &str| format!("{{\"lead_ids\":[1],\"when_full\":{word}}}");
        check(&word("\"no\""), "bad_field", Some("when_full"));
        check(&word("7"), "bad_field", Some("when_full"));
        check(&word("7,"), "bad_json", None);
    }

    #[test]
    fn a_whole_number_may_be_written_with_a_fraction_of_nothing() {
        let read = |body: &str| json::<Wanted>(&Request::new(Body::Text(body.to_owned())));
        assert_eq!(
            read("{\"lead_ids\":[1,2.0,30.0]}").unwrap()._leads,
            [1, 2, 30]
        );
        check("{\"lead_ids\":[1.5]}", "bad_field", Some("lead_ids[0]"));
        check("{\"lead_ids\":[-1.0]}", "bad_field", Some("lead_ids[0]"));
    }

    #[test]
    fn bytes_that_are_no_text_are_no_json() {
        let body = b"{\"lead_ids\":[1],\"\xff\":2}".to_vec();
        let failure = json::<Wanted>(&Request::new(Body::Binary(body))).unwrap_err();
        assert_eq!(failure.code, "bad_json");
        check("{\"\\ud800\":1}", "bad_field", Some("body"));
    }

    #[test]
    fn a_body_over_its_limit_is_refused() {
        let request = Request::new(Body::Binary(vec![b' '; JSON_BYTES_MAX + 1]));
        assert_eq!(json::<Wanted>(&request).unwrap_err().code, "too_large");
    }
}
