//! The template says what the code relies on: numbers, names, routes and variables.

mod alarms;
mod local;
mod outline;
mod rows;
mod rules;
mod variables;
mod versions;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use authorizer::REMEMBERED_FOR;
use leads::large::WORKER_LIFE;
use ringfence_core::timing::Timing;
use ringfence_ledger::table::{EXPIRES, PK, SK, WORK, WORK_INDEX};
use ringfence_local::aws::queue::BATCH_MAX;
use ringfence_local::doors::{Throttle, WEBHOOK_CONCURRENCY};
use ringfence_local::gateway::{Function, INTEGRATION_TIMEOUT, OPEN, ROUTES};
use ringfence_local::stack::RECEIVES_MAX;

use self::outline::{Outline, lines};
use self::variables::{FUNCTIONS, Reads, configure, variables};

pub(crate) fn with_template<T>(read: impl FnOnce(Outline<'_>) -> T) -> T {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let text = std::fs::read_to_string(root.join("template.yaml")).expect("it is readable");
    let lines = lines(&text);
    read(Outline::of(&lines))
}

/// The seconds after which AWS kills a function.
#[track_caller]
fn timeout(template: Outline<'_>, function: &str) -> Duration {
    let resource = format!("{function}Function");
    let properties = template.at(&["Resources", &resource, "Properties"]);
    let has_own = properties.entries().any(|(key, _, _)| key == "Timeout");
    let seconds = if has_own {
        properties.number(&["Timeout"])
    } else {
        template.number(&["Globals", "Function", "Timeout"])
    };
    Duration::from_secs(seconds)
}

#[test]
fn functions_live_as_long_as_the_fence_counts_on() {
    with_template(|template| {
        assert_eq!(timeout(template, "Fill"), Timing::CLOUD.function_timeout);
        for (function, reads) in FUNCTIONS {
            if matches!(reads, Reads::Calls) {
                assert!(
                    timeout(template, function) <= Timing::CLOUD.function_timeout,
                    "{function}"
                );
            }
        }
    });
}

#[test]
fn functions_behind_the_api_end_before_it_gives_up() {
    with_template(|template| {
        for (_, _, function) in ROUTES {
            let timeout = timeout(template, &format!("{function:?}"));
            if function == Function::Webhook {
                // Twilio waits for fifteen seconds:
                // <https://www.twilio.com/docs/usage/webhooks/webhooks-connection-overrides>
                assert!(timeout <= Duration::from_secs(15));
            } else if function == Function::Leads {
                // An import goes on when API Gateway has given up on it.
                assert_eq!(timeout, WORKER_LIFE);
            } else {
                assert_eq!(timeout, INTEGRATION_TIMEOUT, "{function:?}");
            }
        }
    });
}

#[test]
fn the_queue_hides_a_message_as_long_as_the_code_assumes() {
    with_template(|template| {
        let queue = template.at(&["Resources", "WakeUpQueue", "Properties"]);
        let hidden = Duration::from_secs(queue.number(&["VisibilityTimeout"]));
        assert_eq!(hidden, Timing::CLOUD.visibility_timeout);
        let receives = queue.number(&["RedrivePolicy", "maxReceiveCount"]);
        assert_eq!(receives, u64::from(RECEIVES_MAX));
        let fills = template.at(&["Resources", "FillWakeUps", "Properties"]);
        assert_eq!(fills.number(&["BatchSize"]), BATCH_MAX as u64);
        assert_eq!(
            fills.value(&["FunctionResponseTypes"]),
            "[ReportBatchItemFailures]"
        );
    });
}

#[test]
fn logs_outlive_the_messages_that_they_tell_of() {
    with_template(|template| {
        let dead = template.at(&["Resources", "WakeUpDeadLetterQueue", "Properties"]);
        let kept = Duration::from_secs(dead.number(&["MessageRetentionPeriod"]));
        let days = template.number(&["Parameters", "LogRetentionDays", "Default"]);
        assert!(Duration::from_secs(days * 24 * 60 * 60) > kept);
    });
}

#[test]
fn the_sweep_comes_as_often_as_the_code_assumes_and_does_not_pile_up() {
    with_template(|template| {
        let schedule = template.at(&["Resources", "SweepSchedule", "Properties"]);
        assert_eq!(schedule.value(&["ScheduleExpression"]), "rate(1 minute)");
        assert_eq!(Timing::CLOUD.sweep_every, Duration::from_secs(60));
        assert!(timeout(template, "Sweep") <= Timing::CLOUD.sweep_every);
    });
}

#[test]
fn the_table_has_the_keys_and_the_index_that_the_ledger_uses() {
    let key = |name, kind| format!("- {{AttributeName: {name}, KeyType: {kind}}}");
    with_template(|template| {
        let table = template.at(&["Resources", "Ledger", "Properties"]);
        assert_eq!(
            table.at(&["KeySchema"]).texts(),
            [key(PK, "HASH"), key(SK, "RANGE")]
        );
        let index = [
            format!("- IndexName: {WORK_INDEX}"),
            "KeySchema:".to_owned(),
            key(WORK, "HASH"),
            key(PK, "RANGE"),
            "Projection: {ProjectionType: KEYS_ONLY}".to_owned(),
        ];
        assert_eq!(table.at(&["GlobalSecondaryIndexes"]).texts(), index);
        let attributes =
            [PK, SK, WORK].map(|name| format!("- {{AttributeName: {name}, AttributeType: S}}"));
        assert_eq!(table.at(&["AttributeDefinitions"]).texts(), attributes);
        assert_eq!(
            table.value(&["TimeToLiveSpecification", "AttributeName"]),
            EXPIRES
        );
    });
}

#[test]
fn the_table_is_kept_unless_somebody_says_otherwise() {
    with_template(|template| {
        let ledger = template.at(&["Resources", "Ledger"]);
        for policy in ["DeletionPolicy", "UpdateReplacePolicy"] {
            assert_eq!(ledger.value(&[policy]), "Retain");
        }
        let protected = ledger.value(&["Properties", "DeletionProtectionEnabled"]);
        assert_eq!(protected, "!Ref DeletionProtection");
        let default = template.value(&["Parameters", "DeletionProtection", "Default"]);
        assert_eq!(default, "true");
    });
}

#[test]
fn the_doors_of_the_local_stack_are_set_as_in_the_template() {
    with_template(|template| {
        let default = |parameter| template.number(&["Parameters", parameter, "Default"]);
        let Throttle { burst, rate } = Throttle::CLOUD;
        assert_eq!(default("ApiBurst"), u64::from(burst));
        assert_eq!(default("ApiRate"), u64::from(rate));
        assert_eq!(default("WebhookConcurrency"), WEBHOOK_CONCURRENCY as u64);
        let webhook = template.at(&["Resources", "WebhookFunction", "Properties"]);
        assert!(
            webhook
                .value(&["ReservedConcurrentExecutions"])
                .contains("!Ref WebhookConcurrency")
        );
        let api = template.at(&["Resources", "Api", "Properties"]);
        let routes = api.at(&["DefaultRouteSettings"]);
        assert_eq!(routes.value(&["ThrottlingBurstLimit"]), "!Ref ApiBurst");
        assert_eq!(routes.value(&["ThrottlingRateLimit"]), "!Ref ApiRate");
        let authorizer = api.at(&["Auth", "Authorizers", "KeyAuthorizer", "Identity"]);
        let remembered = authorizer.number(&["ReauthorizeEvery"]);
        assert_eq!(remembered, REMEMBERED_FOR.as_secs());
    });
}

/// A part of a value in braces, as in `{Method: GET, Path: '/a/{b}'}`.
fn part<'a>(inline: &'a str, name: &str) -> &'a str {
    let (_, rest) = inline
        .split_once(&format!("{name}: "))
        .expect("every route has one");
    let quoted = rest
        .strip_prefix('\'')
        .and_then(|rest| rest.split_once('\''));
    quoted.map_or_else(
        || rest.split([',', '}']).next().expect("a split has a first"),
        |it| it.0,
    )
}

