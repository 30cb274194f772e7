//! What an administrator does from a terminal, with the credentials of whoever calls: first
//! steps after a deploy, watching, stopping, and finding out what is wrong.
//!
//! It calls the very handlers that the API calls, so the same rules hold. Nothing is dialled
//! from here: a run is begun, and the functions call.

mod command;
mod target;

mod ask;
mod office;

mod begin;
mod export;
mod replay;
mod state_view;
mod watch;

pub mod doctor;

mod deployed;
mod mask;
mod terminal;

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;

pub use command::Command;
pub use target::Target;

/// What `ringfence admin` is told.
#[derive(Debug, Clone, Args)]
pub struct AdminArgs {
    #[command(flatten)]
    pub target: Target,
    #[command(subcommand)]
    pub command: Command,
}

/// Does one thing, and says with what status to exit: not zero if something is wrong.
///
/// # Errors
///
/// It was refused, or could not be done.
pub async fn run(args: AdminArgs) -> Result<ExitCode> {
    let place = args.target.find().await?;
    match args.command {
        Command::CreateBusiness(wish) => begin::create_business(&place, wish).await?,
        Command::CreateKey(wish) => begin::create_key(&place, wish).await?,
        Command::Import(wish) => begin::import(&place, wish).await?,
        Command::Start(wish) => begin::start(&place, wish).await?,
        Command::Watch(wish) => watch::watch(&place, wish).await?,
        Command::Stop(wish) => begin::stop(&place, wish).await?,
        Command::Settle(wish) => begin::settle(&place, wish).await?,
        Command::ExportCalls(wish) => export::calls(&place, wish).await?,
        Command::ShowState(wish) => export::state(&place, wish).await?,
        Command::ReplayDeadLetters(wish) => replay::replay(&place, wish).await?,
        Command::Doctor(wish) => return doctor::run(&place, wish).await,
    }
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use clap::Args;

    use super::AdminArgs;

    #[test]
    fn no_command_takes_for_its_own_what_says_where_the_stack_is() {
        let admin = AdminArgs::augment_args(clap::Command::new("admin"));
        let places: Vec<_> = admin.get_arguments().map(clap::Arg::get_id).collect();
        for command in admin.get_subcommands() {
            for own in command.get_arguments().map(clap::Arg::get_id) {
                assert!(!places.contains(&own), "{} has {own}", command.get_name());
            }
        }
        assert!(!places.is_empty() && admin.get_subcommands().count() > 5);
    }
}
