//! The commands and what each is told.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use ringfence_core::ids::BusinessId;
use ringfence_core::phone::PhoneNumber;

/// What can be done.
#[derive(Debug, Clone, Subcommand)]
pub enum Command {
    /// Makes a business.
    CreateBusiness(CreateBusiness),
    /// Makes a key, and shows it this once.
    CreateKey(CreateKey),
    /// Imports a file of leads as a list.
    Import(Import),
    /// Begins a run of a list. It costs money.
    Start(Start),
    /// Shows a run until it is over.
    Watch(Watch),
    /// Stops a run.
    Stop(Stop),
    /// Asks the carrier about silent calls now, and frees the slots of those that are over.
    Settle(Settle),
    /// Writes the calls of a run as CSV, in which nothing is a formula.
    ExportCalls(ExportCalls),
    /// Shows what decides whether a business may call, as JSON.
    ShowState(ShowState),
    /// Puts the messages of the dead-letter queue back, each at most once.
    ReplayDeadLetters(Replay),
    /// Checks what a stack rests on, and says what to do.
    Doctor(Doctor),
}

#[derive(Debug, Clone, Args)]
pub struct CreateBusiness {
    #[arg(long)]
    pub name: String,
    /// The number that calls come from.
    #[arg(long, value_parser = phone)]
    pub phone: Option<PhoneNumber>,
    /// How many calls at once.
    #[arg(long)]
    pub limit: Option<u32>,
    /// Whose numbers need no country code, such as IL.
    #[arg(long)]
    pub country: Option<String>,
    /// An IANA name, such as Asia/Jerusalem.
    #[arg(long)]
    pub time_zone: Option<String>,
    /// A country that it may call; again for each. Its own only, unless said.
    #[arg(long = "destination")]
    pub destinations: Vec<String>,
}

#[derive(Debug, Clone, Args)]
pub struct CreateKey {
    /// Whose key; a system-admin's is of none.
    #[arg(long, required_unless_present = "system_admin")]
    pub business: Option<BusinessId>,
    #[arg(long, value_enum, default_value_t = KeyRole::Admin)]
    pub role: KeyRole,
    /// A key that is good for every business.
    #[arg(long, conflicts_with_all = ["business", "role"])]
    pub system_admin: bool,
}

/// What a key of a business may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum KeyRole {
    Agent,
    Admin,
}

#[derive(Debug, Clone, Args)]
pub struct Import {
    #[arg(long)]
    pub business: BusinessId,
    pub file: PathBuf,
    /// The list's name; the file's, unless said.
    #[arg(long)]
    pub list_name: Option<String>,
    /// Which column has the numbers, by its number or its header, where that is in doubt.
    #[arg(long)]
    pub phone_column: Option<String>,
    /// How many leads a business may have; or `LEADS_MAX`.
    #[arg(long)]
    pub leads_max: Option<u32>,
}

#[derive(Debug, Clone, Args)]
pub struct Start {
    #[arg(long)]
    pub business: BusinessId,
    #[arg(long)]
    pub list: u32,
    /// How many calls at once, up to the limit of the business.
    #[arg(long)]
    pub concurrency: Option<u32>,
    /// Shows the run until it is over.
    #[arg(long)]
    pub watch: bool,
    /// Does not ask.
    #[arg(long)]
    pub yes: bool,
}

#[derive(Debug, Clone, Args)]
pub struct Watch {
    #[arg(long)]
    pub business: BusinessId,
    #[arg(long)]
    pub run: u32,
}

#[derive(Debug, Clone, Args)]
pub struct Stop {
    #[arg(long)]
    pub business: BusinessId,
    #[arg(long)]
    pub run: u32,
    /// Ends the live calls too.
    #[arg(long)]
    pub hang_up: bool,
    /// Does not ask.
    #[arg(long)]
    pub yes: bool,
}

#[derive(Debug, Clone, Args)]
pub struct Settle {
    #[arg(long)]
    pub business: BusinessId,
}

#[derive(Debug, Clone, Args)]
pub struct ExportCalls {
    #[arg(long)]
    pub business: BusinessId,
    #[arg(long)]
    pub run: u32,
    /// Where to; to the terminal, unless said.
    #[arg(long)]
    pub output: Option<PathBuf>,
    /// Writes whole numbers, not their last four digits.
    #[arg(long)]
    pub reveal: bool,
}

#[derive(Debug, Clone, Args)]
pub struct ShowState {
    #[arg(long)]
    pub business: BusinessId,
    /// Shows whole numbers, not their last four digits.
    #[arg(long)]
    pub reveal: bool,
}

#[derive(Debug, Clone, Args)]
pub struct Replay {
    /// How many at most.
    #[arg(long, default_value_t = 1_000)]
    pub max: u32,
    /// Does not ask.
    #[arg(long)]
    pub yes: bool,
}

#[derive(Debug, Clone, Args)]
pub struct Doctor {
    /// A business whose caller id is checked too; again for each.
    #[arg(long = "business")]
    pub businesses: Vec<BusinessId>,
}

fn phone(text: &str) -> Result<PhoneNumber, String> {
    // An error of clap's repeats what was typed, which is the caller's own.
    text.parse().map_err(|error| format!("{error}"))
}
