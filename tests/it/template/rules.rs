//! Parameters that are nothing without each other are refused before anything is deployed.

use std::collections::BTreeSet;

use authorizer::tokens::Trusted;

use super::with_template;

/// The parameter that such a condition wants to be given.
fn given(condition: &str) -> &str {
    let parameter = condition.strip_prefix("!Not [!Equals [!Ref ");
    let parameter = parameter.and_then(|rest| rest.strip_suffix(", '']]"));
    parameter.expect("a rule asks whether a parameter is given")
}

#[test]
fn an_issuer_comes_with_an_audience_or_not_at_all() {
    let pairs: BTreeSet<(String, String)> = with_template(|template| {
        let rules = template.at(&["Rules"]).entries();
        let pairs = rules.map(|(_, _, rule)| {
            let wanted = rule.at(&["Assertions"]).entries();
            let wanted = wanted.filter(|(key, _, _)| *key == "- Assert");
            let wanted: Vec<&str> = wanted.map(|(_, value, _)| given(value)).collect();
            let [wanted] = wanted[..] else {
                panic!("a rule wants one thing: {wanted:?}")
            };
            let condition = given(rule.value(&["RuleCondition"]));
            (condition.to_owned(), wanted.to_owned())
        });
        pairs.collect()
    });
    let both = [("JwtIssuer", "JwtAudience"), ("JwtAudience", "JwtIssuer")];
    let both = both.map(|(one, other)| (one.to_owned(), other.to_owned()));
    assert_eq!(pairs, BTreeSet::from(both));

    // The authorizer itself is as strict.
    for only in ["JWT_ISSUER", "JWT_AUDIENCE"] {
        let lookup = |name: &str| (name == only).then(|| "https://login.example/".to_owned());
        assert!(Trusted::from_env(&lookup).is_err(), "{only}");
    }
}
