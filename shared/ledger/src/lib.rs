//! The stored record of everything: one DynamoDB table, and the only crate that knows it.
//!
//! Every write has a condition, or says why it needs none. Losing a race is an answer;
//! an error means that it could not be found out what the table says.

mod key;
pub mod table;

mod state;
mod states;
mod write;

mod request;
mod run;
mod runs;
mod starts;

mod pages;
mod roster;
mod rosters;

mod call;
mod calls;
mod history;

mod import;
mod lead;
mod lead_book;
mod lead_calls;
mod leads;
mod list;
mod lists;
mod upload;

mod counters;

mod do_not_call;
mod erasure;

mod api_key;
mod api_keys;
mod business;
mod businesses;
mod deletion;

#[cfg(test)]
mod arbitrary;
mod batch;
mod compact;
mod conflict;
mod item;
#[cfg(test)]
mod mocked;

use anyhow::Result;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::Config;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::types::{
    ConditionCheck, Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem,
};
use aws_smithy_types::retry::ReconnectMode;
use ringfence_core::ids::BusinessId;

use crate::batch::Reading;
use crate::do_not_call::HashKeys;
use crate::item::{Item, text};
use crate::key::{BUSINESS, KEYS, Key, STATE};
use crate::lists::KnownLists;
use crate::pages::Pages;
use crate::table::{PK, SK};

pub use crate::api_key::{ApiKey, KeyListing};
pub use crate::api_keys::Revocation;
pub use crate::business::{BusinessConfig, ConfigChange};
pub use crate::businesses::{Change, ConfigChanged, Creation};
pub use crate::call::status_word;
pub use crate::calls::Page;
pub use crate::compact::{BadCursor, CallCursor};
pub use crate::deletion::{Mark, Rest};
pub use crate::do_not_call::{Additions, BadEntryId, DoNotCallEntry, EntryId, NewEntry};
pub use crate::erasure::{Erased, Erasure, Sought};
pub use crate::history::RecentFilter;
pub use crate::import::{Import, Imported, NewLead};
pub use crate::lead::LeadRecord;
pub use crate::lead_calls::LastOutcomes;
pub use crate::list::ListRecord;
pub use crate::upload::{BadUploadId, Ended, Ending, UploadClaim, UploadId, UploadLease};

/// What somebody may read who may not read everything: roles are bounded by partitions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// What belongs to businesses.
    Businesses,
    /// The API keys, found without knowing whose they are.
    Keys,
}

/// A client of the table.
///
/// How long it waits and how often it tries again is set in `client`, except that it
/// also tries again where another transaction holds the item.
pub struct Ledger {
    client: Client,
    table: String,
    pages: Pages,
    known_lists: KnownLists,
    hash_keys: HashKeys,
}

impl Ledger {
    /// A ledger in the table of this name.
    pub fn new(client: &Client, table: impl Into<String>) -> Self {
        let config = client.config().to_builder();
        let config = config.retry_classifier(conflict::Conflicts).build();
        Self {
            client: Client::from_conf(config),
            table: table.into(),
            pages: Pages::default(),
            known_lists: KnownLists::default(),
            hash_keys: HashKeys::default(),
        }
    }

    /// Opens a connection to the table, by asking for an item that cannot be there.
    ///
    /// # Errors
    ///
    /// The table did not answer. It is not asked again.
    pub async fn open(&self, side: Side) -> Result<()> {
        // No id is empty.
        let partition = match side {
            Side::Businesses => BUSINESS,
            Side::Keys => KEYS,
        };
        let once = RetryConfig::disabled();
        let once = once.with_reconnect_mode(ReconnectMode::ReuseAllConnections);
        let once = Config::builder().retry_config(once);
        self.client
            .get_item()
            .table_name(&self.table)
            .key(PK, text(partition))
            .key(SK, text(STATE))
            .consistent_read(false)
            .customize()
            .config_override(once)
            .send()
            .await?;
        Ok(())
    }

    /// Reads one item as of now.
    async fn item(&self, key: Key<'_>) -> Result<Option<Item>> {
        self.item_read(key, Reading::Consistent).await
    }

    async fn item_read(&self, key: Key<'_>, reading: Reading) -> Result<Option<Item>> {
        let read = self
            .client
            .get_item()
            .table_name(&self.table)
            .set_key(Some(key.attributes()))
            .consistent_read(reading.is_consistent())
            .send()
            .await?;
        Ok(read.item)
    }

    /// Refuses a transaction if the business was deleted.
    fn was_never_deleted(&self, business: &BusinessId) -> Result<TransactWriteItem> {
        let check = ConditionCheck::builder()
            .table_name(&self.table)
            .set_key(Some(Key::Gone(business).attributes()))
            .condition_expression("attribute_not_exists(pk)")
            .build()?;
        Ok(TransactWriteItem::builder().condition_check(check).build())
    }

    /// Puts an item where there is none, as a part of a transaction.
    fn put_new(&self, item: Item) -> Result<TransactWriteItem> {
        let put = Put::builder()
            .table_name(&self.table)
            .set_item(Some(item))
            .condition_expression("attribute_not_exists(pk)")
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .build()?;
        Ok(TransactWriteItem::builder().put(put).build())
    }
}

#[cfg(test)]
mod tests {
    use ringfence_core::ids::RosterId;
    use ringfence_flows::ledger::{Calls, Rosters, States};
    use uuid::Uuid;

    use super::*;
    use crate::arbitrary::business;

    /// `lambda_http` asks this of a handler's future, and so of all that it awaits.
    #[test]
    fn requests_may_move_between_threads() {
        fn check(_: impl Send) {}
        let ledger = mocked::ledger(&[]);
        let business = business();
        let roster = RosterId::new(Uuid::nil());
        check(ledger.load(&business));
        check(ledger.glance(&business));
        check(ledger.put_roster(roster, &[]));
        check(ledger.roster_leads(roster, &[]));
        check(ledger.missing_leads(&business, &[]));
        check(ledger.calls(&business, &[]));
        check(ledger.delete_all_leads(&business));
    }
}
