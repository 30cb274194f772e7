//! A lead as it is stored.
//!
//! A lead exists once its list does: an import writes its leads first and its list last,
//! so one that died in between has left leads behind that nobody must see.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use aws_sdk_dynamodb::types::AttributeValue;
use ringfence_core::caps::Country;
use ringfence_core::ids::{BusinessId, LeadId, ListId};
use ringfence_core::phone::PhoneNumber;
use ringfence_core::time::Timestamp;
use ringfence_flows::records::Lead;

use crate::item::{Fields, Item, number, put, text, time, version};
use crate::key::{Key, LEAD, number_of};

/// A lead with everything that was imported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeadRecord {
    pub id: LeadId,
    pub name: String,
    pub phone: Option<PhoneNumber>,
    /// Where the number is, if anybody knows.
    pub country: Option<Country>,
    pub city: Option<String>,
    pub notes: Option<String>,
    pub list: ListId,
    /// The columns that are none of the above, by header.
    pub variables: BTreeMap<String, String>,
    pub created_at: Timestamp,
}

/// The attributes that [`to_lead`] needs.
pub(crate) const OF_LEAD: &str = "sk, v, lead_name, phone, country, list_id, variables";

const NAME: &str = "lead_name";
const PHONE: &str = "phone";
const COUNTRY: &str = "country";
const CITY: &str = "city";
const NOTES: &str = "notes";
const LIST: &str = "list_id";
const VARIABLES: &str = "variables";
const CREATED_AT: &str = "created_at";

pub(crate) fn to_item(business: &BusinessId, lead: &LeadRecord) -> Item {
    let variables = lead.variables.iter();
    let variables = variables.map(|(name, value)| (name.clone(), text(value)));
    let variables = AttributeValue::M(variables.collect());
    let mut item = Key::Lead(business, lead.id).attributes();
    let (name, value) = version();
    put(
        &mut item,
        [
            (name, Some(value)),
            (NAME, Some(text(&lead.name))),
            (PHONE, lead.phone.as_ref().map(|phone| text(phone.expose()))),
            (
                COUNTRY,
                lead.country.map(|country| text(country.to_string())),
            ),
            (CITY, lead.city.as_deref().map(text)),
            (NOTES, lead.notes.as_deref().map(text)),
            (LIST, Some(number(lead.list))),
            (VARIABLES, (!lead.variables.is_empty()).then_some(variables)),
            (CREATED_AT, Some(time(lead.created_at))),
        ],
    );
    item
}

pub(crate) fn from_item(item: &Item) -> Result<LeadRecord> {
    let Lead {
        id,
        name,
        phone,
        country,
        variables,
    } = to_lead(item)?;
    let fields = Fields::inside(item);
    Ok(LeadRecord {
        id,
        name,
        phone,
        country,
        city: fields.text_if_any(CITY)?.map(str::to_owned),
        notes: fields.text_if_any(NOTES)?.map(str::to_owned),
        list: list_of(item)?,
        variables,
        created_at: fields.time(CREATED_AT)?,
    })
}

/// Reads what a call needs of a lead.
pub(crate) fn to_lead(item: &Item) -> Result<Lead> {
    let fields = Fields::of(item).context("failed to read a lead")?;
    Ok(Lead {
        id: id_of(item)?,
        name: fields.text(NAME)?.to_owned(),
        phone: fields.parsed_if_any(PHONE)?,
        country: fields.parsed_if_any(COUNTRY)?,
        variables: variables_of(&fields)?,
    })
}

fn variables_of(fields: &Fields<'_>) -> Result<BTreeMap<String, String>> {
    if !fields.has(VARIABLES) {
        return Ok(BTreeMap::new());
    }
    let variables = fields.map(VARIABLES)?.iter();
    let variables = variables.map(|(name, value)| match value {
        AttributeValue::S(value) => Ok((name.clone(), value.clone())),
        _ => bail!("a variable of a lead is not a string"),
    });
    variables.collect()
}

