//! What a business has set, as far as it decides nothing: its limit and the number that
//! calls come from are in its state, where they are compared with the leases.

use anyhow::{Context, Result};
use aws_sdk_dynamodb::types::AttributeValue;
use ringfence_core::ids::BusinessId;
use ringfence_core::time::Timestamp;

use crate::item::{Fields, Item, put, text, time, version};
use crate::key::Key;

/// The settings of a business.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BusinessConfig {
    pub name: String,
    /// The country that its leads' numbers are in unless they say otherwise.
    pub region: String,
    /// An IANA name.
    pub time_zone: String,
    /// What is said to whoever answers, as JSON that means nothing here.
    pub call_flow: String,
    pub created_at: Timestamp,
}

/// What is to change of the settings. What is not said stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConfigChange {
    pub name: Option<String>,
    pub region: Option<String>,
    pub time_zone: Option<String>,
    pub call_flow: Option<String>,
}

impl ConfigChange {
    /// The attributes that change, with what they become.
    pub(crate) fn attributes(&self) -> impl Iterator<Item = (&'static str, AttributeValue)> {
        let all = [
            (NAME, &self.name),
            (REGION, &self.region),
            (TIME_ZONE, &self.time_zone),
            (CALL_FLOW, &self.call_flow),
        ];
        let said = all.map(|(name, value)| value.as_ref().map(|value| (name, text(value))));
        said.into_iter().flatten()
    }
}

const NAME: &str = "business_name";
const REGION: &str = "region_code";
const TIME_ZONE: &str = "time_zone";
const CALL_FLOW: &str = "call_flow";
const CREATED_AT: &str = "created_at";

pub(crate) fn to_item(business: &BusinessId, config: &BusinessConfig) -> Item {
    let mut item = Key::Config(business).attributes();
    let (name, value) = version();
    put(
        &mut item,
        [
            (name, Some(value)),
            (NAME, Some(text(&config.name))),
            (REGION, Some(text(&config.region))),
            (TIME_ZONE, Some(text(&config.time_zone))),
            (CALL_FLOW, Some(text(&config.call_flow))),
            (CREATED_AT, Some(time(config.created_at))),
        ],
    );
    item
}

pub(crate) fn from_item(item: &Item) -> Result<BusinessConfig> {
    let fields = Fields::of(item).context("failed to read a business")?;
    Ok(BusinessConfig {
        name: fields.text(NAME)?.to_owned(),
        region: fields.text(REGION)?.to_owned(),
        time_zone: fields.text(TIME_ZONE)?.to_owned(),
        call_flow: fields.text(CALL_FLOW)?.to_owned(),
        created_at: fields.time(CREATED_AT)?,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::arbitrary::{business, times};
    use crate::item::number;

    proptest! {
        #[test]
        fn a_business_is_read_as_it_was_written(
            [name, region, time_zone, call_flow] in [".*", ".*", ".*", ".*"], created_at in times(),
        ) {
            let config = BusinessConfig { name, region, time_zone, call_flow, created_at };
            prop_assert_eq!(from_item(&to_item(&business(), &config)).unwrap(), config);
        }
    }

    #[test]
    fn the_stored_form_is_this() {
        let config = BusinessConfig {
            name: "Acme".to_owned(),
            region: "IL".to_owned(),
            time_zone: "Asia/Jerusalem".to_owned(),
            call_flow: r#"{"kind":"say"}"#.to_owned(),
            created_at: Timestamp::from_millis(1_731_412_345_678),
        };
        let expected = [
            ("pk", text("BIZ#acme")),
            ("sk", text("CONFIG")),
            ("v", number(1)),
            ("business_name", text("Acme")),
            ("region_code", text("IL")),
            ("time_zone", text("Asia/Jerusalem")),
            ("call_flow", text(r#"{"kind":"say"}"#)),
            ("created_at", number(1_731_412_345_678_u64)),
        ];
        let expected = Item::from(expected.map(|(name, value)| (name.to_owned(), value)));
        assert_eq!(to_item(&business(), &config), expected);
    }
}
