use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::get_item::GetItemOutput;
use aws_sdk_dynamodb::operation::query::QueryOutput;
use aws_sdk_dynamodb::operation::update_item::UpdateItemOutput;
use aws_smithy_mocks::mock;
use ringfence_core::state::State;

use super::*;
use crate::arbitrary::{business, call_id};
use crate::item::version;
use crate::mocked;

const NOW: Timestamp = Timestamp::from_millis(1_731_412_345_678);

fn erasure(done: Option<CallId>) -> Erasure {
    Erasure {
        lead: LeadId::new(45),
        number: Some("AAAAAAAAAAAAAAAAAAAAAA".parse().unwrap()),
        done,
    }
}

/// A page without calls that is not the last.
fn page_up_to(call: CallId) -> QueryOutput {
    let last = Key::Call(&business(), call).attributes();
    QueryOutput::builder()
        .set_items(Some(Vec::new()))
        .set_last_evaluated_key(Some(last))
        .build()
}

#[tokio::test]
async fn a_long_history_is_erased_in_parts_and_the_next_goes_on() {
    let far = mock!(Client::query).then_output(|| page_up_to(call_id(7)));
    let keep = mock!(Client::update_item)
        .match_requests(|request| {
            let values = request.expression_attribute_values().unwrap();
            let names = request.expression_attribute_names().unwrap();
            values[":value"] == text(call_id(7).to_string()) && names["#what"] == "done"
        })
        .then_output(|| UpdateItemOutput::builder().build());
    let ledger = mocked::ledger(&[&far, &keep, &mocked::reads(None)]);
    let erased = ledger.erase_calls(&business(), &erasure(None), NOW).await;
    let part = Erased {
        count: 0,
        is_complete: false,
    };
    assert_eq!(erased.unwrap(), part);
    assert_eq!(far.num_calls(), LOOKS_MAX as usize);
    assert_eq!(keep.num_calls(), 1);

    // It is told where that was, and reads on from there.
    let begun = mock!(Client::get_item).then_output(|| {
        let item = [
            ("v", version().1),
            ("number", text("AAAAAAAAAAAAAAAAAAAAAA")),
            ("done", text(call_id(7).to_string())),
        ];
        let item = Item::from(item.map(|(name, value)| (name.to_owned(), value)));
        GetItemOutput::builder().set_item(Some(item)).build()
    });
    let ledger = mocked::ledger(&[&begun]);
    let state = State::new(3);
    let lead = LeadId::new(45).unwrap();
    let sought = ledger.erasure_of_lead(&business(), &state, lead).await;
    let goes_on = erasure(Some(call_id(7)));
    assert_eq!(sought.unwrap(), Sought::Found(goes_on.clone()));
    let rest = mock!(Client::query)
        .match_requests(|request| {
            let from = Key::Call(&business(), call_id(7)).attributes();
            request.exclusive_start_key() == Some(&from)
        })
        .then_output(|| page_up_to(call_id(8)));
    let ledger = mocked::ledger(&[
        &rest,
        &mock!(Client::query).then_output(|| page_up_to(call_id(9))),
        &mock!(Client::update_item).then_output(|| UpdateItemOutput::builder().build()),
        &mocked::reads(None),
    ]);
    let erased = ledger.erase_calls(&business(), &goes_on, NOW).await;
    assert!(!erased.unwrap().is_complete);
    assert_eq!(rest.num_calls(), 1);
}

#[tokio::test]
async fn nobody_is_looked_for_without_bound() {
    let far = mock!(Client::query).then_output(|| page_up_to(call_id(7)));
    let keep = mock!(Client::update_item)
        .match_requests(|request| {
            let names = request.expression_attribute_names().unwrap();
            names["#what"] == "searched"
        })
        .then_output(|| UpdateItemOutput::builder().build());
    let none = mock!(Client::batch_get_item).then_output(|| {
        aws_sdk_dynamodb::operation::batch_get_item::BatchGetItemOutput::builder().build()
    });
    let ledger = mocked::ledger(&[&far, &keep, &none, &mocked::reads(None)]);
    let (state, lead) = (State::new(3), LeadId::new(45).unwrap());
    let sought = ledger.erasure_of_lead(&business(), &state, lead).await;
    assert_eq!(sought.unwrap(), Sought::Further);
    assert_eq!(far.num_calls(), LOOKS_MAX as usize);
    assert_eq!(keep.num_calls(), 1);
}
