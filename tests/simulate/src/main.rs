//! The command line of the simulator.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::{Parser, Subcommand};
use serde_json::json;
use simulate::faults::PROFILES;
use simulate::judge::liveness::IDLE_MS_MAX;
use simulate::planted::{
    BUGS, Bug, REGRESSIONS, arm, hunt, look_for, plant, plant_and_hunt, tell_again,
};
use simulate::range::{Sum, run_all};
use simulate::seed::{Verdict, run};
use simulate::story::Telling;

/// Tries to break the promise, from seeds.
#[derive(Parser)]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Runs a range of seeds.
    Run {
        /// As in `0..10000`.
        #[arg(long, default_value = "0..10000", value_parser = parse_range)]
        seeds: (u64, u64),
        /// Stops after so many minutes, however many seeds are left.
        #[arg(long)]
        minutes: Option<u64>,
        #[arg(long, default_value = "all")]
        profile: String,
        #[arg(long)]
        json: bool,
    },
    /// Tells the whole story of one seed.
    Replay {
        #[arg(long)]
        seed: u64,
        #[arg(long, default_value = "all")]
        profile: String,
        /// With this fault of `planted` in our code.
        #[arg(long)]
        planted: Option<String>,
    },
    /// Plants faults in copies of our own code, and sees whether each is caught.
    Planted {
        #[arg(long)]
        json: bool,
    },
    /// In such copies: hunts each fault, or the one that is named.
    #[command(hide = true)]
    Hunt {
        name: Option<String>,
        /// Of the one that is named: the seeds of this range at which it is caught.
        #[arg(long, requires = "name", value_parser = parse_range)]
        seeds: Option<(u64, u64)>,
        #[arg(long, default_value = "all")]
        profile: String,
    },
}

/// How many of the last events stand with a failure.
const LAST: usize = 60;

fn main() -> Result<ExitCode> {
    match Args::parse().command {
        Command::Run {
            seeds: (from, to),
            minutes,
            profile,
            json,
        } => {
            check_profile(&profile)?;
            let began = Instant::now();
            let is_in_time = |_: &Sum| {
                minutes.is_none_or(|most| began.elapsed() < Duration::from_secs(60 * most))
            };
            let sum = run_all(from..to, &profile, is_in_time);
            report(&sum, &profile, began.elapsed(), json);
            Ok(exit(sum.failures.is_empty()))
        }
        Command::Replay {
            seed,
            profile,
            planted,
        } => {
            check_profile(&profile)?;
            if let Some(name) = &planted
                && !arm(name)?
            {
                let copies = plant(&std::env::current_dir()?)?;
                let told = std::process::Command::new(copies)
                    .args(std::env::args_os().skip(1))
                    .status()?;
                return Ok(exit(told.success()));
            }
            let verdict = run(seed, &profile, Telling::All);
            tell(&verdict, &profile);
            Ok(exit(verdict.violation.is_none()))
        }
        Command::Planted { json } => {
            let root = std::env::current_dir()?;
            let found = plant_and_hunt(&root)?;
            if json {
                say(&found.json().to_string());
            } else {
                found.lines().iter().for_each(|line| say(line));
            }
            Ok(exit(found.are_all_caught()))
        }
        Command::Hunt {
            name: Some(name),
            seeds: Some((from, to)),
            profile,
        } => {
            let caught = look_for(&name, from..to, &profile)?;
            caught.for_each(|story| say(&story.to_string()));
            Ok(ExitCode::SUCCESS)
        }
        Command::Hunt { name, .. } => {
            let is_meant = |bug: &&Bug| name.as_ref().is_none_or(|name| name == bug.name);
            BUGS.iter()
                .filter(is_meant)
                .for_each(|bug| say(&hunt(bug).to_string()));
            REGRESSIONS
                .iter()
                .filter(|regression| name.as_ref().is_none_or(|name| name == regression.bug))
                .flat_map(tell_again)
                .for_each(|story| say(&story.to_string()));
            Ok(ExitCode::SUCCESS)
        }
    }
}

