//! A local stack that calls through a simulated Twilio, and its administrator.

use std::io::Write;

use serde_json::Value;

use crate::process::{Running, ringfence};
use crate::said::{Said, ports, run};

const ACCOUNT: &str = "AC0123456789abcdef0123456789abcdef";
pub(crate) const TOKEN: &str = "a-token-of-this-test";
pub(crate) const CALLER_ID: &str = "+97231234567";

/// A simulated Twilio that lets calls come from one number, and a stack that calls through it.
pub(crate) struct Scene {
    pub(crate) twilio: Running,
    pub(crate) stack: Running,
    /// What the command is given in its environment.
    pub(crate) token: String,
    pub(crate) public_host: String,
}

impl Scene {
    pub(crate) fn new(arguments: &[&str], public_host: Option<&str>) -> Self {
        let account = [
            ("TWILIO_ACCOUNT_SID", ACCOUNT),
            ("TWILIO_AUTH_TOKEN", TOKEN),
        ];
        let mut told = vec![
            "twilio", "--port", "0", "--speed", "300", "--number", CALLER_ID,
        ];
        told.extend(["--seed", "3"]);
        let twilio = Running::start(&told, &account);
        let api_base = twilio.text("listening");
        let mut variables = account.to_vec();
        variables.push(("TWILIO_API_BASE", &api_base));
        variables.extend(public_host.map(|host| ("PUBLIC_HOST", host)));
        let mut told = vec!["serve", "--port", "0", "--ddb-port", "0", "--sqs-port", "0"];
        told.extend(["--settle-seconds", "6"]);
        told.extend(arguments);
        let stack = Running::start(&told, &variables);
        let public_host = public_host.map_or_else(|| stack.text("listening"), str::to_owned);
        Self {
            twilio,
            stack,
            token: TOKEN.to_owned(),
            public_host,
        }
    }

    pub(crate) fn admin(&self, arguments: &[&str]) -> Said {
        let api_base = self.twilio.text("listening");
        let variables = [
            ("TWILIO_ACCOUNT_SID", ACCOUNT),
            ("TWILIO_AUTH_TOKEN", &self.token),
            ("TWILIO_API_BASE", &api_base),
            ("PUBLIC_HOST", &self.public_host),
            ("SETTLE_SECONDS", "6"),
        ];
        let mut command = ringfence(&["admin"], &variables);
        run(command.args(ports(&self.stack)).args(arguments))
    }

    /// Makes a business with some leads, and gives its id.
    pub(crate) fn business(&self, leads: u32) -> String {
        let made = self.admin(&[
            "create-business",
            "--name",
            "Test",
            "--phone",
            CALLER_ID,
            "--limit",
            "3",
            "--country",
            "IL",
            "--destination",
            "US",
        ]);
        let business = made.json()["business_id"]
            .as_str()
            .expect("an id")
            .to_owned();
        let mut file = tempfile::NamedTempFile::with_suffix(".csv").expect("a file can be made");
        writeln!(file, "name,phone").expect("it is written");
        for n in 0..leads {
            writeln!(file, "=1+{n},+1212555{:04}", 100 + n).expect("it is written");
        }
        let path = file.path().to_str().expect("its name is plain");
        let imported = self.admin(&[
            "import",
            "--business",
            &business,
            path,
            "--list-name",
            "Spring",
        ]);
        assert_eq!(
            imported.json()["imported_count"],
            leads,
            "{}",
            imported.stdout
        );
        business
    }

    pub(crate) async fn truth(&self) -> Value {
        let http = reqwest::Client::builder().no_proxy().build();
        let request = http
            .expect("it needs nothing")
            .get(self.twilio.text("truth"));
        let answer = request.send().await.expect("it answers");
        answer.json().await.expect("it answers JSON")
    }
}