#[test]
fn the_api_has_the_routes_of_the_local_stack_and_all_but_one_ask_for_a_key() {
    let has_route = |route: &&(&str, &str, Function)| route.2 != Function::Webhook;
    let expected: BTreeSet<_> = ROUTES
        .iter()
        .filter(has_route)
        .map(|(method, path, function)| {
            (
                (*method).to_owned(),
                (*path).to_owned(),
                format!("{function:?}"),
            )
        })
        .collect();
    let mut found = BTreeSet::new();
    with_template(|template| {
        for (function, _) in FUNCTIONS {
            let resource = format!("{function}Function");
            for (_, _, event) in template
                .at(&["Resources", &resource, "Properties", "Events"])
                .entries()
            {
                assert_eq!(event.value(&["Type"]), "HttpApi");
                let route = event.value(&["Properties"]);
                let part_of = |part: &str| {
                    if part.starts_with('{') {
                        "*".to_owned()
                    } else {
                        part.to_owned()
                    }
                };
                let path: Vec<_> = part(route, "Path").split('/').map(part_of).collect();
                let path = path.join("/");
                assert_eq!(
                    route.contains("Authorizer: NONE"),
                    OPEN.contains(&path.as_str()),
                    "{path}"
                );
                let method = part(route, "Method").to_owned();
                assert!(
                    found.insert((method, path, function.to_owned())),
                    "{route} twice"
                );
            }
        }
    });
    assert_eq!(found, expected);
}