/// Reads whose item it is.
pub(crate) fn id_of(item: &Item) -> Result<LeadId> {
    LeadId::new(number_of(item, LEAD)?).context("a lead has the number 0")
}

/// Reads the list that a lead came with.
pub(crate) fn list_of(item: &Item) -> Result<ListId> {
    let list: u32 = Fields::inside(item).number(LIST)?;
    ListId::new(list).context("a lead has the list 0")
}

/// Reads a lead's number, if it has one.
pub(crate) fn phone_of(item: &Item) -> Result<Option<PhoneNumber>> {
    Fields::inside(item).parsed_if_any(PHONE)
}

/// Reads when a lead was imported.
pub(crate) fn created_at(item: &Item) -> Result<Timestamp> {
    Fields::inside(item).time(CREATED_AT)
}

#[cfg(test)]
mod tests {
    use proptest::collection::btree_map;
    use proptest::option;
    use proptest::prelude::*;

    use super::*;
    use crate::arbitrary::{business, countries, lead_ids, list_ids, phones, times};
    use crate::item::map;

    fn records() -> impl Strategy<Value = LeadRecord> {
        let who = (
            lead_ids(),
            ".*",
            option::of(phones()),
            option::of(".*"),
            option::of(".*"),
        );
        let rest = (
            list_ids(),
            btree_map(".*", ".*", 0..4),
            times(),
            option::of(countries()),
        );
        (who, rest).prop_map(
            |((id, name, phone, city, notes), (list, variables, created_at, country))| LeadRecord {
                id,
                name,
                phone,
                country,
                city,
                notes,
                list,
                variables,
                created_at,
            },
        )
    }

    proptest! {
        #[test]
        fn a_lead_is_read_as_it_was_written(record in records()) {
            let item = to_item(&business(), &record);
            prop_assert_eq!(from_item(&item).unwrap(), record);
        }
    }

    #[test]
    fn the_stored_form_is_this() {
        let record = LeadRecord {
            id: LeadId::new(45).unwrap(),
            name: "Dana".to_owned(),
            phone: Some("+972501234567".parse().unwrap()),
            country: Some("IL".parse().unwrap()),
            city: Some("Haifa".to_owned()),
            notes: None,
            list: ListId::new(6).unwrap(),
            variables: [("plan".to_owned(), "gold".to_owned())].into(),
            created_at: Timestamp::from_millis(1_731_412_345_678),
        };
        let expected = [
            ("pk", text("LEADS#acme")),
            ("sk", text("LEAD#0000000045")),
            ("v", number(1)),
            ("lead_name", text("Dana")),
            ("phone", text("+972501234567")),
            ("country", text("IL")),
            ("city", text("Haifa")),
            ("list_id", number(6)),
            ("variables", map([("plan", Some(text("gold")))])),
            ("created_at", number(1_731_412_345_678_u64)),
        ];
        let expected = Item::from(expected.map(|(name, value)| (name.to_owned(), value)));
        assert_eq!(to_item(&business(), &record), expected);
    }

    #[test]
    fn what_is_printed_of_a_lead_shows_four_digits_of_its_number() {
        let item = Item::from([
            ("sk".to_owned(), text("LEAD#0000000045")),
            ("v".to_owned(), number(1)),
            ("lead_name".to_owned(), text("Dana")),
            ("phone".to_owned(), text("+972501234567")),
        ]);
        let printed = format!("{:?}", to_lead(&item).unwrap());
        assert!(
            printed.contains("4567") && !printed.contains("34567"),
            "{printed}"
        );
    }

    #[test]
    fn an_error_about_a_number_does_not_repeat_it() {
        let item = Item::from([
            ("sk".to_owned(), text("LEAD#0000000045")),
            ("v".to_owned(), number(1)),
            ("lead_name".to_owned(), text("Dana")),
            ("phone".to_owned(), text("0501234567")),
        ]);
        let error = format!("{:?}", to_lead(&item).unwrap_err());
        assert!(
            error.contains("phone") && !error.contains("0501234567"),
            "{error}"
        );
    }
}
