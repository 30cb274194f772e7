use proptest::option;
use proptest::prelude::*;

use super::*;
use crate::arbitrary::{business, phones, times};
use crate::item::{Item, number};

proptest! {
    #[test]
    fn an_entry_is_read_as_it_was_written(
        phone in option::of(phones()), key: [u8; 32], other in phones(),
        reason in option::of(".*"), source in option::of(".*"), added_at in times(), added_by in ".*",
    ) {
        let id = HashKey(key).hash(&other);
        let entry = DoNotCallEntry { id, phone, reason, source, added_at, added_by };
        prop_assert_eq!(from_item(&to_item(&business(), &entry)).unwrap(), entry);
    }
}

#[test]
fn the_stored_form_is_this() {
    let entry = DoNotCallEntry {
        id: HashKey([7; 32]).hash(&"+972501234567".parse().unwrap()),
        phone: Some("+972501234567".parse().unwrap()),
        reason: Some("asked".to_owned()),
        source: None,
        added_at: Timestamp::from_millis(1_731_412_345_678),
        added_by: "k1".to_owned(),
    };
    let item = to_item(&business(), &entry);
    let expected = [
        ("pk", text("DNC#acme")),
        ("sk", text(format!("NUM#{}", entry.id.as_str()))),
        ("v", number(1)),
        ("phone", text("+972501234567")),
        ("why", text("asked")),
        ("added_at", number(1_731_412_345_678_u64)),
        ("added_by", text("k1")),
    ];
    let expected = Item::from(expected.map(|(name, value)| (name.to_owned(), value)));
    assert_eq!(item, expected);
    assert_eq!(entry.id.as_str().len(), 22);
}

#[test]
fn another_key_or_number_is_another_hash() {
    let numbers = ["+972501234567", "+972501234568"].map(|text| text.parse().unwrap());
    let one = HashKey([1; 32]).hash(&numbers[0]);
    assert_eq!(one, HashKey([1; 32]).hash(&numbers[0]));
    assert_ne!(one, HashKey([2; 32]).hash(&numbers[0]));
    assert_ne!(one, HashKey([1; 32]).hash(&numbers[1]));
}

#[test]
fn other_texts_name_no_entry() {
    for text in [
        "",
        "a",
        "STATE",
        "AAAAAAAAAAAAAAAAAAAAAAA",
        "AAAA#AAAAAAAAAAAAAAAAA",
    ] {
        assert!(text.parse::<EntryId>().is_err(), "{text}");
    }
}
