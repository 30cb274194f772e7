//! What the template gives a function to read, and how its `main.rs` reads it.

use std::collections::BTreeMap;

use authorizer::tokens::Trusted;
use business::defaults::Defaults;
use leads::store::bucket_from_env;
use ringfence_core::timing::Timing;
use ringfence_shell::config::{
    BadConfig, LEADS_MAX_DEFAULT, Lookup, Stores, Telephony, leads_max_from_env, timing_from_env,
};
use ringfence_shell::metrics::EmbeddedMetrics;
use ringfence_shell::parameters::{Named, Secrets};

use super::outline::Outline;

/// Where a function that places or ends calls gets its configuration from, and the others.
pub(super) const FUNCTIONS: [(&str, Reads); 9] = [
    ("Authorizer", Reads::Keys),
    ("Business", Reads::StoresAndDefaults),
    ("Fill", Reads::Calls),
    ("Leads", Reads::StoresAndLeadsMax),
    ("Start", Reads::Calls),
    ("Status", Reads::Table),
    ("Stop", Reads::Calls),
    ("Sweep", Reads::Sweep),
    ("Webhook", Reads::Reports),
];

/// What a function's `main.rs` reads of its environment.
#[derive(Clone, Copy)]
pub(super) enum Reads {
    Table,
    /// The table, and whose tokens are believed.
    Keys,
    /// The table and the queue, and what a new business is given.
    StoresAndDefaults,
    /// The table and the queue, and where figures go.
    Sweep,
    StoresAndLeadsMax,
    /// All that it takes to place, end and ask about calls.
    Calls,
    /// All that it takes to believe what Twilio reports.
    Reports,
}

/// The variables of a function, with such values as a deployment with defaults gives them.
pub(super) fn variables(template: Outline<'_>, function: &str) -> BTreeMap<String, String> {
    let resource = format!("{function}Function");
    let own = template.at(&[
        "Resources",
        &resource,
        "Properties",
        "Environment",
        "Variables",
    ]);
    let common = template.at(&["Globals", "Function", "Environment", "Variables"]);
    let value = |reference: &str| {
        let Some(parameter) = reference.strip_prefix("!Ref ") else {
            let text = reference.strip_prefix("!Sub ");
            let text = text.expect("every variable is made of references");
            return text.replace("${AWS::StackName}", "stack");
        };
        let parameter_of = template.at(&["Parameters", parameter]);
        let default = parameter_of.entries().find(|(key, _, _)| *key == "Default");
        match (parameter, default) {
            ("TwilioAccountSid", _) => format!("AC{}", "0".repeat(32)),
            (_, Some((_, default, _))) => default.trim_matches('\'').to_owned(),
            (_, None) => "something".to_owned(),
        }
    };
    let all = common.entries().chain(own.entries());
    all.map(|(name, reference, _)| (name.to_owned(), value(reference)))
        .collect()
}

/// What stands in the parameters that a function is told of.
fn secrets(lookup: Lookup<'_>) -> Secrets {
    let named = Named::from_env(lookup);
    let account = lookup("TWILIO_ACCOUNT_SID").expect("every one is told");
    let placing = named.placing.map(|_| "SK1:secret");
    Secrets::of(account, placing, named.signing.map(|_| "token"))
}

/// Reads a function's configuration as its `main.rs` does.
pub(super) fn configure(reads: Reads, lookup: Lookup<'_>) -> Result<(), BadConfig> {
    match reads {
        Reads::Table => Stores::table_from_env(lookup).map(drop),
        Reads::Keys => {
            Stores::table_from_env(lookup)?;
            Trusted::from_env(lookup).map(|trusted| assert_eq!(trusted, None))
        }
        Reads::StoresAndLeadsMax => {
            Stores::from_env(lookup)?;
            bucket_from_env(lookup)?;
            leads_max_from_env(lookup).map(|leads| assert_eq!(leads, LEADS_MAX_DEFAULT))
        }
        Reads::StoresAndDefaults => {
            Stores::from_env(lookup)?;
            Defaults::from_env(lookup).map(|given| assert_eq!(given, Defaults::standard()))
        }
        Reads::Sweep => {
            EmbeddedMetrics::from_env(lookup);
            Stores::from_env(lookup).map(drop)
        }
        Reads::Calls => {
            EmbeddedMetrics::from_env(lookup);
            assert_eq!(timing_from_env(lookup)?, Timing::CLOUD);
            Stores::from_env(lookup)?;
            let secrets = secrets(lookup);
            let lookup = |name: &str| secrets.get(lookup, name);
            let unset = |name: &str| lookup(name).filter(|_| name.starts_with("TWILIO_A"));
            let told = Telephony::placing_from_env(&lookup)?;
            let default = Telephony::placing_from_env(&unset)?;
            assert_eq!(told.bounds, default.bounds);
            assert_eq!(told.call_events, default.call_events);
            assert_eq!(told.call_script, default.call_script);
            Ok(())
        }
        Reads::Reports => {
            EmbeddedMetrics::from_env(lookup);
            Stores::from_env(lookup)?;
            let secrets = secrets(lookup);
            Telephony::from_env(&|name| secrets.get(lookup, name)).map(drop)
        }
    }
}
