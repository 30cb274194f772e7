//! `ringfence admin` in a process, and what it said.

use std::process::{Command, Stdio};

use serde_json::Value;

use crate::process::Running;

/// What a command said, and whether it went well.
pub(crate) struct Said {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) is_good: bool,
}

impl Said {
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        assert!(self.is_good, "{} {}", self.stdout, self.stderr);
        serde_json::from_str(&self.stdout).expect("it is JSON")
    }
}

pub(crate) fn run(command: &mut Command) -> Said {
    let output = command
        .stdin(Stdio::null())
        .output()
        .expect("the binary runs");
    Said {
        stdout: String::from_utf8(output.stdout).expect("it is text"),
        stderr: String::from_utf8(output.stderr).expect("it is text"),
        is_good: output.status.success(),
    }
}

pub(crate) fn port(origin: &str) -> String {
    let (_, port) = origin.rsplit_once(':').expect("it has a port");
    port.to_owned()
}

pub(crate) fn ports(store: &Running) -> [String; 4] {
    let (ddb, sqs) = (port(&store.text("dynamodb")), port(&store.text("sqs")));
    ["--ddb-port".to_owned(), ddb, "--sqs-port".to_owned(), sqs]
}
