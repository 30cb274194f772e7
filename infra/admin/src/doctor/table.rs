//! Whether the table is as the ledger needs it, and kept as it should be.

use anyhow::{Context, Result};
use aws_sdk_dynamodb::types::{
    IndexStatus, KeySchemaElement, KeyType, PointInTimeRecoveryStatus, ProjectionType,
    TableDescription, TableStatus, TimeToLiveStatus,
};
use ringfence_ledger::table::{EXPIRES, PK, SK, WORK, WORK_INDEX, WORK_SHARDS};

use super::report::Finding;
use crate::target::Place;

const TABLE: &str = "table";
const INDEX: &str = "index work";
const EXPIRY: &str = "table, expiry";
const RECOVERY: &str = "table, recovery";
const PROTECTION: &str = "table, protection";
const STREAM: &str = "table, stream";

/// What to do about a table that was not made by the template.
const REMAKE: &str = "deploy the template's table; keys and indexes of this one cannot be changed";

pub(super) async fn check(place: &Place) -> Vec<Finding> {
    let described = place.dynamo.describe_table().table_name(&place.table);
    let described = match described.send().await.context("DescribeTable") {
        Ok(described) => described
            .table
            .unwrap_or_else(|| TableDescription::builder().build()),
        Err(error) => {
            let seen = format!("{} could not be read: {error:#}", place.table);
            let todo = "see whether --table, --region and the credentials are right";
            return vec![Finding::fail(TABLE, seen, todo)];
        }
    };
    let mut findings = vec![table(&described), index(place, &described).await];
    findings.push(match expiry(place).await {
        Ok(finding) => finding,
        Err(error) => Finding::unknown(EXPIRY, &error),
    });
    findings.push(stream(&described));
    if place.is_embedded {
        for check in [RECOVERY, PROTECTION] {
            findings.push(Finding::skipped(check, "the embedded DynamoDB has none"));
        }
        return findings;
    }
    findings.push(match recovery(place).await {
        Ok(finding) => finding,
        Err(error) => Finding::unknown(RECOVERY, &error),
    });
    findings.push(match described.deletion_protection_enabled() {
        Some(true) => Finding::ok(PROTECTION, "it cannot be deleted by mistake"),
        Some(false) | None => {
            let todo = "set DeletionProtectionEnabled";
            Finding::warn(PROTECTION, "it can be deleted by mistake", todo)
        }
    });
    findings
}

/// Whether a table or an index has these two keys.
fn has_keys(schema: &[KeySchemaElement], hash: &str, range: &str) -> bool {
    let has = |name: &str, kind: &KeyType| {
        let mut keys = schema.iter();
        keys.any(|key| key.attribute_name() == name && key.key_type() == kind)
    };
    schema.len() == 2 && has(hash, &KeyType::Hash) && has(range, &KeyType::Range)
}

fn table(described: &TableDescription) -> Finding {
    if !has_keys(described.key_schema(), PK, SK) {
        return Finding::fail(TABLE, format!("its keys are not {PK} and {SK}"), REMAKE);
    }
    match described.table_status() {
        Some(TableStatus::Active | TableStatus::Updating) => {
            Finding::ok(TABLE, "its keys are right")
        }
        status => {
            let todo = "wait, or see what became of it in the DynamoDB console";
            Finding::fail(TABLE, format!("its status is {status:?}"), todo)
        }
    }
}

