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

/// Which parameter wants which other one.
fn wanted() -> BTreeSet<(String, String)> {
    with_template(|template| {
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
    })
}

#[test]
fn what_is_nothing_without_another_comes_with_it_or_not_at_all() {
    let pairs = [
        ("ApiDomain", "ApiCertificateArn"),
        ("JwtIssuer", "JwtAudience"),
    ];
    let both_ways = pairs
        .into_iter()
        .flat_map(|(one, other)| [(one, other), (other, one)]);
    let expected: BTreeSet<_> = both_ways
        .map(|(one, other)| (one.to_owned(), other.to_owned()))
        .collect();
    assert_eq!(wanted(), expected);

    // The authorizer itself is as strict.
    for only in ["JWT_ISSUER", "JWT_AUDIENCE"] {
        let lookup = |name: &str| (name == only).then(|| "https://login.example/".to_owned());
        assert!(Trusted::from_env(&lookup).is_err(), "{only}");
    }
}

#[test]
fn a_domain_of_ones_own_leads_to_the_api_and_is_made_where_one_is_given() {
    with_template(|template| {
        let condition = template.value(&["Conditions", "HasDomain"]);
        assert_eq!(given(condition), "ApiCertificateArn");
        for part in ["ApiDomainName", "ApiDomainMapping"] {
            let resource = template.at(&["Resources", part]);
            assert_eq!(resource.value(&["Condition"]), "HasDomain", "{part}");
        }
        let mapping = template.at(&["Resources", "ApiDomainMapping", "Properties"]);
        assert_eq!(mapping.value(&["ApiId"]), "!Ref Api");
        assert_eq!(mapping.value(&["DomainName"]), "!Ref ApiDomainName");
        let domain = template.at(&["Resources", "ApiDomainName", "Properties"]);
        assert_eq!(domain.value(&["DomainName"]), "!Ref ApiDomain");
        let served = domain.at(&["DomainNameConfigurations"]).texts();
        assert!(served.contains(&"SecurityPolicy: TLS_1_2"), "{served:?}");
    });
}
