//! What Linux says of this process.

use std::process::Command;

use anyhow::{Context, Result, ensure};

/// The processor time of the calling thread, in seconds.
pub(crate) fn cpu_seconds() -> Result<f64> {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    let nanos = told.split(' ').next().context("Linux tells a time")?;
    Ok(nanos.parse::<f64>()? / 1e9)
}

/// Forgets the most memory that this process has had, and says how much it has, in megabytes.
pub(crate) fn forget_peak() -> Result<f64> {
    std::fs::write("/proc/self/clear_refs", "5").context("Linux forgets")?;
    peak_megabytes()
}

/// The most memory that this process has had since [`forget_peak`], in megabytes.
pub(crate) fn peak_megabytes() -> Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next());
    let kilobytes: f64 = kilobytes.context("Linux tells a peak")?.parse()?;
    Ok(kilobytes / 1_024.0)
}

/// Runs this program again for one probe, and says what memory that takes, in megabytes: a
/// process that has done much already has memory left over, which no peak shows.
pub(crate) fn peak_in_a_child(probe: &[&str]) -> Result<f64> {
    let program = std::env::current_exe()?;
    let told = Command::new(program).arg("--probe").args(probe).output()?;
    let said = String::from_utf8_lossy(&told.stderr);
    ensure!(told.status.success(), "a probe failed: {said}");
    let megabytes = String::from_utf8(told.stdout)?;
    megabytes.trim().parse().context("a probe says a number")
}
