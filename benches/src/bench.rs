//! The benches by name.

use anyhow::{Context, Result, bail};
use clap::ValueEnum;

use crate::report::Table;
use crate::{
    cold_start, cost, import, machine, profile, reads, start, sweep, turnaround, utilisation,
    webhook,
};

/// A bench.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Bench {
    /// All of them but `cold-start` and `profile`, which need what others make.
    All,
    /// None of them: the page is made again from what was measured last.
    None,
    /// What a call costs, and how often fillers of one business refuse each other.
    Cost,
    /// From a final callback to the next call.
    Turnaround,
    /// Makespan and idle slots.
    Utilisation,
    /// Status, recent calls and stop, by the calls that are stored.
    Reads,
    /// What a sweep asks for, by businesses with work and without.
    Sweep,
    /// Starts of runs, by ids and by list.
    Start,
    /// Callbacks that the webhook takes.
    Webhook,
    /// Files that are read.
    Import,
    /// What the embedded stack sustains.
    Machine,
    /// From the start of a function to its first question. It needs Python.
    ColdStart,
    /// Instructions and allocations of fill and webhook, by part. It needs Valgrind.
    Profile,
}

/// How large the largest sizes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Size {
    /// All benches together take about ten minutes.
    Usual,
    /// As large as is of interest.
    Full,
}

impl Size {
    /// Those of `sizes` that are at most `usual`, or all.
    pub(crate) fn up_to<N: Copy + PartialOrd>(self, usual: N, sizes: &[N]) -> Vec<N> {
        let fits = |size: &N| self == Self::Full || *size <= usual;
        sizes.iter().copied().filter(fits).collect()
    }
}

impl Bench {
    /// The benches that this stands for.
    pub(crate) fn parts(self) -> Vec<Self> {
        let all = Self::value_variants().iter().copied();
        let needs_others = |one: &Self| matches!(one, Self::ColdStart | Self::Profile);
        let is_in_all = |one: &Self| !matches!(one, Self::All | Self::None) && !needs_others(one);
        match self {
            Self::All => all.filter(is_in_all).collect(),
            Self::None => Vec::new(),
            one => vec![one],
        }
    }

    /// Where a bench of this name stands among all of them.
    pub(crate) fn place_of(name: &str) -> Option<usize> {
        let all = Self::value_variants().iter();
        let mut names = all.filter_map(Self::to_possible_value);
        names.position(|value| value.get_name() == name)
    }

    /// Runs it, in a runtime of its own.
    pub(crate) fn run(self, size: Size) -> Result<Table> {
        match self {
            Self::All | Self::None => bail!("it is not one bench"),
            Self::Cost => in_simulated_time(cost::run()),
            Self::Turnaround => turnaround::run(size),
            Self::Utilisation => in_simulated_time(utilisation::run(size)),
            Self::Reads => in_real_time(reads::run(size)),
            Self::Sweep => in_real_time(sweep::run(size)),
            Self::Start => in_real_time(start::run()),
            Self::Webhook => in_real_time(webhook::run()),
            Self::Import => in_real_time(import::run()),
            Self::Machine => machine::run(),
            Self::ColdStart => cold_start::run(),
            Self::Profile => profile::run(),
        }
        .with_context(|| format!("failed to run {self:?}"))
    }
}

/// Runs in simulated time: the clock goes on only while everybody waits.
fn in_simulated_time<T>(bench: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()?;
    runtime.block_on(bench)
}

/// Runs in real time, on one thread like a function's process.
pub(crate) fn in_real_time<T>(bench: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(bench)
}

/// Does one thing in a process of its own, and says what it found: megabytes, or how many events
/// were handled.
pub(crate) fn probe(words: &[String]) -> Result<f64> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        ["start", by, leads] => in_real_time(start::probe(by, leads.parse()?)),
        ["import", reader, file] => import::probe(reader, file),
        ["profile", function, limit] => in_real_time(profile::probe(function, limit.parse()?)),
        _ => bail!("there is no such probe"),
    }
}
