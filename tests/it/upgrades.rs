//! A table that other versions of the code have written to.

mod recorded;

use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;

use crate::story::{Setting, Story};

/// Changes a business's state as it stands in the table.
async fn rewrite(story: &Story, business: &str, expression: &str, value: Option<AttributeValue>) {
    let client = story.stack.plan.dynamo.client();
    let update = client
        .update_item()
        .table_name(&story.stack.plan.table)
        .key("pk", AttributeValue::S(format!("BIZ#{business}")))
        .key("sk", AttributeValue::S("STATE".to_owned()))
        .update_expression(expression);
    let update = match value {
        Some(value) => update.expression_attribute_values(":it", value),
        None => update,
    };
    update.send().await.expect("the table takes it");
}

#[tokio::test(start_paused = true)]
async fn a_run_that_an_older_version_has_begun_is_called_to_its_end() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(2).await;
    let leads = story.import(&office, 6).await;
    let run = story.start_run(&office, &leads).await;
    story.wait(10).await;
    // As a state was before it had bounds.
    rewrite(&story, office.id.as_str(), "REMOVE spend", None).await;
    let end = story.end_of(&office, run, Duration::from_secs(200)).await;
    assert_eq!(end["completed"], 6, "{end}");
    story.assert_promise(2);
}

#[tokio::test(start_paused = true)]
async fn what_a_newer_version_has_added_to_a_state_outlives_the_writes_of_this_one() {
    let mut story = Setting::plain().begin().await;
    let office = story.open(2).await;
    let leads = story.import(&office, 4).await;
    let later = AttributeValue::S("kept".to_owned());
    let expression = "SET later = :it";
    rewrite(&story, office.id.as_str(), expression, Some(later.clone())).await;
    let run = story.start_run(&office, &leads).await;
    story.end_of(&office, run, Duration::from_secs(200)).await;
    let client = story.stack.plan.dynamo.client();
    let found = client
        .get_item()
        .table_name(&story.stack.plan.table)
        .key("pk", AttributeValue::S(format!("BIZ#{}", office.id)))
        .key("sk", AttributeValue::S("STATE".to_owned()))
        .send()
        .await
        .expect("the table answers");
    assert_eq!(found.item().expect("it is there")["later"], later);
}
