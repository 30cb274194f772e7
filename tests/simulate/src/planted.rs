//! Plants faults in copies of our own code, and sees whether each is caught.
//!
//! The product has no switch for them: the copies get one, and one binary with all of
//! them is built once.

mod bugs;
mod edits;
mod regressions;
mod switch;
mod table;
mod twins;

use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

pub use self::bugs::{BUGS, Bug};
use self::edits::{Edit, edits, places_of};
pub use self::regressions::{REGRESSIONS, Regression};
use self::switch::SWITCH;
pub use self::table::Findings;
use self::table::is_caught;
use self::twins::TWINS;
use crate::judge::Violation;
use crate::panics::HARNESS;
use crate::seed::{Verdict, run};
use crate::story::Telling;

/// A fault that shows in none of so many seeds has escaped.
pub const SEEDS_MAX: u64 = 3_000;
/// Where the copies are made and built, from the root of the workspace.
const PLOT: &str = "target/planted";
/// What is copied.
const COPIED: [&str; 3] = ["shared/core", "shared/flows", "tests/simulate"];

/// Builds the copies, and hunts every fault in them.
///
/// # Errors
///
/// An edit does not apply any more, the copies do not build, or a test that is said to
/// notice a fault in the real code is not there.
pub fn plant_and_hunt(root: &Path) -> Result<Findings> {
    for twin in TWINS {
        let text = fs::read_to_string(root.join(twin.file))?;
        let is_there = text.contains(&format!("fn {}(", twin.test));
        ensure!(is_there, "there is no {} in {}", twin.test, twin.file);
    }
    let hunt = Command::new(plant(root)?)
        .arg("hunt")
        .output()
        .context("failed to run the copies")?;
    let found = String::from_utf8(hunt.stdout)?;
    let found = found.lines().map(serde_json::from_str::<Value>);
    let found: Vec<Value> = found
        .collect::<Result<_, _>>()
        .context("a finding must be JSON")?;
    let (bugs, stories) = found.into_iter().partition(|found| found["seed"].is_null());
    Ok(Findings { bugs, stories })
}

/// Builds the copies; the program with all faults in it, none of them armed.
///
/// # Errors
///
/// An edit does not apply any more, or the copies do not build.
pub fn plant(root: &Path) -> Result<PathBuf> {
    let plot = root.join(PLOT);
    for folder in COPIED {
        let to = plot.join(folder);
        if to.exists() {
            fs::remove_dir_all(&to)?;
        }
        copy(&root.join(folder), &to)?;
    }
    let manifest = fs::read_to_string(root.join("Cargo.toml"))?;
    fs::write(plot.join("Cargo.toml"), small(&manifest)?)?;
    fs::copy(root.join("Cargo.lock"), plot.join("Cargo.lock"))?;
    for edit in edits() {
        apply(root, &plot, edit)?;
    }
    let core = plot.join("shared/core/src/lib.rs");
    let with_switch = fs::read_to_string(&core)? + SWITCH;
    fs::write(core, with_switch)?;
    let target = plot.join("target");
    let built = Command::new("cargo")
        .args(["build", "--release", "--offline", "-q", "-p", "simulate"])
        .current_dir(&plot)
        .env("CARGO_TARGET_DIR", &target)
        .status()
        .context("failed to run cargo")?;
    ensure!(
        built.success(),
        "the copies with planted faults do not build"
    );
    Ok(target.join("release/simulate"))
}

/// Arms the fault of this name; false where this code has none.
///
/// # Errors
///
/// No fault has this name.
pub fn arm(name: &str) -> Result<bool> {
    Ok(crate::plant::arm(known(name)?))
}

fn known(name: &str) -> Result<&'static str> {
    let names = BUGS.iter().map(|bug| bug.name);
    let mut names = names.chain(REGRESSIONS.iter().map(|regression| regression.bug));
    let known = names.find(|known| *known == name);
    known.with_context(|| format!("no planted fault is called {name}"))
}

