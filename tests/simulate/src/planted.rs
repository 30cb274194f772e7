//! Plants faults in copies of our own code, and sees whether each is caught.
//!
//! The product has no switch for them: the copies get one, and one binary with all of
//! them is built once.

mod bugs;
mod edits;

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

pub use self::bugs::{BUGS, Bug};
use self::edits::{EDITS, Edit, SWITCH};
use crate::plant::arm;
use crate::seed::run;
use crate::story::Telling;

/// A fault that shows in none of so many seeds has escaped.
pub const SEEDS_MAX: u64 = 3_000;
/// Where the copies are made, from the root of the workspace.
const PLOT: &str = "target/planted";
/// What is copied.
const COPIED: [&str; 3] = ["shared/core", "shared/flows", "tests/simulate"];

/// Builds the copies, and hunts every fault in them; the findings as they came.
///
/// # Errors
///
/// An edit does not apply any more, or the copies do not build.
pub fn plant_and_hunt(root: &Path) -> Result<Vec<Value>> {
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
    for edit in EDITS {
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
    let hunt = Command::new(target.join("release/simulate"))
        .arg("hunt")
        .output()
        .context("failed to run the copies")?;
    let found = String::from_utf8(hunt.stdout)?;
    found
        .lines()
        .map(|line| serde_json::from_str(line).context("a finding must be JSON"))
        .collect()
}

/// In the copies: hunts one fault, through all seeds and profiles if need be.
pub fn hunt(bug: &Bug) -> Value {
    let mut caught = None;
    for seed in 0..SEEDS_MAX {
        if !arm(bug.name) {
            break;
        }
        // Half of the seeds are all storm, half are quieter.
        let profile = if seed % 2 == 0 { "all" } else { bug.profile };
        let verdict = run(seed, profile, Telling::Digest);
        if let Some(violation) = verdict.violation {
            caught = Some((seed, profile, violation));
            break;
        }
    }
    match caught {
        Some((seed, profile, violation)) => json!({
            "bug": bug.name, "what": bug.what, "caught_by": violation.invariant,
            "seeds": seed + 1, "profile": profile, "words": violation.words,
        }),
        None => json!({ "bug": bug.name, "what": bug.what, "caught_by": null, "seeds": SEEDS_MAX }),
    }
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
