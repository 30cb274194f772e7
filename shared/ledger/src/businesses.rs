//! Makes businesses, reads and changes what they have set, and finds those with work.

use std::collections::HashMap;

use anyhow::{Context, Result};
use aws_sdk_dynamodb::types::ReturnValue;
use ringfence_core::ids::BusinessId;
use ringfence_core::state::State;
use ringfence_flows::ledger::Stored;

use crate::batch::Reading;
use crate::business::{self, BusinessConfig, ConfigChange};
use crate::item::{Fields, Item, text, version};
use crate::key::{BUSINESS, Key};
use crate::table::{PK, WORK, WORK_INDEX};
use crate::write::{Failure, WriteId, canceled_by};
use crate::{Ledger, Page, state};

/// Whether a business was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Creation {
    Created,
    /// There is one of this id, or was one. It is left as it is.
    Exists,
}

/// Whether a business was changed, and what it has set since.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum ConfigChanged {
    To(BusinessConfig),
    NoSuchBusiness,
}

/// Whether something of a business was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Change {
    Changed,
    NoSuchBusiness,
}

impl Ledger {
    /// Makes a business: its settings and its state, or neither.
    ///
    /// # Errors
    ///
    /// When it could not be found out whether it was made.
    pub async fn create_business(
        &self,
        business: &BusinessId,
        config: &BusinessConfig,
        state: &State,
    ) -> Result<Creation> {
        let write = WriteId::fresh();
        let stored = Stored {
            state: state.clone(),
            rev: 1,
        };
        let config = business::to_item(business, config);
        let state = state::to_item(business, &stored, write);
        let sent = self
            .client
            .transact_write_items()
            .transact_items(self.put_new(config)?)
            .transact_items(self.put_new(state)?)
            .transact_items(self.was_never_deleted(business)?)
            .client_request_token(write.token())
            .send()
            .await;
        let Err(error) = sent else {
            return Ok(Creation::Created);
        };
        if canceled_by(&error, 2).is_some() {
            return Ok(Creation::Exists);
        }
        match canceled_by(&error, 1) {
            Some(Some(item)) if write.wrote(item) => Ok(Creation::Created),
            Some(_) => Ok(Creation::Exists),
            None => Err(error).context("failed to create a business"),
        }
    }

    /// What a business has set (a consistent read).
    ///
    /// # Errors
    ///
    /// When the table could not be read.
    pub async fn config(&self, business: &BusinessId) -> Result<Option<BusinessConfig>> {
        let item = self.item(Key::Config(business)).await;
        let item = item.context("failed to read a business")?;
        item.as_ref().map(business::from_item).transpose()
    }

    /// The same, perhaps as it was a moment ago (an eventually consistent read, which costs half).
    ///
    /// # Errors
    ///
    /// When the table could not be read.
    pub async fn glance_at_config(&self, business: &BusinessId) -> Result<Option<BusinessConfig>> {
        let item = self
            .item_read(Key::Config(business), Reading::Eventual)
            .await;
        match item.context("failed to read a business")? {
            Some(item) => business::from_item(&item).map(Some),
            // Only an up-to-date answer proves that it does not exist.
            None => self.config(business).await,
        }
    }

    /// Changes what a business has set, and nothing that is not said: whoever changes
    /// something else at the same time loses nothing.
    ///
    /// # Errors
    ///
    /// When it could not be found out whether it was changed; changing it again is safe.
    pub async fn change_config(
        &self,
        business: &BusinessId,
        change: &ConfigChange,
    ) -> Result<ConfigChanged> {
        let (version, value) = version();
        let changes = change.attributes().chain([(version, value)]);
        let (mut sets, mut values) = (Vec::new(), HashMap::new());
        for (name, value) in changes {
            sets.push(format!("{name} = :{name}"));
            values.insert(format!(":{name}"), value);
        }
        let sent = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(Key::Config(business).attributes()))
            .update_expression(format!("SET {}", sets.join(", ")))
            .condition_expression("attribute_exists(pk)")
            .set_expression_attribute_values(Some(values))
            .return_values(ReturnValue::AllNew)
            .send()
            .await;
        match sent.map_err(Failure::from) {
            Ok(changed) => {
                let item = changed.attributes().context("a change has no result")?;
                Ok(ConfigChanged::To(business::from_item(item)?))
            }
            Err(Failure::Refused(_)) => Ok(ConfigChanged::NoSuchBusiness),
            Err(Failure::Unclear(error)) => Err(error).context("failed to change a business"),
        }
    }

    /// Some of the businesses in a shard of the index that have work, `after` one of them.
    ///
    /// Eventually consistent, as every index is: what is missing now is there at the next sweep.
    ///
    /// # Errors
    ///
    /// When the table could not be read.
    pub async fn businesses_with_work(
        &self,
        shard: u32,
        after: Option<&BusinessId>,
    ) -> Result<Page<BusinessId, BusinessId>> {
        let from = after.map(|business| {
            let mut from = Key::State(business).attributes();
            from.insert(WORK.to_owned(), text(shard.to_string()));
            from
        });
        let found = self
            .client
            .query()
            .table_name(&self.table)
            .index_name(WORK_INDEX)
            .key_condition_expression("#work = :shard")
            .expression_attribute_names("#work", WORK)
            .expression_attribute_values(":shard", text(shard.to_string()))
            .consistent_read(false)
            .set_exclusive_start_key(from)
            .send()
            .await
            .context("failed to look for work")?;
        let items = found.items().iter().map(business_of);
        Ok(Page {
            items: items.collect::<Result<_>>()?,
            next: found.last_evaluated_key().map(business_of).transpose()?,
        })
    }

    /// The states of these businesses, of those that exist, in no particular order
    /// (eventually consistent reads, in few requests). Each business only once.
    ///
    /// # Errors
    ///
    /// When the table could not be read. A state that is malformed, or whose books do not
    /// balance, is left out.
    pub async fn glance_at_all(
        &self,
        businesses: &[BusinessId],
    ) -> Result<Vec<(BusinessId, Stored)>> {
        let keys = businesses.iter().map(|id| Key::State(id).attributes());
        let items = self.items(keys.collect(), None, Reading::Eventual).await;
        let items = items.context("failed to glance at states")?;
        let read = items.iter().filter_map(|item| {
            let business = business_of(item).ok()?;
            let stored = state::from_item(item).ok()?;
            stored
                .state
                .imbalance()
                .is_none()
                .then_some((business, stored))
        });
        Ok(read.collect())
    }
}

fn business_of(item: &Item) -> Result<BusinessId> {
    let pk = Fields::inside(item).text(PK)?;
    let id = pk.strip_prefix(BUSINESS).and_then(|id| id.parse().ok());
    id.context("a key names no business")
}
