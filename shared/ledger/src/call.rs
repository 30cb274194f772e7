//! A call's record as it is stored, built up by notes that may arrive in any order.
//!
//! The rank keeps the order that the notes may lack: a note of a lower rank than the
//! record's says nothing new, and the end has the highest, so the first end stands.

use anyhow::{Context, Result, bail};
use aws_sdk_dynamodb::types::AttributeValue;
use ringfence_core::call::{CallStatus, Job, Outcome};
use ringfence_core::ids::{CallId, LeadId, RunId};
use ringfence_core::phone::PhoneNumber;
use ringfence_flows::records::{CallNote, CallRecord, News, Progress};

use crate::item::{Fields, Item, number, text, time, version};
use crate::key::{CALL, id_of};

const LEAD: &str = "lead_id";
const RUN: &str = "run_id";
const INDEX: &str = "roster_index";
const LEAD_NAME: &str = "lead_name";
const TO: &str = "to_number";
const CHECKED_AT: &str = "checked_at";
const STATUS: &str = "call_status";
const OUTCOME: &str = "outcome";
const ENDED_AT: &str = "ended_at";
const SECONDS: &str = "seconds";
const ERROR: &str = "call_error";
/// When name and number were erased. No note brings them back.
const ERASED_AT: &str = "erased_at";
/// The carrier's name for the call.
pub(crate) const SID: &str = "sid";

/// The assignments of an update, and the values that they use.
#[derive(Default)]
pub(crate) struct Assignments {
    set: Vec<&'static str>,
    remove: Vec<&'static str>,
    values: Item,
}

impl Assignments {
    /// What a note says of whose call it is. The same in every note that says it.
    pub(crate) fn identity(note: &CallNote) -> Self {
        let mut identity = Self::default();
        identity.set("v = :v", [(":v", version().1)]);
        identity.set("lead_id = :lead", [(":lead", number(note.lead))]);
        if let Job::OfRun { run, index } = note.job {
            let values = [(":run", number(run)), (":index", number(index))];
            identity.set("run_id = :run, roster_index = :index", values);
        }
        if let Some(callee) = &note.who {
            let values = [
                (":name", text(&callee.name)),
                (":to", text(callee.to.expose())),
            ];
            identity.set("lead_name = :name, to_number = :to", values);
        }
        if let Some(checked_at) = note.checked_at {
            identity.set("checked_at = :checked", [(":checked", time(checked_at))]);
        }
        if let Some(sid) = &note.sid {
            identity.set("sid = :sid", [(":sid", text(sid.as_str()))]);
        }
        identity
    }

    /// Adds what a note says of the call's progress. Only to be applied to a record of a
    /// lower rank, which is among the values.
    pub(crate) fn add_news(&mut self, news: &News) -> Result<()> {
        self.set("call_rank = :rank", [(":rank", number(rank(news)?))]);
        match news {
            News::Unknown => {}
            News::Live(status) => {
                self.set(
                    "call_status = :status",
                    [(":status", text(status.as_str()))],
                );
            }
            News::Over {
                outcome,
                status,
                at,
                duration_seconds,
                error,
            } => {
                let values = [(":outcome", text(outcome.as_str())), (":at", time(*at))];
                self.set("outcome = :outcome, ended_at = :at", values);
                match status {
                    Some(status) => {
                        self.set(
                            "call_status = :status",
                            [(":status", text(status.as_str()))],
                        );
                    }
                    // Notes of a live call may come later, and are ignored then; so
                    // those that came earlier do not stay either.
                    None => self.remove.push("call_status"),
                }
                if let Some(seconds) = duration_seconds {
                    self.set("seconds = :seconds", [(":seconds", number(seconds))]);
                }
                match error {
                    Some(error) => self.set("call_error = :error", [(":error", text(error))]),
                    // That nobody could confirm it is true no longer.
                    None => self.remove.push("call_error"),
                }
            }
        }
        Ok(())
    }

    /// The update expression, and its values.
    pub(crate) fn into_expression(self) -> (String, Item) {
        let set = self.set.join(", ");
        let expression = if self.remove.is_empty() {
            format!("SET {set}")
        } else {
            format!("SET {set} REMOVE {}", self.remove.join(", "))
        };
        (expression, self.values)
    }

