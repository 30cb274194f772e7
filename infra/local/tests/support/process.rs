//! The binary in a process that dies with its test.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

/// A process, and the line by which it introduced itself.
pub(crate) struct Running {
    process: Child,
    pub(crate) first_line: Value,
}

impl Drop for Running {
    fn drop(&mut self) {
        // `kill` is SIGKILL: nothing is written down on the way out.
        self.process.kill().expect("the process is ours");
        self.process.wait().expect("the process is ours");
    }
}

impl Running {
    pub(crate) fn start(arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let mut process = ringfence(arguments, variables)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the binary runs");
        let mut line = String::new();
        let stdout = process.stdout.take().expect("it is piped");
        BufReader::new(stdout)
            .read_line(&mut line)
            .expect("it says where it is");
        Self {
            process,
            first_line: serde_json::from_str(&line).expect("it is one JSON object"),
        }
    }

    #[track_caller]
    pub(crate) fn text(&self, field: &str) -> String {
        let text = self.first_line[field].as_str();
        text.unwrap_or_else(|| panic!("{field} is a text"))
            .to_owned()
    }
}

/// The binary, without what the test's own environment says.
pub(crate) fn ringfence(arguments: &[&str], variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ringfence"));
    for variable in [
        "TWILIO_API_BASE",
        "TWILIO_ACCOUNT_SID",
        "TWILIO_AUTH_TOKEN",
        "TWILIO_API_KEY_SID",
        "TWILIO_API_KEY_SECRET",
        "PUBLIC_HOST",
        "TABLE_NAME",
        "QUEUE_URL",
    ] {
        command.env_remove(variable);
    }
    // Nobody listens there: nothing of ours goes through a proxy, whoever is to be spared it.
    for spared in ["NO_PROXY", "no_proxy"] {
        command.env_remove(spared);
    }
    for proxy in ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"] {
        command.env(proxy, "http://127.0.0.1:9");
    }
    command
        .env("LOG_LEVEL", "error")
        .envs(variables.iter().copied())
        .args(arguments);
    command
}
