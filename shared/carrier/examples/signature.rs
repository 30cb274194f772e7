//! Signs and verifies forms as this crate does, for programs that check it from outside.
//!
//! Each line of the input is `{"token", "url", "params": [[name, value]], "signature"?}`;
//! each line of the output is `{"signature", "valid"}`, where `valid` is about the
//! signature that was given, and null if none was.

use std::io::{BufRead, Write, stdin, stdout};

use anyhow::{Context, Result};
use ringfence_carrier::settings::Secret;
use ringfence_carrier::signature::{sign, verify};
use serde::Deserialize;
use serde_json::json;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Question {
    token: String,
    url: String,
    params: Vec<(String, String)>,
    signature: Option<String>,
}

fn main() -> Result<()> {
    let mut out = stdout().lock();
    for line in stdin().lock().lines() {
        let Question {
            token,
            url,
            params,
            signature,
        } = serde_json::from_str(&line?).context("failed to read a question")?;
        let tokens = [Secret::new(token)];
        let valid = signature.map(|given| verify(&tokens, &url, &params, &given));
        let answer = json!({ "signature": sign(&tokens[0], &url, &params), "valid": valid });
        writeln!(out, "{answer}")?;
    }
    Ok(())
}
