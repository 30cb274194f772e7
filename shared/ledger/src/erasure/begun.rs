//! How far an erasure is, as it is stored, until nothing is left.

use anyhow::{Context, Result};
use ringfence_core::ids::{BusinessId, CallId, LeadId};

use super::Erasure;
use crate::Ledger;
use crate::do_not_call::EntryId;
use crate::item::{Fields, Item, text, version};
use crate::key::Key;

/// How far an erasure is, as it is stored.
#[derive(Debug, Clone, Default)]
pub(super) struct Begun {
    pub(super) number: Option<EntryId>,
    /// No call up to this one tells the number.
    pub(super) searched: Option<CallId>,
    pub(super) done: Option<CallId>,
}

const NUMBER: &str = "number";
pub(super) const SEARCHED: &str = "searched";
pub(super) const DONE: &str = "done";

impl Ledger {
    /// Writes down whose number it is, before the lead that tells it is deleted.
    ///
    /// # Errors
    ///
    /// It may not be written down. Nothing was erased.
    pub async fn begin_erasure(&self, business: &BusinessId, erasure: &Erasure) -> Result<()> {
        let (Some(lead), Some(number)) = (erasure.lead, &erasure.number) else {
            return Ok(());
        };
        let name = name_of(lead);
        self.keep_text(business, &name, NUMBER, number.as_str())
            .await
    }

    pub(super) async fn begun(&self, business: &BusinessId, name: &str) -> Result<Option<Begun>> {
        let item = self.item(Key::Erasure(business, name)).await;
        let item = item.context("failed to read how far an erasure is")?;
        item.as_ref().map(Begun::from_item).transpose()
    }

    pub(super) async fn keep(
        &self,
        business: &BusinessId,
        name: &str,
        what: &'static str,
        call: Option<CallId>,
    ) -> Result<()> {
        let call = call.context("an erasure stops at a call")?;
        self.keep_text(business, name, what, &call.to_string())
            .await
    }

    async fn keep_text(
        &self,
        business: &BusinessId,
        name: &str,
        what: &'static str,
        value: &str,
    ) -> Result<()> {
        // No condition: it is true whoever else erases the same person.
        let sent = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(Key::Erasure(business, name).attributes()))
            .update_expression("SET v = :v, #what = :value")
            .expression_attribute_names("#what", what)
            .expression_attribute_values(":v", version().1)
            .expression_attribute_values(":value", text(value))
            .send()
            .await;
        sent.context("failed to write down how far an erasure is")?;
        Ok(())
    }
}

impl Begun {
    fn from_item(item: &Item) -> Result<Self> {
        let fields = Fields::of(item).context("failed to read how far an erasure is")?;
        Ok(Self {
            number: fields.parsed_if_any(NUMBER)?,
            searched: fields.parsed_if_any(SEARCHED)?,
            done: fields.parsed_if_any(DONE)?,
        })
    }
}

pub(super) fn name_of(lead: LeadId) -> String {
    format!("{:010}", lead.get())
}
