//! What a user sets, by flags or by the same environment variables as in the cloud.

use anyhow::{Context, Result};
use ringfence_carrier::host::PublicHost;
use ringfence_carrier::settings::Secret;
use ringfence_carrier::transport::{HttpTransport, Timeouts};
use ringfence_core::timing::Timing;
use ringfence_shell::config::{Telephony, environment};
use tokio::net::TcpListener;

use crate::clock::Clock;
use crate::transport::Way;
use crate::twilio::{Behaviour, Delivery, Faults, Settings, SimTwilio};

/// The account of the simulated Twilio where no other is set.
const SIMULATED_ACCOUNT: &str = "AC00000000000000000000000000000000";
/// Its auth token. It opens nothing but the simulated Twilio of this process.
const SIMULATED_TOKEN: &str = "simulated-auth-token";

/// How the carrier behaves, where it is simulated.
#[derive(Debug, Clone)]
pub struct Simulation {
    pub seed: u64,
    pub speed: f64,
    pub behaviour: Behaviour,
    pub faults: Faults,
}

/// A carrier that is ready, and how to speak with it.
pub struct Line {
    pub telephony: Telephony,
    pub way: Way,
    /// The carrier itself, where it is simulated.
    pub twilio: Option<SimTwilio>,
}

/// Sets the carrier up: the one at `TWILIO_API_BASE`, or else a simulated one that
/// listens on a loopback port of its own.
///
/// # Errors
///
/// Names every variable that is missing or bad.
pub async fn line(
    own_origin: &str,
    timing: &Timing,
    simulation: Simulation,
    clock: Clock,
) -> Result<Line> {
    let has_outside = environment("TWILIO_API_BASE").is_some_and(|base| !base.trim().is_empty());
    let listener = if has_outside {
        None
    } else {
        Some(
            TcpListener::bind("127.0.0.1:0")
                .await
                .context("failed to open a port")?,
        )
    };
    let simulated_base = match &listener {
        Some(listener) => Some(format!("http://{}", listener.local_addr()?)),
        None => None,
    };
    let lookup = |name: &str| match (name, environment(name)) {
        // An outside Twilio reaches this machine by its own address unless told another;
        // set to nothing, there is no public host.
        ("PUBLIC_HOST", None) => Some(own_origin.to_owned()),
        ("TWILIO_API_BASE", _) if !has_outside => simulated_base.clone(),
        ("TWILIO_ACCOUNT_SID", None) if !has_outside => Some(SIMULATED_ACCOUNT.to_owned()),
        ("TWILIO_AUTH_TOKEN", None) if !has_outside => Some(SIMULATED_TOKEN.to_owned()),
        (_, value) => value,
    };
    let telephony = Telephony::from_env(&lookup)?;
    let twilio = match listener {
        None => None,
        Some(listener) => {
            let twilio = simulated(&telephony, simulation, clock);
            twilio.deliver_by(Delivery::over_http()?);
            tokio::spawn(twilio.clone().serve(listener));
            Some(twilio)
        }
    };
    let way = Way::Http(HttpTransport::new(Timeouts {
        connect: timing.http_timeout / 3,
        total: timing.http_timeout,
    })?);
    Ok(Line {
        telephony,
        way,
        twilio,
    })
}

fn simulated(telephony: &Telephony, simulation: Simulation, clock: Clock) -> SimTwilio {
    let Simulation {
        seed,
        speed,
        behaviour,
        faults,
    } = simulation;
    SimTwilio::new(Settings {
        account_sid: telephony.account.sid.as_str().to_owned(),
        auth_token: telephony
            .signing_tokens
            .first()
            .cloned()
            .unwrap_or_else(|| Secret::new("")),
        api_key: None,
        seed,
        speed,
        behaviour,
        faults,
        clock,
    })
}

/// How calls are placed with a carrier inside the process, for tests in simulated time.
///
/// # Errors
///
/// None that a caller could cause.
pub fn in_process(
    public_host: Option<&str>,
    timing: &Timing,
    simulation: Simulation,
    clock: Clock,
) -> Result<Line> {
    let lookup = |name: &str| match name {
        "PUBLIC_HOST" => public_host.map(str::to_owned),
        "TWILIO_ACCOUNT_SID" => Some(SIMULATED_ACCOUNT.to_owned()),
        "TWILIO_AUTH_TOKEN" => Some(SIMULATED_TOKEN.to_owned()),
        _ => None,
    };
    let telephony = Telephony::from_env(&lookup)?;
    let twilio = simulated(&telephony, simulation, clock);
    let way = crate::twilio::InProcessTransport::new(twilio.clone(), timing.http_timeout);
    Ok(Line {
        telephony,
        way: Way::InProcess(way),
        twilio: Some(twilio),
    })
}

/// The origin by which this process is reached.
pub fn own_origin(listener: &TcpListener) -> Result<String> {
    let origin = format!(
        "http://{}",
        listener.local_addr().context("the port is open")?
    );
    let _: PublicHost = origin.parse()?;
    Ok(origin)
}
