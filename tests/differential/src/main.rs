//! The command line of the comparison.

use std::process::ExitCode;
use std::time::Instant;

use anyhow::Result;
use clap::Parser;
use differential::plant::Fault;
use differential::sequence::{Difference, Setting, Verdict, differs, run};
use differential::side::client_of;
use differential::sights::{Sight, Sum};

/// Compares the simulated ledger with the real one on independent stores.
#[derive(Parser)]
struct Args {
    /// How many sequences to compare; to try at most on each planted fault.
    #[arg(long, default_value_t = 2_000)]
    sequences: u64,
    /// The seed of the first sequence.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Where a DynamoDB answers that is compared besides the embedded one.
    #[arg(long)]
    endpoint: Option<String>,
    /// Plants faults into the simulated ledger, each of which must be noticed.
    #[arg(long)]
    self_check: bool,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<ExitCode> {
    let args = Args::parse();
    let is_good = if args.self_check {
        check_faults(&args).await?
    } else {
        compare_all(&args).await?
    };
    Ok(if is_good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Compares sequences, up to the first on which the ledgers disagree.
async fn compare_all(args: &Args) -> Result<bool> {
    let setting = Setting {
        remote: args.endpoint.as_deref().map(client_of),
        fault: None,
    };
    let began = Instant::now();
    let mut sum = Sum::default();
    for seed in (args.seed..).take(usize::try_from(args.sequences)?) {
        match run(&setting, seed).await? {
            Verdict::Same(more) => sum.add(more),
            Verdict::Different(found) => {
                tell(&found);
                return Ok(false);
            }
        }
    }
    print_sum(&sum, if setting.remote.is_some() { 3 } else { 2 }, began);
    Ok(sum.unseen().is_empty())
}

#[expect(clippy::print_stdout, reason = "it is what the command is for")]
fn print_sum(sum: &Sum, ledgers: u32, began: Instant) {
    for sight in Sight::all() {
        let times = sum.sights.get(&sight).copied().unwrap_or_default();
        println!("seen {times:>7} times: {sight:?}");
    }
    for sight in sum.unseen() {
        println!("never seen: {sight:?}");
    }
    println!(
        "{} sequences, {} operations, {} comparisons, {ledgers} ledgers, 0 differences: {:.0} s",
        sum.sequences,
        sum.operations,
        sum.comparisons,
        began.elapsed().as_secs_f64()
    );
}

#[expect(clippy::print_stdout, reason = "it is what the command is for")]
fn tell(found: &Difference) {
    println!("the ledgers differ on seed {}, after:", found.seed);
    for request in &found.told {
        println!("  {request}");
    }
    for (name, answer) in &found.answers {
        println!("{name} answers: {answer:?}");
    }
}

/// Looks for a sequence that shows each fault.
#[expect(clippy::print_stdout, reason = "it is what the command is for")]
async fn check_faults(args: &Args) -> Result<bool> {
    let mut escaped = 0;
    for fault in Fault::ALL {
        let setting = Setting {
            remote: None,
            fault: Some(fault),
        };
        let mut needed = None;
        for tried in 0..args.sequences {
            if differs(&setting, args.seed + tried).await? {
                needed = Some(tried + 1);
                break;
            }
        }
        match needed {
            Some(needed) => println!("noticed after {needed:>4} sequences: {fault:?}"),
            None => {
                escaped += 1;
                println!("escaped: {fault:?}");
            }
        }
    }
    println!("{} faults, {escaped} escaped", Fault::ALL.len());
    Ok(escaped == 0)
}