/// In the copies: hunts one fault, through all seeds and both profiles if need be.
pub fn hunt(bug: &Bug) -> Value {
    let places: Vec<&str> = places_of(bug.name)
        .iter()
        .map(|place| place.as_str())
        .collect();
    let places = places.join(", ");
    let found = |caught_by: Option<&str>, seeds: u64, profile: Option<&str>, words: &str| {
        json!({
            "bug": bug.name, "what": bug.what, "planted_in": places, "caught_by": caught_by,
            "seeds": seeds, "profile": profile, "words": words,
        })
    };
    for seed in 0..SEEDS_MAX {
        // Half of the seeds are all storm, half are quieter.
        let profile = if seed % 2 == 0 { "all" } else { bug.profile };
        let violation = run_armed(bug.name, seed, profile).and_then(proof);
        if let Some(violation) = violation {
            let (by, words) = (violation.invariant, &violation.words);
            return found(Some(by), seed + 1, Some(profile), words);
        }
    }
    found(None, SEEDS_MAX, None, "")
}

/// In the copies: tells the stories of a fault again, with it.
pub fn tell_again(regression: &Regression) -> impl Iterator<Item = Value> {
    let bug = regression.bug;
    let stories = regression.stories.iter();
    stories.map(move |&(seed, profile)| story(bug, seed, profile))
}

/// In the copies: the seeds of a range at which a fault is caught.
///
/// # Errors
///
/// No fault has this name.
pub fn look_for(
    name: &str,
    seeds: Range<u64>,
    profile: &str,
) -> Result<impl Iterator<Item = Value>> {
    let bug = known(name)?;
    let stories = seeds.map(move |seed| story(bug, seed, profile));
    Ok(stories.filter(is_caught))
}

fn story(bug: &'static str, seed: u64, profile: &str) -> Value {
    let violation = run_armed(bug, seed, profile).and_then(proof);
    json!({
        "bug": bug, "seed": seed, "profile": profile,
        "caught_by": violation.as_ref().map(|violation| violation.invariant),
        "words": violation.map(|violation| violation.words),
    })
}

/// What was broken. What the simulator itself trips over proves nothing.
fn proof(verdict: Verdict) -> Option<Violation> {
    verdict
        .violation
        .filter(|violation| violation.invariant != HARNESS)
}

/// Runs a seed with a fault, where there are any.
fn run_armed(bug: &'static str, seed: u64, profile: &str) -> Option<Verdict> {
    crate::plant::arm(bug).then(|| run(seed, profile, Telling::Digest))
}

/// The manifest of the workspace, with the copied members only.
fn small(manifest: &str) -> Result<String> {
    let (before, rest) = manifest
        .split_once("members = [")
        .context("a workspace has members")?;
    let (_, after) = rest.split_once(']').context("the list of members ends")?;
    let members = COPIED.map(|folder| format!("\"{folder}\"")).join(", ");
    Ok(format!("{before}members = [{members}]{after}"))
}

fn apply(root: &Path, plot: &Path, edit: &Edit) -> Result<()> {
    let original = fs::read_to_string(root.join(edit.file))?;
    let times = original.matches(edit.find).count();
    ensure!(
        times == 1,
        "the place of a planted fault must be there once, not {times} times, in {}: {}",
        edit.file,
        edit.find
    );
    let path = plot.join(edit.file);
    let text = fs::read_to_string(&path)?;
    fs::write(path, text.replace(edit.find, edit.put))?;
    Ok(())
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let to = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &to)?;
        } else {
            fs::copy(entry.path(), to)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_is_planted_somewhere() {
        let names = BUGS.iter().map(|bug| bug.name);
        for name in names.chain(REGRESSIONS.iter().map(|regression| regression.bug)) {
            assert!(!places_of(name).is_empty(), "{name}");
        }
    }

    #[test]
    fn every_twin_is_of_a_fault_in_what_is_simulated() {
        for name in TWINS.iter().flat_map(|twin| twin.bugs) {
            assert!(BUGS.iter().any(|bug| bug.name == *name), "{name}");
            let is_simulated = |place: &edits::Place| *place != edits::Place::Product;
            assert!(places_of(name).iter().any(is_simulated), "{name}");
        }
    }
}