#[test]
fn the_code_of_every_function_is_there_and_no_function_is_left_out() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut built = BTreeSet::new();
    with_template(|template| {
        for (name, _, resource) in template.at(&["Resources"]).entries() {
            if resource.value(&["Type"]) != "AWS::Serverless::Function" {
                continue;
            }
            let folder = resource.value(&["Properties", "CodeUri"]);
            assert!(root.join(folder).join("src/main.rs").is_file(), "{folder}");
            assert_eq!(
                resource.value(&["Metadata", "BuildMethod"]),
                "rust-cargolambda",
                "{name}"
            );
            built.insert(folder.to_owned());
        }
    });
    let folders = std::fs::read_dir(root.join("functions")).expect("the functions are there");
    let folders: BTreeSet<_> = folders
        .map(|folder| {
            format!(
                "functions/{}",
                folder.expect("it is readable").file_name().display()
            )
        })
        // What cargo is to do for the functions stands beside them.
        .filter(|folder| folder != "functions/.cargo")
        .collect();
    assert_eq!(built, folders);
    assert_eq!(built.len(), FUNCTIONS.len());
}

#[test]
fn every_function_starts_with_its_variables_and_reads_each_of_them() {
    with_template(|template| {
        for (function, reads) in FUNCTIONS {
            let given = variables(template, function);
            let read = RefCell::new(BTreeSet::new());
            let lookup = |name: &str| {
                read.borrow_mut().insert(name.to_owned());
                given.get(name).cloned()
            };
            configure(reads, &lookup).unwrap_or_else(|error| panic!("{function}: {error}"));
            let read = read.into_inner();
            let unread: Vec<_> = given.keys().filter(|name| !read.contains(*name)).collect();
            assert!(unread.is_empty(), "{function} does not read {unread:?}");
        }
    });
}

#[test]
fn only_those_who_need_a_secret_are_given_it() {
    with_template(|template| {
        for (function, reads) in FUNCTIONS {
            let given = variables(template, function);
            let places = matches!(reads, Reads::Calls);
            let hears = matches!(reads, Reads::Reports);
            let is_given = |name| given.contains_key(name);
            assert_eq!(is_given("TWILIO_PLACING_PARAMETER"), places, "{function}");
            assert_eq!(is_given("TWILIO_SIGNING_PARAMETER"), hears, "{function}");
            for itself in ["TOKEN", "SECRET"] {
                let is_one = |name: &&String| name.contains(itself);
                assert_eq!(given.keys().find(is_one), None, "{function}");
            }
        }
    });
}