/// Looks at the index as the sweep does.
async fn index(place: &Place, described: &TableDescription) -> Finding {
    let mut indexes = described.global_secondary_indexes().iter();
    let Some(index) = indexes.find(|index| index.index_name() == Some(WORK_INDEX)) else {
        return Finding::fail(INDEX, "it is missing, so the sweep finds nobody", REMAKE);
    };
    let projects = index.projection().and_then(|it| it.projection_type());
    if !has_keys(index.key_schema(), WORK, PK) || projects != Some(&ProjectionType::KeysOnly) {
        return Finding::fail(
            INDEX,
            format!("it is not {WORK} and {PK}, keys only"),
            REMAKE,
        );
    }
    let is_active = index
        .index_status()
        .is_none_or(|status| *status == IndexStatus::Active);
    if !is_active {
        let seen = format!("its status is {:?}", index.index_status());
        return Finding::fail(INDEX, seen, "wait until it is built");
    }
    let (ledger, mut businesses) = (place.ledger(), 0);
    for shard in 0..WORK_SHARDS {
        match ledger.businesses_with_work(shard, None).await {
            Ok(page) => businesses += page.items.len(),
            Err(error) => return Finding::unknown(INDEX, &error),
        }
    }
    Finding::ok(
        INDEX,
        format!("it can be read: {businesses} businesses have work"),
    )
}

async fn expiry(place: &Place) -> Result<Finding> {
    let described = place.dynamo.describe_time_to_live();
    let described = described.table_name(&place.table).send().await;
    let described = described.context("DescribeTimeToLive")?;
    let expiry = described.time_to_live_description();
    let is_right = expiry.is_some_and(|it| {
        let status = it.time_to_live_status();
        let is_on = matches!(
            status,
            Some(TimeToLiveStatus::Enabled | TimeToLiveStatus::Enabling)
        );
        is_on && it.attribute_name() == Some(EXPIRES)
    });
    Ok(if is_right {
        Finding::ok(EXPIRY, format!("records go at their {EXPIRES}"))
    } else {
        let todo = format!("switch time to live on, with the attribute {EXPIRES}");
        Finding::warn(EXPIRY, "records that are done with stay for ever", todo)
    })
}

fn stream(described: &TableDescription) -> Finding {
    let stream = described.stream_specification();
    if stream.is_some_and(|stream| stream.stream_enabled()) {
        let todo = "switch it off unless somebody reads it: it has every number, and the bill too";
        Finding::warn(STREAM, "it is on, and nothing of ours reads it", todo)
    } else {
        Finding::ok(STREAM, "it is off")
    }
}

async fn recovery(place: &Place) -> Result<Finding> {
    let described = place.dynamo.describe_continuous_backups();
    let described = described.table_name(&place.table).send().await;
    let described = described.context("DescribeContinuousBackups")?;
    let backups = described.continuous_backups_description();
    let status = backups
        .and_then(|it| it.point_in_time_recovery_description())
        .and_then(|it| it.point_in_time_recovery_status());
    Ok(if status == Some(&PointInTimeRecoveryStatus::Enabled) {
        Finding::ok(RECOVERY, "any moment of the last weeks can be restored")
    } else {
        let todo = "switch point-in-time recovery on";
        Finding::warn(RECOVERY, "nothing can be restored", todo)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Verdict;

    fn key(name: &str, kind: KeyType) -> KeySchemaElement {
        let key = KeySchemaElement::builder()
            .attribute_name(name)
            .key_type(kind);
        key.build().unwrap()
    }

    #[track_caller]
    fn check(keys: &[KeySchemaElement], status: TableStatus, expected: Verdict) {
        let described = TableDescription::builder()
            .set_key_schema(Some(keys.to_vec()))
            .table_status(status)
            .build();
        assert_eq!(table(&described).verdict, expected);
    }

    #[test]
    fn a_table_with_other_keys_or_on_its_way_out_fails() {
        let keys = [key(PK, KeyType::Hash), key(SK, KeyType::Range)];
        check(&keys, TableStatus::Active, Verdict::Ok);
        check(&keys, TableStatus::Deleting, Verdict::Fail);
        check(&keys[..1], TableStatus::Active, Verdict::Fail);
        let swapped = [key(SK, KeyType::Hash), key(PK, KeyType::Range)];
        check(&swapped, TableStatus::Active, Verdict::Fail);
    }
}
