//! What is said to the person at the terminal, and asked.

use std::io::{IsTerminal, Write, stderr, stdin, stdout};

use anyhow::{Context, Result, bail};

/// Writes a line of the answer, which another program may read.
pub(crate) fn answer(line: &str) -> Result<()> {
    writeln!(stdout(), "{line}").context("failed to write the answer")
}

/// Lets the person decide; who cannot be asked must have said yes.
pub(crate) fn confirm(what: &str, has_said_yes: bool) -> Result<()> {
    if has_said_yes {
        return Ok(());
    }
    if !stdin().is_terminal() {
        bail!("{what}: give --yes where nobody can be asked");
    }
    write!(stderr(), "{what}. Go on? [y/N] ").context("failed to ask")?;
    let mut said = String::new();
    stdin().read_line(&mut said).context("failed to read")?;
    match said.trim() {
        "y" | "Y" | "yes" => Ok(()),
        _ => bail!("nothing was done"),
    }
}
