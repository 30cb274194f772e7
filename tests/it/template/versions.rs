//! What runs is each function's alias, and a parameter's new value reaches it.

use std::collections::BTreeSet;

use super::outline::Outline;
use super::variables::FUNCTIONS;
use super::with_template;

/// What a version does not keep: who invokes it, and how many run at once.
const NOT_OF_A_VERSION: [&str; 8] = [
    "AutoPublishAlias",
    "AutoPublishAliasAllProperties",
    "DeploymentPreference",
    "EventInvokeConfig",
    "Events",
    "FunctionUrlConfig",
    "ReservedConcurrentExecutions",
    "VersionDescription",
];

/// What Lambda takes as the description of a version.
const DESCRIPTION_MAX: u64 = 256;

/// The names that a text refers to, as `!Ref Name` and as `${Name}`.
fn references(text: &str) -> BTreeSet<String> {
    let name = |rest: &str| -> String {
        let is_of_name = |c: &char| c.is_ascii_alphanumeric();
        rest.chars().take_while(is_of_name).collect()
    };
    let marks = ["!Ref ", "${"].into_iter();
    marks
        .flat_map(|mark| text.split(mark).skip(1).map(name))
        .collect()
}

fn properties<'a>(template: Outline<'a>, function: &str) -> Outline<'a> {
    let resource = format!("{function}Function");
    template.at(&["Resources", &resource, "Properties"])
}

/// The parameters by which a function's versions are configured.
fn configured_by(template: Outline<'_>, function: &str) -> BTreeSet<String> {
    let common = template.at(&["Globals", "Function"]);
    let mut read = BTreeSet::new();
    for (key, value, inside) in common
        .entries()
        .chain(properties(template, function).entries())
    {
        if NOT_OF_A_VERSION.contains(&key) {
            continue;
        }
        for text in inside.texts().into_iter().chain([value]) {
            assert!(!text.contains("!If"), "{key} of {function}: {text}");
            read.extend(references(text));
        }
    }
    let parameters = template.at(&["Parameters"]);
    let is_parameter = |name: &String| parameters.entries().any(|(key, _, _)| key == name);
    read.retain(is_parameter);
    read
}

#[test]
fn a_version_describes_itself_by_every_parameter_that_it_was_made_with_and_by_no_other() {
    with_template(|template| {
        for (function, _) in FUNCTIONS {
            let properties = properties(template, function);
            let described = properties.value(&["VersionDescription"]);
            let expected = configured_by(template, function);
            assert_eq!(references(described), expected, "{function}");
            // Code and text.
            assert_eq!(properties.value(&["AutoPublishAliasAllProperties"]), "true");
        }
        let all = ["Globals", "Function", "AutoPublishAlias"];
        assert_eq!(template.value(&all), "live");
        assert!(configured_by(template, "Webhook").contains("PublicHost"));
        assert!(configured_by(template, "Sweep").contains("Architecture"));
    });
}

/// How long the value of a parameter can be.
#[track_caller]
fn longest(template: Outline<'_>, parameter: &str) -> u64 {
    let declared = template.at(&["Parameters", parameter]);
    let has = |name: &str| declared.entries().any(|(key, _, _)| key == name);
    if has("AllowedValues") {
        let values = declared.value(&["AllowedValues"]).trim_matches(['[', ']']);
        let lengths = values.split(", ").map(str::len);
        return lengths.max().expect("a split has a first") as u64;
    }
    if declared.value(&["Type"]) == "Number" {
        return declared.value(&["MaxValue"]).len() as u64;
    }
    declared.number(&["MaxLength"])
}

#[test]
fn no_description_of_a_version_is_too_long() {
    with_template(|template| {
        for (function, _) in FUNCTIONS {
            let described = properties(template, function).value(&["VersionDescription"]);
            let described = described.strip_prefix("!Sub ");
            let parts = described
                .expect("it names parameters")
                .split(' ')
                .map(|part| {
                    let name = part
                        .strip_prefix("${")
                        .and_then(|rest| rest.strip_suffix('}'));
                    longest(template, name.expect("it names nothing else"))
                });
            // With the space before it, which the first has not.
            let length = parts.map(|part| part + 1).sum::<u64>() - 1;
            assert!(length <= DESCRIPTION_MAX, "{function}: {length}");
        }
    });
}

#[test]
fn whoever_invokes_a_function_names_its_alias() {
    with_template(|template| {
        let resources = template.at(&["Resources"]);
        let mut invokers = 0;
        for (name, _, resource) in resources.entries() {
            let is_invoker = match resource.value(&["Type"]) {
                "AWS::Events::Rule"
                | "AWS::Lambda::EventSourceMapping"
                | "AWS::Lambda::Permission"
                | "AWS::Serverless::HttpApi" => true,
                "AWS::CloudWatch::Alarm"
                | "AWS::CloudWatch::Dashboard"
                | "AWS::IAM::ManagedPolicy"
                | "AWS::Serverless::Function" => continue,
                _ => false,
            };
            for text in resource.texts() {
                let functions = text.matches("Function.").count();
                let aliases = text.matches("Function.Alias").count();
                assert_eq!(functions, aliases, "{name}: {text}");
                let is_bare = references(text).iter().any(|it| it.ends_with("Function"));
                assert_eq!(is_bare, aliases > 0, "{name}: {text}");
                assert!(aliases == 0 || is_invoker, "{name}: {text}");
                invokers += aliases;
            }
        }
        assert_eq!(
            invokers, 4,
            "the queue, the schedule, its permission, the authorizer"
        );
    });
}

#[test]
fn traffic_moves_slowly_in_every_way_but_one() {
    with_template(|template| {
        let ways = template.at(&["Parameters", "Deployment", "AllowedValues"]);
        let ways: BTreeSet<&str> = ways
            .texts()
            .into_iter()
            .map(|way| way.trim_start_matches("- "))
            .collect();
        let shifting = template.at(&["Mappings", "Shifting"]);
        let mapped: BTreeSet<&str> = shifting.entries().map(|(way, _, _)| way).collect();
        assert_eq!(mapped, ways);
        for (way, is_shifted, _) in shifting.entries() {
            let expected = format!("{{Enabled: '{}'}}", way != "AllAtOnce");
            assert_eq!(is_shifted, expected, "{way}");
        }
        let default = template.value(&["Parameters", "Deployment", "Default"]);
        assert_eq!(default, "AllAtOnce");
    });
}

#[test]
fn a_stack_that_has_done_nothing_yet_takes_no_version_back() {
    with_template(|template| {
        let preference = ["Globals", "Function", "DeploymentPreference", "Alarms"];
        let alarms = template.at(&preference).texts();
        assert!(alarms.len() >= 2);
        for alarm in alarms {
            let alarm = alarm
                .strip_prefix("- !Ref ")
                .expect("it is one of the template's");
            let missing = ["Resources", alarm, "Properties", "TreatMissingData"];
            assert_eq!(template.value(&missing), "notBreaching", "{alarm}");
        }
    });
}

#[test]
fn names_are_found_in_both_forms() {
    let expected = ["A", "B1", "C"].map(str::to_owned).into();
    assert_eq!(references("[!Ref A, !Sub '${B1} ${C.Arn}']"), expected);
}
