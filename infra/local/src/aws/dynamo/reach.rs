//! Reads off which partitions a request reaches, as AWS holds them against `dynamodb:LeadingKeys`.

use ringfence_ledger::table::PK;
use serde_json::Value;

use super::bill::actions;

/// The kinds of partitions that a request reaches: what stands before the first `#` of each.
/// A request of an index reaches none.
pub(super) fn partitions(request: &Value) -> Vec<String> {
    let asked = request["RequestItems"].as_object().into_iter().flatten();
    let asked = asked.flat_map(|(_, of_table)| {
        let gets = of_table["Keys"].as_array().into_iter().flatten();
        let writes = of_table.as_array().into_iter().flatten();
        let writes = writes.filter_map(|write| write.as_object()?.values().next());
        gets.map(|key| &key[PK])
            .chain(writes.filter_map(|write| key(write)))
    });
    let queried = &request["ExpressionAttributeValues"][":pk"];
    let all = asked
        .chain(actions(request).filter_map(key))
        .chain(key(request))
        .chain([queried]);
    all.filter_map(|key| key["S"].as_str())
        .map(|key| key.split('#').next().unwrap_or_default().to_owned())
        .collect()
}

/// The partition key of what is read, written or deleted.
fn key(one: &Value) -> Option<&Value> {
    ["Key", "Item"]
        .into_iter()
        .find_map(|part| one.get(part)?.get(PK))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(request: &Value, expected: &[&str]) {
        assert_eq!(partitions(request), expected, "{request}");
    }

    #[test]
    fn every_form_of_request_tells_its_partitions() {
        let key = |pk: &str| json!({ "pk": { "S": pk }, "sk": { "S": "A#1" } });
        check(&json!({ "Key": key("KEY#1") }), &["KEY"]);
        check(&json!({ "Item": key("BIZ#a#b") }), &["BIZ"]);
        let keys = [key("BIZ#1"), key("LEADS#1")];
        let get = json!({ "RequestItems": { "table": { "Keys": keys } } });
        check(&get, &["BIZ", "LEADS"]);
        let put = json!({ "PutRequest": { "Item": key("ROSTER#1") } });
        let delete = json!({ "DeleteRequest": { "Key": key("DNC#1") } });
        let write = json!({ "RequestItems": { "table": [put, delete] } });
        check(&write, &["ROSTER", "DNC"]);
        let put = json!({ "Put": { "Item": key("KEY#1") } });
        let checked = json!({ "ConditionCheck": { "Key": key("BIZ#1") } });
        check(&json!({ "TransactItems": [put, checked] }), &["KEY", "BIZ"]);
        let values = json!({ ":pk": { "S": "BIZ#1" }, ":sk": { "S": "KEY#" } });
        check(&json!({ "ExpressionAttributeValues": values }), &["BIZ"]);
        check(&json!({ "IndexName": "work" }), &[]);
    }
}
