//! The routes of this function, described.

use ringfence_carrier::callback::{CALL_PATH, STATUS_PATH};
use ringfence_carrier::twiml;
use ringfence_shell::describe::{
    Access, Answer, Content, Input, Operation, Parameter, any_text, form, id, refusal, whole,
};
use serde_json::json;

/// The operations of this function.
pub fn describe() -> Vec<Operation> {
    let status = Operation {
        method: "POST",
        path: STATUS_PATH,
        id: "reportCall",
        summary: "Takes a report on a call; Twilio calls it",
        access: Access::Twilio,
        parameters: tag(),
        body: Some(body()),
        answers: vec![Answer::empty(
            204,
            "It is handed on, or about no call of ours",
        )],
        refusals: vec![],
    };
    let media_type = twiml::CONTENT_TYPE.split(';').next().unwrap_or_default();
    let say = Operation {
        method: "POST",
        path: CALL_PATH,
        id: "answerCall",
        summary: "Says what happens in a call that was answered; Twilio calls it",
        access: Access::Twilio,
        parameters: tag(),
        body: Some(body()),
        answers: vec![Answer::text(200, "TwiML", media_type, any_text())],
        refusals: vec![refusal(404, "not_found", &[])],
    };
    vec![status, say]
}

/// What our address says of the call it is for.
fn tag() -> Vec<Parameter> {
    let uuid = "^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$";
    vec![
        Parameter::query("b", "The business", form("^[a-z0-9-]{1,32}$")),
        Parameter::query("c", "The call's id", form(uuid)),
        Parameter::query("l", "The lead", id()),
        Parameter::query("r", "The run, if the call is of one", id()),
        Parameter::query("i", "The lead's place in the run", whole(0, u32::MAX)),
    ]
}

/// Of what Twilio sends, what is read.
fn body() -> Input {
    let schema = json!({
        "type": "object",
        "properties": {
            "AccountSid": { "type": "string" },
            "CallSid": { "type": "string" },
            "CallStatus": { "type": "string" },
            "CallDuration": { "type": "string" },
            "Timestamp": { "type": "string" },
        },
    });
    let content = Content {
        media_type: "application/x-www-form-urlencoded",
        schema,
        example: None,
    };
    Input {
        is_required: false,
        contents: vec![content],
    }
}
