//! The truth as JSON, for judges in other processes.
//!
//! It has whole phone numbers: it is for the machine that simulates the calls.

use serde_json::{Value, json};

use super::super::call::{Mark, Tag};
use super::super::twiml::Twiml;
use super::{CallTruth, CreateTruth, Dialled, Duplicate, Injected, Truth, Verdict};

impl Truth {
    /// Everything in it, with the audits over it.
    pub fn to_json(&self) -> Value {
        json!({
            "live": self.live(),
            "counts": self.counts(),
            "peak_live": {
                "by_business": self.peak_live_by_business(),
                "by_caller_id": self.peak_live(|call| call.from.expose().to_owned()),
            },
            "duplicate_dials": self.duplicate_dials().iter().map(duplicate).collect::<Vec<_>>(),
            "overlapping_numbers": self
                .overlapping_numbers()
                .iter()
                .map(|(one, other)| [one.as_str(), other.as_str()])
                .collect::<Vec<_>>(),
            "injected": injected(&self.injected),
            "forgotten": self.forgotten,
            "calls": self.calls.iter().map(call).collect::<Vec<_>>(),
            "creates": self.creates.iter().map(create).collect::<Vec<_>>(),
        })
    }
}

fn call(call: &CallTruth) -> Value {
    let mut shown = json!({
        "sid": call.sid.as_str(),
        "from": call.from.expose(),
        "to": call.to.expose(),
        "status": call.status.as_str(),
        "accepted": mark(call.accepted),
        "dialled": call.dialled.map(mark),
        "answered": call.answered.map(mark),
        "ended": call.ended.map(mark),
        "final_sent": call.final_sent.map(mark),
        "twiml": match call.twiml {
            Twiml::NotAsked => "not_asked",
            Twiml::Speaks => "speaks",
            Twiml::HangsUp => "hangs_up",
            Twiml::Invalid => "invalid",
            Twiml::Unreachable => "unreachable",
        },
    });
    tag(&mut shown, &call.tag);
    shown
}

fn create(create: &CreateTruth) -> Value {
    let (verdict, sid, code) = match &create.verdict {
        Verdict::Unread => ("unread", None, None),
        Verdict::Made(sid) => ("made", Some(sid.as_str()), None),
        Verdict::NotMade(_) => ("not_made", None, None),
        Verdict::Refused(code) => ("refused", None, Some(*code)),
        Verdict::TooMany => ("too_many", None, None),
    };
    let mut shown = json!({
        "arrived": mark(create.arrived),
        "verdict": verdict,
        "sid": sid,
        "code": code,
    });
    tag(&mut shown, &create.tag);
    shown
}

/// Adds what the callback's address says of the call, under the API's own names.
fn tag(shown: &mut Value, tag: &Tag) {
    let Tag {
        business,
        call,
        lead,
        run,
        index,
    } = tag;
    shown["business_id"] = json!(business);
    shown["call_id"] = json!(call);
    shown["lead_id"] = json!(lead);
    shown["run_id"] = json!(run);
    shown["position"] = json!(index);
}

fn mark(mark: Mark) -> Value {
    json!({ "tick": mark.tick, "at_ms": mark.at.as_millis() })
}

fn duplicate(duplicate: &Duplicate) -> Value {
    let calls: Vec<&str> = duplicate.calls.iter().map(|sid| sid.as_str()).collect();
    match &duplicate.what {
        Dialled::Job {
            business,
            run,
            index,
        } => json!({ "business_id": business, "run_id": run, "position": index, "calls": calls }),
        Dialled::Call { business, call } => {
            json!({ "business_id": business, "call_id": call, "calls": calls })
        }
    }
}

fn injected(injected: &Injected) -> Value {
    let Injected {
        lost,
        doubled,
        late,
        reordered,
        early_finals,
        ambiguous_made,
        ambiguous_unmade,
        too_many,
        refused,
        stale,
    } = injected;
    json!({
        "lost": lost,
        "doubled": doubled,
        "late": late,
        "reordered": reordered,
        "early_finals": early_finals,
        "ambiguous_made": ambiguous_made,
        "ambiguous_unmade": ambiguous_unmade,
        "too_many": too_many,
        "refused": refused,
        "stale": stale,
    })
}
