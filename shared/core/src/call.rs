//! Calls, as the carrier speaks of them and as a run counts them.

use crate::ids::{CallId, CallSid, LeadId, RunId};
use crate::time::Timestamp;

/// The carrier's word for where a call is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CallStatus {
    /// Accepted, not dialled yet. May last hours when the account's calls per second are used up.
    Queued,
    /// Being dialled. Only callbacks say so.
    Initiated,
    /// The phone rings.
    Ringing,
    /// Somebody, or a voicemail, has answered.
    InProgress,
    /// Answered and over.
    Completed,
    /// The line was busy. Final.
    Busy,
    /// The carrier could not connect the call. Final.
    Failed,
    /// Nobody answered, or somebody declined. Final.
    NoAnswer,
    /// Ended by us before it was answered. Final.
    Canceled,
}

impl CallStatus {
    /// Every status, in the order in which a call can pass them.
    pub const ALL: [Self; 9] = [
        Self::Queued,
        Self::Initiated,
        Self::Ringing,
        Self::InProgress,
        Self::Completed,
        Self::Busy,
        Self::Failed,
        Self::NoAnswer,
        Self::Canceled,
    ];

    /// Twilio's spelling, in its REST API and its callbacks alike.
    ///
    /// <https://www.twilio.com/docs/voice/api/call-resource#call-status-values>
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Initiated => "initiated",
            Self::Ringing => "ringing",
            Self::InProgress => "in-progress",
            Self::Completed => "completed",
            Self::Busy => "busy",
            Self::Failed => "failed",
            Self::NoAnswer => "no-answer",
            Self::Canceled => "canceled",
        }
    }

    /// Reads Twilio's spelling. A word that we do not know is `None`, and so never final.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == word)
    }

    /// How the job ended, if this status is final.
    pub const fn outcome(self) -> Option<Outcome> {
        match self {
            Self::Queued | Self::Initiated | Self::Ringing | Self::InProgress => None,
            Self::Completed => Some(Outcome::Completed),
            Self::Busy | Self::Failed | Self::NoAnswer => Some(Outcome::Failed),
            Self::Canceled => Some(Outcome::Canceled),
        }
    }
}

/// How a job ended. Every lead of a run reaches exactly one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The call was answered, by a person or by a voicemail.
    Completed,
    /// The call was not answered, could not be placed, or was never confirmed.
    Failed,
    /// The call was ended by us before it was answered, or never begun because its run was stopped.
    Canceled,
}

impl Outcome {
    /// The word stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Canceled => "canceled",
        }
    }
}

/// Whose call it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Job {
    /// A lead called at once, outside any run.
    Direct { lead: LeadId },
    /// The lead at `index`, from 0, of a run's roster.
    OfRun { run: RunId, index: u32 },
}

impl Job {
    /// The run it belongs to.
    pub const fn run(self) -> Option<RunId> {
        match self {
            Self::Direct { .. } => None,
            Self::OfRun { run, .. } => Some(run),
        }
    }
}

/// What the carrier said about one call, in a callback or when asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    pub call: CallId,
    pub job: Job,
    pub lead: LeadId,
    pub sid: CallSid,
    pub status: CallStatus,
    /// When the carrier said so, by its clock; by ours where it does not tell.
    pub at: Timestamp,
    /// Seconds from answer to end, on a final report of an answered call.
    pub duration_seconds: Option<u32>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(word: &str, expected: Option<&str>) {
        let status = CallStatus::parse(word).expect("a word of Twilio's");
        assert_eq!(status.as_str(), word);
        assert_eq!(status.outcome().map(Outcome::as_str), expected);
    }

    #[test]
    fn five_statuses_are_final_and_four_are_not() {
        check("queued", None);
        check("initiated", None);
        check("ringing", None);
        check("in-progress", None);
        check("completed", Some("completed"));
        check("busy", Some("failed"));
        check("failed", Some("failed"));
        check("no-answer", Some("failed"));
        check("canceled", Some("canceled"));
    }

    #[test]
    fn a_word_that_is_not_known_is_no_status() {
        for word in ["", "Completed", "in_progress", "answered"] {
            assert_eq!(CallStatus::parse(word), None, "{word}");
        }
    }
}
