//! Reads what callgrind counts: for each function its own instructions, and those of what it calls.
//!
//! <https://valgrind.org/docs/manual/cl-format.html>

use std::collections::HashMap;

use anyhow::{Context, Result};

use super::parts::{Part, root_of};
use super::{Found, MEASURED, under_valgrind};

/// Thousands of instructions of all events, by part.
pub(super) fn count(function: &str, limit: u32) -> Result<Found> {
    let toggle = format!("--toggle-collect=*{MEASURED}*poll*");
    let options = ["--tool=callgrind", "--collect-atstart=no", &toggle];
    let written = under_valgrind(function, limit, &options, "--callgrind-out-file")?;
    let functions = read(&written)?;
    let mut found = Found::new();
    for (name, one) in &functions {
        if let Some(root) = root_of(name) {
            let all = one.own + one.called;
            *found.entry(root.part).or_default() += all;
            if let Some(caller) = root.within {
                *found.entry(caller).or_default() -= all;
            }
        }
    }
    let total = functions.values().map(|one| one.own).sum::<f64>();
    found.insert(Part::Rest, total - found.values().sum::<f64>());
    Ok(found)
}

/// Thousands of instructions.
#[derive(Default)]
struct Function {
    own: f64,
    /// Of what it calls.
    called: f64,
}

fn read(written: &str) -> Result<HashMap<String, Function>> {
    let mut names: HashMap<&str, &str> = HashMap::new();
    let mut functions: HashMap<String, Function> = HashMap::new();
    let (mut current, mut is_call) = ("", false);
    for line in written.lines() {
        if let Some(name) = line.strip_prefix("fn=") {
            current = named(&mut names, name)?;
        } else if let Some(name) = line.strip_prefix("cfn=") {
            named(&mut names, name)?;
        } else if line.starts_with("calls=") {
            is_call = true;
        } else if line.starts_with(|first: char| first.is_ascii_digit() || "+-*".contains(first)) {
            let cost = line.split(' ').nth(1).context("a cost line has a cost")?;
            let cost = cost.parse::<f64>()? / 1_000.0;
            let function = functions.entry(current.to_owned()).or_default();
            if is_call {
                function.called += cost;
            } else {
                function.own += cost;
            }
            is_call = false;
        }
    }
    Ok(functions)
}

/// A name is written once, with a number that stands for it from then on.
fn named<'a>(names: &mut HashMap<&'a str, &'a str>, written: &'a str) -> Result<&'a str> {
    let (number, name) = written.split_once(' ').unwrap_or((written, ""));
    if !name.is_empty() {
        names.insert(number, name);
    }
    names.get(number).copied().context("a number has a name")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_has_its_own_instructions_and_those_of_what_it_calls() {
        let written = "events: Ir\n\nfl=(1) a.rs\nfn=(1) main\n16 2000\ncfn=(2) one\ncalls=1 50\n\
                       16 4000\ncfi=(2) b.rs\ncfn=(2)\ncalls=3 50\n+1 5000\n\nfn=(2)\n50 8000\n* 1000\n";
        let functions = read(written).unwrap();
        assert_eq!(
            (functions["main"].own, functions["main"].called),
            (2.0, 9.0)
        );
        assert_eq!((functions["one"].own, functions["one"].called), (9.0, 0.0));
    }
}
