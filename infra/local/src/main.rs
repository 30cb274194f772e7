//! `ringfence`: the local stack on the command line.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use ringfence_local::{demo, outside, ports, serve};
use tracing_subscriber::EnvFilter;

/// Bulk outbound calls that never exceed their limit.
#[derive(Parser)]
#[command(version, about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Imports a list of leads, calls it to the end, and audits what the carrier saw.
    Demo(demo::DemoArgs),
    /// Keeps the stack up for curl and other clients.
    Serve(serve::ServeArgs),
    /// Serves the embedded DynamoDB and SQS to other processes.
    Aws(ports::AwsArgs),
    /// Sets a stack up, runs it and looks after it: on AWS, or a local one.
    Admin(Box<ringfence_admin::AdminArgs>),
    /// Simulates Twilio in a process of its own, for `TWILIO_API_BASE`.
    Twilio(outside::TwilioArgs),
}

/// One thread: the embedded database has one lock, and one owner is fastest.
#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<ExitCode> {
    let Cli { command } = Cli::parse();
    let quiet = match command {
        Command::Demo(_) => "error",
        Command::Admin(_) => "warn",
        Command::Aws(_) | Command::Serve(_) | Command::Twilio(_) => "info",
    };
    // The SDK complains that it cannot close a connection; the embedded services have none.
    let connections = "aws_smithy_runtime::client::http::connection_poisoning=off";
    let level = std::env::var("LOG_LEVEL").unwrap_or_else(|_| quiet.to_owned());
    let filter = EnvFilter::try_new(format!("{level},{connections}"))?;
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_env_filter(filter)
        .init();
    match command {
        Command::Demo(args) => {
            let verdict = demo::run(args).await?;
            return Ok(if verdict.is_kept() {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            });
        }
        Command::Admin(args) => return ringfence_admin::run(*args).await,
        Command::Serve(args) => serve::run(args).await?,
        Command::Aws(args) => ports::run(args).await?,
        Command::Twilio(args) => outside::run(args).await?,
    }
    Ok(ExitCode::SUCCESS)
}
