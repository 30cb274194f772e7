//! Where each record lies. The variants are the schema of the table.
//!
//! Everything of a business is under `BIZ#<business>` and its leads are under
//! `LEADS#<business>`, so a key made for one business cannot reach another's records,
//! whatever its second part says. The leads are apart because an import writes as many as
//! it can: a partition takes a thousand writes a second, and the state must not wait for one.

use aws_sdk_dynamodb::types::AttributeValue;
use ringfence_core::ids::{BusinessId, CallId, LeadId, ListId, RosterId, RunId};
use sha2::{Digest, Sha256};

use crate::item::{Item, text};
use crate::table::{PK, SK};
use crate::upload::UploadId;

/// The key of one record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Key<'a> {
    /// `BIZ#<business>` / `STATE`: the limit, the leases, the runs. Decides; see `state.rs`.
    State(&'a BusinessId),
    /// `BIZ#<business>` / `RUN#<run, 10 digits>`: one run, for lists and after its end.
    Run(&'a BusinessId, RunId),
    /// `BIZ#<business>` / `REQ#<SHA-256 of the key, hex>`: what an `Idempotency-Key`
    /// has started. Expires.
    Request(&'a BusinessId, &'a str),
    /// `BIZ#<business>` / `CALL#<call id>`: one call. Call ids begin with their time, so
    /// the order of the keys is the order of the claims.
    Call(&'a BusinessId, CallId),
    /// `BIZ#<business>` / `CLEANUP`: when somebody last settled by hand.
    Cleanup(&'a BusinessId),
    /// `BIZ#<business>` / `CONFIG`: name, region, call flow. What exists has one.
    Config(&'a BusinessId),
    /// `LEADS#<business>` / `LEAD#<lead, 10 digits>`: one lead. It exists once its list does.
    Lead(&'a BusinessId, LeadId),
    /// `BIZ#<business>` / `LIST#<list, 10 digits>`: one imported list.
    List(&'a BusinessId, ListId),
    /// `BIZ#<business>` / `UPLOAD#<upload>`: a file that may come, or came, past the API.
    /// Expires.
    Upload(&'a BusinessId, UploadId),
    /// `BIZ#<business>` / `ERASURE#<lead, 10 digits, or an entry's id>`: how far the erasure
    /// of a person is.
    Erasure(&'a BusinessId, &'a str),
    /// `BIZ#<business>` / `COUNTERS`: the next numbers, and how many leads there are.
    Counters(&'a BusinessId),
    /// `BIZ#<business>` / `GONE`: that the business was deleted. Stays for ever, so that
    /// its id is never used again.
    Gone(&'a BusinessId),
    /// `DNC#<business>` / `NUM#<keyed hash, base64url>`: a number that must not be called.
    Number(&'a BusinessId, &'a str),
    /// `DNC#<business>` / `KEY`: the key of those hashes.
    Hashes(&'a BusinessId),
    /// `BIZ#<business>` / `APIKEY#<key id>`: that a key of the business exists, for lists.
    CredentialOf(&'a BusinessId, &'a str),
    /// `KEY#<key id>` / `KEY`: an API key, found without knowing whose it is.
    Credential(&'a str),
    /// `ROSTER#<roster>` / `<page, 5 digits>`: 1,024 lead ids in dial order. Never changes.
    RosterPage(RosterId, u32),
}

impl Key<'_> {
    /// The partition.
    pub(crate) fn pk(self) -> String {
        match self {
            Self::State(business)
            | Self::Run(business, _)
            | Self::Request(business, _)
            | Self::Call(business, _)
            | Self::Cleanup(business)
            | Self::Config(business)
            | Self::List(business, _)
            | Self::Upload(business, _)
            | Self::Erasure(business, _)
            | Self::Counters(business)
            | Self::Gone(business)
            | Self::CredentialOf(business, _) => partition(business),
            Self::Lead(business, _) => leads_partition(business),
            Self::Number(business, _) | Self::Hashes(business) => do_not_call_partition(business),
            Self::Credential(key_id) => format!("{KEYS}{key_id}"),
            Self::RosterPage(roster, _) => format!("ROSTER#{roster}"),
        }
    }

    /// The place in the partition.
    pub(crate) fn sk(self) -> String {
        match self {
            Self::State(_) => STATE.to_owned(),
            Self::Run(_, run) => format!("{RUN}{:010}", run.get()),
            Self::Request(_, key) => format!("REQ#{}", hex(&Sha256::digest(key))),
            Self::Call(_, call) => format!("{CALL}{call}"),
            Self::Cleanup(_) => "CLEANUP".to_owned(),
            Self::Config(_) => "CONFIG".to_owned(),
            Self::Lead(_, lead) => format!("{LEAD}{:010}", lead.get()),
            Self::List(_, list) => format!("{LIST}{:010}", list.get()),
            Self::Upload(_, upload) => format!("UPLOAD#{upload}"),
            Self::Erasure(_, of) => format!("ERASURE#{of}"),
            Self::Counters(_) => "COUNTERS".to_owned(),
            Self::Gone(_) => GONE.to_owned(),
            Self::Number(_, hash) => format!("{NUMBER}{hash}"),
            Self::CredentialOf(_, key_id) => format!("{API_KEY}{key_id}"),
            Self::Hashes(_) | Self::Credential(_) => "KEY".to_owned(),
            Self::RosterPage(_, page) => format!("{page:05}"),
        }
    }

    /// Both parts, as requests take them.
    pub(crate) fn attributes(self) -> Item {
        [(PK, self.pk()), (SK, self.sk())]
            .map(|(name, value)| (name.to_owned(), text(value)))
            .into()
    }
}

/// The partition of everything that belongs to a business, but for its leads.
pub(crate) fn partition(business: &BusinessId) -> String {
    format!("{BUSINESS}{business}")
}

/// The partition of a business's leads.
pub(crate) fn leads_partition(business: &BusinessId) -> String {
    format!("LEADS#{business}")
}

/// The partition of a business's do-not-call list.
pub(crate) fn do_not_call_partition(business: &BusinessId) -> String {
    format!("DNC#{business}")
}

/// Starts every partition of a business.
pub(crate) const BUSINESS: &str = "BIZ#";
/// Starts the partition of every API key.
pub(crate) const KEYS: &str = "KEY#";
/// The whole second part of a state's key.
pub(crate) const STATE: &str = "STATE";
/// The whole second part of the key of what stays of a deleted business.
pub(crate) const GONE: &str = "GONE";
/// Starts the second part of a run's key.
pub(crate) const RUN: &str = "RUN#";
/// Starts the second part of a call's key.
pub(crate) const CALL: &str = "CALL#";
/// Starts the second part of a lead's key.
pub(crate) const LEAD: &str = "LEAD#";
/// Starts the second part of a list's key.
pub(crate) const LIST: &str = "LIST#";
/// Starts the second part of the key of a number that must not be called.
pub(crate) const NUMBER: &str = "NUM#";
/// Starts the second part of the listing of an API key.
pub(crate) const API_KEY: &str = "APIKEY#";
/// Follows every second part that begins with one of the above: digits and letters come before it.
pub(crate) const LAST: &str = "~";

/// Reads the number or name behind `prefix` in an item's second key part.
pub(crate) fn id_of<'a>(item: &'a Item, prefix: &str) -> anyhow::Result<&'a str> {
    item.get(SK)
        .and_then(|value| AttributeValue::as_s(value).ok())
        .and_then(|sk| sk.strip_prefix(prefix))
        .ok_or_else(|| anyhow::anyhow!("a key does not begin with {prefix}"))
}

/// Reads a counted id behind `prefix`: [`Key`] pads it with zeros.
pub(crate) fn number_of(item: &Item, prefix: &'static str) -> anyhow::Result<u32> {
    let digits = id_of(item, prefix)?;
    digits
        .parse()
        .map_err(|_| anyhow::anyhow!("a key beginning with {prefix} has no number"))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[track_caller]
    fn check(key: Key<'_>, pk: &str, sk: &str) {
        assert_eq!((key.pk().as_str(), key.sk().as_str()), (pk, sk));
    }

    #[test]
    fn every_record_lies_where_the_schema_says() {
        let acme: BusinessId = "acme".parse().unwrap();
        let call = "01932c07-a5d4-7000-8000-00000000abcd".parse().unwrap();
        let roster = RosterId::new(Uuid::from_u128(0xab));
        let (run, lead) = (RunId::new(123).unwrap(), LeadId::new(45).unwrap());
        let list = ListId::new(6).unwrap();
        let pk = "BIZ#acme";
        check(Key::State(&acme), pk, "STATE");
        check(Key::Run(&acme, run), pk, "RUN#0000000123");
        check(
            Key::Request(&acme, "abc"),
            pk,
            "REQ#ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        );
        check(
            Key::Call(&acme, call),
            pk,
            "CALL#01932c07-a5d4-7000-8000-00000000abcd",
        );
        check(Key::Cleanup(&acme), pk, "CLEANUP");
        check(Key::Config(&acme), pk, "CONFIG");
        check(Key::Lead(&acme, lead), "LEADS#acme", "LEAD#0000000045");
        check(Key::List(&acme, list), pk, "LIST#0000000006");
        let upload = "000000000000000000000000000000cd".parse().unwrap();
        check(
            Key::Upload(&acme, upload),
            pk,
            "UPLOAD#000000000000000000000000000000cd",
        );
        check(Key::Erasure(&acme, "0000000045"), pk, "ERASURE#0000000045");
        check(Key::Counters(&acme), pk, "COUNTERS");
        check(Key::Gone(&acme), pk, "GONE");
        check(Key::CredentialOf(&acme, "k1"), pk, "APIKEY#k1");
        check(Key::Credential("k1"), "KEY#k1", "KEY");
        check(
            Key::RosterPage(roster, 7),
            "ROSTER#000000000000000000000000000000ab",
            "00007",
        );
    }

    #[test]
    fn the_number_in_a_key_is_read_back() {
        let acme: BusinessId = "acme".parse().unwrap();
        let item = Key::Lead(&acme, LeadId::new(45).unwrap()).attributes();
        assert_eq!(number_of(&item, LEAD).unwrap(), 45);
        assert!(number_of(&item, RUN).is_err());
    }
}
