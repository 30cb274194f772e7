//! The simulated Twilio in a process of its own, so that it outlives whoever calls it.
//!
//! It is known by its account alone: callbacks go wherever each create asks, and the
//! truth is at `GET /truth`.

use std::net::{Ipv4Addr, SocketAddr};

use anyhow::{Context, Result, ensure};
use clap::{Args, ValueEnum};
use ringfence_core::phone::{BadPhoneNumber, PhoneNumber};
use ringfence_shell::config::{Telephony, environment};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tracing::info;

use crate::clock::Clock;
use crate::settings::own_origin;
use crate::twilio::{ApiKey, Behaviour, Delivery, Faults, Settings, SimTwilio};

/// What `twilio` is told, besides the account in its environment.
#[derive(Debug, Clone, Args)]
pub struct TwilioArgs {
    /// The port to listen on; 0 takes a free one.
    #[arg(long, default_value_t = 8081)]
    pub port: u16,
    /// The same seed gives the same fate to the n-th request for the same number.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// How many times faster than life calls are.
    #[arg(long, default_value_t = 1.0)]
    pub speed: f64,
    /// What goes wrong.
    #[arg(long, value_enum, default_value_t = Mood::None)]
    pub faults: Mood,
    /// A number that calls may come from; again for each, and any without it.
    #[arg(long = "number", value_parser = number)]
    pub numbers: Vec<PhoneNumber>,
}

fn number(text: &str) -> Result<PhoneNumber, BadPhoneNumber> {
    text.parse()
}

/// How badly the simulated Twilio behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Mood {
    /// Nothing goes wrong.
    None,
    /// Callbacks are lost, doubled, late and reordered, creates are answered badly or
    /// not at all, requests are too many, and reads come from the past.
    Rough,
}

/// Serves until it is killed or interrupted.
///
/// # Errors
///
/// The account is missing or bad, or the port is taken.
pub async fn run(args: TwilioArgs) -> Result<()> {
    ensure!(
        args.speed.is_finite() && args.speed > 0.0,
        "--speed must be more than 0"
    );
    let settings = settings(&args)?;
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, args.port));
    let listener = TcpListener::bind(address)
        .await
        .with_context(|| format!("--port {}", args.port))?;
    let origin = own_origin(&listener)?;
    let account_sid = settings.account_sid.clone();
    let twilio = SimTwilio::new(settings);
    twilio.deliver_by(Delivery::over_http()?);
    if !args.numbers.is_empty() {
        twilio.owns(args.numbers);
    }
    announce(&json!({
        "listening": origin,
        "account_sid": account_sid,
        "truth": format!("{origin}/truth"),
    }));
    info!("listening on {origin}");
    tokio::select! {
        served = twilio.serve_with_truth(listener) => served.context("the listener failed"),
        _ = tokio::signal::ctrl_c() => Ok(()),
    }
}

fn settings(args: &TwilioArgs) -> Result<Settings> {
    // Only the account counts: the address and the public host are a client's own affair.
    let lookup = |name: &str| match name {
        "TWILIO_ACCOUNT_SID"
        | "TWILIO_AUTH_TOKEN"
        | "TWILIO_API_KEY_SID"
        | "TWILIO_API_KEY_SECRET" => environment(name),
        _ => None,
    };
    let telephony = Telephony::from_env(&lookup)?;
    let account_sid = telephony.account.sid.as_str().to_owned();
    let has_key = telephony.account.user != account_sid;
    let api_key = has_key.then_some(ApiKey {
        sid: telephony.account.user,
        secret: telephony.account.secret,
    });
    let auth_token = telephony.signing_tokens.into_iter().next();
    Ok(Settings {
        account_sid,
        auth_token: auth_token.context("the auth token was just read")?,
        api_key,
        seed: args.seed,
        speed: args.speed,
        behaviour: Behaviour::ordinary(),
        faults: match args.faults {
            Mood::None => Faults::none(),
            Mood::Rough => Faults::rough(),
        },
        clock: Clock::wall(),
    })
}

#[expect(
    clippy::print_stdout,
    reason = "the first line on stdout is this command's answer"
)]
fn announce(line: &Value) {
    println!("{line}");
}