#[expect(clippy::print_stdout, reason = "it is what the command is for")]
fn say(line: &str) {
    println!("{line}");
}

fn exit(is_good: bool) -> ExitCode {
    if is_good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn check_profile(profile: &str) -> Result<()> {
    let names = PROFILES.join(", ");
    ensure!(PROFILES.contains(&profile), "the profiles are {names}");
    Ok(())
}

fn report(sum: &Sum, profile: &str, took: Duration, json: bool) {
    let seconds = took.as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "a rate, for people")]
    let rate = sum.calls as f64 / seconds;
    #[expect(clippy::cast_precision_loss, reason = "a span, for people")]
    let days = sum.span_ms as f64 / 86_400_000.0;
    let (seed, ending) = sum.tightest.unwrap_or_default();
    let minutes = |ms: u64| ms / 60_000;
    if json {
        let failures: Vec<_> = sum
            .failures
            .iter()
            .map(|one| failure(one, profile))
            .collect();
        let sum = json!({
            "profile": profile, "seeds": sum.seeds, "calls": sum.calls, "events": sum.steps,
            "simulated_days": days, "seconds": seconds, "calls_per_second": rate,
            "liveness": {
                "bound_used_percent": ending.used_percent(), "seed": seed,
                "bound_minutes": minutes(ending.bound_ms()),
                "used_minutes": minutes(ending.used_ms()),
                "bound_minutes_max": minutes(sum.bound_ms_max),
            },
            "idle": { "bound_ms": IDLE_MS_MAX, "most_ms": sum.idle_ms },
            "failures": failures,
        });
        return say(&sum.to_string());
    }
    for verdict in &sum.failures {
        tell(&run(verdict.seed, profile, Telling::Last(LAST)), profile);
    }
    say(&format!(
        "{} seeds, {} calls, {} events, {days:.1} simulated days in {seconds:.1} s: \
         {rate:.0} calls a second",
        sum.seeds, sum.calls, sum.steps
    ));
    say(&format!(
        "after faults ceased everything was over within {} % of the computed bound: in seed \
         {seed} after {} of {} minutes; the longest bound was {} minutes",
        ending.used_percent(),
        minutes(ending.used_ms()),
        minutes(ending.bound_ms()),
        minutes(sum.bound_ms_max)
    ));
    say(&format!(
        "while nothing failed, no slot that a lead waited for lay idle for more than {} of \
         {IDLE_MS_MAX} ms",
        sum.idle_ms
    ));
    say(&format!("{} failures", sum.failures.len()));
}

/// A failure with its faults and its last events, as JSON.
fn failure(verdict: &Verdict, profile: &str) -> serde_json::Value {
    let told = run(verdict.seed, profile, Telling::Last(LAST));
    let violation = verdict.violation.as_ref();
    json!({
        "seed": verdict.seed,
        "invariant": violation.map(|violation| violation.invariant),
        "words": violation.map(|violation| &violation.words),
        "faults": verdict.faults,
        "story": told.lines,
    })
}

fn tell(verdict: &Verdict, profile: &str) {
    for line in &verdict.lines {
        say(line);
    }
    let seed = verdict.seed;
    say(&format!(
        "seed {seed}, profile {profile}, digest {:016x}",
        verdict.digest
    ));
    say(&format!("faults: {}", verdict.faults));
    match &verdict.violation {
        Some(violation) => {
            say(&format!(
                "BROKEN: {}: {}",
                violation.invariant, violation.words
            ));
            say(&format!(
                "again: cargo run --release -p simulate -- replay --seed {seed} --profile {profile}"
            ));
        }
        None => say("the promise held"),
    }
}

fn parse_range(text: &str) -> Result<(u64, u64)> {
    let (from, to) = text.split_once("..").context("a range is written 0..100")?;
    let (from, to) = (from.parse()?, to.parse()?);
    ensure!(from < to, "a range has at least one seed");
    Ok((from, to))
}
