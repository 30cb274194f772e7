//! An imported list as it is stored. Written last by its import, it makes its leads exist.

use anyhow::{Context, Result};
use ringfence_core::ids::{BusinessId, ListId, RosterId};
use ringfence_core::time::Timestamp;
use uuid::Uuid;

use crate::item::{Fields, Item, bytes, number, put, text, time, version};
use crate::key::{Key, LIST, number_of};

/// An imported list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListRecord {
    pub id: ListId,
    pub name: String,
    /// How many leads were imported; some may have been deleted since.
    pub count: u32,
    /// Its leads in the order of the file, ready to be a run's.
    pub roster: RosterId,
    pub created_at: Timestamp,
}

const NAME: &str = "list_name";
const COUNT: &str = "leads";
const ROSTER: &str = "roster";
const CREATED_AT: &str = "created_at";

pub(crate) fn to_item(business: &BusinessId, list: &ListRecord) -> Item {
    let mut item = Key::List(business, list.id).attributes();
    let (name, value) = version();
    put(
        &mut item,
        [
            (name, Some(value)),
            (NAME, Some(text(&list.name))),
            (COUNT, Some(number(list.count))),
            (ROSTER, Some(bytes(*list.roster.uuid().as_bytes()))),
            (CREATED_AT, Some(time(list.created_at))),
        ],
    );
    item
}

pub(crate) fn from_item(item: &Item) -> Result<ListRecord> {
    let fields = Fields::of(item).context("failed to read a list")?;
    Ok(ListRecord {
        id: id_of(item)?,
        name: fields.text(NAME)?.to_owned(),
        count: fields.number(COUNT)?,
        roster: RosterId::new(Uuid::from_bytes(fields.array(ROSTER)?)),
        created_at: fields.time(CREATED_AT)?,
    })
}

/// Reads whose item it is.
pub(crate) fn id_of(item: &Item) -> Result<ListId> {
    ListId::new(number_of(item, LIST)?).context("a list has the number 0")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::arbitrary::{business, list_ids, rosters, times};

    proptest! {
        #[test]
        fn a_list_is_read_as_it_was_written(
            id in list_ids(), name in ".*", count: u32, roster in rosters(), created_at in times(),
        ) {
            let list = ListRecord { id, name, count, roster, created_at };
            prop_assert_eq!(from_item(&to_item(&business(), &list)).unwrap(), list);
        }
    }

    #[test]
    fn the_stored_form_is_this() {
        let list = ListRecord {
            id: ListId::new(6).unwrap(),
            name: "spring".to_owned(),
            count: 100,
            roster: RosterId::new(Uuid::from_u128(0xab)),
            created_at: Timestamp::from_millis(1_731_412_345_678),
        };
        let expected = [
            ("pk", text("BIZ#acme")),
            ("sk", text("LIST#0000000006")),
            ("v", number(1)),
            ("list_name", text("spring")),
            ("leads", number(100)),
            ("roster", bytes(0xab_u128.to_be_bytes())),
            ("created_at", number(1_731_412_345_678_u64)),
        ];
        let expected = Item::from(expected.map(|(name, value)| (name.to_owned(), value)));
        assert_eq!(to_item(&business(), &list), expected);
    }
}