    fn set<const N: usize>(
        &mut self,
        assignment: &'static str,
        values: [(&'static str, AttributeValue); N],
    ) {
        self.set.push(assignment);
        self.values
            .extend(values.map(|(name, value)| (name.to_owned(), value)));
    }
}

/// The order in which a call can pass what notes say of it.
fn rank(news: &News) -> Result<u32> {
    match news {
        News::Unknown => Ok(0),
        News::Live(CallStatus::Queued) => Ok(1),
        News::Live(CallStatus::Initiated) => Ok(2),
        News::Live(CallStatus::Ringing) => Ok(3),
        News::Live(CallStatus::InProgress) => Ok(4),
        News::Live(
            CallStatus::Completed
            | CallStatus::Busy
            | CallStatus::Failed
            | CallStatus::NoAnswer
            | CallStatus::Canceled,
        ) => bail!("a call with a final status is not live"),
        News::Over { .. } if news.is_unconfirmed() => Ok(8),
        News::Over { .. } => Ok(9),
    }
}

/// Whether a record lacks something that a note says of whose call it is.
pub(crate) fn lacks_identity(item: &Item, note: &CallNote) -> bool {
    let fields = Fields::inside(item);
    let lacks_who = note.who.is_some() && !fields.has(TO);
    let lacks_check = note.checked_at.is_some() && !fields.has(CHECKED_AT);
    let lacks_sid = note.sid.is_some() && !fields.has(SID);
    lacks_who || lacks_check || lacks_sid
}

/// Reads the lead of a call, as far as it is known.
pub(crate) fn lead_of(item: &Item) -> Result<Option<LeadId>> {
    let lead = Fields::inside(item).number_if_any(LEAD)?;
    lead.map(|lead| LeadId::new(lead).context("a call has the lead 0"))
        .transpose()
}

/// Reads the number that was called, as far as it is known.
pub(crate) fn to_of(item: &Item) -> Result<Option<PhoneNumber>> {
    Fields::inside(item).parsed_if_any(TO)
}

/// Whether name and number were erased.
pub(crate) fn is_erased(item: &Item) -> bool {
    Fields::inside(item).has(ERASED_AT)
}

pub(crate) fn from_item(item: &Item) -> Result<CallRecord> {
    let fields = Fields::of(item).context("failed to read a call")?;
    let lead = lead_of(item)?;
    let job = match fields.number_if_any(RUN)? {
        Some(run) => Some(Job::OfRun {
            run: RunId::new(run).context("a call has the run 0")?,
            index: fields.number(INDEX)?,
        }),
        None => lead.map(|lead| Job::Direct { lead }),
    };
    let status = match fields.has(STATUS) {
        true => Some(fields.word(STATUS, CallStatus::parse)?),
        false => None,
    };
    let progress = match (fields.has(OUTCOME), status) {
        (true, status) => Progress::Over(fields.word(OUTCOME, outcome)?, status),
        (false, Some(status)) => Progress::Live(status),
        (false, None) => Progress::Unknown,
    };
    Ok(CallRecord {
        call: call_of(item)?,
        job,
        lead,
        lead_name: fields.text_if_any(LEAD_NAME)?.map(str::to_owned),
        to: to_of(item)?,
        checked_at: fields.time_if_any(CHECKED_AT)?,
        sid: fields.parsed_if_any(SID)?,
        progress,
        ended_at: fields.time_if_any(ENDED_AT)?,
        duration_seconds: fields.number_if_any(SECONDS)?,
        error: fields.text_if_any(ERROR)?.map(str::to_owned),
    })
}

/// Reads whose item it is.
pub(crate) fn call_of(item: &Item) -> Result<CallId> {
    let id = id_of(item, CALL)?.parse();
    id.context("a call's key has no call id")
}

/// The word by which clients know how far a call is: the carrier's last one, or ours
/// where it has none.
pub const fn status_word(progress: Progress) -> &'static str {
    match progress {
        Progress::Unknown => "unknown",
        Progress::Live(status) | Progress::Over(_, Some(status)) => status.as_str(),
        Progress::Over(outcome, None) => outcome.as_str(),
    }
}

fn outcome(word: &str) -> Option<Outcome> {
    let outcomes = [Outcome::Completed, Outcome::Failed, Outcome::Canceled];
    outcomes
        .into_iter()
        .find(|outcome| outcome.as_str() == word)
}

#[cfg(test)]
mod tests;
