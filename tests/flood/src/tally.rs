//! What the answers were, and which of them should not have been.

use std::collections::BTreeMap;
use std::io::{self, Write};

use bytes::Bytes;
use http::Response;
use serde_json::Value;

/// How often each status was answered, and what was wrong.
#[derive(Default)]
pub(crate) struct Tally {
    statuses: BTreeMap<u16, u64>,
    /// By what is wrong: how often, and with the first request that showed it.
    wrong: BTreeMap<String, (u64, String)>,
}

impl Tally {
    /// Counts an answer, and judges it.
    pub(crate) fn note(&mut self, request: &str, answer: &Response<Bytes>) {
        *self.statuses.entry(answer.status().as_u16()).or_default() += 1;
        if let Some(problem) = problem(answer) {
            let body: String = String::from_utf8_lossy(answer.body())
                .chars()
                .take(300)
                .collect();
            let first = || (0, format!("{request}: {body}"));
            self.wrong.entry(problem).or_insert_with(first).0 += 1;
        }
    }

    /// Whether nothing was wrong, and the flood reached what lies behind the doors too.
    pub(crate) fn is_clean(&self) -> bool {
        let reached = [200, 201, 204, 400, 401, 403, 404, 405, 413];
        self.wrong.is_empty()
            && reached
                .iter()
                .all(|status| self.statuses.contains_key(status))
    }

    /// Writes it down.
    pub(crate) fn tell(&self, out: &mut impl Write) -> io::Result<()> {
        for (problem, (count, first)) in &self.wrong {
            writeln!(out, "{count} times {problem}, first by {first}")?;
        }
        writeln!(out, "statuses: {:?}", self.statuses)
    }
}

/// What is wrong with an answer, if anything is.
fn problem(answer: &Response<Bytes>) -> Option<String> {
    let status = answer.status();
    if status.is_server_error() {
        return Some(format!("a failure of ours: {status}"));
    }
    if !status.is_client_error() {
        return None;
    }
    let Ok(body) = serde_json::from_slice::<Value>(answer.body()) else {
        return Some(format!("a {status} that is no JSON"));
    };
    // All leads of a direct start were refused: the body of a start tells of each.
    if status == 422 && body["calls"].is_array() {
        return None;
    }
    let has_text = body["error"]
        .as_str()
        .is_some_and(|text| !text.trim().is_empty());
    let has_code = body["code"].as_str().is_some_and(|code| {
        let is_letter = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        !code.is_empty() && code.chars().all(is_letter)
    });
    let is_whole = body["success"] == false && has_text && has_code;
    (!is_whole).then(|| format!("a {status} without the form of an error"))
}
